# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Single files are judged before they are in place, and no objection says a value."""

from __future__ import annotations

import os
import sys
from typing import Any

import pytest
from switching import World, write

from ansible_collections.toombos.incident.plugins.module_utils._catalogue.types import FileCheck
from ansible_collections.toombos.incident.plugins.module_utils._errors import IncidentError
from ansible_collections.toombos.incident.plugins.module_utils._generations.types import Entry
from ansible_collections.toombos.incident.plugins.module_utils._rollback.candidates import matches
from ansible_collections.toombos.incident.plugins.module_utils._rollback.checks import check_files

ROOT = os.geteuid() == 0
SECRET = "Tr0ub4dor-hunter2-x9"


def judged(world: World, kind: str, content: str | bytes, **more: Any) -> tuple[str, str]:
    write(world / "x", content)
    entries = world.read()
    (world / "x").unlink()  # only the kept content counts
    check = FileCheck(files=(str(world / "x"),), kind=kind, **more)
    (found,) = check_files([check], entries, world.contents, scratch=str(world.root))
    assert found.path == str(world / "x")
    assert SECRET not in found.message
    assert "\n" not in found.message
    return found.status, found.message


@pytest.mark.parametrize(
    ("content", "status", "message"),
    [
        ("A=1\nB='two words'\n", "accepted", ""),
        ("\ufeffA=1\r\nB=2\r\n", "accepted", ""),
        ("A=1\n", "rejected", "B must have a value"),
        ("A=1\nB=\n", "rejected", "B must have a value"),
        ("", "rejected", "it is empty"),
        (f"A={SECRET}\nB=2\n", "rejected", "A has not the value that it must have"),
        (f"A=1\nB=2\n{SECRET}\n", "rejected", "Line 3 of the environment file is not NAME=value."),
        (f"A=1\nB='{SECRET}\n", "rejected", "Line 2 of the environment file has no closing quote."),
        (b"A=1\nB=\0\0\0", "rejected", "it has NUL bytes: it was damaged"),
        (b"A=1\nB=2\n\xff=" + SECRET.encode(), "rejected", "line 3 is no UTF-8"),
    ],
)
def test_env(world: World, content: str | bytes, status: str, message: str) -> None:
    assert judged(world, "env", content, required=("A", "B"), values=(("A", "1"),)) == (status, message)


@pytest.mark.parametrize(
    ("kind", "content", "status", "message"),
    [
        ("json", '{"a": [1]}', "accepted", ""),
        ("json", f'{{"a": \n{SECRET}}}', "rejected", "line 2, column 1 is no JSON"),
        ("json", "", "rejected", "it is empty"),
        ("json", b"\xff", "rejected", "line 1 is no UTF-8"),
        ("json", "[" * 100_000, "rejected", "it is nested too deeply"),
        ("ini", "[a]\nb = 1\n", "accepted", ""),
        ("ini", f"[a]\n={SECRET}\n", "rejected", "line 2 cannot be read"),
        ("ini", f"{SECRET} = 1\n", "rejected", "line 1 cannot be read"),
        ("ini", f"[a]\n{SECRET} = 1\n{SECRET} = 2\n", "rejected", "line 3 repeats what an earlier one says"),
        ("ini", b"[a]\nb = \xff", "rejected", "line 2 is no UTF-8"),
        ("ini", b"[a]\nb = \0", "rejected", "it has NUL bytes: it was damaged"),
    ],
)
def test_json_and_ini(world: World, kind: str, content: str | bytes, status: str, message: str) -> None:
    assert judged(world, kind, content) == (status, message)


def python(code: str) -> tuple[str, ...]:
    return (sys.executable, "-c", f"import os, sys; path = sys.argv[1]; {code}")


