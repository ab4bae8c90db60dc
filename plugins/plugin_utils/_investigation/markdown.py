# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Text as Markdown that stays text: whatever a host, a log or an attacker has written into it. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from ansible_collections.toombos.incident.plugins.plugin_utils._printable import printable

_SPECIAL = re.compile(r"([\\`*_{}\[\]<>#|~&!$])")
# What would begin a list, a quotation, a heading's underline or a numbered item at the beginning of a line.
_LEADING = re.compile(r"^(?:([-+=:])|(\d{1,9})([.)]))")
_PLAIN_NAME = re.compile(r"[A-Za-z0-9/._][A-Za-z0-9 ./:@%,=_-]*")


def text(value: str) -> str:
    """One line in which nothing is markup: no link, no image, no HTML, no table cell, no code."""
    line = " ".join(printable(value).split())
    line = _SPECIAL.sub(r"\\\1", line)
    # A bare address is made a link by many programs that show Markdown.
    line = line.replace("://", ":\\/\\/").replace("www.", "www\\.").replace("@", "\\@")
    return _LEADING.sub(lambda found: f"\\{found[1]}" if found[1] else f"{found[2]}\\{found[3]}", line)


def name(value: str) -> str:
    """A name of a host, a service or a file as code where it is a harmless one, else as text."""
    return f"`{value}`" if _PLAIN_NAME.fullmatch(value) else text(value)


def table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """The lines of a table whose cells are Markdown already; empty without rows."""
    cells = [f"| {' | '.join(row)} |" for row in rows]
    if not cells:
        return []
    return ["", f"| {' | '.join(headings)} |", f"|{'---|' * len(headings)}", *cells]
