# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module's engine on this very machine: real processes, real ports, real files."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any, Callable, Iterator

import pytest

from ansible_collections.toombos.incident.plugins.module_utils._errors import CatalogueError, IncidentError
from ansible_collections.toombos.incident.plugins.module_utils._options import SERVICE_RECOVERY
from ansible_collections.toombos.incident.plugins.module_utils._process.table import read_table
from ansible_collections.toombos.incident.plugins.modules.service_recovery import recover

SERVER = """
import http.server, os, sys
if os.path.exists("broken"):
    print("ERROR token=geheim-geheim-123 is not accepted", flush=True)
    raise SystemExit(1)
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200); self.end_headers(); self.wfile.write(b'{"service": "%s"}' % sys.argv[2].encode())
    def log_message(self, *_): print("served", flush=True)
http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
"""


class Place:
    """A directory with two services, back and front, that only exist for one test."""

    def __init__(self, home: Path, free_port: Callable[[], int]) -> None:
        self.home = home
        (home / "server.py").write_text(SERVER)
        self.ports = {name: free_port() for name in ("back", "front")}
        self.services: dict[str, Any] = {name: self._service(name) for name in self.ports}
        self.services["front"]["depends_on"] = ["back"]

    def _service(self, name: str) -> dict[str, Any]:
        port = self.ports[name]
        expect = {"status": [200], "identity": {"service": name}}
        return {
            "manager": {
                "kind": "process",
                "command": [sys.executable, "server.py", str(port), name],
                "cwd": str(self.home),
                "log": str(self.home / f"{name}.log"),
            },
            "ports": [port],
            "probes": {"up": {"kind": "http", "url": f"http://127.0.0.1:{port}/", "timeout": "2s", "expect": expect}},
            "logs": [str(self.home / f"{name}.log")],
            "limits": {"attempts": 2, "ready_timeout": "30s", "stop_timeout": "5s"},
        }

    def recover(self, check_mode: bool = False, **changes: Any) -> dict[str, Any]:
        params = {
            **{name: option.get("default") for name, option in SERVICE_RECOVERY["argument_spec"].items()},
            "services": self.services,
            "stable_for": "0s",
            "deadline": "60s",
            "reason": "a test",
            "state_dir": str(self.home / "state"),
            **changes,
        }
        return recover(params, check_mode)

    def running(self) -> dict[str, int]:
        """Name of the service → pid, of what runs here."""
        found = [p for p in read_table().processes.values() if p.cwd == str(self.home) and p.state != "Z"]
        return {process.argv[3]: process.pid for process in found if len(process.argv) == 4}

    def files(self) -> dict[str, tuple[int, int]]:
        return {
            str(path): (path.lstat().st_mtime_ns, path.lstat().st_size)
            for path in self.home.rglob("*")
            if path.suffix != ".log"
        }

    def close(self) -> None:
        while True:
            left = [p for p in read_table().processes.values() if p.cwd == str(self.home) and p.state != "Z"]
            if not left:
                return
            for process in left:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(process.pid, signal.SIGKILL)
            time.sleep(0.02)


@pytest.fixture
def place(tmp_path: Path, free_port: Callable[[], int]) -> Iterator[Place]:
    made = Place(tmp_path, free_port)
    yield made
    made.close()


def conditions(result: dict[str, Any]) -> dict[str, str]:
    return {service["name"]: service["condition"] for service in result["services"]}


def test_check_mode_plans_exactly_what_the_run_then_does_and_writes_nothing(place: Place) -> None:
    files = place.files()
    rehearsal = place.recover(check_mode=True)
    assert (rehearsal["changed"], rehearsal["recovered"], rehearsal["steps"]) == (True, False, [])
    assert (place.files(), place.running()) == (files, {})
    result = place.recover()
    assert result["plan"] == rehearsal["plan"]
    assert result["plan_hash"] == rehearsal["plan_hash"]
    assert result["recovered"] is True
    assert set(place.running()) == {"back", "front"}


def test_a_second_run_changes_nothing(place: Place) -> None:
    place.recover()
    before = place.running()
    again = place.recover()
    assert (again["changed"], again["plan"], again["msg"]) == (False, [], "all 2 services are healthy")
    assert place.running() == before


def test_only_the_sick_is_touched(place: Place) -> None:
    place.recover()
    before = place.running()
    os.kill(before["front"], signal.SIGSTOP)
    result = place.recover()
    after = place.running()
    assert result["services"][1]["before"]["condition"] == "hung"
    assert after["back"] == before["back"]
    assert after["front"] != before["front"]


def test_a_foreign_process_on_the_port_lives_on(place: Place) -> None:
    script = f"import socket,time; s=socket.create_server(('127.0.0.1', {place.ports['back']})); time.sleep(60)"
    foreign = subprocess.Popen([sys.executable, "-c", script], cwd="/")
    try:
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", place.ports["back"]), 1):
                break
        result = place.recover()
        assert foreign.poll() is None
        assert conditions(result) == {"back": "foreign", "front": "down"}
        assert f"pid {foreign.pid}" in result["verdict"]["root_cause"]["message"]
        assert result["changed"] is False
    finally:
        foreign.kill()
        foreign.wait()


