# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest
from fake_programs import FakePrograms

from ansible_collections.toombos.incident.plugins.module_utils._containment import types as t, xtables
from ansible_collections.toombos.incident.plugins.module_utils._containment.by_iptables import Iptables
from ansible_collections.toombos.incident.plugins.module_utils._errors import IncidentError

FLOWS = [t.Flow(4, t.IN, "192.0.2.0/24", t.TCP, 22, t.MANAGEMENT)]
NOTHING = "*filter\n:INPUT ACCEPT [0:0]\n:FORWARD ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\nCOMMIT\n"
THERE = (
    "*filter\n:INPUT ACCEPT [0:0]\n:INCIDENT_FORWARD - [0:0]\n:INCIDENT_IN - [0:0]\n:INCIDENT_OUT - [0:0]\n"
    "-A INPUT -j INCIDENT_IN\n-A FORWARD -j INCIDENT_FORWARD\n-A OUTPUT -j INCIDENT_OUT\n"
    "-A INCIDENT_FORWARD -j DROP\n-A INCIDENT_IN -j DROP\n-A INCIDENT_OUT -j DROP\nCOMMIT\n"
)


@pytest.fixture
def proc(tmp_path):
    (tmp_path / "net").mkdir()
    (tmp_path / "net/if_inet6").write_text("")
    return tmp_path


def make(proc, *answers, which=None):
    programs = FakePrograms(*answers)
    return Iptables(programs.run, which or programs.which, str(proc)), programs


def loaded(programs):
    return [command for command, _text in programs.asked if "-restore" in command and "--test" not in command]


def test_both_families_are_rehearsed_and_then_loaded_each_in_one_transaction(proc):
    backend, programs = make(proc, ("-save", 0, NOTHING))
    backend.isolate(iter(FLOWS))
    commands = [command for command, _text in programs.asked if "-restore --noflush" in command]
    assert commands == [
        "ip6tables-restore --noflush --wait 5 --test",
        "iptables-restore --noflush --wait 5 --test",
        "ip6tables-restore --noflush --wait 5",
        "iptables-restore --noflush --wait 5",
    ]
    assert programs.asked[-1][1] == xtables.isolation(4, FLOWS, NOTHING)


def test_a_kernel_without_ipv6_has_one_family(proc):
    (proc / "net/if_inet6").unlink()
    backend, programs = make(proc, ("-save", 0, NOTHING), which=lambda name: "" if name.startswith("ip6") else name)
    assert backend.unusable() == ""
    backend.isolate(FLOWS)
    assert loaded(programs) == ["iptables-restore --noflush --wait 5"]
    assert backend.rehearse(FLOWS).startswith("# IPv4\n*filter\n")


def test_what_fails_in_a_rehearsal_is_loaded_for_no_family(proc):
    # The other family, and only with the flows.
    backend, programs = make(proc, ("iptables-restore & --test & 192.0.2.0", 2, "no such match"), ("-save", 0, NOTHING))
    with pytest.raises(IncidentError, match="iptables-restore did not isolate this host for IPv4: no such match"):
        backend.isolate(FLOWS)
    assert loaded(programs) == []


def test_the_first_family_is_taken_back_when_the_second_fails(proc):
    backend, programs = make(
        proc,
        ("--test", 0, ""),
        ("restore & 192.0.2.0", 4, "out of sorts"),
        ("ip6tables-save", 0, NOTHING),
        ("iptables-save", 0, NOTHING),
    )
    before = len(loaded(programs))
    with pytest.raises(IncidentError, match="for IPv4: out of sorts"):
        backend.isolate(FLOWS)
    assert loaded(programs)[before:] == [
        "ip6tables-restore --noflush --wait 5",
        "iptables-restore --noflush --wait 5",
        "ip6tables-restore --noflush --wait 5",
    ]


def test_that_it_could_not_be_taken_back_is_said(proc):
    backend, _programs = make(
        proc,
        ("--test", 0, ""),
        ("restore & 192.0.2.0", 4, "out of sorts"),
        ("ip6tables-restore & -X INCIDENT_IN", 4, "still so"),
        ("ip6tables-save", 0, THERE),
        ("iptables-save", 0, NOTHING),
    )
    # What was there before was not asked first, so that it was no isolation.
    backend._filter = lambda family, *options: THERE.replace("-A INPUT -j", "-A X -j") if family == 6 else NOTHING
    with pytest.raises(IncidentError) as raised:
        backend.isolate(FLOWS)
    assert "for IPv4: out of sorts. What was put in place for IPv6 before could not be taken back" in str(raised.value)
    assert "still so" in str(raised.value)
    assert "INCIDENT_IN, INCIDENT_OUT, INCIDENT_FORWARD by hand" in raised.value.way_out


