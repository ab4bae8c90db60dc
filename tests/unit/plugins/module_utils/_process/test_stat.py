# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import os

import pytest

from ansible_collections.toombos.incident.plugins.module_utils._process.stat import parse_stat, read_stat

REST = b" S 7 8 9 0 -1 4194560 1 0 0 0 5 3 0 0 20 0 1 0 524490 1000 20"


@pytest.mark.parametrize("name", [b"python3", b"a b", b"evil) R 1 1 1", b"((", b")", b"line\nend", b""])
def test_the_name_cannot_mislead(name):
    stat = parse_stat(b"42 (" + name + b")" + REST)
    assert (stat.pid, stat.state, stat.ppid, stat.group, stat.session, stat.start) == (42, "S", 7, 8, 9, 524490)
    assert stat.identity == (42, 524490)
    assert not stat.gone


@pytest.mark.parametrize(
    "line", [b"", b"42 python S 1", b"42 (x) S 1 2 3", b"42 (x)" + REST.replace(b"7", b"seven", 1)]
)
def test_what_is_no_stat_line_is_refused(line):
    with pytest.raises(ValueError, match=r"."):
        parse_stat(line)


@pytest.mark.parametrize(("state", "gone"), [(b"Z", True), (b"X", True), (b"D", False), (b"T", False)])
def test_the_ended_are_gone(state, gone):
    assert parse_stat(b"42 (x)" + REST.replace(b"S", state, 1)).gone is gone


def test_read_of_a_live_and_of_a_missing_process(tmp_path):
    own = read_stat(os.getpid())
    assert own is not None
    assert (own.pid, own.ppid, own.session) == (os.getpid(), os.getppid(), os.getsid(0))
    assert read_stat(42, str(tmp_path)) is None