def test_what_does_not_come_up_is_tried_twice_with_the_reason_but_without_its_secrets(place: Place) -> None:
    (place.home / "broken").write_text("")
    result = place.recover(only=["back"])
    assert result["recovered"] is False
    assert result["services"][0]["attempts"] == 2
    assert "is not accepted" in result["services"][0]["message"]
    assert "geheim" not in json.dumps(result)
    assert (place.home / "back.log").read_text().count("ERROR") == 2, "the log is appended to"


def test_a_rejected_configuration_is_reported_and_left_alone(place: Place) -> None:
    refuse = "import sys; sys.exit('PORT: not a number')"
    place.services["back"]["config"] = {
        "files": ["/srv/app/.env"],
        "validate": {"command": [sys.executable, "-c", refuse]},
    }
    result = place.recover(only=["back"])
    assert conditions(result) == {"back": "bad_config"}
    assert "PORT: not a number" in result["msg"]
    assert place.running() == {}


@pytest.mark.parametrize(
    "command",
    [["/does/not/exist"], [sys.executable, "-c", "import time; time.sleep(60)"], [sys.executable, "-c", "pass"]],
)
def test_a_validator_that_does_not_say_no_proves_nothing(place: Place, command: list[str]) -> None:
    place.services["back"]["config"] = {"validate": {"command": command, "timeout": "1s"}}
    assert place.recover(only=["back"])["recovered"] is True


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_the_validator_runs_as_the_user_of_the_service(place: Place) -> None:
    place.home.chmod(0o755)
    tell = "import os, sys; sys.exit(f'I am uid {os.geteuid()}')"
    place.services["back"]["manager"]["user"] = "nobody"
    place.services["back"]["config"] = {"validate": {"command": ["/usr/bin/python3", "-c", tell], "cwd": "/"}}
    assert "I am uid 65534" in place.recover(only=["back"])["msg"]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"only": ["bakc"]}, "back"),
        ({"stable_for": "soon"}, "not a duration"),
        ({"services": {}}, "declares no service"),
        ({"host_probes": {"disk": {"kind": "dsik"}}}, "disk"),
    ],
)
def test_wrong_input_is_refused_with_the_way_out(
    place: Place, changes: dict[str, Any], words: str, request: pytest.FixtureRequest
) -> None:
    with pytest.raises((IncidentError, CatalogueError)) as refused:
        place.recover(**changes)
    assert words in str(refused.value)
    assert not (place.home / "state").exists()


def test_questions_about_the_host_are_answered_beside_the_services(place: Place) -> None:
    result = place.recover(state="assessed", host_probes={"root": {"kind": "disk", "path": "/"}})
    assert [(check["probe"], check["kind"]) for check in result["host_checks"]] == [("root", "disk")]
    assert result["changed"] is False


def test_an_assessment_of_young_processes_sees_the_death_of_one_within_the_window(place: Place) -> None:
    place.recover()
    death = threading.Timer(0.5, os.kill, (place.running()["front"], signal.SIGKILL))
    death.start()
    result = place.recover(state="assessed", stable_for="10s")
    death.join()
    assert (result["recovered"], result["changed"]) == (False, False)
    # A zombie for as long as the first process of the host has not collected it.
    assert {one["name"]: one["condition"] for one in result["services"]}["front"] in ("down", "zombie")


def flapping(result: dict[str, Any]) -> dict[str, str]:
    return {service["name"]: service["flapping"] for service in result["services"]}


def test_what_has_to_be_brought_back_again_and_again_is_flapping_also_while_it_is_well(place: Place) -> None:
    assert flapping(place.recover()) == {"back": "", "front": ""}
    os.kill(place.running()["front"], signal.SIGKILL)
    assert flapping(place.recover(check_mode=True)) == {"back": "", "front": ""}
    assert flapping(place.recover()) == {"back": "", "front": "changed 4 times in 1 minutes"}
    files = place.files()
    for result in (place.recover(state="assessed"), place.recover(check_mode=True)):
        assert result["recovered"] is True
        assert flapping(result)["front"].startswith("changed 4 times")
    assert place.files() == files, "looking is not remembered"


def test_a_recovery_that_was_killed_is_finished_by_the_next(place: Place) -> None:
    program = (
        "import json,sys; from ansible_collections.toombos.incident.plugins.modules.service_recovery import recover;"
        "print('go', flush=True); recover(json.load(sys.stdin), False)"
    )
    params = {"services": place.services, "host_probes": {}, "only": [], "state": "recovered", "force": False}
    params.update({"stable_for": "0s", "deadline": "60s", "reason": "killed", "state_dir": str(place.home / "state")})
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    for delay in (0.05, 0.2, 0.35, 0.5):
        victim = subprocess.Popen(
            [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment, cwd="/"
        )
        assert victim.stdin is not None
        assert victim.stdout is not None
        victim.stdin.write(json.dumps(params).encode())
        victim.stdin.close()
        victim.stdout.readline()
        time.sleep(delay)
        victim.kill()
        victim.wait()
        victim.stdout.close()
        result = place.recover()
        assert result["recovered"] is True
        copies = [p for p in read_table().processes.values() if p.cwd == str(place.home) and p.state != "Z"]
        assert len(copies) == 2, "nothing is started twice"
        stop_all: Callable[[], None] = place.close
        stop_all()
