# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""When files were born: statx(2), which Python's ``os.stat`` does not ask on Linux."""

from __future__ import annotations

import os
import struct
from typing import Callable, Optional

Birth = Callable[[bytes], Optional[int]]
_AT_FDCWD = -100
_FLAGS = 0x100 | 0x800  # AT_SYMLINK_NOFOLLOW, AT_NO_AUTOMOUNT
_BTIME = 0x800  # STATX_BTIME, asked for and told
_SIZE = 256  # of struct statx, the same on every architecture
_MASK = struct.Struct("=I")
_TIME = struct.Struct("=qI")
_TIME_AT = 80


def births() -> Birth:
    """A function: path → nanoseconds since the epoch, or None where the host or the file system does not know."""
    try:
        import ctypes

        call = ctypes.CDLL(None).statx
    except (ImportError, OSError, AttributeError):  # a Python without it, a C library before 2018
        return lambda _path: None
    buffer = ctypes.create_string_buffer(_SIZE)

    def birth(path: bytes) -> int | None:
        if call(_AT_FDCWD, os.fsencode(path), _FLAGS, _BTIME, buffer):
            return None
        if not _MASK.unpack_from(buffer)[0] & _BTIME:
            return None
        seconds, nanoseconds = _TIME.unpack_from(buffer, _TIME_AT)
        return int(seconds * 1_000_000_000 + nanoseconds) or None

    return birth
