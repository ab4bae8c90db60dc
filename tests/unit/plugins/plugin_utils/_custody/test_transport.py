# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Parts arrive as they were digested, or not at all; a host cannot send for ever."""

from __future__ import annotations

import io
import resource
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from ansible_collections.toombos.incident.plugins.module_utils._errors import IncidentError
from ansible_collections.toombos.incident.plugins.plugin_utils._custody.transport import Joined, files_up_to


def test_the_parts_are_one_stream(tmp_path: Path) -> None:
    pieces = [b"a" * 10, b"", b"b" * 5000, b"c"]
    paths = [tmp_path / str(number) for number in range(4)]
    for path, piece in zip(paths, pieces, strict=True):
        path.write_bytes(piece)
    with io.BufferedReader(Joined([str(path) for path in paths]), 64) as stream:
        assert stream.read(12) == b"a" * 10 + b"bb"
        assert stream.read() == b"b" * 4998 + b"c"
        assert stream.read() == b""


def test_no_program_writes_more_than_is_expected(tmp_path: Path) -> None:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    write = "import sys; f = open(sys.argv[1], 'wb'); [f.write(bytes(1 << 20)) for _ in range(8)]"
    with files_up_to(3 << 20):
        ended = subprocess.run([sys.executable, "-c", write, str(tmp_path / "x")], check=False, capture_output=True)
        copied = subprocess.run(["cp", "/dev/zero", str(tmp_path / "y")], check=False, capture_output=True)
        with pytest.raises(OSError, match="large"), open("/dev/zero", "rb") as zeros, open(
            tmp_path / "z", "wb"
        ) as mine:
            shutil.copyfileobj(zeros, mine)
    assert ended.returncode != 0
    assert copied.returncode in (-signal.SIGXFSZ, 1)
    assert {path.stat().st_size for path in tmp_path.iterdir()} == {3 << 20}
    assert resource.getrlimit(resource.RLIMIT_FSIZE) == before


def test_the_limit_is_taken_back_after_a_failure() -> None:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    with pytest.raises(IncidentError), files_up_to(1):
        raise IncidentError("cut")
    assert resource.getrlimit(resource.RLIMIT_FSIZE) == before