@pytest.mark.parametrize(
    ("missing", "broken", "reason"),
    [
        ("tables", "", "ip6tables-save is not installed"),
        ("ip6tables", "", "ip6tables-save is not installed"),
        ("save", "", "ip6tables-save is not installed"),
        ("nothing", "restore", "ip6tables: cannot initialise"),
        ("tables-", "restore", "ip6tables-save is not installed"),
        ("-restore", "", "ip6tables-restore is not installed"),
    ],
)
def test_why_it_does_not_work_is_said(proc, missing, broken, reason):
    answers = [(broken, 2, "cannot initialise")] if broken else []
    backend, _programs = make(proc, *answers, which=lambda name: "" if missing in name else name)
    assert backend.unusable() == reason
    with pytest.raises(IncidentError, match="iptables does not work here"):
        backend.isolate(FLOWS)


def test_the_first_variant_that_works_is_taken(proc):
    backend, programs = make(proc, ("ip6tables-restore", 2, "no"), ("-save", 0, NOTHING))
    backend.isolate(FLOWS)
    assert loaded(programs) == [
        "ip6tables-legacy-restore --noflush --wait 5",
        "iptables-legacy-restore --noflush --wait 5",
    ]


def test_a_release_looks_at_every_variant_but_makes_no_table(proc):
    backend, programs = make(proc, ("iptables-save", 0, THERE))
    backend.release()
    assert loaded(programs) == ["iptables-restore --noflush --wait 5"]
    assert programs.asked[-2:] == [("ip6tables-nft-save --table filter", ""), ("iptables-nft-save --table filter", "")]
    assert not [command for command, _text in programs.asked if "legacy-save" in command]
    (proc / "net/ip_tables_names").write_text("nat\nfilter\n")
    backend.release()
    assert [command for command, _text in programs.asked if "legacy-save" in command] == [
        "iptables-legacy-save --table filter"
    ]


def test_what_is_ours_is_listed_by_family(proc):
    backend, _programs = make(proc, ("iptables-save --table filter", 0, THERE), ("ip6tables-save", 0, NOTHING))
    assert backend.ours() == "# IPv4\n" + xtables.ours(THERE)
    assert not backend.intact(backend.ours())  # one family is not enough
    backend, _programs = make(proc, ("-save", 0, THERE))
    expected = backend.ours()
    assert expected == f"# IPv6\n{xtables.ours(THERE)}# IPv4\n{xtables.ours(THERE)}"
    assert backend.intact(expected)
    assert not backend.intact("")
    backend, _programs = make(proc, ("-save", 0, NOTHING))
    assert (backend.ours(), backend.intact("")) == ("", False)


def test_what_is_of_others_is_listed_of_all_tables(proc):
    nat = (
        NOTHING.replace("*filter", "*nat").replace(":INPUT ACCEPT", ":X ACCEPT").replace("COMMIT", "-A X -j Y\nCOMMIT")
    )
    backend, programs = make(proc, ("iptables-save", 0, THERE + nat))
    assert backend.others().startswith("# IPv4\n*nat\n")
    assert "INCIDENT" not in backend.others()
    assert ("iptables-save", "") in programs.asked


def test_what_was_counted_bears_its_family(proc):
    backend, _programs = make(proc, ("--counters", 0, "[3:30] -A INCIDENT_IN -j DROP\n"))
    assert backend.counters() == [
        {"chain": f"{family} INCIDENT_IN", "rule": "-j DROP", "packets": 3, "bytes": 30} for family in ("IPv6", "IPv4")
    ]


def test_that_it_cannot_be_listed_is_not_that_nothing_is_there(proc):
    backend, _programs = make(proc, ("-save", 1, "Permission denied (you must be root)"))
    for ask in (backend.ours, backend.others, backend.counters, backend.release):
        with pytest.raises(IncidentError, match="Permission denied"):
            ask()
