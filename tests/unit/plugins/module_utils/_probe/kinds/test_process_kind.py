# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Kinds process and port_owner, against real processes."""

from __future__ import annotations

import os
import pwd
import re
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.toombos.incident.plugins.module_utils._probe.kinds import process as kind
from ansible_collections.toombos.incident.plugins.module_utils._process.listeners import read_listeners

LISTEN = """import socket
s = socket.create_server(("127.0.0.1", 0))
ready(s.getsockname()[1])
time.sleep(600)
"""
ME = pwd.getpwuid(os.geteuid()).pw_name


def test_processes_are_counted_as_trees(zoo: Any, ask: Any) -> None:
    match = re.escape(str(zoo.home))
    assert ask(kind="process", match=match).reason == "not_running"
    child = zoo.script("child.py", "ready(); time.sleep(600)")
    zoo.start(
        "parent.py", f"import subprocess; subprocess.Popen([sys.executable, {child!r}]); ready(); time.sleep(600)"
    )
    zoo.until(lambda: Path(child + ".ready").exists())
    outcome = ask(kind="process", match=match)
    assert (outcome.status, outcome.observed["count"], outcome.message) == ("pass", 1, "1 such process")
    assert str(zoo.home) in outcome.observed["processes"][0]["command"]


def test_too_few_too_many_and_none(zoo: Any, ask: Any) -> None:
    zoo.start("a.py", "ready(); time.sleep(600)")
    zoo.start("b.py", "ready(); time.sleep(600)")
    match = re.escape(str(zoo.home))
    assert ask(kind="process", match=match, max=2, cwd=str(zoo.home), user=ME).status == "pass"
    few = ask(kind="process", match=match, min=3)
    assert (few.reason, few.message) == ("not_running", "2 such processes, at least 3 expected")
    many = ask(kind="process", match=match, max=1)
    assert (many.reason, many.expected) == ("too_many", {"min": 1, "max": 1})
    assert ask(kind="process", match=match, max=0).reason == "too_many"
    assert ask(kind="process", match=match, cwd="/nowhere").reason == "not_running"
    assert ask(kind="process", match=match, user="no-such-user").reason == "not_running"


def test_a_process_table_that_hangs(ask: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    released = threading.Event()
    monkeypatch.setattr(
        "ansible_collections.toombos.incident.plugins.module_utils._probe.context.read_table",
        lambda proc: released.wait(60),
    )
    try:
        assert ask(kind="process", match="x", seconds=0.1).reason == "timeout"
        assert ask(kind="port_owner", port=1, expect={"match": "x"}, seconds=0.1).reason == "timeout"
    finally:
        released.set()


def test_port_owner(zoo: Any, ask: Any) -> None:
    process = zoo.start("listener.py", LISTEN)
    port = int(zoo.said("listener.py"))
    good = ask(kind="port_owner", port=port, expect={"match": "listener.py", "user": ME, "exe": process.exe})
    assert (good.status, good.observed, good.message) == (
        "pass",
        [process.pid],
        f"port {port} is held by pid {process.pid}",
    )
    for expect in ({"match": "other.py"}, {"user": "no-such-user"}, {"exe": "/bin/true"}):
        bad = ask(kind="port_owner", port=port, expect=expect)
        assert (bad.status, bad.reason, bad.expected) == ("fail", "wrong_owner", expect)
        assert f"pid {process.pid}" in bad.message
        assert bad.observed[0]["pid"] == process.pid


def test_nobody_listens(peers: Any, ask: Any) -> None:
    port = peers.free_port()
    outcome = ask(kind="port_owner", port=port, expect={"user": str(os.geteuid())})
    assert (outcome.reason, outcome.message) == ("not_listening", f"nothing listens on port {port}")


def test_of_an_owner_that_may_not_be_looked_into_only_the_user_is_known(
    peers: Any, ask: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unreadable(ports: Any, table: Any, proc: str) -> Any:
        found = read_listeners(ports, table, proc)
        return tuple(type(entry)(entry.port, entry.address, (), entry.uid) for entry in found)

    monkeypatch.setattr(kind, "read_listeners", unreadable)
    port = peers.hang().port
    good = ask(kind="port_owner", port=port, expect={"user": str(os.geteuid())})
    assert (good.status, good.message) == ("pass", f"port {port} is held by a process of the expected user")
    bad = ask(kind="port_owner", port=port, expect={"match": sys.executable})
    assert (bad.reason, "may not be looked into" in bad.message) == ("wrong_owner", True)
    assert bad.observed == [{"uid": os.geteuid()}]
