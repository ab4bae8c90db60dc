# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
from dataclasses import replace

import pytest

from ansible_collections.toombos.incident.plugins.module_utils._clock import Clock
from ansible_collections.toombos.incident.plugins.module_utils._process import kill as module
from ansible_collections.toombos.incident.plugins.module_utils._process.kill import send_signal, stop_processes
from ansible_collections.toombos.incident.plugins.module_utils._process.stat import read_stat
from ansible_collections.toombos.incident.plugins.module_utils._process.table import read_process

GRACE = 30.0  # long: a test that needs it all is wrong
TERM_IGNORING = "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"


def stop(*roots, grace=GRACE):
    return stop_processes(roots, grace=grace, clock=Clock())


def test_a_process_that_obeys_is_only_asked(zoo):
    process = zoo.start("app.py", "ready()\ntime.sleep(600)\n")
    result = stop(process)
    assert (result.terminated, result.killed, result.survivors, result.changed) == ((process.pid,), (), (), True)
    assert zoo.alive() == []


def test_the_whole_tree_ends_parents_first(zoo):
    body = "a = os.fork()\nif not a:\n    b = os.fork()\n    if b: ready(f'{os.getpid()} {b}')\ntime.sleep(600)\n"
    root = zoo.start("app.py", body)
    child, grandchild = map(int, zoo.said("app.py").split())
    assert stop(root).terminated == (root.pid, child, grandchild)
    assert zoo.alive() == []


def test_who_ignores_the_request_is_killed_after_the_grace(zoo):
    root = zoo.start("app.py", TERM_IGNORING + "if os.fork(): ready()\ntime.sleep(600)\n")
    result = stop(root, grace=0.3)
    assert len(result.terminated) == 2
    assert result.killed == result.terminated
    assert zoo.alive() == []


def test_the_grace_is_waited_for_in_full_and_no_longer(zoo):
    body = "def bye(*_):\n    time.sleep(1)\n    open('said-goodbye', 'w')\n    sys.exit()\n"
    process = zoo.start("app.py", body + "signal.signal(signal.SIGTERM, bye)\nready()\ntime.sleep(600)\n")
    assert stop(process).killed == ()
    assert (zoo.home / "said-goodbye").exists()


def test_a_stopped_process_is_continued_so_that_it_can_obey(zoo):
    body = "def bye(*_):\n    open('said-goodbye', 'w')\n    sys.exit()\nsignal.signal(signal.SIGTERM, bye)\n"
    process = zoo.start("app.py", body + "ready()\ntime.sleep(600)\n")
    os.kill(process.pid, signal.SIGSTOP)
    zoo.until(lambda: read_stat(process.pid).state == "T")
    result = stop(process)
    assert (result.terminated, result.killed, result.survivors) == ((process.pid,), (), ())
    assert (zoo.home / "said-goodbye").exists()


def test_a_stopped_process_that_would_not_obey_ends_too(zoo):
    process = zoo.start("app.py", TERM_IGNORING + "ready()\ntime.sleep(600)\n")
    os.kill(process.pid, signal.SIGSTOP)
    assert stop(process, grace=0.2).killed == (process.pid,)
    assert zoo.alive() == []


def test_a_member_whose_parent_ends_first_is_still_followed(zoo):
    body = "if not os.fork():\n    " + TERM_IGNORING + "    ready(os.getpid())\ntime.sleep(600)\n"
    root = zoo.start("app.py", body)
    worker = int(zoo.said("app.py"))
    result = stop(root, grace=0.5)
    assert result.terminated == (root.pid, worker)
    assert result.killed == (worker,)
    assert zoo.alive() == []


def test_children_forked_while_dying_end_too(zoo):
    """On SIGTERM it forks a child that ignores SIGTERM, and ends: the child was never anybody's known child."""
    body = f"""
def bye(*_):
    if not os.fork():
        {TERM_IGNORING.strip()}
        open('late-child', 'w')
        time.sleep(600)
    os._exit(0)
signal.signal(signal.SIGTERM, bye)
ready()
time.sleep(600)
"""
    root = zoo.start("app.py", body)
    result = stop(root, grace=1.0)
    assert zoo.alive() == []
    assert result.survivors == ()
    assert root.pid in result.terminated


def test_a_supervising_parent_that_replaces_its_worker_does_not_win(zoo):
    body = f"""
{TERM_IGNORING}
def work():
    pid = os.fork()
    if not pid:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        time.sleep(600)
    return pid
work()
ready()
while True:
    os.wait()
    work()
"""
    root = zoo.start("app.py", body)
    result = stop(root, grace=0.5)
    assert zoo.alive() == []
    assert root.pid in result.killed


