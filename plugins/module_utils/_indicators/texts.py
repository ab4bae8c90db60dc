# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Names and lines of a host that may be hostile, as text that informs and does not steer, without secrets."""

from __future__ import annotations

import hashlib
import os
import re

from ansible_collections.toombos.incident.plugins.module_utils._evidence.readers.masks import NameMask
from ansible_collections.toombos.incident.plugins.module_utils._evidence.readers.names import shown
from ansible_collections.toombos.incident.plugins.module_utils._redact import redact

_LONGEST_NAME = 1000
_LONGEST_LINE = 300
_RANDOM = re.compile(r"[\w+/=-]{200,}")


def name(path: str) -> str:
    r"""A path or another name on one line, ``\xNN`` in place of what is not printable."""
    return _cut(shown(os.fsencode(NameMask()(path))), _LONGEST_NAME)


def line(text: str) -> str:
    """A line of a file, shortened."""
    # Masking takes time by length, and what is shown is short.
    return _cut(shown(os.fsencode(redact(_RANDOM.sub("(long)", text[: 4 * _LONGEST_LINE])))), _LONGEST_LINE)


def digest(*parts: str) -> str:
    """What stands for a text that need not be kept: 32 hexadecimal digits."""
    return hashlib.sha256("\0".join(parts).encode("utf-8", "surrogateescape")).hexdigest()[:32]


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[:most]}… ({len(text)} characters)"
