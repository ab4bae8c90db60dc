# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Names of any bytes as text that every reader of a format takes for one name, and that can be turned back."""

from __future__ import annotations

import re

_ESCAPE = re.compile(rb"\\x([0-9a-f]{2})")


def shown(name: bytes, also: str = "") -> str:
    r"""The name on one line: ``\xNN`` in place of each byte that is no UTF-8 or not printable, and of the backslash.

    ``also``: further characters that mean something where the name is to stand. Not with ``%``: mactime turns ``%0A``
    into a line feed, and then drops the line without a word.
    """
    text = name.decode("utf-8", "surrogateescape")
    special = "\\" + also
    if text.isprintable() and not any(each in text for each in special):
        return text
    return "".join(each if each.isprintable() and each not in special else _escaped(each) for each in text)


def exact(text: str) -> bytes:
    """The bytes of a name that was made with ``shown``."""
    return _ESCAPE.sub(lambda found: bytes([int(found[1], 16)]), text.encode("utf-8", "surrogateescape"))


def _escaped(character: str) -> str:
    return "".join(f"\\x{byte:02x}" for byte in character.encode("utf-8", "surrogateescape"))
