# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The script as a host gets it, which is ended at any moment: what it leaves is a whole package, or seen to be none."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any, Callable

import pytest

from ansible_collections.toombos.incident.plugins.module_utils._evidence import types as t
from ansible_collections.toombos.incident.plugins.module_utils._evidence.leftovers import leftovers
from ansible_collections.toombos.incident.plugins.plugin_utils._lean import script as lean

MARKER = "<<INCLUDE_ANSIBLE_MODULE_JSON_ARGS>>"
OTHERS = [path for path in map(shutil.which, ("/usr/bin/python3", "python3.8", "python3.13")) if path]
OTHERS = [path for path in OTHERS if "shims" not in path]
Start = Callable[..., "subprocess.Popen[bytes]"]


@pytest.fixture
def start(tmp_path: Path) -> Start:
    """Start a capture of some files and a command that takes its time, by a Python without anything else."""
    content = os.urandom(1 << 16)
    for number in range(40):
        (tmp_path / f"{number}.log").write_bytes(content * (number % 5))

    def run(python: str = sys.executable, slow: str = "0.2", **options: Any) -> subprocess.Popen[bytes]:
        asked = [
            t.Artifact("a/processes", 2, (t.Source("native", ("processes",)),), 20.0, 16 << 20),
            t.Artifact("a/logs", 3, (t.Source("files", (str(tmp_path / "*.log"),)),), 20.0, 1 << 30),
            t.Artifact("a/slow", 3, (t.Source("command", ("sleep", slow)),), 60.0, 1 << 20),
        ]
        given = {
            "incident": "INC-2026-1124-0001",
            "bag": "INC-2026-1124-0001-web-1-001",
            "directory": str(tmp_path / "captures"),
            "definitions": [asdict(each) for each in asked],
            "reserve": "0",
            "_ansible_no_log": True,
            **options,
        }
        text = lean.script("evidence_capture").replace(MARKER, json.dumps(lean.arguments(given)), 1)
        process = subprocess.Popen([python, "-I", "-S", "-"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd="/")
        assert process.stdin is not None
        process.stdin.write(text.encode())
        process.stdin.close()
        return process

    return run


def answer(process: subprocess.Popen[bytes]) -> dict[str, Any]:
    assert process.stdout is not None
    with process.stdout:
        said = process.stdout.read()
    process.wait()
    result: dict[str, Any] = json.loads(said)
    return result


@pytest.mark.parametrize("python", [sys.executable, *OTHERS])
def test_a_host_needs_nothing_but_python(start: Start, python: str) -> None:
    result = answer(start(python))
    assert result["outcomes"] == {"collected": 2, "empty": 1}, result
    assert result["payload"]["files"] == 42
    assert result["invocation"]["module_args"]["definitions"] == "3 of them"


def test_it_is_small_enough_to_be_sent_at_once() -> None:
    assert len(lean.script("evidence_capture")) < 130_000


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_who_ends_it_politely_finds_nothing(start: Start, tmp_path: Path, number: signal.Signals) -> None:
    seconds = f"4711.{os.getpid()}"  # the same test may run elsewhere on this machine
    process = start(slow=seconds)
    place = tmp_path / "captures"
    give_up = time.monotonic() + 20
    while not list(place.glob("*/tree/*/data/a/logs/*")):
        assert time.monotonic() < give_up
        time.sleep(0.01)
    process.send_signal(number)
    assert process.wait(20) == 128 + number
    assert process.stdout is not None
    process.stdout.close()
    assert list(place.iterdir()) == []
    assert subprocess.run(["pgrep", "-f", f"sleep {seconds}"], check=False).returncode == 1


@pytest.mark.no_cover
def test_who_kills_it_finds_a_package_or_sees_that_it_is_none(start: Start, tmp_path: Path) -> None:
    place = tmp_path / "captures"
    began = time.monotonic()
    answer(start())
    usual = time.monotonic() - began
    shutil.rmtree(place)
    seen = set()
    for moment in range(24):
        process = start()
        time.sleep(usual * moment / 20)
        process.kill()
        process.wait()
        assert process.stdout is not None
        process.stdout.close()
        for left in leftovers(str(place), but="") if place.exists() else []:
            record = Path(left["directory"]) / "package.json"
            whole = {f"{int(part['path'][-4:]):04d}" for part in left["package"]["parts"]} if left["complete"] else None
            assert record.exists() == left["complete"]
            assert whole is None or whole == set(os.listdir(record.parent / "parts"))
            assert whole is None or not (record.parent / "tree").exists()
            seen.add(left["complete"])
        shutil.rmtree(place, ignore_errors=True)
    assert seen == {True, False}
