# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Words that must not be anywhere: places on somebody's machine, hosts of registries, unfinished work."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

Files = Callable[..., list[Path]]

# In pieces, so that this file does not find itself.
NOWHERE = {
    "a place on somebody's machine": r"(?<![\w.])/(?:wo" + r"rk|ro" + r"ot(?!/\.ssh))/|\.pye" + r"nv/versions/\d",
    "a registry's host": r"\bpy" + r"pi\.org|pythonho" + r"sted|npm" + r"js\.org|deb\.deb" + r"ian\.org|ghcr\.i" + r"o",
    "the number of an issue": r"(?:issue|ticket|pull request) #?\d|(?<![\w&/])#\d{1,4}\b(?! *[:;)])",
    "unfinished work": r"\b(?:TO" + r"DO|FIX" + r"ME|XX" + r"X)\b",
}
NO_TEXT = {".png", ".svg", ".gz"}


def findings(root: Path, paths: list[Path], pattern: re.Pattern[str]) -> list[str]:
    """``file:line: text`` for each line that matches."""
    return [
        f"{path}:{number}: {line.strip()[:120]}"
        for path in paths
        for number, line in enumerate((root / path).read_text(errors="replace").splitlines(), start=1)
        if pattern.search(line)
    ]


@pytest.mark.parametrize("what", NOWHERE)
def test_nothing_speaks_of(what: str, root: Path, files: Files) -> None:
    texts = [path for path in files() if path.suffix not in NO_TEXT and path.name != "COPYING"]
    assert not findings(root, texts, re.compile(NOWHERE[what]))


def test_failures_are_never_ignored(root: Path, files: Files) -> None:
    """Law: the truth comes from probes; a task that hides its failure hides that."""
    assert not findings(root, files("roles", "playbooks", suffix=(".yml",)), re.compile(r"^\s*ignore_errors:"))
