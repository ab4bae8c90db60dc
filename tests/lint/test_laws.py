# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every promise is held by a test that exists."""

from __future__ import annotations

import re
from pathlib import Path

_LINK = re.compile(r"\[(test_\w+)\]\(\.\./([^)]+)\)")


def test_every_law_names_tests_that_exist(root: Path) -> None:
    text = (root / "docs" / "laws.md").read_text(encoding="utf-8")
    laws = re.split(r"^## ", text, flags=re.MULTILINE)[1:]
    assert [law[0] for law in laws] == list("123456789")
    assert [law.splitlines()[0] for law in laws if not _LINK.search(law)] == []
    named = _LINK.findall(text)
    assert len(named) > 30
    missing = [f"{path}::{name}" for name, path in named if f"def {name}(" not in _read(root / path)]
    assert missing == []


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8") if path.exists() else ""
