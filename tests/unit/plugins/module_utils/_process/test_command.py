# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import os

import pytest

from ansible_collections.toombos.incident.plugins.module_utils._process.command import is_interpreter, same_command
from ansible_collections.toombos.incident.plugins.module_utils._process.types import Process

MOCK = ("python", "mocks/crm.py")
UVICORN = ("uvicorn", "app:app", "--port", "8000")


def process(*argv, exe="/usr/bin/python3.11", cwd="/srv/app"):
    return Process(42, 1, 1, "S", tuple(argv), exe, cwd, 1000)


@pytest.mark.parametrize(
    ("command", "argv"),
    [
        (MOCK, ("python", "mocks/crm.py")),
        (MOCK, ("/srv/app/venv/bin/python3.11", "mocks/crm.py")),
        (MOCK, ("python3", "/srv/app/mocks/crm.py")),
        (MOCK, ("python3", "./mocks/crm.py")),
        (("/venv/bin/python3", "/srv/app/mocks/crm.py"), ("python", "mocks/crm.py")),
        (("/usr/bin/pypy3.10-7", "x.py"), ("pypy", "x.py")),
        (("node", "server.js"), ("/opt/node18/bin/node", "/srv/app/server.js")),
        (UVICORN, ("/venv/bin/python3", "/venv/bin/uvicorn", *UVICORN[1:])),
        (("/venv/bin/uvicorn", *UVICORN[1:]), ("/venv/bin/python3", "/venv/bin/uvicorn", *UVICORN[1:])),
        (UVICORN, ("/venv/bin/python3", "-I", "/venv/bin/uvicorn", *UVICORN[1:])),
        (("./run.sh",), ("/bin/sh", "./run.sh")),
        (("/srv/app/run.sh", "now"), ("/bin/bash", "-e", "/srv/app/run.sh", "now")),
        (("serve", "--all"), ("/opt/serve/bin/serve", "--all")),
        (("/opt/serve", "--all"), ("/opt/serve", "--all")),
        (("bin/serve",), ("/srv/app/bin/serve",)),
        (("python", "-m", "http.server", "8000"), ("/usr/bin/python3", "-m", "http.server", "8000")),
    ],
)
def test_the_same_command_in_another_dress(command, argv):
    assert same_command(command, process(*argv), "/srv/app")


@pytest.mark.parametrize(
    ("command", "argv"),
    [
        (MOCK, ("vim", "mocks/crm.py")),
        (MOCK, ("tail", "-f", "mocks/crm.py")),
        (MOCK, ("sh", "-c", "python mocks/crm.py")),
        (MOCK, ("bash", "-c", "cd /srv/app && python mocks/crm.py")),
        (MOCK, ("ruby", "mocks/crm.py")),
        (MOCK, ("python", "mocks/crm.py", "--once")),
        (MOCK, ("python", "mocks/platform.py")),
        (MOCK, ("python", "old/crm.py")),
        (MOCK, ("python", "/srv/other/mocks/crm.py")),
        (MOCK, ("python", "-m", "pdb", "mocks/crm.py")),
        (MOCK, ("python",)),
        (MOCK, ()),
        ((), ("python", "mocks/crm.py")),
        ((), ()),
        (UVICORN, ("/venv/bin/python3", "/venv/bin/uvicorn", "app:app", "--port", "8001")),
        (("uvicorn",), ("python3", "-m", "uvicorn")),
        (("/opt/a/serve",), ("/opt/b/serve",)),
        (("serve",), ("/opt/a/server",)),
        (("python",), ("python3", "-c", "python")),
    ],
)
def test_another_command(command, argv):
    assert not same_command(command, process(*argv), "/srv/app")


def test_relative_paths_count_from_where_each_side_stands():
    command = ("python", "crm.py")
    assert same_command(command, process("python", "mocks/crm.py"), "/srv/app/mocks")
    assert not same_command(command, process("python", "mocks/crm.py"), "/srv/app")
    assert same_command(command, process("python", "crm.py", cwd=None), None)
    assert same_command(command, process("python", "/srv/app/crm.py"), None)


def test_an_absolute_program_that_was_started_by_its_bare_name_is_told_by_its_executable(tmp_path):
    real = tmp_path / "serve-2.0"
    real.write_text("")
    os.symlink(real, tmp_path / "serve")
    command = (str(tmp_path / "serve"), "--all")
    assert same_command(command, process("serve", "--all", exe=os.path.realpath(real)), None)
    assert not same_command(command, process("serve", "--all", exe="/usr/bin/serve"), None)
    assert not same_command(command, process("serve", "--all", exe=None), None)


def test_a_link_to_the_release_is_followed(tmp_path):
    (tmp_path / "releases" / "42").mkdir(parents=True)
    os.symlink("releases/42", tmp_path / "app")
    running = process("python", "crm.py", cwd=os.path.realpath(tmp_path / "releases" / "42"))
    assert same_command(("python", str(tmp_path / "app" / "crm.py")), running, None)
    assert not same_command(("python", str(tmp_path / "crm.py")), running, None)


@pytest.mark.parametrize(
    ("path", "answer"),
    [("/usr/bin/python3.11", True), ("node", True), ("bash", True), ("pythonista", False), ("vim", False)],
)
def test_interpreters_are_known_by_their_name(path, answer):
    assert is_interpreter(path) is answer
