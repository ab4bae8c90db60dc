# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What stops a roll-out: raw Ansible beside the brakes of the collection."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import yaml

WHY = ("-e", "reason='evidence first, alice'")


def test_a_percentage_of_failures_counts_per_batch(fleet: Any) -> None:
    web = fleet(4)
    boom = {
        "name": "Fail on half of every batch",
        "ansible.builtin.fail": {},
        "when": "inventory_hostname in ['w1', 'w3']",
    }
    reach = {"name": "Say where", "ansible.builtin.debug": {"msg": "REACHED {{ inventory_hostname }}"}}
    raw = web.play(web.raw({"hosts": "web", "serial": 2, "max_fail_percentage": 50, "tasks": [boom, reach]}))
    assert [f"REACHED w{number}" in raw.out for number in (2, 4)] == [True, True], (
        "half of all hosts failed, and it went on"
    )
    web.break_for_good("w1")
    run = web.play("recover.yml", "-e", json.dumps({"incident_policy": {"canary": 0, "batches": [2]}}))
    assert (run.rc, run.verdict["red"], web.up()) == (2, ["w1", "w3", "w4"], ["w2"])


def test_a_storm_is_not_answered_by_restarts_everywhere(fleet: Any) -> None:
    web = fleet(6)
    assert web.play("recover.yml", "-e", "plan=only").verdict["status"] == "plan_only", "looking is always allowed"
    run = web.play("recover.yml")
    assert (run.rc, run.verdict["status"], web.up()) == (2, "refused", [])
    assert "6 of 6 hosts are red" in run.verdict["problems"][0]
    assert "6 of them share the root cause site: down" in run.verdict["problems"][0]
    unsaid = web.play("recover.yml", "-e", "break_glass=true", "-e", "reason=why")
    assert (unsaid.verdict["status"], web.up()) == ("refused", [])
    broken = web.play("recover.yml", "-e", "break_glass=true", "-e", "reason='power is back, alice'")
    assert (broken.rc, broken.verdict["status"], web.up()) == (0, "recovered", web.names)
    assert broken.verdict["overrides"][0].startswith("restarted in a storm: 6 of 6 hosts are red")
    assert "The glass was broken:" in broken.out


def test_an_approval_that_does_not_fit_any_more_says_what_has_changed(fleet: Any) -> None:
    web = fleet(2)
    approved = web.play("recover.yml", "-e", "plan=only").verdict["plan_hash"]
    assert web.play("recover.yml", "-e", "target=w1").rc == 0
    run = web.play("recover.yml", "-e", f"approve={approved}")
    assert (run.rc, run.verdict["status"], web.up()) == (2, "refused", ["w1"])
    assert "the world has changed (w1 needs nothing any more)" in run.verdict["problems"][0]


def test_a_frozen_fleet_is_looked_at_and_not_changed(fleet: Any) -> None:
    web = fleet(2)
    assert web.play("freeze.yml").rc == 2, "a freeze needs its reason"
    frozen = web.play("freeze.yml", "-e", "target=w1", *WHY)
    assert (frozen.rc, "NO VERDICT" in frozen.out) == (0, False)
    run = web.play("recover.yml", "-e", "break_glass=true", *WHY)
    assert (run.rc, run.verdict["red"], web.up()) == (2, ["w1"], ["w2"])
    assert "evidence first, alice" in run.out
    assert web.play("thaw.yml", "-e", "target=w1").rc == 0
    assert (web.play("recover.yml").rc, web.up()) == (0, ["w1", "w2"])
    assert web.play("freeze.yml", "-e", "target=w1", *WHY).rc == 0
    forced = web.play("recover.yml", "-e", "target=w1", "-e", "force=true", *WHY)
    assert (forced.rc, forced.verdict["red"]) == (2, ["w1"]), "healthy, but that is not what was asked for"
    assert "not restarted as it was asked to be" in " ".join(forced.out.split())


