# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module as a host gets it: one script, nothing of which is left but the deadline."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Iterator

import pytest

from ansible_collections.toombos.incident.plugins.module_utils._process.table import read_table
from ansible_collections.toombos.incident.plugins.plugin_utils._lean import script as lean

MARKER = "<<INCLUDE_ANSIBLE_MODULE_JSON_ARGS>>"


@pytest.fixture(scope="module")
def text() -> str:
    return lean.script("maintenance_mode")


def mine(home: Path) -> list[int]:
    return [each.pid for each in read_table().processes.values() if str(home) in each.command_line]


@pytest.fixture
def call(text: str, tmp_path: Path) -> Iterator[Any]:
    def _call(**options: Any) -> dict[str, Any]:
        given = {
            "owner": "alice",
            "reason": "migration, alice",
            "switch": {"flag": {"path": str(tmp_path / "flag")}},
            "store_dir": str(tmp_path / "store"),
            **options,
        }
        whole = text.replace(MARKER, json.dumps(lean.arguments(given)), 1)
        # What keeps the deadline must not hold the pipes of the connection open.
        done = subprocess.run(
            [sys.executable, "-I", "-S", "-"],
            input=whole.encode(),
            capture_output=True,
            check=False,
            timeout=60,
            cwd="/",
        )
        assert done.stderr == b""
        result: dict[str, Any] = json.loads(done.stdout)
        return result

    yield _call
    for pid in mine(tmp_path):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def test_on_again_and_off(call: Any, tmp_path: Path) -> None:
    first = call()
    assert (first["changed"], first["state"]) == (True, "present"), first
    assert json.loads((tmp_path / "flag").read_text())["until"] == first["until"]
    assert first["diff"]["before"] == {"state": "absent"}
    assert [call()["changed"], call(expires="2h")["changed"]] == [False, True]
    last = call(state="absent", switch={})
    assert (last["changed"], last["state"], (tmp_path / "flag").exists()) == (True, "absent", False)
    assert call(state="absent")["changed"] is False


def test_it_ends_when_nothing_of_the_run_is_left(call: Any, tmp_path: Path) -> None:
    assert call(expires="1s")["changed"] is True
    end = time.monotonic() + 20
    while (tmp_path / "flag").exists() or mine(tmp_path):
        assert time.monotonic() < end
        time.sleep(0.05)
    assert call(state="absent")["changed"] is False


def test_check_mode_leaves_nothing(call: Any, tmp_path: Path) -> None:
    assert call(_ansible_check_mode=True)["changed"] is True
    assert os.listdir(tmp_path) == []


def test_a_flag_in_an_env_file_is_refused(call: Any, tmp_path: Path) -> None:
    result = call(switch={"flag": {"path": str(tmp_path / ".env.production")}})
    assert result["failed"]
    assert "is an env file, not a flag" in result["msg"]
    services = {"web": {"config": {"files": [str(tmp_path / "flag")]}, "secret": "geheim"}}
    result = call(services=services)
    assert "is configuration of the service web" in result["msg"]
    assert result["invocation"]["module_args"]["services"] == ["web"]
    assert os.listdir(tmp_path) == []
