# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From options to result: what is refused fails the task, names the incident, and changes nothing."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from access_world import SHADOW, World

from ansible_collections.toombos.incident.plugins.module_utils._access.call import change_access
from ansible_collections.toombos.incident.plugins.module_utils._errors import IncidentError

REASON = "a trial of it, alice"


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    return World(tmp_path)


def call(world: World, *, check: bool = False, **changes: Any) -> dict[str, Any]:
    home = str(world.etc.parent)
    params = {
        "state": "revoked", "incident": "INC-2026-1128-0001", "reason": REASON, "lock_users": ["eve"],
        "sessions": "none", "services": False, "steps": [], "step_timeout": "5s", "grace": "1s", "approve": "",
        "force": False, "owner": "alice", "lock_timeout": "1s", "state_dir": f"{home}/run",
        "store_dir": f"{home}/store", **changes,
    }  # fmt: skip
    return change_access(params, check, str(world.etc))


def refused(world: World, **changes: Any) -> tuple[str, dict[str, Any]]:
    """The words, and what the task returns with them."""
    with pytest.raises(IncidentError) as caught:
        call(world, **changes)
    assert world.shadow == SHADOW
    return str(caught.value), {"failed": True, **caught.value.result}


@pytest.mark.parametrize("check", [True, False])
def test_what_is_refused_fails_and_is_told_with_the_plan(world: World, check: bool) -> None:
    words, result = refused(world, lock_users=["eve", "nobody-knows"], force=True, check=check)
    assert "There is no account 'nobody-knows' on this host" in words
    assert (result["failed"], result["changed"]) == (True, False)
    assert result["refusals"][0].startswith("There is no account 'nobody-knows'")
    assert result["plan"] == ["lock eve: password, expires on day 25000 → no password, expires on day 1"]


def test_another_plan_than_the_one_approved_is_refused_and_that_one_is_done(world: World) -> None:
    planned = call(world, check=True)
    assert (planned["outcome"], planned["changed"], planned["failed"]) == ("planned", True, False)
    words, result = refused(world, lock_users=["eve", "deploy"], approve=planned["plan_hash"])
    assert f"and {planned['plan_hash']} was approved: something is different by now" in words
    assert result["failed"] is True
    done = call(world, approve=planned["plan_hash"])
    assert (done["outcome"], done["changed"], done["accounts"]) == ("revoked", True, ["eve"])
    assert b"eve:!$6$e$eee:19001:0:99999:7::1:" in world.shadow
    assert call(world)["outcome"] == "unchanged"


def test_no_result_shows_a_password(world: World) -> None:
    results = [call(world, check=True), call(world), call(world, state="restored", check=True)]
    results.append(call(world, state="restored"))
    assert [each["outcome"] for each in results] == ["planned", "revoked", "planned", "restored"]
    assert "$6$" not in json.dumps(results)
    assert world.shadow == SHADOW


def test_it_is_given_back_for_its_incident_or_by_force_and_only_with_a_reason(world: World) -> None:
    call(world)
    with pytest.raises(IncidentError, match=r"Not restored: access was taken away for INC-2026-1128-0001, not for INC"):
        call(world, state="restored", incident="INC-2026-1128-0002")
    with pytest.raises(IncidentError, match="needs a reason of at least 10 characters"):
        call(world, state="restored", reason="over")
    assert world.shadow != SHADOW
    back = call(world, state="restored", incident="INC-2026-1128-0002", force=True)
    assert back["overrides"] == [
        f"access was taken away for INC-2026-1128-0001, not for INC-2026-1128-0002 (alice: {REASON})."
    ]
    assert json.loads(Path(back["archive"]).read_text())["incident"] == "INC-2026-1128-0001"
    assert world.shadow == SHADOW
    assert call(world, state="restored")["outcome"] == "unchanged"


def test_check_mode_changes_nothing(world: World) -> None:
    steps = [{"name": "mark", "run": ["touch", str(world.etc / "mark")]}]
    assert call(world, check=True, steps=steps)["changed"]
    assert world.shadow == SHADOW
    assert sorted(os.listdir(world.etc)) == ["group", "passwd", "shadow"]
    assert not (world.etc.parent / "store").exists()
