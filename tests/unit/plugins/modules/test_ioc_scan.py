# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module ioc_scan, run as Ansible runs it: arguments in, JSON out."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Callable, Dict

import pytest

from ansible_collections.toombos.incident.plugins.module_utils._indicators.checks import CHECKS
from ansible_collections.toombos.incident.plugins.module_utils._indicators.types import OUTCOMES
from ansible_collections.toombos.incident.plugins.modules import ioc_scan
from ansible_collections.toombos.incident.plugins.plugin_utils._evidence.definitions import built_in

Call = Callable[..., Dict[str, Any]]
QUICK = ["accounts", "schedule", "timers"]


@pytest.mark.parametrize("check_mode", [False, True])
def test_a_scan_of_this_host_changes_nothing_and_each_check_has_an_outcome(
    run_module: Call, tmp_path: Path, check_mode: bool
) -> None:
    result = run_module(ioc_scan, check_mode, only=QUICK, store_dir=str(tmp_path / "store"))
    assert result["changed"] is False
    assert list(result["checks"]) == QUICK
    assert {each["outcome"] for each in result["checks"].values()} <= set(OUTCOMES)
    assert result["baseline"]["state"] == "none"
    assert not (tmp_path / "store").exists()


def test_a_baseline_of_this_host_is_recorded_once(run_module: Call, tmp_path: Path) -> None:
    options = {"only": ["timers"], "store_dir": str(tmp_path / "store"), "state": "baseline"}
    assert run_module(ioc_scan, True, **options, reason="a test")["changed"] is True
    assert not (tmp_path / "store").exists()
    assert run_module(ioc_scan, **options, reason="a test")["changed"] is True
    assert run_module(ioc_scan, **options)["changed"] is False


def test_a_refusal_says_how_to_go_on_and_what_was_found(run_module: Call, tmp_path: Path) -> None:
    options = {"only": ["timers"], "store_dir": str(tmp_path / "store"), "state": "baseline"}
    run_module(ioc_scan, **options, reason="a test")
    (tmp_path / "store" / "ioc" / "baseline.json").write_text("{}")
    result = run_module(ioc_scan, **options)
    assert result["failed"] is True
    assert result["msg"].endswith("Say why: -e reason=…")
    assert result["baseline"]["state"] == "damaged"


def test_of_the_catalogue_only_names_are_in_the_result(run_module: Call, tmp_path: Path) -> None:
    services = {
        "shop": {"manager": {"kind": "systemd", "unit": "x.service"}, "probes": {"port": {"kind": "tcp", "port": 1}}}
    }
    result = run_module(ioc_scan, only=["accounts"], services=services, store_dir=str(tmp_path))
    assert result["invocation"]["module_args"]["services"] == ["shop"]
    assert "There is no check acounts" in run_module(ioc_scan, only=["acounts"])["msg"]


def test_every_artifact_that_a_finding_names_is_in_the_catalogue_of_evidence() -> None:
    known = {artifact.name for artifact in built_in()}
    named = {name for check in CHECKS.values() for name in check.supports}
    assert named <= known
