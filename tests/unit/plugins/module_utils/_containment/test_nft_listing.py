# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from ansible_collections.toombos.incident.plugins.module_utils._containment import nft_listing

OURS = """table inet toombos_incident {
\tchain input {
\t\ttype filter hook input priority -150; policy drop;
\t\tiifname "lo" counter packets 4 bytes 240 accept comment "loopback"
\t\tcounter packets 7 bytes 420 drop comment "cut"
\t}
}
"""
BRIDGE = """table bridge toombos_incident {
\tchain forward {
\t\tcounter packets 1 bytes 2 drop comment "cut"
\t}
}
"""
OTHERS = """# Warning: table ip filter is managed by iptables-nft, do not touch!
table ip filter {
\tset bans {
\t\ttype ipv4_addr
\t\tflags dynamic,timeout
\t\telements = { 192.0.2.1 expires 5s,
\t\t\t     192.0.2.2 expires 6s }
\t}
\tset admins {
\t\ttype ipv4_addr
\t\telements = { 192.0.2.9 }
\t}
\tchain INPUT {
\t\ttype filter hook input priority filter; policy accept;
\t\ttcp dport 9 counter packets 3 bytes 4 accept
\t}
}
"""


def test_what_is_ours_is_told_from_what_is_not():
    found = nft_listing.others(OURS + OTHERS + BRIDGE)
    assert found == nft_listing.others(OTHERS)
    assert "toombos" not in found
    assert "tcp dport 9 counter accept" in found
    assert "Warning" not in found


def test_what_moves_by_itself_is_left_out_and_what_is_set_is_not():
    found = nft_listing.others(OTHERS)
    assert "192.0.2.1" not in found
    assert "elements = { 192.0.2.9 }" in found
    assert found == nft_listing.others(OTHERS.replace("packets 3 bytes 4", "packets 9 bytes 9").replace("5s", "4s"))
    assert found != nft_listing.others(OTHERS.replace("192.0.2.9", "192.0.2.8"))
    assert found != nft_listing.others(OTHERS.replace("dport 9", "dport 8"))


def test_a_listing_is_the_same_whatever_was_counted():
    assert nft_listing.canonical(OURS) == nft_listing.canonical(
        OURS.replace("packets 7 bytes 420", "packets 0 bytes 0")
    )
    assert 'counter drop comment "cut"' in nft_listing.canonical(OURS)
    assert nft_listing.canonical(OURS) != nft_listing.canonical(OURS.replace("drop comment", "accept comment"))


def test_counters_are_read_with_their_rules():
    assert nft_listing.counters(OURS + BRIDGE) == [
        {"chain": "inet input", "rule": 'iifname "lo" counter accept comment "loopback"', "packets": 4, "bytes": 240},
        {"chain": "inet input", "rule": 'counter drop comment "cut"', "packets": 7, "bytes": 420},
        {"chain": "bridge forward", "rule": 'counter drop comment "cut"', "packets": 1, "bytes": 2},
    ]


def test_our_tables_are_found_by_family():
    assert nft_listing.families_of("table ip filter\ntable bridge toombos_incident\n") == ["bridge"]
    assert nft_listing.families_of("table inet toombos_incident\ntable bridge toombos_incident\n") == ["inet", "bridge"]
    assert nft_listing.families_of("table inet toombos_incident_2\n") == []
