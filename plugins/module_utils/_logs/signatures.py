# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lines that differ only in numbers, ids, addresses and quoted words, counted together, in bounded memory."""

from __future__ import annotations

import re
from collections import Counter
from typing import Iterable

from ansible_collections.toombos.incident.plugins.module_utils._redact import redact

_LOOKED_AT = 2000  # bytes of a line
_SHOWN = 200  # characters of a signature
_KEPT = 1000  # signatures, after a cut; twice as many before
_REMEMBERED = 1024 * 1024  # bytes of lines whose signature need not be worked out again
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


# What a line of JSON says: its quotes would hide all of it.
_FIELD = re.compile(
    r"""(?<![\w.-])(?P<mark>["'])(?:(?P<level>level|levelname|severity)|(?P<logger>logger|name|module)|(?P<said>message|msg|event))"""
    r"""(?P=mark)\s*:\s*(?P<quote>["'])(?P<value>(?:(?!(?P=quote))[^\\]|\\.){0,1000})"""
)


def fold(line: bytes) -> str:
    """What the line has in common with others of its kind. Not redacted."""
    text = line[:_LOOKED_AT].decode("utf-8", "replace").strip()
    text = _said(text) if text[:1] == "{" else text
    return _VARIABLE.sub(_stand_in, _TIME.sub("", text))


def _said(text: str) -> str:
    """``shop.crm - ERROR - message`` of a line of JSON, as a plain line has it; all of it where it has no message."""
    found: dict[str, str] = {}
    for field in _FIELD.finditer(text):
        kind = next(name for name in ("level", "logger", "said") if field[name])
        found.setdefault(kind, field["value"])
    if "said" not in found:
        return text
    return " - ".join(found[kind] for kind in ("logger", "level", "said") if kind in found)


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
        self._room = _REMEMBERED

    def add(self, lines: Iterable[bytes]) -> None:
        """Count them."""
        for rough, count in Counter([line[:_LOOKED_AT].translate(_ONE_DIGIT) for line in lines]).items():
            signature = self._known.get(rough)
            if signature is None:
                signature = self._learn(rough)
            self._counts[signature] = self._counts.get(signature, 0) + count
            if len(self._counts) > 2 * self._kept:
                self._cut()

    def top(self, most: int) -> list[dict[str, object]]:
        """The most frequent ones, redacted: ``{count, text}``."""
        ranked = sorted(self._counts.items(), key=lambda item: -item[1])[:most]
        return [{"count": count, "text": printable(redact(text))[:_SHOWN]} for text, count in ranked]

    def _learn(self, rough: bytes) -> str:
        self._room -= len(rough)
        if self._room < 0:
            self._known.clear()
            self._room = _REMEMBERED
        signature = self._known[rough] = fold(rough)
        return signature

    def _cut(self) -> None:
        ranked = sorted(self._counts.items(), key=lambda item: -item[1])
        self.capped = True
        self.missed += ranked[self._kept][1]
        self._counts = dict(ranked[: self._kept])


_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f-\x9f\u2028\u2029]")


def printable(text: str) -> str:
    """Without characters that would do something to a terminal."""
    return _CONTROL.sub("?", text)
