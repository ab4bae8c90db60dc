# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The gate as a task: nothing goes on without the approval of exactly what is shown."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from ansible import template
from ansible.parsing.dataloader import DataLoader

from ansible_collections.toombos.incident.plugins.action import containment_gate

trust = getattr(template, "trust_as_template", str)  # where Ansible makes a difference
PLANNED = {"plan_hash": "aa", "plan": [], "backend": "nftables", "changed": True}
WELL = {"verdict": {"status": "pass"}}
GROUPS = {"web": ["web-1", "web-2", "web-3"]}


class HostVars(dict[str, dict[str, Any]]):
    """As Ansible's: ``raw_get`` does not evaluate what it returns."""

    raw_get = dict.__getitem__


class Asked:
    """``hostvars``: what hosts have registered; web-1 is the target, and web-2 could do its work."""

    def __init__(self) -> None:
        self.shown: list[str] = []
        self.hostvars = HostVars()
        self.hostvars.update(
            {
                "web-1": {"planned": dict(PLANNED), "health": WELL, "standing": {"state": "released"}},
                "web-2": {"health": WELL, "standing": {"state": "released"}},
                "web-3": {},
            }
        )

    def run(self, *, check_mode: bool = False, **args: Any) -> dict[str, Any]:
        known = {"plans": "planned", "health": "health", "standing": "standing", "keep_one_of": ["web"]}
        task = SimpleNamespace(
            args={"targets": ["web-1"], **known, **args},
            check_mode=check_mode,
            async_val=0,
            action="toombos.incident.containment_gate",
        )
        connection = SimpleNamespace(_shell=SimpleNamespace(tmpdir=None))
        templar = template.Templar(loader=DataLoader(), variables={})
        action = containment_gate.ActionModule(task, connection, SimpleNamespace(), None, templar, None)
        result: dict[str, Any] = action.run(None, {"hostvars": self.hostvars, "groups": GROUPS})
        return result


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> Asked:
    found = Asked()
    monkeypatch.setattr(containment_gate.display, "display", found.shown.append)
    return found


def test_only_the_plan_that_is_shown_can_be_approved(world: Asked) -> None:
    asked = world.run()
    assert (asked["failed"], asked["changed"]) == (True, False)
    hash_ = asked["plan_hash"]
    assert f"approve it with -e approve={hash_}" in asked["msg"]
    assert world.shown[-1].splitlines() == [f"PLAN {hash_}", "web-1: cut everything by nftables, but"]
    approved = world.run(approve=hash_)
    assert (approved.get("failed"), approved["hashes"]) == (None, {"web-1": "aa"})
    world.hostvars["web-1"]["planned"]["plan_hash"] = "bb"
    stale = world.run(approve=hash_)
    assert stale["failed"]
    assert f"{hash_} was approved, and the plan is {stale['plan_hash']} by now" in stale["msg"]
    assert world.run(approve=hash_, force=True)["failed"], "force approves nothing"


def test_a_rehearsal_needs_no_approval_and_is_refused_as_the_run_would_be(world: Asked) -> None:
    assert world.run(check_mode=True).get("failed") is None
    world.hostvars["web-1"]["planned"] = {"failed": True, "msg": "protected"}
    refused = world.run(check_mode=True)
    assert refused["failed"]
    assert refused["msg"].startswith("Nothing was changed. web-1 cannot be isolated: protected.")


@pytest.mark.parametrize(("force", "failed"), [(False, True), (True, None)])
def test_the_approval_of_a_plan_does_not_take_the_last_host_of_a_group(world: Asked, force: bool, failed: Any) -> None:
    approve = world.run()["plan_hash"]
    assert world.run(approve=approve, force=force).get("failed") is None
    world.hostvars["web-2"]["standing"] = {"state": "confirmed"}
    result = world.run(approve=approve, force=force)
    assert result.get("failed") is failed
    assert "web-2 is isolated; web-3 was not heard of" in str(result.get("refusals") or result["overrides"])
    assert ("in spite of: Without web-1" in world.shown[-1]) is force


def test_a_host_that_is_to_be_isolated_is_nobody_who_stays(world: Asked) -> None:
    world.hostvars["web-2"]["planned"] = dict(PLANNED)
    result = world.run(targets=["web-1", "web-2"])
    assert "Without web-1, web-2 nobody is left" in result["msg"]
    assert result["hashes"] == {"web-1": "aa", "web-2": "aa"}


def test_a_target_that_registered_nothing_is_refused(world: Asked) -> None:
    world.hostvars["web-1"] = {}
    result = world.run()
    assert "web-1 cannot be isolated: there was no answer." in result["msg"]
    assert world.run(approve=result["plan_hash"], force=True)["failed"], "the plan of nobody cannot be approved"


def test_over_whom_others_are_reached_is_known_also_where_variables_refer_to_them(world: Asked) -> None:
    approve = world.run()["plan_hash"]
    world.hostvars["web-1"]["ansible_host"] = trust("{{ inventory_hostname }}.example")
    web_3 = {
        "jump": "{{ inventory_hostname | replace('3', '1') }}.example",
        "ansible_ssh_common_args": "-J admin@{{ jump }}",
    }
    world.hostvars["web-3"].update({name: trust(text) for name, text in web_3.items()})
    refused = world.run(approve=approve)
    assert refused["failed"]
    assert "web-1 is the jump host of web-3" in refused["msg"]
    world.hostvars["web-3"]["jump"] = trust("{{ nobody_knows }}")
    assert world.run(approve=approve).get("failed") is None