def test_a_freeze_that_did_not_reach_every_host_is_no_success(fleet: Any) -> None:
    web = fleet(2)
    assert web.play("freeze.yml", "-e", "target=wbe", *WHY).verdict["status"] == "refused"
    web.hosts["w2"].update(ansible_connection="ssh", ansible_host="127.0.0.1", ansible_port=1)
    web.write()
    assert web.play("freeze.yml", *WHY).rc == 4


def test_a_kept_service_is_taken_over_only_with_a_reason(fleet: Any) -> None:
    web = fleet(1)
    assert web.play("freeze.yml", "-e", "svc=site", "-e", "expires=10m", *WHY, "-e", "awx_user_name=alice").rc == 0
    held = web.play("recover.yml")
    assert (held.rc, web.up()) == (2, [])
    assert "is held by alice@" in held.out
    assert web.play("recover.yml", "-e", "takeover=true").verdict["status"] == "refused"
    taken = web.play("recover.yml", "-e", "takeover=true", "-e", "reason='alice went home, bob'")
    assert (taken.rc, web.up()) == (0, ["w1"])
    assert taken.verdict["overrides"][0].startswith("w1: took site over from alice@")


def test_what_must_last_does_not_live_on_the_controller(fleet: Any) -> None:
    web = fleet(1)
    web.break_for_good("w1")
    web.hosts["w1"]["incident_services"]["site"]["limits"]["restarts_per_hour"] = 1
    web.write()
    assert web.play("recover.yml").rc == 2
    (web.home / "w1" / "broken-for-good").unlink()
    another = web.play("recover.yml", HOME=str(web.home / "another-controller"))
    assert (another.rc, web.up()) == (2, [])
    assert "circuit breaker is open" in " ".join(another.out.split())
    glass = web.play("recover.yml", "-e", "break_glass=true", "-e", "reason='the cause is mended, alice'")
    assert (glass.rc, web.up()) == (0, ["w1"])
    record = json.loads((web.home / "w1" / "state" / "overrides.jsonl").read_text())
    assert record["reason"] == "the cause is mended, alice"


def test_more_hosts_than_the_limit_are_not_even_looked_at_when_they_are_to_be_isolated(fleet: Any) -> None:
    web = fleet(3)
    called, ssh = web.home / "called", web.home / "ssh"
    ssh.write_text(f'#!/bin/sh\necho called >> "{called}"\necho "no route" >&2\nexit 255\n')
    ssh.chmod(0o755)
    for each in web.hosts.values():
        each.update(ansible_connection="ssh", ansible_host="127.0.0.1", ansible_ssh_executable=str(ssh))
    web.variables["incident_policy"]["max_hosts"] = "50%"
    web.write()
    approved = ("-e", "approve=0123456789abcdef", "-e", "force=true")
    for verb, words in (("contain.yml", approved), ("security_breach.yml", ())):
        run = web.play(verb, *WHY, *words)
        assert (run.rc, called.exists()) == (2, False), f"{verb}: it comes before the first connection"
        assert "The target means 3 hosts, more than 1. Name fewer, or say -e max_hosts=3." in " ".join(run.out.split())
        unsaid = web.play(verb, "-e", "max_hosts=3")
        assert (unsaid.rc, called.exists(), "Say why, and who you are" in unsaid.out) == (2, False, True)
    # Released, it lets the run look; what that finds is for the gate, which is not released by it.
    run = web.play("contain.yml", *WHY, "-e", "max_hosts=3", "-e", "approve=0123456789abcdef")
    told = " ".join(run.out.split())
    assert (run.rc, called.exists(), "Nothing was changed." in told) == (2, True, True)
    assert [name for name in web.names if f"{name} cannot be isolated: " in told] == web.names


def test_no_play_gathers_facts_which_would_hang_on_a_dead_mount() -> None:
    root = Path(__file__).resolve().parent.parent.parent
    plays = [play for path in sorted((root / "playbooks").glob("*.yml")) for play in yaml.safe_load(path.read_text())]
    assert len(plays) > 8
    imported = "ansible.builtin.import_playbook"  # another of these files
    assert [play["name"] for play in plays if imported not in play and play.get("gather_facts") is not False] == []
