# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Text from hosts on its way to a terminal: it may inform, but not steer."""

from __future__ import annotations

import re

# C0 and C1 controls but the line feed, and the marks that turn the direction of text.
_STEERING = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]+")


def printable(text: str) -> str:
    """The text with every run of control characters as one blank; lines stay lines."""
    return _STEERING.sub(" ", text)
