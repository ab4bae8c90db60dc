# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import json
import os
import pwd
import signal
import stat
import subprocess
import sys
import time
from dataclasses import dataclass

import pytest

from ansible_collections.toombos.incident.plugins.module_utils._clock import Clock
from ansible_collections.toombos.incident.plugins.module_utils._errors import ProcessError
from ansible_collections.toombos.incident.plugins.module_utils._process import spawn as module
from ansible_collections.toombos.incident.plugins.module_utils._process.spawn import spawn_detached
from ansible_collections.toombos.incident.plugins.module_utils._process.stat import read_stat
from ansible_collections.toombos.incident.plugins.module_utils._process.table import read_table

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
NOBODY = pwd.getpwnam("nobody")

# What the started program finds out about itself.
SELF = """
mask = signal.pthread_sigmask(signal.SIG_BLOCK, ())
umask = os.umask(0)
fd = "/proc/self/fd/"
ignored = [n for n in (signal.SIGHUP, signal.SIGINT, signal.SIGTERM, signal.SIGCHLD)
           if signal.getsignal(n) == signal.SIG_IGN]
import json
ready(json.dumps({
    "env": dict(os.environ), "cwd": os.getcwd(), "mask": [int(n) for n in mask], "umask": umask, "ignored": ignored,
    "fds": {n: os.readlink(fd + n) for n in os.listdir(fd) if os.path.exists(fd + n)},
    "sid": os.getsid(0), "pgid": os.getpgid(0), "ppid": os.getppid(), "uid": os.getuid(), "euid": os.geteuid(),
    "gids": os.getgroups(), "gid": os.getgid()}))
print("hello", flush=True)
print("trouble", file=sys.stderr, flush=True)
time.sleep(600)
"""


def spawn(zoo, *argv, **changes):
    options = {"cwd": str(zoo.home), "user": None, "env": {}, "log": str(zoo.home / "app.log"), **changes}
    return spawn_detached(argv, clock=Clock(), **options)


def started(zoo, python=sys.executable, **changes):
    path = zoo.script("app.py", SELF)
    process = spawn(zoo, python, path, **changes)
    zoo.until(lambda: os.path.exists(path + ".ready"))
    return process, json.loads(zoo.said("app.py"))


def test_it_runs_by_itself_with_nothing_of_ours(zoo, monkeypatch):
    monkeypatch.setenv("ANSIBLE_SECRET", "of the module")
    reading, writing = os.pipe()
    os.set_inheritable(writing, True)
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    try:
        process, seen = started(zoo, env={"MODE": "dry", "LANG": "de_DE.UTF-8"})
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})
        signal.signal(signal.SIGHUP, before)
        os.close(reading)
        os.close(writing)
    own = pwd.getpwuid(os.geteuid())
    assert process.argv == (sys.executable, str(zoo.home / "app.py"))
    assert process.identity == read_stat(process.pid).identity
    assert seen["env"] == {
        "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        "HOME": own.pw_dir,
        "USER": own.pw_name,
        "LOGNAME": own.pw_name,
        "LANG": "de_DE.UTF-8",
        "LC_ALL": "C.UTF-8",
        "MODE": "dry",
    }
    assert seen["fds"] == {"0": "/dev/null", "1": str(zoo.home / "app.log"), "2": str(zoo.home / "app.log")}
    assert (seen["cwd"], seen["umask"], seen["mask"], seen["ignored"]) == (str(zoo.home), 0o022, [], [])
    assert (seen["sid"], seen["pgid"]) == (process.pid, process.pid)
    assert seen["ppid"] not in (0, os.getpid())


def test_what_it_says_is_appended_to_its_log(zoo):
    log = zoo.home / "app.log"
    log.write_text("from before\n")
    started(zoo)
    zoo.until(lambda: "trouble" in log.read_text())
    assert log.read_text() == "from before\nhello\ntrouble\n"


def test_a_new_log_belongs_to_the_user_and_is_not_for_everybody(zoo):
    started(zoo)
    made = os.stat(zoo.home / "app.log")
    assert (stat.S_IMODE(made.st_mode), made.st_uid) == (0o640, os.geteuid())


def test_without_a_log_its_words_are_discarded(zoo):
    _process, seen = started(zoo, log=None)
    assert seen["fds"] == {"0": "/dev/null", "1": "/dev/null", "2": "/dev/null"}


