# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lines that differ only in numbers, ids, addresses and quoted words, counted together, in bounded memory."""

from __future__ import annotations

import re

from ansible_collections.toombos.incident.plugins.module_utils._redact import redact

_LOOKED_AT = 2000  # bytes of a line
_SHOWN = 200  # characters of a signature
_KEPT = 1000  # signatures, after a cut; twice as many before
_REMEMBERED = 5000  # lines whose signature need not be worked out again
_ONE_DIGIT = bytes(ord("0") if chr(code) in "123456789" else code for code in range(256))

_TIME = re.compile(
    r"^\W{0,3}(?:(?:<\d{1,3}>)?[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d|"
    r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d+)?\s?(?:Z|[+-]\d\d:?\d\d)?)[\s\]]*(?:-\s+)?"
)
# In one pass, the wider ones first; a word with a digit in it is an id or a number, whatever else it consists of.
_VARIABLE = re.compile(
    r"""(?P<text>"[^"]{0,300}"|(?<!\w)'[^']{0,300}')"""
    r"""|(?P<address>(?<![\w.])\d{1,3}(?:\.\d{1,3}){3}(?::\d+)?(?![\w.])|(?<![\w:])[0-9a-fA-F]{0,4}(?::[0-9a-fA-F]{0,4}){3,7}(?![\w:]))"""
    r"""|(?P<id>(?<![\w-])(?:[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}|0x[0-9a-fA-F]+|[\w+/=-]{32,})(?![\w-]))"""
    r"""|(?P<n>(?<![\w-])[A-Za-z_-]*\d[\w-]*)""",
    re.ASCII,
)


def fold(line: bytes) -> str:
    """What the line has in common with others of its kind. Not redacted."""
    text = line[:_LOOKED_AT].decode("utf-8", "replace").strip()
    return _VARIABLE.sub(_stand_in, _TIME.sub("", text))


def _stand_in(found: re.Match[str]) -> str:
    return f"<{found.lastgroup}>"


class Signatures:
    """How often which signature was seen. ``capped``: there were more than can be kept, and rare ones were dropped."""

    def __init__(self, kept: int = _KEPT) -> None:
        self.capped = False
        self.missed = 0  # how many lines one that was dropped may have had at most
        self._kept = kept
        self._counts: dict[str, int] = {}
        self._known: dict[bytes, str] = {}

    def add(self, line: bytes) -> None:
        """Count a line."""
        rough = line[:_LOOKED_AT].translate(_ONE_DIGIT)
        signature = self._known.get(rough)
        if signature is None:
            signature = fold(line)
            if len(self._known) >= _REMEMBERED:
                self._known.clear()
            self._known[rough] = signature
        self._counts[signature] = self._counts.get(signature, 0) + 1
        if len(self._counts) > 2 * self._kept:
            self._cut()

    def top(self, most: int) -> list[dict[str, object]]:
        """The most frequent ones, redacted: ``{count, text}``."""
        ranked = sorted(self._counts.items(), key=lambda item: -item[1])[:most]
        return [{"count": count, "text": printable(redact(text))[:_SHOWN]} for text, count in ranked]

    def _cut(self) -> None:
        ranked = sorted(self._counts.items(), key=lambda item: -item[1])
        self.capped = True
        self.missed += ranked[self._kept][1]
        self._counts = dict(ranked[: self._kept])


_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f-\x9f\u2028\u2029]")


def printable(text: str) -> str:
    """Without characters that would do something to a terminal."""
    return _CONTROL.sub("?", text)
