# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Foot-guns of Ansible: what happens by itself, and what happens here."""

from __future__ import annotations

import json
from typing import Any

import pytest

REPORT = {"name": "Act", "ansible.builtin.debug": {"msg": "ACTED on {{ inventory_hostname }}"}}


def acted(out: str) -> list[str]:
    """The hosts on which a raw playbook acted."""
    return sorted(part.split('"')[0].split("'")[0].split()[0] for part in out.split("ACTED on ")[1:])


def refused(run: Any, words: str) -> None:
    """The run was refused with these words, on the last lines of the screen."""
    assert run.rc == 2
    assert run.verdict["status"] == "refused", run.out
    assert words in " ".join(run.verdict["problems"])
    assert "REFUSED: nothing was changed" in run.out


def test_a_blank_limit_means_all_hosts(fleet: Any) -> None:
    web = fleet(2)
    assert acted(web.play(web.raw({"hosts": "web", "tasks": [REPORT]}), "--limit", "").out) == ["w1", "w2"]
    refused(web.play("recover.yml", "--limit", ""), "--limit is blank")
    empty = web.home / "nobody"
    empty.write_text("\n")
    for blank in (",", f"@{empty}"):
        assert acted(web.play(web.raw({"hosts": "web", "tasks": [REPORT]}), "--limit", blank).out) == ["w1", "w2"]
        refused(web.play("recover.yml", "--limit", blank), "--limit is blank")
    assert web.up() == []
    empty.write_text("w2\n")
    run = web.play("recover.yml", "--limit", f"@{empty}")
    assert (run.verdict["status"], web.up()) == ("recovered", ["w2"])


def test_a_target_of_commas_means_all_hosts(fleet: Any) -> None:
    web = fleet(2)
    raw = web.raw({"hosts": "{{ target }}", "tasks": [REPORT]})
    for target in (",", "~["):
        assert acted(web.play(raw, "-e", f"target={target}").out) == ["w1", "w2"]
        refused(web.play("recover.yml", "-e", f"target={target}"), "no host")
    refused(web.play("recover.yml", "-e", "target=web[9]"), "no host or group 'web[9]'")
    assert web.up() == []


def test_a_tag_leaves_everything_out_and_ends_well(fleet: Any) -> None:
    web = fleet(1)
    raw = web.play(web.raw({"hosts": "web", "tasks": [REPORT]}), "--tags", "main")
    assert (raw.rc, acted(raw.out)) == (0, [])
    refused(web.play("recover.yml", "--tags", "main"), "--tags would leave out the recovery")
    refused(web.play("triage.yml", "--skip-tags", "untagged"), "--skip-tags would leave out the recovery")
    run = web.play("recover.yml", "--start-at-task", "Stop, clear, start and verify")
    assert (run.verdict["status"], web.up()) == ("no_verdict", [])


def test_a_group_of_the_same_name_adds_its_hosts(fleet: Any) -> None:
    web = fleet(2)
    web.inventory.write_text(web.inventory.read_text() + "incident_recover: {hosts: {w2: }}\n")
    join = {"name": "Join", "ansible.builtin.add_host": {"name": "w1", "groups": "incident_recover"}, "run_once": True}
    raw = web.raw({"hosts": "web", "tasks": [join]}, {"hosts": "incident_recover", "tasks": [REPORT]})
    assert acted(web.play(raw).out) == ["w1", "w2"]
    refused(web.play("recover.yml", "-e", "target=w1"), "incident_recover, but it already holds w2")
    assert web.up() == []


def test_two_recoveries_in_one_command_would_share_their_hosts(fleet: Any) -> None:
    web = fleet(2)
    both = web.home / "both.yml"
    recover = {"ansible.builtin.import_playbook": "toombos.incident.recover"}
    both.write_text(json.dumps([{**recover, "vars": {"target": host}} for host in ("w1", "w2")]))
    run = web.play(both)
    refused(run, "it already holds w1")
    assert web.up() == ["w1"]
    assert run.out.count("INCIDENT_VERDICT") == 2, "the verdict of the first is not lost"


