# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is in a file: whole, empty, or damaged from which byte on."""

from __future__ import annotations

import bz2
import gzip
import hashlib
import lzma
import os
import random
import time
from pathlib import Path

import pytest
from log_site import TODAY, lines

from ansible_collections.toombos.incident.plugins.module_utils._log_restore.compare import begins_with
from ansible_collections.toombos.incident.plugins.module_utils._log_restore.content import BLOCK, inspect
from ansible_collections.toombos.incident.plugins.module_utils._log_restore.types import Condition

TEXT = lines(TODAY).encode()
NOISE = random.Random(1).getrandbits(4096 * 8).to_bytes(4096, "big")
LONG = TEXT * (2 * BLOCK // len(TEXT) + 1)


def look(tmp_path: Path, content: bytes, packed: str = "") -> Condition:
    path = tmp_path / "x"
    path.write_bytes(content)
    handle = os.open(path, os.O_RDONLY)
    try:
        found = inspect(handle, len(content), packed)
    finally:
        os.close(handle)
    assert found.sha256 == hashlib.sha256(content).hexdigest()
    assert found.size == len(content)
    return found


@pytest.mark.parametrize(
    ("content", "state", "why", "intact", "more"),
    [
        (b"", "empty", "", 0, False),
        (TEXT, "whole", "", len(TEXT), False),
        ("Zwölf Kämpfer\n".encode("latin-1"), "whole", "", 14, False),
        (b"a\0b\n", "whole", "", 4, False),  # one that a program wrote
        (TEXT + b"\0", "corrupt", "it ends with 1 NUL bytes", len(TEXT), False),
        (TEXT + bytes(5000), "corrupt", "it ends with 5000 NUL bytes", len(TEXT), False),
        (LONG + bytes(3 * BLOCK), "corrupt", "it has a run of NUL bytes", len(LONG), False),
        (bytes(4096), "corrupt", "it has a run of NUL bytes", 0, False),
        (TEXT + bytes(64) + TEXT, "corrupt", "it has a run of NUL bytes", len(TEXT), True),
        (TEXT + bytes(63) + TEXT, "whole", "", 2 * len(TEXT) + 63, False),
        (bytes(BLOCK) + TEXT, "corrupt", "it has a run of NUL bytes", 0, True),
        (TEXT[:-1] + bytes(BLOCK), "corrupt", "it has a run of NUL bytes", len(TEXT) - 1, False),
        (b"x" * (BLOCK - 32) + bytes(64) + b"y\n", "corrupt", "it has a run of NUL bytes", BLOCK - 32, True),
        (NOISE, "corrupt", "it is not readable as text", 0, False),
        (LONG[:BLOCK] + NOISE, "corrupt", "it is not readable as text", BLOCK, False),
        (NOISE * (BLOCK // 4096) + TEXT, "corrupt", "it is not readable as text", 0, True),
    ],
)
def test_plain(tmp_path: Path, content: bytes, state: str, why: str, intact: int, more: bool) -> None:
    found = look(tmp_path, content)
    assert (found.state, found.why, found.intact, found.more) == (state, why, intact, more)


def test_times_and_line_ends(tmp_path: Path) -> None:
    found = look(tmp_path, TEXT)
    begin = time.mktime(time.strptime(f"{TODAY} 10:00:00", "%Y%m%d %H:%M:%S"))
    assert (found.first, found.newest, found.ended) == (begin, begin + 19, True)
    assert not look(tmp_path, TEXT[:-1]).ended
    damaged = look(tmp_path, TEXT + bytes(100))
    assert (damaged.first, damaged.newest) == (begin, begin + 19)
    assert look(tmp_path, b"no time\n").newest is None


@pytest.mark.parametrize(("packed", "pack"), [("gz", gzip.compress), ("bz2", bz2.compress), ("xz", lzma.compress)])
def test_packed(tmp_path: Path, packed: str, pack: object) -> None:
    data = pack(TEXT)  # type: ignore[operator]
    whole = look(tmp_path, data, packed)
    assert (whole.state, whole.intact, whole.ended) == ("whole", len(data), True)
    assert whole.first is not None
    cut = look(tmp_path, data[:-9], packed)
    assert (cut.state, cut.intact, cut.more) == ("corrupt", len(data) - 9, False)
    assert look(tmp_path, b"not packed at all\n", packed).state == "corrupt"
    assert look(tmp_path, pack(TEXT + bytes(99)), packed).why == "it ends with 99 NUL bytes"  # type: ignore[operator]


def test_a_changed_byte_in_the_middle_of_a_packed_log(tmp_path: Path) -> None:
    data = bytearray(gzip.compress(TEXT * 50))
    data[len(data) // 2] ^= 0x10
    assert look(tmp_path, bytes(data), "gz").state == "corrupt"


@pytest.mark.parametrize(
    ("whole", "start", "told"),
    [
        ([b"abc", b"def"], [b"ab", b"cd"], True),
        ([b"abc"], [b"abc"], True),
        ([b"abc"], [], True),
        ([], [], True),
        ([b"abc"], [b"abcd"], False),
        ([b"abc", b"xef"], [b"abcd"], False),
        ([], [b"a"], False),
    ],
)
def test_begins_with(whole: list[bytes], start: list[bytes], told: bool) -> None:
    assert begins_with(iter(whole), iter(start)) is told
