# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import os
import pwd
import re
import shutil
import subprocess
import sys

import pytest

from ansible_collections.toombos.incident.plugins.module_utils._catalogue.types import ManagerSpec
from ansible_collections.toombos.incident.plugins.module_utils._process.match import is_ours, own_processes, own_roots
from ansible_collections.toombos.incident.plugins.module_utils._process.stat import read_stat
from ansible_collections.toombos.incident.plugins.module_utils._process.table import read_process, read_table
from ansible_collections.toombos.incident.plugins.module_utils._process.types import Process, ProcessTable

ME = pwd.getpwuid(os.geteuid()).pw_name
OTHER = "nobody" if ME != "nobody" else "root"
PID = 4194304 + 7  # above every real pid


def process(*argv, pid=PID, ppid=1, start=1, state="S", cwd="/srv/app", uid=None):
    owner = os.geteuid() if uid is None else uid
    return Process(pid, ppid, start, state, tuple(argv), "/usr/bin/python3.11", cwd, owner)


def spec(**changes):
    values = {"kind": "supervisor", "match": r"mocks/crm\.py", "cwd": "/srv/app", "user": ME, **changes}
    return ManagerSpec(**values)


@pytest.mark.parametrize(
    ("changes", "ours"),
    [
        ({}, True),
        ({"user": None}, True),
        ({"cwd": None}, True),
        ({"cwd": "/srv/app/"}, True),
        ({"cwd": "/srv"}, False),
        ({"user": OTHER}, False),
        ({"user": "no-such-user"}, False),
        ({"user": str(os.geteuid())}, True),
        ({"match": "mocks/platform"}, False),
        ({"match": None}, False),
        ({"match": None, "command": ("python", "mocks/crm.py")}, False),  # the command is a fact of kind process only
        ({"match": None, "command": ("python", "mocks/crm.py"), "kind": "process"}, True),
        ({"match": "nothing", "command": ("python", "mocks/crm.py"), "kind": "process"}, True),
        ({"match": None, "command": ("python", "mocks/x.py"), "kind": "process"}, False),
        ({"match": None, "kind": "process"}, False),
    ],
)
def test_evidence_user_and_directory_must_agree(changes, ours):
    assert is_ours(spec(**changes), process("python", "mocks/crm.py")) is ours


@pytest.mark.parametrize(
    ("argv", "ours"),
    [
        (("/venv/bin/python3", "mocks/crm.py"), True),
        (("python", "-c", "spawn_main('mocks/crm.py')"), True),
        (("sh", "mocks/crm.py.sh"), True),
        (("bash", "-x", "mocks/crm.py.sh"), True),
        (("bash", "--norc", "mocks/crm.py.sh"), True),
        (("bash", "-x"), False),
        (("sh", "-c", "python mocks/crm.py"), False),
        (("/bin/bash", "-lc", "cd /srv/app; exec python mocks/crm.py"), False),
        (("bash", "-e", "-c", "python mocks/crm.py"), False),
        (("-bash", "-c", "python mocks/crm.py"), False),
        (("vim", "mocks/crm.py"), False),
        (("/usr/bin/nano", "mocks/crm.py"), False),
        (("tail", "-f", "mocks/crm.py.log"), False),
        (("grep", "mocks/crm.py"), False),
        (("sudo", "-u", "app", "python", "mocks/crm.py"), False),
        (("sshd: mocks/crm.py@pts/0",), False),
        (("python3", "/usr/bin/ansible-playbook", "-e", "f=mocks/crm.py"), False),
        (("python3", "/usr/bin/watch", "mocks/crm.py"), False),
        ((), False),
    ],
)
def test_a_tool_that_only_names_the_text_is_not_the_service(argv, ours):
    assert is_ours(spec(), process(*argv)) is ours


@pytest.mark.parametrize("state", ["Z", "X"])
def test_the_ended_are_not_ours(state):
    assert not is_ours(spec(), process("python", "mocks/crm.py", state=state))


def test_a_stopped_one_is_ours():
    assert is_ours(spec(), process("python", "mocks/crm.py", state="T"))


def test_an_unreadable_directory_proves_nothing():
    assert not is_ours(spec(), process("python", "mocks/crm.py", cwd=None))
    assert is_ours(spec(cwd=None), process("python", "mocks/crm.py", cwd=None))


def test_a_directory_that_was_deleted_or_is_reached_by_a_link_is_still_the_directory(tmp_path):
    (tmp_path / "releases").mkdir()
    os.symlink("releases", tmp_path / "app")
    real = os.path.realpath(tmp_path / "releases")
    for cwd in (real, real + " (deleted)"):
        assert is_ours(spec(cwd=str(tmp_path / "app")), process("python", "mocks/crm.py", cwd=cwd))
    assert not is_ours(spec(cwd=str(tmp_path)), process("python", "mocks/crm.py", cwd=real))


def test_neither_this_process_nor_its_ancestors_are_ours():
    everything = ManagerSpec(kind="supervisor", match=".")
    for pid in (os.getpid(), os.getppid(), 1):
        assert not is_ours(everything, read_process(pid))


def test_a_match_that_is_no_expression_is_an_error():
    with pytest.raises(re.error):
        is_ours(spec(match="("), process("python"))


def test_roots_and_members_of_a_tree():
    table = ProcessTable(
        {
            each.pid: each
            for each in [
                process("python", "mocks/crm.py", pid=PID, start=50),
                process("python", "-c", "spawn_main", pid=PID + 1, ppid=PID, start=60),
                process("python", "mocks/crm.py", pid=PID + 2, ppid=PID + 1, start=61),
                process("python", "mocks/crm.py", pid=PID + 3, ppid=1, start=40),
                process("python", "mocks/platform.py", pid=PID + 4, ppid=1, start=30),
            ]
        }
    )
    assert [root.pid for root in own_roots(spec(), table)] == [PID + 3, PID]
    assert [one.pid for one in own_processes(spec(), table)] == [PID + 3, PID, PID + 1, PID + 2]


def test_a_real_service_among_real_bystanders(zoo):
    """As found on a host: the service with its worker, an editor, a pager, a wrapper, and one that has ended."""
    path = zoo.script("mocks/crm.py", "pid = os.fork()\nif pid: ready(pid)\ntime.sleep(600)\n")
    service = zoo.run(sys.executable, "mocks/crm.py")
    zoo.until(lambda: os.path.exists(path + ".ready"))
    worker = int(zoo.said("mocks/crm.py"))
    # A stand-in for vim under vim's name, which keeps its arguments and waits.
    shutil.copy(shutil.which("tail"), zoo.home / "vim")
    bystanders = [
        zoo.run(str(zoo.home / "vim"), "-f", "mocks/crm.py", stdout=subprocess.DEVNULL),
        zoo.run("tail", "-f", "mocks/crm.py", stdout=subprocess.DEVNULL),
        zoo.run("sh", "-c", "sleep 600; true", "mocks/crm.py"),
    ]
    ended = zoo.run(sys.executable, "-c", "pass", "mocks/crm.py")
    zoo.until(lambda: read_stat(ended.pid).state == "Z")
    home = str(zoo.home)
    for declared in (
        ManagerSpec(kind="process", command=("python", f"{home}/mocks/crm.py"), cwd=home, user=ME),
        ManagerSpec(kind="supervisor", match=r"mocks/crm\.py", cwd=home, user=ME),
    ):
        table = read_table()
        assert {bystander.pid for bystander in bystanders} <= set(table.processes)
        assert [process.pid for process in own_processes(declared, table)] == [service.pid, worker]
