# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Only one recovery at a time, and none locked out by a dead one."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

import pytest

from ansible_collections.toombos.incident.plugins.module_utils._clock import Clock
from ansible_collections.toombos.incident.plugins.module_utils._errors import IncidentError
from ansible_collections.toombos.incident.plugins.module_utils._recovery.lock import Locked, recovery_lock

HOLD = """
import sys, time
from ansible_collections.toombos.incident.plugins.module_utils._recovery.lock import recovery_lock
with recovery_lock(sys.argv[1], "night shift"):
    print("held", flush=True)
    time.sleep(60)
"""


def test_the_second_is_told_who_holds_it_and_a_killed_holder_frees_it(tmp_path: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path)], stdout=subprocess.PIPE, env=environment, text=True
    )
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"
    try:
        with pytest.raises(Locked) as refused, recovery_lock(str(tmp_path), "me"):
            pass
        assert f"pid {holder.pid}" in str(refused.value)
        assert "night shift" in str(refused.value)
    finally:
        holder.send_signal(signal.SIGKILL)
        holder.wait()
        holder.stdout.close()
    with recovery_lock(str(tmp_path), "me"):
        pass
    with recovery_lock(str(tmp_path), "me again"):
        pass


def test_the_patient_one_gets_it_when_the_holder_has_finished(tmp_path: Path) -> None:
    class Waits(Clock):
        """Lets the holder finish the third time that somebody waits."""

        slept = 0

        def sleep(self, seconds: float) -> None:
            self.slept += 1
            if self.slept == 3:
                held.close()

    clock = Waits()
    with ExitStack() as held:
        held.enter_context(recovery_lock(str(tmp_path), "the orphan"))
        with recovery_lock(str(tmp_path), "me", patience=60.0, clock=clock):
            assert "me" in (tmp_path / "recovery.lock").read_text()
    assert clock.slept == 3


def test_patience_ends(tmp_path: Path) -> None:
    with recovery_lock(str(tmp_path), "me"), pytest.raises(Locked, match="started by me"), recovery_lock(
        str(tmp_path), "you", patience=0.3
    ):
        pass


def test_a_file_that_cannot_be_locked_is_not_taken_for_a_held_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(descriptor: int, kind: int) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr("fcntl.flock", refuse)
    locks = recovery_lock(str(tmp_path), "me", patience=5.0)
    with pytest.raises(IncidentError, match=r"recovery\.lock cannot be locked: No locks available") as refused, locks:
        pass
    assert not isinstance(refused.value, Locked)


def test_an_unreadable_record_is_said(tmp_path: Path) -> None:
    with recovery_lock(str(tmp_path), "me"):
        (tmp_path / "recovery.lock").write_text("garbage")
        with pytest.raises(Locked, match="holder is not known"), recovery_lock(str(tmp_path), "you"):
            pass


def test_a_planted_link_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "victim").write_text("keep")
    (tmp_path / "recovery.lock").symlink_to(tmp_path / "victim")
    with pytest.raises(IncidentError, match="symbolic"), recovery_lock(str(tmp_path), "me"):
        pass
    assert (tmp_path / "victim").read_text() == "keep"


def test_a_directory_that_cannot_be_used_is_refused_with_the_way_out(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(IncidentError, match="incident_state_dir"), recovery_lock(
        str(tmp_path / "file" / "state"), "me"
    ):
        pass


def test_a_full_disk_does_not_keep_the_lock_from_holding(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "pwrite", full)
    with recovery_lock(str(tmp_path), "me"), pytest.raises(Locked), recovery_lock(str(tmp_path), "you"):
        pass
