# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest
from fake_programs import FakePrograms

from ansible_collections.toombos.incident.plugins.module_utils._command import CommandResult
from ansible_collections.toombos.incident.plugins.module_utils._containment import nft, types as t
from ansible_collections.toombos.incident.plugins.module_utils._containment.by_nft import Nftables
from ansible_collections.toombos.incident.plugins.module_utils._errors import IncidentError

FLOWS = [t.Flow(4, t.IN, "192.0.2.0/24", t.TCP, 22, t.MANAGEMENT)]
THERE = ("list tables", 0, "table inet toombos_incident\ntable bridge toombos_incident\n")
TABLE = 'table inet toombos_incident {\n\tchain input {\n\t\tcounter packets 1 bytes 2 drop comment "cut"\n\t}\n}\n'


def made(*answers):
    programs = FakePrograms(*answers)
    return Nftables(programs.run, programs.which), programs


def test_a_host_without_nft_or_without_the_right_says_so():
    assert Nftables(FakePrograms().run, lambda name: "").unusable() == "nft is not installed"
    refused = "Error: Could not process rule: Operation not permitted\nadd table\n"
    assert made(("--check", 1, refused))[0].unusable() == "Error: Could not process rule: Operation not permitted"
    backend, programs = made()
    assert backend.unusable() == ""
    assert [command for command, _text in programs.asked] == ["nft --check -f -"]


def test_an_isolation_is_one_transaction_that_was_rehearsed():
    backend, programs = made()
    backend.isolate(iter(FLOWS))
    text = nft.isolation(FLOWS, bridge=True)
    assert programs.asked == [("nft --check -f -", text), ("nft -f -", text)]


def test_a_kernel_without_tables_for_bridges_gets_the_others():
    backend, programs = made(("add table bridge", 1, "Error: not supported"))
    assert backend.rehearse(FLOWS) == nft.isolation(FLOWS, bridge=False)
    backend.isolate(FLOWS)
    assert programs.asked[-1] == ("nft -f -", nft.isolation(FLOWS, bridge=False))


def test_what_nft_does_not_accept_is_not_loaded():
    backend, programs = made(("--check", 1, "Error: syntax error"))
    with pytest.raises(IncidentError, match="nft would not isolate this host: Error: syntax error\\.") as raised:
        backend.isolate(FLOWS)
    assert raised.value.way_out.startswith("Nothing was changed.")
    assert {command for command, _text in programs.asked} == {"nft --check -f -"}


def test_a_load_that_fails_is_an_error():
    backend, _programs = made(("--check", 0, ""), ("-f -", 1, "Error: Device or resource busy"))
    with pytest.raises(IncidentError, match="nft did not isolate this host: Error: Device or resource busy"):
        backend.isolate(FLOWS)


def test_a_release_deletes_the_tables_that_are_there():
    backend, programs = made(THERE)
    backend.release()
    assert programs.asked[-1] == ("nft -f -", nft.release(["inet", "bridge"]))
    backend, programs = made()
    backend.release()
    assert [command for command, _text in programs.asked] == ["nft list tables"]


def test_a_release_that_fails_says_how_by_hand():
    backend, _programs = made(THERE, ("-f -", 1, "Error: busy"))
    with pytest.raises(IncidentError, match="nft did not release this host: Error: busy") as raised:
        backend.release()
    assert "nft delete table inet toombos_incident; nft delete table bridge toombos_incident" in raised.value.way_out


def test_tables_that_somebody_else_removed_at_that_moment_are_released():
    programs = FakePrograms(THERE)

    def run(argv, **options):
        if argv[1] == "-f":
            programs.answers.clear()
            return CommandResult(1, "", "No such file or directory", False, 0.0)
        return programs.run(argv, **options)

    Nftables(run, programs.which).release()


def test_what_is_there_is_listed_without_counters_and_counted_with_them():
    backend, _programs = made(THERE, ("list table inet", 0, TABLE))
    assert backend.ours() == TABLE.replace("counter packets 1 bytes 2", "counter")
    assert backend.counters() == [
        {"chain": "inet input", "rule": 'counter drop comment "cut"', "packets": 1, "bytes": 2}
    ]
    assert backend.intact(backend.ours())
    assert not backend.intact(backend.ours() + "x")
    backend, _programs = made()
    assert (backend.ours(), backend.counters(), backend.intact("")) == ("", [], False)


def test_that_it_cannot_be_listed_is_not_that_nothing_is_there():
    backend, _programs = made(("list", 1, "netlink: Error: cache initialization failed: Operation not permitted"))
    for ask in (backend.ours, backend.others, backend.counters, backend.release):
        with pytest.raises(IncidentError, match="cache initialization failed"):
            ask()


def test_what_is_of_others_is_listed_without_ours():
    mine = "table ip filter {\n\tchain INPUT {\n\t\taccept\n\t}\n}\n"
    backend, programs = made(("list ruleset", 0, TABLE + mine))
    assert backend.others() == mine
    assert programs.asked == [("nft --stateless list ruleset", "")]
