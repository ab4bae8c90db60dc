# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A recovery on a host without jmespath: it restarts nothing for it, and the controller has the last word."""

from __future__ import annotations

import contextlib
import json
import os
import random
import signal
import socket
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.toombos.incident.plugins.module_utils._options import SERVICE_RECOVERY
from ansible_collections.toombos.incident.plugins.module_utils._process.table import read_table
from ansible_collections.toombos.incident.plugins.module_utils._recovery.call import recover
from ansible_collections.toombos.incident.plugins.plugin_utils._completion.recovery import complete_recovery

COUNT = "length(items)"
SERVER = """
import http.server, sys
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200); self.end_headers(); self.wfile.write(b'{"items": [1, 2], "note": "kept at home"}')
    def log_message(self, *_): pass
http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
"""


class Place:
    """Two services, of which one answers with JSON and is asked for it, and the other needs it."""

    def __init__(self, home: Path, without_jmespath: Any) -> None:
        self.home, self.port, self._without = home, free_port(), without_jmespath
        (home / "server.py").write_text(SERVER)
        (home / "sleeper.py").write_text("import time; time.sleep(600)")

    def services(self, expected: int) -> dict[str, Any]:
        def manager(*words: str) -> dict[str, Any]:
            return {"kind": "process", "command": [sys.executable, *words], "cwd": str(self.home)}

        asks = {"kind": "http", "url": f"http://127.0.0.1:{self.port}/", "expect": {"jmespath": {COUNT: expected}}}
        alive = {"kind": "process", "match": "sleeper.py", "cwd": str(self.home), "timeout": "5s"}
        limits = {"attempts": 2, "ready_timeout": "20s", "stop_timeout": "3s"}
        web = {"manager": manager("server.py", str(self.port)), "ports": [self.port], "probes": {"up": asks}}
        shop = {"manager": manager("sleeper.py"), "probes": {"alive": alive}, "depends_on": ["web"]}
        return {"web": {**web, "limits": limits}, "shop": shop}

    def call(self, expected: int, state: str = "recovered", library: bool = True) -> dict[str, Any]:
        """The task's result. ``library``: whether the controller has it; the host has not."""
        params = {name: option.get("default") for name, option in SERVICE_RECOVERY["argument_spec"].items()}
        ours = {"services": self.services(expected), "stable_for": "0s", "state_dir": str(self.home / "state")}
        params.update(ours, state=state, only=[])
        said = self._without(recover, params, check_mode=False, defers=True)
        assert "kept at home" in json.dumps(said)
        applied = state == "recovered"
        complete = (
            complete_recovery if library else lambda *args, **more: self._without(complete_recovery, *args, **more)
        )
        result: dict[str, Any] = complete(said, params, applied=applied)
        assert "kept at home" not in json.dumps(result), "the body does not stay"
        return result

    def pids(self) -> list[int]:
        return [p.pid for p in read_table().processes.values() if p.cwd == str(self.home) and p.state != "Z"]


def free_port() -> int:
    while True:
        port = random.randrange(20000, 32000)
        with contextlib.suppress(OSError), socket.socket() as probe:
            probe.bind(("127.0.0.1", port))
            return port


@pytest.fixture
def place(tmp_path: Path, without_jmespath: Any) -> Iterator[Place]:
    made = Place(tmp_path, without_jmespath)
    yield made
    for pid in made.pids():
        os.kill(pid, signal.SIGKILL)


def web(result: dict[str, Any]) -> dict[str, Any]:
    return dict(result["services"][0])


def test_a_condition_that_holds_proves_the_recovery(place: Place) -> None:
    result = place.call(2)
    assert (result["recovered"], result.get("failed"), web(result)["action"]) == (True, None, "started")
    assert web(result)["checks"][0]["message"] == "status 200"
    assert place.call(2)["changed"] is False


def test_a_condition_that_does_not_hold_is_reported_and_nothing_is_restarted_for_it(place: Place) -> None:
    assert place.call(2)["recovered"] is True
    before = place.pids()
    result = place.call(3)
    assert place.pids() == before
    assert (result["recovered"], result["failed"], result["changed"], result["plan"]) == (False, True, False, [])
    entry = web(result)
    assert (entry["condition"], entry["message"]) == ("failing", f"up: bad_body, {COUNT} is 2, not 3")
    assert entry["before"] == {"condition": "failing", "message": entry["message"]}
    assert "install python3-jmespath on the host" in entry["next"]
    assert result["verdict"]["root_cause"]["service"] == "web"
    assert result["msg"].startswith("1 of 2 services are not healthy; root cause: web is failing: up: bad_body")
    seen = place.call(3, state="assessed")
    assert (seen["recovered"], seen.get("failed"), seen["verdict"]["status"]) == (False, None, "unhealthy")


def test_what_was_started_and_does_not_hold_is_started_once_and_reported(place: Place) -> None:
    result = place.call(3)
    entry = web(result)
    assert (result["failed"], result["changed"], entry["attempts"]) == (True, True, 1)
    assert (entry["before"]["condition"], entry["condition"]) == ("down", "failing")


def test_a_controller_without_jmespath_proves_nothing(place: Place) -> None:
    assert place.call(2)["recovered"] is True
    result = place.call(2, library=False)
    assert (result["recovered"], web(result)["condition"]) == (False, "unknown")
    assert "could not be asked: up: cannot_run" in web(result)["message"]
    assert "neither on the host nor on the controller" in web(result)["message"]


def test_without_pending_checks_a_result_stays_as_it_is() -> None:
    for result in ({"msg": "refused", "failed": True}, {"services": [], "host_checks": []}):
        assert complete_recovery(result, {}, applied=True) == result
