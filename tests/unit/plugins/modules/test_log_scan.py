# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module log_scan, run as Ansible runs it: arguments in, JSON out."""

from __future__ import annotations

import functools
import os
import time
from pathlib import Path
from typing import Any, Callable

import pytest

from ansible_collections.toombos.incident.plugins.module_utils._logs import child
from ansible_collections.toombos.incident.plugins.modules import log_scan

Run = Callable[..., "dict[str, Any]"]


@pytest.fixture
def run(run_module: Callable[..., dict[str, Any]]) -> Run:
    """The module's result."""
    return functools.partial(run_module, log_scan)


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """Two errors, one of them harmless."""
    path = tmp_path / "app.log"
    path.write_text("INFO up\nERROR Failed to initialize\nERROR real\n")
    return path


def service(*logs: Path, **probes: Any) -> dict[str, Any]:
    return {
        "manager": {"kind": "systemd", "unit": "x.service"},
        "logs": list(map(str, logs)),
        "probes": {"port": {"kind": "tcp", "port": 1}, **probes},
    }


@pytest.mark.parametrize("check_mode", [False, True])
def test_paths(run: Run, log: Path, check_mode: bool) -> None:
    result = run(check_mode, paths=[str(log)], patterns={"own": "up$"}, sets=["errors"])
    assert result["changed"] is False
    assert [(name, found["count"]) for name, found in result["patterns"].items()] == [("errors", 2), ("own", 1)]
    assert result["msg"].startswith("errors 2, own 1; 1 files, 0.0 MiB in ")


def test_services_with_what_their_probes_know_to_be_harmless(run: Run, log: Path, tmp_path: Path) -> None:
    probe = {"kind": "log", "path": str(log), "baseline": ["Failed to initialize"], "fail": 9}
    services = {"shop": service(log, errors=probe), "docs": service(tmp_path / "none.log")}
    result = run(services=services)
    assert result["patterns"]["errors"]["count"] == 1
    assert result["totals"]["harmless"] == 1
    assert [entry["service"] for entry in result["files"]] == ["shop"]
    assert [skip["reason"] for skip in result["left_out"]] == ["absent"]
    assert result["invocation"]["module_args"]["services"] == ["docs", "shop"]
    assert run(services=services, only=["docs"])["files"] == []


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({}, "one of the following is required: services, paths"),
        ({"paths": []}, "There is no log to read"),
        ({"paths": ["/x"], "only": ["shop"]}, "only: names services, and none are given"),
        ({"paths": ["app.log"]}, "is not an absolute path"),
        ({"paths": ["/x"], "patterns": {"own": "(a+)+"}}, "could take for ever"),
        ({"paths": ["/x"], "sets": ["eror"]}, "There is no set of patterns 'eror'"),
        ({"paths": ["/x"], "since": "yesterday"}, "since: 'yesterday' is neither a duration nor a moment"),
        ({"paths": ["/x"], "lines": 0}, "lines: 0 is out of bounds"),
        ({"paths": ["/x"], "deadline": "soon"}, "'soon' is not a duration"),
        ({"services": {"shop": {}}, "only": ["shpo"]}, "manager"),
    ],
)
def test_what_is_not_valid_is_refused(run: Run, options: dict[str, Any], told: str) -> None:
    result = run(**options)
    assert result["failed"] is True
    assert told in result["msg"]


def test_an_answer_comes_in_time_from_a_file_system_that_does_not(
    run: Run, log: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = log.with_name("first.log")
    first.write_text("ERROR\n")
    real = os.pread

    def hangs(descriptor: int, size: int, offset: int) -> bytes:
        if os.readlink(f"/proc/self/fd/{descriptor}") == str(log):
            time.sleep(60)
        return real(descriptor, size, offset)

    monkeypatch.setattr(os, "pread", hangs)
    monkeypatch.setattr(child, "_EVERY", 0.0)
    started = time.monotonic()
    result = run(paths=[str(first), str(log)], deadline="2s", rotated=False)
    assert time.monotonic() - started < 30
    assert result["complete"] is False
    assert result["unread"] == [str(log)]
    assert result["patterns"]["errors"]["count"] == 1
    nothing = run(paths=[str(log)], deadline="0s")
    assert nothing["unread"] == [str(log)]
    assert nothing["msg"].startswith("nothing was read; ")


def test_a_scan_that_breaks_is_a_failure(run: Run, log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(child.Scan, "run", lambda self, logs: 1 / 0)
    assert "ZeroDivisionError" in run(paths=[str(log)])["msg"]