@pytest.mark.parametrize(
    ("command", "status", "message"),
    [
        (python("sys.exit(open(path).read() != 'A=1')"), "accepted", ""),
        ((*python("sys.exit(path[:6] != 'file:/')"), "file:%s"), "accepted", ""),
        (python("sys.exit(os.path.basename(path) != 'x')"), "accepted", ""),
        (python("sys.exit(os.stat(path).st_mode & 0o77)"), "accepted", ""),
        (python("sys.exit(3)"), "rejected", "its validator ends with rc 3"),
        (python(f"sys.exit('first\\npassword={SECRET}\\nlast')"), "rejected", "first / password=*** / last"),
        (python("sys.exit('bad: ' + path)"), "rejected", "bad: SET/x"),
        (
            ("/no/such/validator",),
            "unproven",
            "its validator cannot be run: /no/such/validator: No such file or directory",
        ),
        ((sys.executable, "-c", "import time; time.sleep(9)"), "unproven", "its validator did not end within 0.4 s"),
    ],
)
def test_command(world: World, command: tuple[str, ...], status: str, message: str) -> None:
    timeout = 0.4 if "sleep" in command[-1] else 20.0
    said = judged(world, "command", "A=1", command=command, timeout=timeout)
    assert said == (status, message.replace("SET", str(world.set)))
    assert sorted(os.listdir(str(world.root))) == ["set"], "the copy is gone"


def test_a_long_objection_is_cut(world: World) -> None:
    status, message = judged(world, "command", "", command=python("sys.exit('word ' * 1000)"))
    assert (status, len(message)) == ("rejected", 300)


@pytest.mark.skipif(not ROOT, reason="only root can run it as somebody else")
def test_a_command_runs_as_the_user_and_nobody_else_can_read_the_copy(world: World) -> None:
    code = (
        "import os, sys; path = sys.argv[1]; s, d = os.stat(path), os.stat(os.path.dirname(path)); "
        "sys.exit(f'{os.geteuid()} {s.st_uid} {s.st_mode & 0o777:o} {d.st_uid} {d.st_mode & 0o777:o} '"
        " + open(path).read())"
    )
    write(world / "x", "content", 0o600)
    check = FileCheck((str(world / "x"),), "command", ("/usr/bin/python3", "-c", code))
    if not os.path.exists("/usr/bin/python3"):
        pytest.skip("no Python that others can run")
    (found,) = check_files([check], world.read(), world.contents, user="nobody")
    assert found.message == "65534 65534 400 65534 700 content"


@pytest.mark.skipif(not ROOT, reason="only root can run it as somebody else")
def test_a_command_that_the_user_cannot_run_proves_nothing(world: World) -> None:
    write(world / "x", "")
    check = FileCheck((str(world / "x"),), "command", ("/no/such/validator",))
    (found,) = check_files([check], world.read(), world.contents, user="nobody")
    assert (found.status, found.message[:30]) == ("unproven", "its validator cannot be run: r")


def test_which_files_are_asked_for(world: World) -> None:
    for name in ("a.env", "b.env", ".c.env", "d/e.env", "f.txt"):
        write(world / name, "A=1\n")
    os.symlink("a.env", str(world / "link"))
    os.symlink("/etc/passwd", str(world / "out"))

    def asked(*patterns: str) -> list[tuple[str, str]]:
        check = FileCheck(tuple(str(world / each) for each in patterns), "env")
        found = check_files([check], world.read(), world.contents, scratch=str(world.root))
        return [(os.path.relpath(each.path, str(world.set)), each.status) for each in found]

    assert asked("*.env") == [("a.env", "accepted"), ("b.env", "accepted")]
    assert asked(".*.env", "*/?.env") == [(".c.env", "accepted"), ("d/e.env", "accepted")]
    assert asked("a.env", "a.*") == [("a.env", "accepted")]
    assert asked("link", "out", "d", "none*") == [("link", "accepted"), ("out", "unproven"), ("d", "rejected")]


def test_a_file_that_will_be_absent_is_rejected() -> None:
    """A missing file would be accepted by applications that fall back to their defaults."""
    (found,) = check_files([FileCheck(("/x",), "env")], [Entry("/x", "absent")], lambda _sha256: iter(()))
    assert (found.status, found.message) == ("rejected", "it is absent, not a file")


def test_a_content_that_cannot_be_had_proves_nothing() -> None:
    def contents(_sha256: str) -> Any:
        raise IncidentError("The store is damaged.", "Verify it.")

    (found,) = check_files([FileCheck(("/x",), "env")], [Entry("/x", "file")], contents)
    assert found.status == "unproven"
    assert "The store is damaged." in found.message


@pytest.mark.parametrize(
    ("path", "pattern", "expected"),
    [
        ("/a/b", "/a/*", True),
        ("/a/b/c", "/a/*", False),
        ("/a/.b", "/a/*", False),
        ("/a/.b", "/a/.*", True),
        ("/a/b", "/[ab]/?", True),
    ],
)
def test_patterns(path: str, pattern: str, expected: bool) -> None:
    assert matches(path, pattern) is expected
