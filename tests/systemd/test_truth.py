# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How processes under a real systemd lie."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

import pytest
from host import Host, until

# Serves until it is killed. With the argument "child" it does so in a child whose parent collects nobody.
SERVER = """\
import http.server, os, signal, sys
port, how = int(sys.argv[1]), sys.argv[2]
if how == "child":
    if os.fork(): os._exit(0)
    child = os.fork()
    if child:
        open("/run/web.pid.new", "w").write(str(child)); os.rename("/run/web.pid.new", "/run/web.pid")
        while True: signal.pause()
http.server.ThreadingHTTPServer(("127.0.0.1", port), http.server.SimpleHTTPRequestHandler).serve_forever()
"""


@pytest.fixture
def port() -> int:
    return random.randrange(20000, 32000)


@pytest.fixture
def place(host: Host) -> Iterator[Host]:
    host.write("/opt/server.py", SERVER)
    yield host
    for unit in ("web", "other", "session-77.scope"):
        host.run("systemctl", "stop", unit, ok=False)
        host.run("systemctl", "reset-failed", unit, ok=False)
    host.run("sh", "-c", "rm -rf /run/incident /tmp/incident /run/web.pid /run/systemd/system/web.service")
    host.run("sh", "-c", "rm -f /run/systemd/system/other.service; systemctl daemon-reload")
    host.run("pkill", "-KILL", "-f", "/opt/server[.]py", ok=False)


def entry(port: int, **manager: Any) -> dict[str, Any]:
    return {
        "manager": manager,
        "ports": [port],
        "probes": {"up": {"kind": "http", "url": f"http://127.0.0.1:{port}/", "timeout": "2s"}},
        "limits": {"attempts": 1, "stop_timeout": "3s", "ready_timeout": "30s"},
    }


def first(result: dict[str, Any]) -> dict[str, Any]:
    return dict(result["services"][0])


def test_a_zombie_that_systemd_calls_running(place: Host, port: int) -> None:
    start = f"ExecStart=/usr/bin/python3 /opt/server.py {port} child"
    place.unit("web", "Type=forking", "PIDFile=/run/web.pid", start)
    web = entry(port, kind="systemd", unit="web.service", match=f"server.py {port}")
    until(lambda: place.recover(web, state="assessed")["recovered"])
    pid = int(place.shown("web", "MainPID"))
    place.run("kill", "-KILL", str(pid))
    until(lambda: place.states(pid) == ["Z"])
    seen = place.recover(web, state="assessed")
    assert first(seen)["condition"] == "zombie", place.run("systemctl", "status", "web", "--no-pager", ok=False)
    assert f"pid {pid} has ended" in first(seen)["message"]
    result = place.recover(web)
    assert (result["recovered"], first(result)["action"]) == (True, "restarted")
    assert place.recover(web)["changed"] is False


@pytest.fixture
def other(place: Host, port: int) -> int:
    """The same command in a unit that starts it again; its pid."""
    place.unit("other", f"ExecStart=/usr/bin/python3 /opt/server.py {port} main", "Restart=always")
    return int(place.shown("other", "MainPID"))


def kept(place: Host, web: dict[str, Any], pid: int) -> None:
    """It is reported with its unit, and lives on."""
    for state in ("assessed", "recovered"):
        result = place.recover(web, state=state)
        assert (first(result)["condition"], result["changed"]) == ("split_brain", False), first(result)
        assert f"other.service (pid {pid})" in first(result)["message"]
        assert "systemctl disable --now other.service" in first(result)["next"]
    assert (place.shown("other", "MainPID"), place.shown("other", "NRestarts")) == (str(pid), "0")


def test_a_copy_that_another_unit_keeps_is_reported_and_lives_on(place: Host, port: int, other: int) -> None:
    place.unit("web", f"ExecStart=/usr/bin/python3 /opt/server.py {port} main", "Restart=no")
    until(lambda: place.shown("web", "ActiveState") == "failed")
    web = entry(port, kind="systemd", unit="web.service", match=f"server.py {port} main")
    kept(place, web, other)
    place.run("systemctl", "stop", "other")
    assert place.recover(web)["recovered"] is True


def test_what_a_unit_keeps_is_not_ended_as_a_plain_command(place: Host, port: int, other: int) -> None:
    web = entry(port, kind="process", command=["/usr/bin/python3", "/opt/server.py", str(port), "main"], cwd="/")
    until(lambda: place.recover(web, state="assessed")["recovered"])
    place.run("kill", "-STOP", str(other))
    kept(place, web, other)
    place.run("kill", "-CONT", str(other))
    assert place.recover(web)["changed"] is False


SESSION = ("systemd-run", "--scope", "--quiet", "--unit=session-77")


def started_in_a_session(place: Host, port: int, *through: str, **changes: Any) -> tuple[str, int, dict[str, Any]]:
    """What the start says, the pid, and the catalogue's entry of a plain command."""
    web = entry(port, kind="process", command=["/usr/bin/python3", "/opt/server.py", str(port), "main"], cwd="/")
    result = place.recover(web, *SESSION, *through, **changes)
    assert result["recovered"] is True, result
    (said,) = [step["message"] for step in result["steps"] if step["step"] == "start"]
    pid = int(place.run("pgrep", "-f", f"/opt/server[.]py {port} main"))
    return said, pid, web


def test_a_plain_command_outlives_the_session_that_started_it(place: Host, port: int) -> None:
    said, pid, web = started_in_a_session(place, port)
    scope = f"incident-web-{pid}.scope"
    assert said == f"start requested, in a scope of its own, {scope}"
    assert f"/{scope}\n" in place.run("cat", f"/proc/{pid}/cgroup") + "\n"
    place.run("systemctl", "stop", "session-77.scope", ok=False)
    assert place.states(pid) == ["S"]
    again = place.recover(web)
    assert (again["recovered"], again["changed"]) == (True, False)
    place.run("kill", "-KILL", str(pid))
    until(lambda: scope not in place.run("systemctl", "list-units", "--all", "--plain", "--no-legend", "incident-*"))


def test_who_may_not_ask_for_a_scope_is_told_where_the_command_lives(place: Host, port: int) -> None:
    said, pid, _web = started_in_a_session(place, port, "runuser", "-u", "nobody", "--", state_dir="/tmp/incident")
    assert said.startswith("start requested, in session-77.scope, with which it may end (only root may ask")
    place.run("systemctl", "stop", "session-77.scope")
    assert place.states(pid) == [""], "as it was said"
