# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Freezing a host, keeping services, and giving both back."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.toombos.incident.plugins.module_utils._errors import IncidentError
from ansible_collections.toombos.incident.plugins.module_utils._recovery.control import Wish, control
from ansible_collections.toombos.incident.plugins.module_utils._recovery.lease import Holder, Leases

WHY = "stepping through a deadlock"


@pytest.fixture
def ask(tmp_path: Path) -> Any:
    def _ask(frozen: bool, *services: str, owner: str = "alice", apply: bool = True, **more: Any) -> Any:
        return control(
            str(tmp_path), Wish(frozen, services, owner, more.pop("reason", WHY), **more), apply, lambda: 1000.0
        )

    return _ask


def test_a_host_is_frozen_once_and_thawed_once(ask: Any, tmp_path: Path) -> None:
    assert ask(True, apply=False).changed
    assert os.listdir(tmp_path) == [], "a rehearsal writes nothing"
    assert [ask(True).changed, ask(True).changed] == [True, False]
    assert ask(True, reason="another reason, bob").changed
    assert ask(False, apply=False).changed
    assert [ask(False).changed, ask(False).changed] == [True, False]


def test_a_service_is_kept_for_one_person(ask: Any) -> None:
    assert ask(True, "web").message == "web: held until 1970-01-01T01:16:40Z"
    assert ask(True, "web").changed is False
    assert ask(True, "web", expires=60.0).changed is True
    with pytest.raises(IncidentError, match="web is held by alice"):
        ask(True, "web", owner="bob")
    with pytest.raises(IncidentError, match="web is held by alice"):
        ask(False, "web", owner="bob")
    assert ask(False, "web").message == "given back: web"
    assert ask(False, "web").changed is False
    ask(True, "web")
    assert ask(True, "web", owner="bob", takeover=True).changed


def test_a_run_that_is_at_work_keeps_its_lease(ask: Any, tmp_path: Path) -> None:
    leases = Leases(str(tmp_path), lambda: 1000.0)
    run = Holder.this_process("alice", "a recovery")
    leases.take(["web"], run, 60.0)
    assert ask(False, "web").changed is False
    assert list(leases.held(["web"], Holder("bob", ""))) == ["web"]


def test_a_freeze_needs_its_reason(ask: Any) -> None:
    with pytest.raises(IncidentError, match="at least 10 characters"):
        ask(True, reason="because")
