# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether one log begins with all of another, compressed or not."""

from __future__ import annotations

from typing import Iterator

from ansible_collections.toombos.incident.plugins.module_utils._log_restore.content import pieces
from ansible_collections.toombos.incident.plugins.module_utils._logs.source import Unreadable, unpack_stream


def text(descriptor: int, size: int, packed: str) -> Iterator[bytes]:
    """The bytes of ``size`` of a file, unpacked. Raises OSError, Unreadable."""
    raw = pieces(descriptor, size)
    return unpack_stream(raw, packed) if packed else raw


def begins_with(whole: Iterator[bytes], start: Iterator[bytes]) -> bool:
    """Whether ``whole`` has all of ``start`` at its beginning. What cannot be read is not there. Raises OSError."""
    left = b""
    try:
        for piece in start:
            while piece:
                if not left:
                    left = next(whole, b"")
                    if not left:
                        return False
                count = min(len(left), len(piece))
                if left[:count] != piece[:count]:
                    return False
                left, piece = left[count:], piece[count:]
    except Unreadable:
        return False
    return True
