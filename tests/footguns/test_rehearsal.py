# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rehearsals and questions: what check mode and a missing terminal do by themselves, and what happens here."""

from __future__ import annotations

import re
from typing import Any


def test_a_rehearsal_asks_the_probes_and_prints_exactly_the_plan(fleet: Any) -> None:
    web = fleet(1)
    asking = [
        {"ansible.builtin.wait_for": {"port": web.hosts["w1"]["port"], "timeout": 1}},
        {"ansible.builtin.command": {"cmd": "/bin/false"}},
    ]
    raw = web.raw({"hosts": "web", "tasks": [{"name": "Ask", **each} for each in asking]})
    assert web.play(raw).rc == 2
    skipped = web.play(raw, "--check")
    assert (skipped.rc, skipped.out.count("skipped=2")) == (0, 1), "a service that is down looks fine"

    planned = web.play("recover.yml", "-e", "plan=only")
    run = web.play("recover.yml", "--check", "--diff")
    assert (run.rc, run.verdict["status"], run.verdict["red"]) == (0, "check_mode", ["w1"])
    assert run.verdict["plan_hash"] == planned.verdict["plan_hash"]
    assert web.up() == []
    assert not (web.home / "w1" / "state").exists(), "nothing was written"
    # The steps that the plan numbers are the lines of the diff: all of them, in order, and nothing else.
    numbered = re.findall(r"^  \d+\. (.*) \((.*)\)$", planned.out, re.MULTILINE)
    assert [step for step, _reason in numbered] == ["start site", "wait_ready site", "verify"]
    shown = run.out.partition("Stop, clear, start and verify]")[2].partition("changed: [w1]")[0].splitlines()[1:]
    assert [line.replace(" :", ":") for line in shown if line] == [f"{step}: {reason}" for step, reason in numbered]


def test_a_question_without_a_terminal_is_no_approval(fleet: Any) -> None:
    web = fleet(1)
    question = {"name": "Ask", "ansible.builtin.pause": {"prompt": "Really? Ctrl-C to stop"}}
    act = {"name": "Act", "ansible.builtin.debug": {"msg": "ACTED"}}
    raw = web.play(web.raw({"hosts": "web", "tasks": [question, act]}))
    assert (raw.rc, raw.out.count("ACTED")) == (0, 1), "nobody answered, and it went on"
    run = web.play("recover.yml", "-e", "approve=yes")
    assert (run.rc, run.verdict["status"], web.up()) == (2, "refused", [])
    assert "The approved plan is yes, but the plan is now " in run.verdict["problems"][0]
