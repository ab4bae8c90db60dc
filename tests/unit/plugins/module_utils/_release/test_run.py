# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What runs as somebody else: exact output, in time, and nothing of it is left."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from ansible_collections.toombos.incident.plugins.module_utils._errors import IncidentError
from ansible_collections.toombos.incident.plugins.module_utils._process.account import find_account
from ansible_collections.toombos.incident.plugins.module_utils._process.stat import read_stat
from ansible_collections.toombos.incident.plugins.module_utils._release.run import Ran, Runner


def shell(script: str, timeout: float = 20.0, **options: object) -> Ran:
    runner = Runner(find_account(None))
    return runner.command(["sh", "-c", script], cwd="/", env=runner.environment(), timeout=timeout, **options)


def ended(pid: int) -> bool:
    """Whether it has ended, or does in a moment: a signal takes its time."""
    end = time.monotonic() + 5
    while time.monotonic() < end:
        stat = read_stat(pid)
        if stat is None or stat.gone:
            return True
        time.sleep(0.01)
    return False


def test_output_is_exact_and_the_errors_are_apart() -> None:
    ran = shell("printf 'a\\377\\0b'; echo bad >&2; exit 3")
    assert (ran.rc, ran.out, ran.err) == (3, b"a\xff\0b", "bad\n")
    assert shell("kill -9 $$").rc == -9


def test_of_much_output_the_end_is_kept() -> None:
    ran = shell("seq 1 200000; echo last", most=1000)
    assert len(ran.out) == 1000
    assert ran.out.endswith(b"200000\nlast\n")


def test_what_does_not_end_is_ended_with_its_group() -> None:
    began = time.monotonic()
    ran = shell("trap '' TERM; sleep 60 & echo $!; wait; sleep 60", timeout=0.5)
    assert ran.rc is None
    assert time.monotonic() - began < 10
    assert ended(int(ran.out))


def test_what_is_left_behind_is_ended_and_does_not_keep_us() -> None:
    began = time.monotonic()
    ran = shell("sleep 60 & echo $!")
    assert ran.rc == 0
    assert time.monotonic() - began < 10
    assert ended(int(ran.out))


def test_nothing_of_our_environment_gets_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_DIR", "/somewhere")
    monkeypatch.setenv("API_TOKEN", "x")
    names = {line.split(b"=")[0] for line in shell("env").out.splitlines()}
    assert names <= {b"PATH", b"HOME", b"USER", b"LOGNAME", b"LC_ALL", b"PWD", b"SHLVL", b"_", b"OLDPWD"}


def test_what_cannot_be_run_says_so(tmp_path: Path) -> None:
    runner = Runner(find_account(None))
    ran = runner.command(["no-such-program"], cwd="/", env=runner.environment(), timeout=5)
    assert (ran.rc, ran.err) == (126, "no-such-program: No such file or directory")
    ran = runner.command(["true"], cwd=str(tmp_path / "none"), env=runner.environment(), timeout=5)
    assert (ran.rc, ran.err) == (126, f"{tmp_path}/none: No such file or directory")


def test_it_does_not_begin_before_it_is_on_record(tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    seen = []

    def began(pid: int) -> None:
        time.sleep(0.2)
        seen.append((pid, mark.exists()))

    ran = shell(f"touch {mark}; echo $$", began=began)
    assert seen == [(int(ran.out), False)]
    assert mark.exists()

    def fails(_pid: int) -> None:
        raise OSError("the record cannot be written")

    mark.unlink()
    with pytest.raises(OSError, match="cannot be written"):
        shell(f"touch {mark}", began=fails)
    time.sleep(0.2)
    assert not mark.exists()


def test_a_function_of_our_own() -> None:
    runner = Runner(find_account(None))
    assert runner.call(lambda: [os.getpid() != 0, "x\udcff"], timeout=5) == [True, "x\udcff"]
    with pytest.raises(IncidentError, match=r"^/nowhere: No such file or directory$"):
        runner.call(lambda: os.listdir("/nowhere"), timeout=5)
    with pytest.raises(IncidentError, match="more than"):
        runner.call(lambda: time.sleep(60), timeout=0.2)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_as_somebody_else() -> None:
    runner = Runner(find_account("nobody"))
    ran = runner.command(["id", "-u"], cwd="/", env=runner.environment(), timeout=5)
    assert ran.text == "65534"
    groups = set(os.getgrouplist("nobody", find_account("nobody").gid))
    assert runner.call(lambda: [os.getuid(), os.geteuid(), sorted(set(os.getgroups()) - groups)], timeout=5) == [
        65534,
        65534,
        [],
    ]
    with pytest.raises(IncidentError, match=r"Operation not permitted|Permission denied"):
        runner.call(lambda: os.setuid(0), timeout=5)


def test_commands_inherit_the_lock_unless_somebody_keeps_account_of_them(tmp_path: Path) -> None:
    with open(tmp_path / "lock", "wb") as file:
        runner = Runner(find_account(None), file.fileno())
        argv = ["sh", "-c", "readlink /proc/self/fd/* | grep -c lock$"]

        def count(**options: object) -> bytes:
            return runner.command(argv, cwd="/", env=runner.environment(), timeout=5, **options).out

        assert (count(), count(began=lambda _pid: None)) == (b"1\n", b"0\n")
