# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which ssh connection a process belongs to."""

from __future__ import annotations

from pathlib import Path

import pytest

from ansible_collections.toombos.incident.plugins.module_utils._ssh_session import connection_of

SESSION = "192.0.2.7 50000 198.51.100.5 22"


@pytest.fixture
def proc(tmp_path: Path) -> Path:
    """sshd (10), its session (11), sudo below it (12), the module (13)."""
    for pid, parent, told in ((10, 1, ""), (11, 10, SESSION), (12, 11, ""), (13, 12, "")):
        (tmp_path / str(pid)).mkdir()
        (tmp_path / str(pid) / "stat").write_text(f"{pid} (a) (b) S {parent} {' '.join(['1'] * 48)}\n")
        environment = b"A=1\0" + (f"SSH_CONNECTION={told}\0".encode() if told else b"NOT_SSH_CONNECTION=x\0")
        (tmp_path / str(pid) / "environ").write_bytes(environment)
    return tmp_path


def test_it_is_looked_for_above_because_sudo_takes_it_away(proc: Path) -> None:
    assert connection_of(13, str(proc)) == connection_of(11, str(proc)) == SESSION


def test_there_is_none_outside_of_a_session(proc: Path) -> None:
    assert connection_of(10, str(proc)) == ""
    assert connection_of(99, str(proc)) == ""


def test_what_may_not_be_read_is_passed_over(proc: Path) -> None:
    (proc / "12" / "environ").unlink()
    assert connection_of(13, str(proc)) == SESSION
    (proc / "11" / "environ").unlink()
    assert connection_of(13, str(proc)) == ""
