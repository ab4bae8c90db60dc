# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A lab of its own for every test module, and what the tests ask of it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
sys.path.insert(0, str(HERE))

from breaks import BREAKS, fix
from ports import free_ports
from processes import Running, kill
from stack import Stack

# Files that change because services live, not because somebody recovers them.
_LIVING = ("logs", "__pycache__", "supervisord.pid", "s.sock")


@dataclass(frozen=True)
class Run:
    """A finished playbook."""

    rc: int
    screen: str

    @property
    def verdict(self) -> dict[str, Any]:
        """The machine-readable line, which must be the last one."""
        last = self.screen.rstrip().splitlines()[-1]
        assert last.startswith("INCIDENT_VERDICT "), self.screen
        content = json.loads(last.partition(" ")[2])
        assert isinstance(content, dict)
        return content


class Lab(Stack):
    """A stack with the verbs of a test.

    Evidence has tests of its own; the others look at what a recovery does, and say why they do without.
    """

    @property
    def evidence(self) -> dict[str, object]:
        """Skipped, unless a test says -e evidence=wanted."""
        return {**super().evidence, "mode": "skip", "reason": "evidence has tests of its own"}

    def break_(self, name: str) -> None:
        """Break it."""
        BREAKS[name](self)

    def mend(self) -> None:
        """Bring everything back, whatever was done to it, without the code under test."""
        fix(self)
        # A fresh supervisord forgets that main was stopped or given up.
        kill([process for process in self.running() if "standin.py" not in process.command])
        self.up()

    def play(self, playbook: str, *arguments: str) -> Run:
        """Run a playbook of the checkout against this lab."""
        program = Path(sys.executable).with_name("ansible-playbook")
        settings = {"ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"), "ANSIBLE_NOCOLOR": "1", "COLUMNS": "120"}
        done = subprocess.run(
            [program, "-i", "inventory", "-i", self.inventory, playbook, "-e", "target=lab", *arguments],
            cwd=ROOT,
            env={**os.environ, **settings},
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            timeout=300,
            check=False,
        )
        return Run(done.returncode, done.stdout + (f"\n{done.stderr}" if done.returncode and not done.stdout else ""))

    def files(self) -> dict[str, tuple[int, int, int]]:
        """Every file that a service does not write by itself: mode, size and time of change."""
        return {
            str(path): (path.lstat().st_mode, path.lstat().st_size, path.lstat().st_mtime_ns)
            for path in self.home.rglob("*")
            if not any(part in _LIVING for part in path.parts)
        }

    def identities(self) -> set[tuple[int, int]]:
        """Pid and start time of all its processes."""
        return {(process.pid, process.start) for process in self.running()}

    def of(self, words: str) -> list[Running]:
        """Its processes with these words in their command."""
        return [process for process in self.running() if words in process.command]


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """A lab that is up; every test leaves it healthy or mends it."""
    stack = Lab(tmp_path_factory.mktemp("lab"), free_ports(), say=lambda _: None)
    stack.up()
    yield stack
    stack.down()
    assert not stack.running()