def test_a_triage_and_a_recovery_go_together(fleet: Any) -> None:
    web = fleet(1)
    run = web.play("triage.yml", "recover.yml")
    assert (run.verdict["status"], web.up()) == ("recovered", ["w1"])
    assert '"status":"triage"' in run.out


def test_the_free_strategy_runs_ahead_of_the_gate(fleet: Any) -> None:
    web = fleet(2)
    web.break_for_good("w1")
    run = web.play("recover.yml", ANSIBLE_STRATEGY="free")
    assert (run.rc, run.verdict["red"], web.up()) == (2, ["w1", "w2"], [])
    assert not (web.home / "w2" / "state").exists()


def test_a_mistyped_fail_would_let_ci_pass(fleet: Any) -> None:
    web = fleet(1)
    assert web.play("triage.yml").rc == 0
    assert web.play("triage.yml", "-e", "fail=yes").rc == 2
    assert web.play("triage.yml", "-e", "fail=no").rc == 0
    refused(web.play("triage.yml", "-e", "fail=flase"), "neither true nor false")
    refused(web.play("triage.yml", "-e", "fial=true"), "Did you mean fail?")


def test_a_mistyped_target_ends_well_without_doing_anything(fleet: Any) -> None:
    web = fleet(1)
    raw = web.play(web.raw({"hosts": "{{ target }}", "tasks": [REPORT]}), "-e", "target=wbe")
    assert (raw.rc, acted(raw.out)) == (0, [])
    refused(web.play("recover.yml", "-e", "target=wbe"), "no host or group 'wbe'. Did you mean 'web'?")


def test_a_half_mistyped_target_does_half(fleet: Any) -> None:
    web = fleet(2)
    raw = web.play(web.raw({"hosts": "{{ target }}", "tasks": [REPORT]}), "-e", "target=w1,tpyo")
    assert (raw.rc, acted(raw.out)) == (0, ["w1"])
    refused(web.play("recover.yml", "-e", "target=w1,tpyo"), "no host or group 'tpyo'")
    refused(web.play("recover.yml", "--limit", "w1,tpyo"), "no host or group 'tpyo'")
    refused(web.play("recover.yml", "-e", "target="), "target is empty")
    assert web.up() == []


def test_the_word_false_is_true(fleet: Any) -> None:
    web = fleet(1)
    raw = web.raw({"hosts": "web", "tasks": [{**REPORT, "when": "force is truthy"}]})
    assert acted(web.play(raw, "-e", "force=false").out) == ["w1"]
    assert web.play("recover.yml").verdict["status"] == "recovered"
    before = web._pids()
    again = web.play("recover.yml", "-e", "force=false")
    assert again.verdict["status"] == "healthy"
    assert web._pids() == before, "not restarted"
    refused(web.play("recover.yml", "-e", "force=flase"), "neither true nor false")
    refused(web.play("recover.yml", "-e", "dry_run=true"), "Did you mean plan=only")
    refused(web.play("recover.yml", "-e", "targt=w1"), "Did you mean target?")


def test_check_mode_skips_what_it_should_show(fleet: Any) -> None:
    web = fleet(1)
    ask = {"name": "Ask", "ansible.builtin.uri": {"url": "http://127.0.0.1:{{ port }}/"}, "register": "answer"}
    raw = web.play(web.raw({"hosts": "web", "tasks": [ask]}), "--check")
    assert raw.rc == 0, "uri is skipped in check mode: a service that is down looks fine"
    run = web.play("recover.yml", "--check", "--diff")
    assert (run.rc, run.verdict["status"], run.verdict["red"]) == (0, "check_mode", ["w1"])
    assert "start site: down" in run.out
    assert web.up() == []
    assert not (web.home / "w1" / "state").exists()


def test_a_survey_knows_nothing_but_text(fleet: Any) -> None:
    web = fleet(2)
    survey = {
        "target": "web",
        "svc": "",
        "plan": "only",
        "force": "false",
        "reason": "",
        "max_hosts": "2",
        "approve": "",
    }
    run = web.play("recover.yml", "-e", json.dumps(survey))
    assert (run.rc, run.verdict["status"], web.up()) == (0, "plan_only", [])
    refused(web.play("recover.yml", "-e", json.dumps({**survey, "max_hosts": "1"})), "means 2 hosts, more than 1")
    refused(web.play("recover.yml", "-e", json.dumps({**survey, "svc": "stie"})), "site")
    run = web.play("recover.yml", "-e", json.dumps({**survey, "plan": ""}))
    assert (run.verdict["status"], web.up()) == ("recovered", ["w1", "w2"])


