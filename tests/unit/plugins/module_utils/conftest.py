# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Real processes for tests, none of which outlives its test."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, Callable, Iterator

import pytest

from ansible_collections.toombos.incident.plugins.module_utils._process.stat import read_stat
from ansible_collections.toombos.incident.plugins.module_utils._process.table import read_process, read_table
from ansible_collections.toombos.incident.plugins.module_utils._process.types import Process

HEAD = """import os, signal, sys, time
def ready(text=''):
    with open(__file__ + '.tmp', 'w') as file:
        file.write(str(text))
    os.rename(__file__ + '.tmp', __file__ + '.ready')
"""


class Zoo:
    """Starts scripts below one directory; everything whose arguments name that directory is ended with the test."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.children: list[subprocess.Popen[bytes]] = []

    def script(self, name: str, body: str) -> str:
        """Write a Python script that may call ready(text)."""
        path = self.home / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(HEAD + body, encoding="utf-8")
        return str(path)

    def run(self, *argv: str, cwd: Path | None = None, **options: Any) -> Process:
        """Start a command as the leader of a session."""
        child = subprocess.Popen(list(argv), cwd=cwd or self.home, start_new_session=True, **options)
        self.children.append(child)
        # The kernel reports a successful exec before it has put the new arguments in place. Nothing is reaped here:
        # what has ended already is for the test to look at.
        self.until(lambda: self.look(child.pid).argv or self.look(child.pid).state in "ZX")
        return self.look(child.pid)

    def open_to_all(self) -> None:
        """Let every user enter the directory (parallel runs put it deeper)."""
        for folder in (self.home, *self.home.parents):
            if folder == Path(tempfile.gettempdir()):
                break
            folder.chmod(0o755)

    def start(self, name: str, body: str) -> Process:
        """Start a script and wait until it is ready."""
        path = self.script(name, body)
        started = self.run(sys.executable, path)
        self.until(lambda: os.path.exists(path + ".ready"))
        return self.look(started.pid)

    def said(self, name: str) -> str:
        """What the script said when it was ready."""
        return (self.home / (name + ".ready")).read_text(encoding="utf-8")

    def look(self, pid: int) -> Process:
        """The process as it is now."""
        process = read_process(pid)
        assert process is not None
        return process

    def alive(self) -> list[Process]:
        """What still runs of it: in a session that was started here, or with the directory in its arguments."""
        sessions = {child.pid for child in self.children}
        return [
            process
            for process in read_table().processes.values()
            if process.state not in "ZX" and process.pid != os.getpid() and self._is_mine(process, sessions)
        ]

    def _is_mine(self, process: Process, sessions: set[int]) -> bool:
        stat = read_stat(process.pid)
        return str(self.home) in process.command_line or (stat is not None and stat.session in sessions)

    def until(self, condition: Callable[[], object], seconds: float = 30.0) -> None:
        """Wait for a condition; generous, because the machine may be busy, and only a failing test waits that long."""
        end = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < end, "it did not happen"
            time.sleep(0.01)

    def close(self) -> None:
        """End everything."""
        while self.alive():
            for process in self.alive():
                with contextlib.suppress(ProcessLookupError):
                    os.kill(process.pid, signal.SIGKILL)
            time.sleep(0.02)
        for child in self.children:
            child.kill()
            child.wait()


@pytest.fixture
def zoo(tmp_path: Path) -> Iterator[Zoo]:
    """A directory for real processes."""
    keeper = Zoo(tmp_path)
    yield keeper
    keeper.close()