@as_root
@pytest.mark.skipif(not os.path.exists("/usr/bin/python3"), reason="needs an interpreter that everybody may execute")
def test_root_starts_it_as_its_user(zoo):
    zoo.open_to_all()
    os.chown(zoo.home, NOBODY.pw_uid, NOBODY.pw_gid)
    # The interpreter of the tests may lie where nobody may not go.
    process, seen = started(zoo, user="nobody", python="/usr/bin/python3")
    assert (seen["uid"], seen["euid"], seen["gid"]) == (NOBODY.pw_uid, NOBODY.pw_uid, NOBODY.pw_gid)
    assert seen["gids"] == os.getgrouplist("nobody", NOBODY.pw_gid)
    assert seen["env"]["USER"] == "nobody"
    assert process.uid == NOBODY.pw_uid
    log = os.stat(zoo.home / "app.log")
    assert (log.st_uid, log.st_gid, stat.S_IMODE(log.st_mode)) == (NOBODY.pw_uid, NOBODY.pw_gid, 0o640)


@as_root
def test_a_log_that_its_user_may_not_write_is_not_opened_by_root_for_it(zoo):
    zoo.open_to_all()
    with pytest.raises(ProcessError, match=r"app.log cannot be opened by nobody: Permission denied"):
        spawn(zoo, "sleep", "600", user="nobody")
    assert not (zoo.home / "app.log").exists()


def test_it_survives_the_session_that_started_it(zoo):
    """A starter in a session with its own terminal; the terminal hangs up."""
    path = zoo.script("app.py", SELF)
    starter = zoo.script(
        "starter.py",
        f"""
import pty, signal
sys.path[:0] = {sys.path!r}
from ansible_collections.toombos.incident.plugins.module_utils._clock import Clock
from ansible_collections.toombos.incident.plugins.module_utils._process.spawn import spawn_detached
pid, terminal = pty.fork()
if not pid:
    signal.signal(signal.SIGHUP, signal.SIG_DFL)  # it is ignored below nohup, and the starter is to end
    spawn_detached([{sys.executable!r}, {path!r}], cwd="/", user=None, env={{}}, log=None, clock=Clock())
    ready()
    time.sleep(600)
while not os.path.exists(__file__ + ".ready"):
    time.sleep(0.01)
os.close(terminal)
os.waitpid(pid, 0)
""",
    )
    subprocess.run([sys.executable, starter], check=True, timeout=60)
    (left,) = zoo.alive()
    assert left.argv[1] == path
    assert left.state in "SR"


def test_no_zombie_stays_behind(zoo):
    started(zoo)
    with pytest.raises(ChildProcessError):
        os.waitpid(-1, os.WNOHANG)


def test_a_starter_that_ignores_its_children_can_start_too(zoo):
    before = signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    try:
        process, seen = started(zoo)
    finally:
        signal.signal(signal.SIGCHLD, before)
    assert read_stat(process.pid).state in "SR"
    assert seen["ignored"] == []


def test_a_bare_name_is_found_in_the_path_that_it_is_given(zoo):
    (zoo.home / "a").mkdir()
    (zoo.home / "b").mkdir()
    (zoo.home / "a" / "serve").write_text("not executable")
    os.symlink("/bin/sleep", zoo.home / "b" / "serve")
    process = spawn(zoo, "serve", "600", env={"PATH": f"{zoo.home}/none:{zoo.home}/a:{zoo.home}/b"})
    try:
        assert process.argv == ("serve", "600")
    finally:
        os.kill(process.pid, signal.SIGKILL)


def test_a_relative_program_counts_from_its_directory(zoo):
    os.symlink("/bin/sleep", zoo.home / "serve")
    process = spawn(zoo, "./serve", "600")
    try:
        assert process.cwd == str(zoo.home)
    finally:
        os.kill(process.pid, signal.SIGKILL)


@pytest.mark.parametrize(
    ("argv", "changes", "said"),
    [
        (["no-such-program"], {}, r"^no-such-program cannot be executed by \S+: No such file or directory\. "),
        (["/etc/passwd"], {}, r"^/etc/passwd cannot be executed by \S+: Permission denied\. "),
        (["./plain"], {}, r"^./plain cannot be executed by \S+: Exec format error\. "),
        (["sleep", "600"], {"cwd": "/no/such"}, r"^The directory /no/such cannot be entered by \S+: No such file"),
        (["sleep", "600"], {"cwd": "/etc/passwd"}, r"^The directory /etc/passwd cannot be entered by \S+: Not a dir"),
        (["sleep", "600"], {"log": "/no/such/log"}, r"^The log /no/such/log cannot be opened by \S+: No such file"),
        (["sleep", "600"], {"log": "/proc"}, r"^The log /proc cannot be opened by \S+: Is a directory"),
        (["sleep", "600"], {"user": "no-such-user"}, r"^There is no user no-such-user on this host\. "),
        (["sleep", "6\0"], {}, r"^A zero byte cannot be part of a command"),
        (["sleep", "600"], {"env": {"A": "\0"}}, r"^A zero byte cannot be part of"),
        ([], {}, r"^There is no command to start\. "),
    ],
)
def test_what_keeps_it_from_starting_is_said(zoo, argv, changes, said):
    (zoo.home / "plain").write_text("no program")
    (zoo.home / "plain").chmod(0o755)
    with pytest.raises(ProcessError, match=said):
        spawn(zoo, *argv, **changes)
    with pytest.raises(ChildProcessError):
        os.waitpid(-1, os.WNOHANG)