def test_a_rescued_canary_lets_the_rest_follow(fleet: Any) -> None:
    web = fleet(4)
    rescued = {
        "block": [{"name": "Fail", "ansible.builtin.fail": {"msg": "no"}}],
        "rescue": [REPORT],
    }
    play = {"hosts": "web", "serial": 1, "max_fail_percentage": 0, "tasks": [rescued]}
    raw = web.play(web.raw(play))
    assert (raw.rc, acted(raw.out)) == (0, ["w1", "w2", "w3", "w4"])

    web.break_for_good("w1")
    run = web.play("recover.yml")
    assert (run.rc, run.verdict["status"], run.verdict["red"]) == (2, "not_recovered", ["w1", "w2", "w3", "w4"])
    assert web.up() == [], "nothing after the canary was touched"
    assert not (web.home / "w2" / "state").exists()
    assert run.out.count("not attempted") == 3 + 1
    assert "Not attempted: w2, w3, w4." in run.out
    assert "did not recover" in run.err + run.out


def test_run_once_runs_once_per_batch(fleet: Any) -> None:
    web = fleet(3)
    raw = web.play(web.raw({"hosts": "web", "serial": 1, "tasks": [{**REPORT, "run_once": True}]}))
    assert acted(raw.out) == ["w1", "w2", "w3"]
    run = web.play("recover.yml")
    assert run.verdict["status"] == "recovered"
    assert run.out.count("INCIDENT_VERDICT") == 1
    assert run.out.count("in batches of 1, then 1, then 1") == 1


HOSTILE = "{{ lookup('ansible.builtin.pipe', 'touch PWNED') }}"


def test_text_from_outside_is_never_a_template(fleet: Any) -> None:
    web = fleet(1)
    planted = web.home / "pwned"
    hostile = HOSTILE.replace("PWNED", str(planted))
    raw = web.raw({"hosts": "web", "tasks": [{"name": "Say", "ansible.builtin.debug": {"msg": "{{ reason }}"}}]})
    web.play(raw, "-e", json.dumps({"reason": hostile}))
    assert planted.exists(), "an extra-var is a template"
    planted.unlink()

    for word in ("reason", "svc", "target", "approve"):
        run = web.play("recover.yml", "-e", "plan=only", "-e", json.dumps({word: hostile}))
        assert not planted.exists(), f"{word} was executed"
        assert (run.rc, run.verdict["status"]) in ((0, "plan_only"), (2, "refused")), word
    alert = "{{ $labels.instance }} down for 5m"
    run = web.play("recover.yml", "-e", "plan=only", "-e", json.dumps({"reason": alert}), "-v")
    assert (run.rc, alert in run.out) == (0, True), run.out

    (web.home / "w1" / "answer").write_text(hostile)
    run = web.play("recover.yml")
    assert run.rc == 2
    assert not planted.exists(), "a service's answer was executed"
    assert "bad_body" in run.out


def test_the_limit_does_not_switch_the_guard_and_the_verdict_off(fleet: Any) -> None:
    web = fleet(2)
    raw = web.raw({"hosts": "localhost", "tasks": [REPORT]}, {"hosts": "web", "tasks": [REPORT]})
    assert acted(web.play(raw, "--limit", "w2").out) == ["w2"], "the play on localhost is skipped"
    run = web.play("recover.yml", "--limit", "w2")
    assert (run.rc, run.verdict["status"], run.verdict["hosts"], web.up()) == (0, "recovered", 1, ["w2"])


def test_an_empty_inventory_is_not_a_success(fleet: Any) -> None:
    web = fleet(1)
    web.inventory.write_text("all: {}\n")
    assert web.play(web.raw({"hosts": "all", "tasks": [REPORT]})).rc == 0
    refused(web.play("recover.yml", "-e", "target=web"), "inventory has no hosts")


