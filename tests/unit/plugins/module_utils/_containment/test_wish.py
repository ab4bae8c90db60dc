# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest

from ansible_collections.toombos.incident.plugins.module_utils._containment import types as t
from ansible_collections.toombos.incident.plugins.module_utils._containment.wish import read_wish
from ansible_collections.toombos.incident.plugins.module_utils._errors import IncidentError

ALLOWED = {"to": "192.0.2.53", "port": 53, "protocol": "udp", "why": "the resolver"}


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"management": "192.0.2.0/24"}, "management must be a list"),
        ({"management": {"net": "192.0.2.0/24"}}, "management must be a list"),
        ({"protected": "192.0.2.1"}, "protected must be a list"),
        ({"protected": ["x"]}, "protected: 'x' is no address"),
        ({"allow": "192.0.2.53"}, "allow must be a list"),
        ({"allow": ["192.0.2.53"]}, "allow[0] must be a mapping with to, port, protocol and why"),
        ({"ssh_port": 65536}, "ssh_port: 65536 is no port (1 to 65535)"),
        ({"ssh_port": -1}, "ssh_port: -1 is no port"),
        ({"ssh_port": "22"}, "ssh_port: '22' is no port"),
        ({"ssh_port": True}, "ssh_port: True is no port"),
        ({"allow": [{**ALLOWED, "to": "192.0.2.0/24"}]}, "allow[0].to: '192.0.2.0/24' is not one exact address"),
        ({"allow": [{**ALLOWED, "to": "dns.example.org"}]}, "allow[0].to: 'dns.example.org' is no address"),
        ({"allow": [{**ALLOWED, "port": None}]}, "allow[0].port: None is no port"),
        ({"allow": [{**ALLOWED, "protocol": "icmp"}]}, "allow[0].protocol: 'icmp' is not one of tcp, udp"),
        ({"allow": [{**ALLOWED, "why": " "}]}, "allow[0].why is missing"),
        ({"allow": [{**ALLOWED, "form": 1}]}, "allow[0].form is unknown, there are port, protocol, to, why"),
    ],
)
def test_what_is_wrong_is_refused_with_its_place(options, words):
    with pytest.raises(IncidentError) as raised:
        read_wish(options)
    assert words in raised.value.message


def test_everything_that_is_wrong_is_told_at_once():
    with pytest.raises(IncidentError) as raised:
        read_wish({"management": ["a", "b"], "ssh_port": 0.5, "allow": [{}]})
    for words in ("'a'", "'b'", "ssh_port", "allow[0].to", "allow[0].port", "allow[0].why"):
        assert words in raised.value.message


def test_what_is_right_is_read():
    wish = read_wish(
        {
            "management": ["192.0.2.0/24", "2001:db8::7"],
            "ssh_port": 2222,
            "allow": [ALLOWED, {"to": "2001:db8::514", "port": 6514, "why": "logs"}],
            "protected": ["198.51.100.1"],
            "backend": "iptables",
            "keep_responder": False,
        }
    )
    assert wish == t.Wish(
        management=("192.0.2.0/24", "2001:db8::7/128"),
        ssh_port=2222,
        allow=(
            t.Flow(4, t.OUT, "192.0.2.53/32", "udp", 53, "the resolver"),
            t.Flow(6, t.OUT, "2001:db8::514/128", "tcp", 6514, "logs"),
        ),
        protected=("198.51.100.1/32",),
        backend="iptables",
        keep_responder=False,
    )


def test_what_is_left_out_is_observed():
    assert read_wish({"management": None, "ssh_port": None}) == t.Wish(management=())
