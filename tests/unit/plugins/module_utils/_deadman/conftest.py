# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Deadlines with real processes, and functions of the collection that tell that they have run."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any, Iterator

import pytest

from ansible_collections.toombos.incident.plugins.module_utils._deadman import types as t
from ansible_collections.toombos.incident.plugins.module_utils._deadman.program import OURS
from ansible_collections.toombos.incident.plugins.module_utils._lean.bootstrap import Packed

ACTIONS = """
import os
import time
from ansible_collections.toombos.incident.plugins.module_utils._values import format_duration

def _line(path, text):
    with open(path, "a") as file:
        file.write(text + chr(10))

def write(path, text="done"):
    _line(path, text)
    return "written after " + format_duration(1)

def slow(path, pause):
    _line(path, "begun %d" % os.getppid())
    time.sleep(pause)
    _line(path, "done")

def fail(path, times=99):
    _line(path, "tried")
    if len(open(path).readlines()) <= times:
        raise OSError("no luck, password=geheim-123")

def die(path):
    _line(path, "tried")
    os._exit(3)

def leave(path):
    _line(path, "tried")
    raise SystemExit("enough")
"""


class Deadlines:
    """A directory of deadlines, and a file that actions write to."""

    def __init__(self, zoo: Any) -> None:
        self.zoo = zoo
        self.directory = str(zoo.home / "store" / "deadlines")
        self.file: Path = zoo.home / "acted"

    def order(self, action: str = "write", seconds: float = 60.0, **more: Any) -> t.Order:
        options = {name: more.pop(name) for name in ("attempts", "limit", "purpose") if name in more}
        return t.Order(
            purpose=options.pop("purpose", "trial"),
            function=f"{OURS}_tried:{action}",
            arguments={"path": str(self.file), **more},
            seconds=seconds,
            who="alice",
            why="to see it",
            **options,
        )

    def acted(self) -> list[str]:
        return self.file.read_text().splitlines() if self.file.exists() else []


@pytest.fixture
def actions() -> Iterator[None]:
    """A module of the collection that is packed with the program as any other is."""
    packed = Packed({f"{OURS}_tried": ACTIONS})
    sys.meta_path.insert(0, packed)
    yield
    sys.meta_path.remove(packed)
    sys.modules.pop(f"{OURS}_tried", None)


@pytest.fixture
def deadlines(zoo: Any, actions: None) -> Deadlines:
    return Deadlines(zoo)
