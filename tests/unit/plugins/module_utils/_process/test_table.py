# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import asdict, replace

import pytest

from ansible_collections.toombos.incident.plugins.module_utils._process import table as module
from ansible_collections.toombos.incident.plugins.module_utils._process.stat import read_stat
from ansible_collections.toombos.incident.plugins.module_utils._process.table import read_process, read_table

STAT = "42 (x) S 7 8 9 0 -1 4194560 1 0 0 0 5 3 0 0 20 0 1 0 524490 1000 20"


@pytest.fixture
def fake(tmp_path):
    """A /proc with one process, 42."""
    home = tmp_path / "proc" / "42"
    home.mkdir(parents=True)
    (home / "stat").write_text(STAT)
    (home / "status").write_text("Name:\tx\nUid:\t1000\t1001\t1000\t1000\n")
    (home / "cmdline").write_bytes(b"serve\0--all\0")
    os.symlink("/usr/bin/serve", home / "exe")
    os.symlink("/srv/app (deleted)", home / "cwd")
    (tmp_path / "proc" / "self").mkdir()
    return tmp_path / "proc"


def test_a_real_process_is_read_as_it_is(zoo):
    started = zoo.start("app.py", "ready()\ntime.sleep(600)\n")
    process = read_table().processes[started.pid]
    assert process.argv == (sys.executable, str(zoo.home / "app.py"))
    assert process.command_line == f"{sys.executable} {zoo.home / 'app.py'}"
    assert process.exe == os.path.realpath(sys.executable)
    assert process.cwd == os.path.realpath(zoo.home)
    assert (process.ppid, process.uid, process.state) == (os.getpid(), os.geteuid(), "S")
    assert process.start == read_stat(started.pid).start


def test_a_name_with_parentheses_and_blanks_does_not_shift_the_fields(zoo):
    program = zoo.home / "a) R 1 (b"
    shutil.copy(shutil.which("sleep"), program)
    process = zoo.run(str(program), "600")
    assert read_process(process.pid).ppid == os.getpid()
    assert read_process(process.pid).state in "SRD"


def test_a_zombie_is_kept_and_has_no_arguments(zoo):
    child = subprocess.Popen(["true"])
    try:
        zoo.until(lambda: read_stat(child.pid).state == "Z")
        zombie = read_table().processes[child.pid]
        assert (zombie.argv, zombie.exe, zombie.state) == ((), None, "Z")
    finally:
        child.wait()
    assert child.pid not in read_table().processes


def test_arguments_that_are_no_text_can_still_be_written_as_json(zoo):
    process = zoo.run("sleep", "600", cwd=zoo.home)
    strange = zoo.run("sh", "-c", "sleep 600; :", b"caf\xe9-" + str(zoo.home).encode())
    assert read_process(strange.pid).argv[3] == f"caf\ufffd-{zoo.home}"
    assert json.dumps(asdict(read_process(strange.pid))).encode("utf-8")
    assert read_process(process.pid).argv == ("sleep", "600")


def test_the_fields_of_the_fake_one(fake):
    process = read_table(str(fake)).processes[42]
    assert asdict(process) == {
        "pid": 42,
        "ppid": 7,
        "start": 524490,
        "state": "S",
        "argv": ("serve", "--all"),
        "exe": "/usr/bin/serve",
        "cwd": "/srv/app (deleted)",
        "uid": 1001,  # the effective one
    }


@pytest.mark.parametrize(
    ("written", "argv"),
    [(b"", ()), (b"nginx: master process\0\0\0", ("nginx: master process",)), (b"a\0\0b\0", ("a", "", "b"))],
)
def test_rewritten_titles_and_empty_arguments(fake, written, argv):
    (fake / "42" / "cmdline").write_bytes(written)
    assert read_process(42, str(fake)).argv == argv


def test_unreadable_links_are_none(fake):
    (fake / "42" / "exe").unlink()
    (fake / "42" / "cwd").unlink()
    assert (read_process(42, str(fake)).exe, read_process(42, str(fake)).cwd) == (None, None)


@pytest.mark.parametrize("vanished", ["stat", "status", "cmdline"])
def test_a_process_that_vanishes_meanwhile_is_left_out(fake, vanished):
    (fake / "42" / vanished).unlink()
    assert read_table(str(fake)).processes == {}


def test_a_status_without_a_user_is_left_out(fake):
    (fake / "42" / "status").write_text("Name:\tx\n")
    assert read_process(42, str(fake)) is None


@pytest.mark.parametrize("second", ["replaced", "gone"])
def test_a_pid_that_changes_hands_while_it_is_read_is_left_out(fake, monkeypatch, second):
    first = read_stat(42, str(fake))
    answers = [first, replace(first, start=first.start + 1) if second == "replaced" else None]
    monkeypatch.setattr(module, "read_stat", lambda pid, proc: answers.pop(0))
    assert read_process(42, str(fake)) is None


def test_a_proc_that_cannot_be_listed_is_an_error(tmp_path):
    with pytest.raises(FileNotFoundError):
        read_table(str(tmp_path / "nowhere"))