def test_a_bystander_in_the_same_group_is_left_alone(zoo):
    """``service | reader`` in a shell: one process group, but not one tree."""
    body = """
service = os.fork()
if not service:
    os.setpgid(0, 0)
    time.sleep(600)
reader = os.fork()
if not reader:
    time.sleep(600)
os.setpgid(service, service)
os.setpgid(reader, service)
ready(f'{service} {reader}')
time.sleep(600)
"""
    zoo.start("shell.py", body)
    service, reader = (zoo.look(int(pid)) for pid in zoo.said("shell.py").split())
    assert read_stat(reader.pid).group == service.pid
    assert stop(service).terminated == (service.pid,)
    assert read_stat(reader.pid).state in "SR"


def test_a_pid_that_belongs_to_another_process_now_is_not_signalled(zoo):
    process = zoo.start("app.py", "ready()\ntime.sleep(600)\n")
    result = stop(replace(process, start=process.start - 1))
    assert (result.terminated, result.killed, result.survivors, result.changed) == ((), (), (), False)
    assert read_stat(process.pid).state in "SR"


def test_what_is_gone_already_is_no_change(zoo):
    process = zoo.start("app.py", "ready()\ntime.sleep(600)\n")
    assert stop(process).changed
    assert not stop(process).changed
    assert not stop().changed


def test_a_zombie_counts_as_gone(zoo):
    child = subprocess.Popen(["sleep", "600"])
    zoo.children.append(child)
    process = read_process(child.pid)
    assert stop(process).survivors == ()
    assert read_stat(child.pid).state == "Z"
    assert not stop(process).changed


def test_neither_this_process_nor_its_ancestors_are_ever_signalled(zoo, monkeypatch):
    monkeypatch.setattr(module, "send_signal", lambda *_: pytest.fail("signalled"))
    roots = [read_process(pid) for pid in (1, os.getppid(), os.getpid())]
    result = stop(*roots, grace=0.1)
    assert set(result.survivors) == {root.pid for root in roots}
    assert not result.changed


def test_who_may_not_be_signalled_is_a_survivor_at_once(zoo, monkeypatch):
    process = zoo.start("app.py", "ready()\ntime.sleep(600)\n")

    def refuse(*_):
        raise PermissionError

    monkeypatch.setattr(module, "send_signal", refuse)
    result = stop(process)
    assert (result.terminated, result.killed, result.survivors, result.changed) == ((), (), (process.pid,), False)


def test_who_survives_even_the_kill_is_reported(zoo, monkeypatch):
    """As a process in uninterruptible sleep does: signals are accepted and nothing happens."""
    process = zoo.start("app.py", "ready()\ntime.sleep(600)\n")
    monkeypatch.setattr(module, "send_signal", lambda *_: True)
    monkeypatch.setattr(module, "_KILL_TIMEOUT", 0.2)
    result = stop(process, grace=0.1)
    assert result.killed == (process.pid,)
    assert result.survivors == (process.pid,)


@pytest.mark.parametrize("handles", ["as it is", "none", "not supported"])
def test_a_signal_reaches_exactly_its_identity(zoo, monkeypatch, handles):
    if handles == "none":
        monkeypatch.delattr(os, "pidfd_open", raising=False)
    if handles == "not supported":

        def refuse(_pid):
            raise OSError(errno.ENOSYS, "not here")

        monkeypatch.setattr(os, "pidfd_open", refuse, raising=False)
    process = zoo.start("app.py", "ready()\ntime.sleep(600)\n")
    assert not send_signal((process.pid, process.start + 1), signal.SIGKILL)
    assert read_stat(process.pid).state in "SR"
    assert send_signal(process.identity, signal.SIGKILL)
    zoo.until(lambda: read_stat(process.pid).gone)
    assert not send_signal(process.identity, signal.SIGKILL)
    zoo.children[0].wait()
    assert not send_signal(process.identity, signal.SIGKILL)


def test_a_signal_to_a_process_that_ends_between_the_look_and_the_signal_is_no_error(zoo, monkeypatch):
    process = zoo.start("app.py", "ready()\ntime.sleep(600)\n")
    stat = read_stat(process.pid)
    zoo.children[0].kill()
    zoo.children[0].wait()
    monkeypatch.delattr(os, "pidfd_open", raising=False)
    monkeypatch.setattr(module, "read_stat", lambda pid: stat)
    assert not send_signal(process.identity, signal.SIGTERM)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_a_process_of_another_user_refuses_the_signal(zoo):
    """Really: a helper that runs as nobody tries to signal a process of root."""
    process = zoo.run("sleep", "600")
    code = f"import os\nos.setuid(65534)\nos.kill({process.pid}, 15)\n"
    refused = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert "PermissionError" in refused.stderr
    assert read_stat(process.pid).state in "SR"
