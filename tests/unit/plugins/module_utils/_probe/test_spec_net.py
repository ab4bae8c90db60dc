# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading probes of TLS, names and unix sockets from the catalogue."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.toombos.incident.plugins.module_utils._probe.spec import ProbeSpecError, parse_probe
from ansible_collections.toombos.incident.plugins.module_utils._probe.targets import (
    DnsTarget,
    Latency,
    TlsTarget,
    UnixTarget,
)

DAY = 86400.0


@pytest.mark.parametrize(
    ("raw", "target"),
    [
        ({"kind": "unix", "path": "/run/x.sock"}, UnixTarget("/run/x.sock")),
        (
            {"kind": "unix", "path": "/run/x.sock", "send": "PING\n", "expect": "^PONG"},
            UnixTarget("/run/x.sock", "PING\n", "^PONG"),
        ),
        ({"kind": "tls", "port": "443"}, TlsTarget(443, expiry=Latency(14 * DAY, DAY))),
        (
            {
                "kind": "tls",
                "port": 443,
                "address": "::1",
                "server_name": "a.example.org",
                "ca_file": "/etc/ca.pem",
                "verify": "no",
                "expiry": {"warn": "30d", "fail": "2d"},
            },
            TlsTarget(443, "::1", "a.example.org", "/etc/ca.pem", False, Latency(30 * DAY, 2 * DAY)),
        ),
        # One bound alone moves the other out of its way.
        ({"kind": "tls", "port": 1, "expiry": {"warn": "12h"}}, TlsTarget(1, expiry=Latency(DAY / 2, DAY / 2))),
        ({"kind": "tls", "port": 1, "expiry": {"fail": "20d"}}, TlsTarget(1, expiry=Latency(20 * DAY, 20 * DAY))),
        (
            {"kind": "tls", "port": 1, "server_name": "10.0.0.1"},
            TlsTarget(1, "127.0.0.1", "10.0.0.1", expiry=Latency(14 * DAY, DAY)),
        ),
        ({"kind": "dns", "name": "a.example.org"}, DnsTarget("a.example.org", "A", None, 53, (), 1)),
        (
            {
                "kind": "dns",
                "name": "a.example.org",
                "type": "aaaa",
                "server": "10.0.0.53",
                "port": 5353,
                "expect": {"values": ["0:0::1"], "min": 2},
            },
            DnsTarget("a.example.org", "AAAA", "10.0.0.53", 5353, ("::1",), 2),
        ),
        (
            {"kind": "dns", "name": "10.0.0.1", "type": "PTR"},
            DnsTarget("1.0.0.10.in-addr.arpa", "PTR", None, 53, (), 1),
        ),
    ],
)
def test_targets(raw: dict[str, Any], target: object) -> None:
    assert parse_probe("p", raw, where="p").target == target


@pytest.mark.parametrize(
    ("raw", "line"),
    [
        ({"kind": "unix"}, "p.path: is missing"),
        ({"kind": "unix", "path": "run"}, "p.path: 'run' is not an absolute path"),
        ({"kind": "unix", "path": "/x", "send": "PING"}, "p.send: says something, but expect does not"),
        ({"kind": "unix", "path": "/x", "send": 1, "expect": "a"}, "p.send: 1 must be text"),
        ({"kind": "unix", "path": "/x", "expect": "("}, "p.expect: '(' is not a regular expression"),
        ({"kind": "tls"}, "p.port: is missing"),
        ({"kind": "tls", "port": 1, "server_name": ".example.org"}, "p.server_name: '.example.org' is not a name"),
        ({"kind": "tls", "port": 1, "server_name": "a" * 64 + ".org"}, "p.server_name: 'aaa"),
        ({"kind": "tls", "port": 1, "server_name": "\u00e4" * 64 + ".org"}, "p.server_name: "),
        ({"kind": "tls", "port": 1, "ca_file": "ca.pem"}, "p.ca_file: 'ca.pem' is not an absolute path"),
        ({"kind": "tls", "port": 1, "verify": "maybe"}, "p.verify: 'maybe' is neither true nor false"),
        ({"kind": "tls", "port": 1, "expiry": {"wran": "1d"}}, "p.expiry.wran: unknown key (did you mean 'warn'?)"),
        ({"kind": "tls", "port": 1, "expiry": {"warn": "1d", "fail": "2d"}}, "p.expiry.warn: is later than fail"),
        ({"kind": "dns"}, "p.name: is missing"),
        ({"kind": "dns", "name": "a..b"}, "p.name: 'a..b' is not a name"),
        ({"kind": "dns", "name": "a", "type": "AAA"}, "p.type: 'AAA' is no type (did you mean 'AAAA'?)"),
        (
            {"kind": "dns", "name": "a", "expect": {"values": ["::1"]}},
            "p.expect.values[0]: '::1' is no address of type A",
        ),
        ({"kind": "dns", "name": "a", "expect": {"min": -1}}, "p.expect.min: -1 must be 0 or more"),
    ],
)
def test_problems(raw: dict[str, Any], line: str) -> None:
    with pytest.raises(ProbeSpecError) as caught:
        parse_probe("p", raw, where="p")
    assert [found for found in caught.value.problems if found.startswith(line)], caught.value.problems