def test_a_log_that_is_a_link_is_not_followed(zoo):
    (zoo.home / "precious").write_text("precious\n")
    os.symlink("precious", zoo.home / "app.log")
    with pytest.raises(ProcessError, match="Too many levels of symbolic links"):
        spawn(zoo, "echo", "overwritten")
    assert (zoo.home / "precious").read_text() == "precious\n"


def test_a_log_that_is_a_pipe_does_not_hang(zoo):
    os.mkfifo(zoo.home / "app.log")
    with pytest.raises(ProcessError, match="cannot be opened"):
        spawn(zoo, "echo", "lost")
    reader = os.open(zoo.home / "app.log", os.O_RDONLY | os.O_NONBLOCK)
    try:
        with pytest.raises(ProcessError, match="Invalid argument"):
            spawn(zoo, "echo", "lost")
    finally:
        os.close(reader)


@pytest.mark.parametrize(("log", "way_out"), [("app.log", "Read"), (None, "Declare a log")])
def test_a_program_that_is_gone_at_once_is_an_error(zoo, monkeypatch, log, way_out):
    monkeypatch.setattr(module, "read_process", lambda pid: None)
    with pytest.raises(ProcessError, match="true ended right after its start") as error:
        spawn(zoo, "true", log=log and str(zoo.home / log))
    assert error.value.way_out.startswith(way_out)


@dataclass
class Quick:
    now: float = 0.0

    def monotonic(self):
        return self.now

    def sleep(self, seconds):
        self.now += seconds


def test_arguments_that_the_kernel_has_not_put_in_place_yet_are_waited_for(zoo, monkeypatch):
    whole = zoo.run("sleep", "600")
    answers = [whole.__class__(**{**whole.__dict__, "argv": ()})] * 3
    monkeypatch.setattr(module, "read_process", lambda pid: answers.pop() if answers else whole)
    assert module._started(whole.pid, "sleep", None, Quick()) == whole
    monkeypatch.setattr(module, "read_process", lambda pid: whole.__class__(**{**whole.__dict__, "argv": ()}))
    assert module._started(whole.pid, "sleep", None, Quick()).argv == ()


def test_a_start_that_hangs_is_given_up_and_cannot_come_to_life_later(zoo, monkeypatch):
    """A FUSE or NFS mount that is dead keeps the child in a system call: here the child waits before its exec."""
    monkeypatch.setattr(module, "_TIMEOUT", 0.3)
    path = zoo.script("never.py", "ready()\n")

    def hang(log):
        signal.pause()

    monkeypatch.setattr(module.spawn_child, "_redirect", hang)
    with pytest.raises(ProcessError, match=r"did not start within 0 s"):
        spawn(zoo, sys.executable, path)
    # It had already entered its directory: that tells it from every other copy of this process.
    zoo.until(lambda: str(zoo.home) not in [process.cwd for process in read_table().processes.values()])
    assert not os.path.exists(path + ".ready")


def test_it_is_put_where_it_belongs_before_it_does_anything(zoo):
    marker = zoo.home / "ran"
    seen = []

    def place(pid):
        seen.append((pid, marker.exists()))
        time.sleep(0.3)
        seen.append((pid, marker.exists()))

    process = spawn(zoo, "/bin/sh", "-c", f"touch {marker}; sleep 600", place=place)
    zoo.until(marker.exists)
    assert seen == [(process.pid, False)] * 2


def test_nothing_stays_open_when_it_is_placed_and_fails(zoo):
    before = sorted(os.listdir("/proc/self/fd"))
    with pytest.raises(ProcessError, match="cannot be executed"):
        spawn(zoo, "/no/such/program", place=lambda _pid: None)
    spawn(zoo, "/bin/sleep", "600", place=lambda _pid: None)
    assert sorted(os.listdir("/proc/self/fd")) == before
