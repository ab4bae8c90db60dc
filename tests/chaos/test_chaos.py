# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The campaign's own parts: cases come from the seed alone, and the judge lets nothing pass."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from breaks import BREAKS
from cases import KINDS, SERVICES, WORLDS, Case, Fault, case
from faults import OWN
from recovery import Outcome
from report import Goals, table, write
from trial import Trial, _expected, _judge, _met


def judged(*faults: Fault, outcome: Outcome | None = None, **changes: Any) -> Trial:
    """A trial in which everything is as it should be, except for the changes."""
    one = Case(3, faults, "module")
    words: dict[str, Any] = {"before": {"crm"}, "after": set(SERVICES), "recovered": True, **changes}
    trial = Trial(one, **words)
    trial.problems += _expected(one, outcome or Outcome(0, 1.0, recovered=trial.recovered))
    _judge(trial, [], [])
    return trial


def test_the_same_seed_and_number_name_the_same_case() -> None:
    assert [case(7, number) for number in range(200)] == [case(7, number) for number in range(200)]
    assert [case(7, number) for number in range(20)] != [case(8, number) for number in range(20)]


def test_every_kind_of_fault_can_be_applied_and_every_break_of_the_lab_is_drawn() -> None:
    # What only another configuration mends has trials of its own: the campaign keeps to restarts.
    beyond_a_restart = {"unknown-setting", "empty-env", "missing-env", "truncated-env"}
    assert set(KINDS) == (set(BREAKS) - beyond_a_restart) | set(OWN)
    for world in WORLDS:
        drawn = {fault.kind for number in range(100) for fault in case(1, number, world).faults}
        assert drawn == {kind for kind, about in KINDS.items() if world in about.worlds}


def test_a_second_fault_still_finds_what_it_needs() -> None:
    pairs = [one.faults for number in range(1000) if len((one := case(2, number)).faults) == 2]
    assert len(pairs) > 300
    assert not [pair for pair in pairs if pair[1].effect.needs & pair[0].effect.ruins]


def test_every_mode_comes_up_in_a_short_campaign_and_every_25th_is_the_whole_playbook() -> None:
    cases = [case(1, number) for number in range(50)]
    assert {one.mode for one in cases} == {"module", "cut", "twice", "playbook"}
    assert [one.number for one in cases if one.mode == "playbook"] == [24, 49]


STOP, FOREIGN = Fault("stop"), Fault("foreign")
REPORTED = Outcome(1, 1.0, sick={"main": "foreign"})


def test_a_case_that_is_right() -> None:
    assert judged(STOP).verdict == "recovered"
    assert judged(FOREIGN, outcome=REPORTED, recovered=False, after=set(SERVICES) - {"main"}).verdict == "reported"


@pytest.mark.parametrize(
    ("patience", "recovered", "wrong"), [("0s", False, True), ("30s", False, False), ("30s", True, True)]
)
def test_two_recoveries_that_both_changed_something(patience: str, recovered: bool, wrong: bool) -> None:
    one = Outcome(int(not recovered), 1.0, recovered=recovered, changed=True)
    assert bool(_met([one, one], patience)) is wrong
    assert not _met([one], patience)


@pytest.mark.parametrize(
    ("words", "trial"),
    [
        ("not recovered", judged(STOP, recovered=False, outcome=Outcome(1, 1.0, sick={"main": "down"}))),
        ("worse: crm", judged(STOP, after=set(SERVICES) - {"crm"})),
        ("says that all is well, but main", judged(STOP, after=set(SERVICES) - {"main"})),
        ("rc 1", judged(STOP, outcome=Outcome(1, 1.0, recovered=True))),
        ("although main cannot be", judged(FOREIGN)),
        ("although main cannot be", judged(Fault("crash-late"))),
        ("does not name", judged(FOREIGN, recovered=False, outcome=Outcome(1, 1.0, sick={"main": "down"}))),
        (
            "grafana could have been",
            judged(FOREIGN, recovered=False, outcome=REPORTED, after=set(SERVICES) - {"grafana"}),
        ),
        ("touched: somebody", judged(STOP, touched=["somebody"])),
        ("truncated: a.log", judged(STOP, truncated=["a.log"])),
        ("it hung", judged(STOP, hung=True)),
    ],
)
def test_a_case_that_is_wrong(words: str, trial: Trial) -> None:
    assert words in "; ".join(trial.problems)
    assert not Goals.of([judged(STOP), trial]).reached


def test_goals_are_percentages_and_counts_over_all_cases(tmp_path: Path) -> None:
    fine = [judged(STOP) for number in range(199)]
    goals = Goals.of([*fine, judged(STOP, after=set(SERVICES) - {"crm"})])
    assert (goals.not_worse, goals.wrong, goals.recovered, goals.reached) == (99.5, 1, 200, False)
    assert Goals.of(fine).reached
    assert not Goals.of([]).reached, "a campaign without a case has tested nothing"
    write(tmp_path / "report.json", 5, fine, Goals.of(fine))
    report = json.loads((tmp_path / "report.json").read_text())
    assert (report["goals"]["reached"], len(report["cases"]), report["cases"][0]["verdict"]) == (True, 199, "recovered")


def test_the_table_names_the_command_that_shows_a_failure_again() -> None:
    trials = [judged(STOP), judged(STOP, hung=True)]
    shown = table("lab", 5, trials, Goals.of(trials), 60.0)
    assert "make chaos SEED=5 CASE=3   # stop [module]" in shown
    assert shown.endswith("chaos: 1 cases right, 1 wrong")
    assert "make chaos WHERE=containers SEED=5 CASE=3 " in table("containers", 5, trials, Goals.of(trials), 60.0)


def test_a_trial_in_another_place_arrives_as_it_was() -> None:
    trial = judged(STOP, touched=["somebody"], raw="words", seconds=2.5)
    assert Trial.load(trial.case, json.loads(json.dumps(trial.dump()))) == trial
