# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A crash loop under a real supervisord that is looked at in a moment in which it serves."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Callable, Iterator

import pytest

from ansible_collections.toombos.incident.plugins.module_utils._options import SERVICE_RECOVERY
from ansible_collections.toombos.incident.plugins.modules.service_recovery import recover

pytest.importorskip("supervisor")

# It dies of what is written in the file "life", in seconds after its start, if there is one.
SERVER = """
import http.server, os, sys, threading
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200); self.end_headers(); self.wfile.write(b"well")
    def log_message(self, *_): pass
if os.path.exists("life"):
    threading.Timer(float(open("life").read()), os._exit, (1,)).start()
http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
"""
CONFIG = """
[unix_http_server]
file=s.sock
[supervisord]
logfile=%(here)s/supervisord.log
pidfile=%(here)s/supervisord.pid
[rpcinterface:supervisor]
supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface
[program:web]
command={python} server.py {port}
directory=%(here)s
startsecs=0
"""


class Place:
    """One program under a supervisord of its own."""

    def __init__(self, home: Path, port: int) -> None:
        self.home, self.port = home, port
        (home / "server.py").write_text(SERVER)
        (home / "supervisord.conf").write_text(CONFIG.format(python=sys.executable, port=self.port))
        command = [sys.executable, "-m", "supervisor.supervisord", "-n", "-c", str(home / "supervisord.conf")]
        self.daemon = subprocess.Popen(command, cwd=home, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def look(self, stable_for: str) -> dict[str, Any]:
        web = {
            "manager": {"kind": "supervisor", "program": "web", "socket": str(self.home / "s.sock")},
            "ports": [self.port],
            "probes": {"up": {"kind": "http", "url": f"http://127.0.0.1:{self.port}/", "timeout": "2s"}},
        }
        params = {name: option.get("default") for name, option in SERVICE_RECOVERY["argument_spec"].items()}
        ours = {"state": "assessed", "stable_for": stable_for, "state_dir": str(self.home / "state")}
        return recover({**params, **ours, "services": {"web": web}}, False)

    def healthy(self) -> dict[str, Any]:
        """Looked at in a moment in which it serves."""
        for _attempt in range(200):
            result = self.look("0s")
            if result["recovered"]:
                return result
            time.sleep(0.1)
        raise AssertionError("it never served")

    def lives(self) -> int:
        log = self.home / "supervisord.log"
        return log.read_text().count("spawned: 'web'") if log.exists() else 0

    def close(self) -> None:
        self.daemon.send_signal(signal.SIGTERM)
        self.daemon.wait(30)


@pytest.fixture
def place(tmp_path_factory: pytest.TempPathFactory, free_port: Callable[[], int]) -> Iterator[Place]:
    made = Place(tmp_path_factory.mktemp("loop"), free_port())
    yield made
    made.close()


def until(condition: Any) -> None:
    for _attempt in range(600):
        if condition():
            return
        time.sleep(0.1)
    raise AssertionError("it never came true")


def test_lives_that_are_longer_than_the_window_are_seen_through(place: Place) -> None:
    place.healthy()
    (place.home / "life").write_text("3")
    os.kill(pid_of(place), signal.SIGKILL)
    until(lambda: place.lives() >= 4)
    seen = []
    while "crash_loop" not in seen and len(seen) < 5:
        place.healthy()
        # It may die between the two looks; then it is seen as it is between two lives, but never as healthy.
        result = place.look("0.5s")
        assert result["verdict"]["status"] == "unhealthy", result
        seen.append(result["services"][0]["condition"])
    assert seen[-1] == "crash_loop", seen
    assert not (place.home / "state").exists(), "looking leaves nothing behind"


def pid_of(place: Place) -> int:
    log = (place.home / "supervisord.log").read_text()
    return int(log.rpartition("spawned: 'web' with pid ")[2].split()[0])