def test_unreachable_is_neither_healthy_nor_failed(fleet: Any) -> None:
    web = fleet(2)
    web.hosts["w1"].update(ansible_connection="ssh", ansible_host="127.0.0.1", ansible_port=1)
    web.write()
    run = web.play("recover.yml", ANSIBLE_SSH_RETRIES="0", ANSIBLE_TIMEOUT="3")
    assert (run.rc, run.verdict["status"], run.verdict["red"], web.up()) == (2, "not_recovered", ["w1"], ["w2"])
    assert "unreachable is not healthy" in run.out


def test_a_catalogue_with_a_mistake_is_refused_by_host_and_entry(fleet: Any) -> None:
    web = fleet(2)
    web.hosts["w2"]["incident_services"]["site"]["depends_on"] = ["databse"]
    web.write()
    refused(web.play("recover.yml"), "w2: site.depends_on")
    del web.hosts["w2"]["incident_services"]
    web.write()
    refused(web.play("recover.yml"), "w2 has no service catalogue")
    assert web.up() == []


def test_an_approved_plan_is_applied_and_no_other(fleet: Any) -> None:
    web = fleet(2)
    shown = web.play("recover.yml", "-e", "plan=only").verdict["plan_hash"]
    assert web.play("recover.yml", "--limit", "w1").verdict["status"] == "recovered"
    refused(web.play("recover.yml", "-e", f"approve={shown}"), "the world has changed")
    assert web.up() == ["w1"]
    shown = web.play("recover.yml", "-e", "plan=only").verdict["plan_hash"]
    assert web.play("recover.yml", "-e", f"approve={shown}").verdict["status"] == "recovered"
    again = web.play("recover.yml")
    assert (again.rc, again.verdict["status"], again.verdict["changed"]) == (0, "healthy", [])


def test_without_the_callback_the_verdict_is_printed_all_the_same(fleet: Any) -> None:
    web = fleet(1)
    run = web.play("recover.yml", ANSIBLE_CALLBACKS_ENABLED="ansible.builtin.oneline")
    assert run.rc == 0
    assert run.out.count("INCIDENT_VERDICT") == 1
    assert run.out.count("RECOVERED: every probe says so") == 1
    run = web.play("recover.yml", "-e", "target=nobody", ANSIBLE_CALLBACKS_ENABLED="ansible.builtin.oneline")
    assert (run.rc, run.out.count("REFUSED"), run.out.count("INCIDENT_VERDICT")) == (2, 1, 1)


def test_the_action_group_sets_defaults_for_all_modules(fleet: Any) -> None:
    web = fleet(1)
    ask = {"name": "Ask", "toombos.incident.service_recovery": {"services": "{{ incident_services }}"}}
    play = {
        "hosts": "web",
        "module_defaults": {"group/toombos.incident.incident": {"state_dir": f"{web.home}/elsewhere"}},
    }
    run = web.play(web.raw({**play, "tasks": [ask]}))
    assert run.rc == 0, run.out
    assert (web.home / "elsewhere" / "processes" / "site.json").exists()


@pytest.mark.parametrize("signal_name", ["SIGINT", "SIGTERM", "SIGKILL"])
def test_a_run_that_is_cut_off_is_finished_by_the_next(fleet: Any, signal_name: str) -> None:
    import os
    import signal
    import subprocess
    import sys
    import time
    from pathlib import Path

    web = fleet(2)
    program = Path(sys.executable).with_name("ansible-playbook")
    root = Path(__file__).resolve().parent.parent.parent
    process = subprocess.Popen(
        [program, "-i", web.inventory, "recover.yml"],
        cwd=root,
        env={**os.environ, "ANSIBLE_CONFIG": str(root / "ansible.cfg")},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    deadline = time.monotonic() + 60
    while not (web.home / "w1" / "state").exists():
        assert time.monotonic() < deadline, "the canary was never begun"
        time.sleep(0.02)
    os.killpg(process.pid, getattr(signal, signal_name))
    process.wait(30)
    run = web.play("recover.yml")
    assert (run.rc, web.up()) == (0, ["w1", "w2"]), run.out
    assert len(web._pids()) == 2, "nothing runs twice"
