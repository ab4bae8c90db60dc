# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Words that must not be where they are: names of one customer in generic code, of machines, of unfinished work."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

Files = Callable[..., list[Path]]

GENERIC = ("plugins", "roles", "playbooks", "meta", "changelogs")
# What only the inventory and the lab may know. The collection's own name is no such word.
CUSTOMER = re.compile(
    r"halcytone|(?<![\w.@-])toombos(?![\w-]*\.incident|-incident)|mock[-_ ]?(?:crm|platform)|content[-_]generator"
    r"|\b(?:8000|8001|8002|9090|9093|3000|3100)\b|grafana|alertmanager|\bloki\b|prometheus",
    re.IGNORECASE,
)
# In pieces, so that this file does not find itself.
NOWHERE = {
    "a place on somebody's machine": r"(?<![\w.])/(?:wo" + r"rk|ro" + r"ot)/|\.pye" + r"nv/versions/\d",
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


def test_generic_code_names_no_customer(root: Path, files: Files) -> None:
    assert not findings(root, files(*GENERIC), CUSTOMER)


def test_the_pattern_finds_customers_and_spares_the_collection() -> None:
    for text in ("toombos-backend", "the Toombos host", "halcytone-main", "port 8001", "mock_crm", "grafana"):
        assert CUSTOMER.search(text), text
    for text in (
        "toombos.incident.guard",
        "ansible_collections.toombos.incident.plugins",
        "18000",
        "/etc/toombos-incident",
    ):
        assert not CUSTOMER.search(text), text


@pytest.mark.parametrize("what", NOWHERE)
def test_nothing_speaks_of(what: str, root: Path, files: Files) -> None:
    texts = [path for path in files() if path.suffix not in NO_TEXT and path.name != "COPYING"]
    assert not findings(root, texts, re.compile(NOWHERE[what]))


def test_failures_are_never_ignored(root: Path, files: Files) -> None:
    """Law: the truth comes from probes; a task that hides its failure hides that."""
    assert not findings(root, files("roles", "playbooks", suffix=(".yml",)), re.compile(r"^\s*ignore_errors:"))
