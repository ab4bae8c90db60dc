# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import ipaddress

import pytest

from ansible_collections.toombos.incident.plugins.module_utils._containment.networks import (
    Unfit,
    covers,
    read_address,
    read_network,
)
from ansible_collections.toombos.incident.plugins.module_utils._containment.wish import read_wish
from ansible_collections.toombos.incident.plugins.module_utils._errors import IncidentError

# What people write, and the words that they get.
WRONG = [
    ("", "must be an address or a network"),
    ("   ", "must be an address or a network"),
    (None, "must be an address or a network"),
    (10, "must be an address or a network"),
    (True, "must be an address or a network"),
    (["10.0.0.0/8"], "must be an address or a network"),
    ("jump.example.org", "names are not looked up"),
    ("10.0.0", "is no address"),
    ("10.0.0.256", "is no address"),
    ("10.0.0.0/33", "is no address"),
    ("10.0.0.0/-1", "is no address"),
    ("10.0.0.010", "is no address"),
    ("10.0.0.1:22", "is no address"),
    ("10.0.0.1,10.0.0.2", "is no address"),
    ("10.0.0.1-10.0.0.9", "is no address"),
    ("[2001:db8::1]", "is no address"),
    ("2001:db8:::1", "is no address"),
    ("2001:db8::/129", "is no address"),
    ("root@10.0.0.1", "is no address"),
    ("any", "is no address"),
    ("fe80::1%eth0", "must be without a zone"),
    ("10.1.2.3/24", "has host bits set, write 10.1.2.0/24 for the network or 10.1.2.3 for the address"),
    ("2001:db8::5/64", "has host bits set, write 2001:db8::/64 for the network or 2001:db8::5 for the address"),
    ("0.0.0.0/0", "is too wide, at most /8"),
    ("::/0", "is too wide, at most /16"),
    ("128.0.0.0/1", "is too wide, at most /8"),
    ("2000::/3", "is too wide, at most /16"),
    ("::ffff:10.0.0.1", "is an IPv4 address in the clothes of IPv6, write 10.0.0.1"),
    ("224.0.0.1", "is multicast"),
    ("ff02::1", "is multicast"),
    ("127.0.0.1", "is no address that somebody else can have"),
    ("::1", "is no address that somebody else can have"),
    ("0.0.0.0", "is no address that somebody else can have"),
    ("::", "is no address that somebody else can have"),
    ("255.255.255.255", "is no address that somebody else can have"),
]


@pytest.mark.parametrize(("value", "words"), WRONG, ids=lambda value: repr(value)[:30])
def test_what_is_no_network_of_responders_is_refused_with_what_is_wrong(value, words):
    with pytest.raises(Unfit) as raised:
        read_network(value)
    assert str(raised.value).startswith(words) or words in str(raised.value)
    with pytest.raises(IncidentError) as refused:
        read_wish({"management": [value]})
    assert f"management: {value!r} {raised.value}" in str(refused.value)
    assert refused.value.way_out == "Nothing was changed. Correct it."


@pytest.mark.parametrize(
    ("text", "network"),
    [
        ("192.0.2.7", "192.0.2.7/32"),
        (" 192.0.2.0/24 ", "192.0.2.0/24"),
        ("192.0.2.0/255.255.255.0", "192.0.2.0/24"),
        ("10.0.0.0/8", "10.0.0.0/8"),
        ("2001:DB8::7", "2001:db8::7/128"),
        ("2001:db8:0:0::/64", "2001:db8::/64"),
    ],
)
def test_what_is_one_is_read_in_its_canonical_form(text, network):
    assert str(read_network(text)) == network


@pytest.mark.parametrize(
    ("text", "address"),
    [("192.0.2.7", "192.0.2.7"), ("::ffff:192.0.2.7", "192.0.2.7"), ("fe80::1%eth0", "fe80::1")],
)
def test_an_address_is_read_as_the_kernel_says_it(text, address):
    assert read_address(text) == ipaddress.ip_address(address)


def test_an_address_is_covered_by_networks_of_its_own_family_only():
    networks = ("192.0.2.0/24", "2001:db8::/64")
    assert covers(networks, ipaddress.ip_address("192.0.2.9"))
    assert covers(networks, ipaddress.ip_address("2001:db8::9"))
    assert not covers(networks, ipaddress.ip_address("192.0.3.9"))
    assert not covers((), ipaddress.ip_address("192.0.2.9"))
