# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rollbacks that nobody confirms, because whoever began them is gone: the host is as before, exactly, and in time."""

from __future__ import annotations

import json
import os
import shlex
import sys
import time
from calendar import timegm
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import starting
from starting import WAYS, Starters

from ansible_collections.toombos.incident.plugins.module_utils._options import CONFIG_ROLLBACK, CONFIG_SNAPSHOT
from ansible_collections.toombos.incident.plugins.plugin_utils._lean.script import arguments, script

LATE = 2.0
TRIALS = int(os.environ.get("ROLLBACK_TRIALS", "12"))
AT_ONCE = 3
_MARKER = "<<INCLUDE_ANSIBLE_MODULE_JSON_ARGS>>"
_SERVER = """
import http.server, sys
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self): self.send_response(200); self.end_headers()
    def log_message(self, *_): pass
http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
"""


@dataclass
class Site:
    """An application of one service and one file, with a label for what to go back to."""

    home: Path
    port: int

    @property
    def env(self) -> Path:
        return self.home / "app.env"

    def looks(self) -> tuple[bytes, int, int]:
        found = self.env.stat()
        return self.env.read_bytes(), found.st_mode, found.st_mtime_ns

    def options(self, rules: dict[str, Any], **asked: Any) -> dict[str, Any]:
        service = {
            "manager": {
                "kind": "process",
                "command": [sys.executable, "server.py", str(self.port)],
                "cwd": str(self.home),
                "log": str(self.home / "log"),
            },
            "ports": [self.port],
            "probes": {"up": {"kind": "http", "url": f"http://127.0.0.1:{self.port}/", "timeout": "5s"}},
            "config": {"files": [str(self.env)]},
        }
        return {
            **{name: option.get("default") for name, option in rules["argument_spec"].items()},
            "services": {"web": service},
            "only": ["web"],
            "state_dir": str(self.home / "state"),
            "store_dir": str(self.home / "store"),
            **asked,
        }

    def module(self, name: str, options: dict[str, Any]) -> Path:
        """As it is sent to a host."""
        file = self.home / f"{name}.py"
        file.write_text(script(name).replace(_MARKER, json.dumps(arguments(options))))
        return file


def begin(starters: Starters, number: int) -> tuple[Site, tuple[bytes, int, int], dict[str, Any]]:
    """Roll back, and be gone; the site, how it looked before, and what the module said."""
    home = starters.home / f"r{number:03d}"
    home.mkdir()
    site = Site(home, 21000 + os.getpid() % 500 * 20 + number)
    (home / "server.py").write_text(_SERVER)
    site.env.write_text("WISH=old\n")
    take = site.module("config_snapshot", site.options(CONFIG_SNAPSHOT, label="wished"))
    assert os.system(f"{sys.executable} -I -S - <{shlex.quote(str(take))} >{shlex.quote(str(home / 'kept'))}") == 0
    site.env.write_text("WISH=new, and longer\n")
    site.env.chmod(0o640)
    before = site.looks()
    asked = {"to": "wished", "state": "applied", "confirm": "4s", "stable_for": "0s", "reason": "a trial"}
    roll = site.module("config_rollback", site.options(CONFIG_ROLLBACK, **asked))
    run = f"{sys.executable} -I -S - <{roll} >{home}/said 2>&1; sleep 60 & echo SET {number} 0 0; wait"
    way = WAYS[number % len(WAYS)]
    shell = ["/bin/sh", "-c", run]
    left = starters._left
    _said, end = starting._with_terminal(shell) if way == "hang-up" else starting._with_pipe(shell, way, left)
    said = json.loads((home / "said").read_text())
    assert said["outcome"] == "applied", said["msg"]
    assert site.env.read_bytes() == b"WISH=old\n"
    end()
    return site, before, said


def trial(starters: Starters, number: int) -> float:
    """How long after the deadline everything was as before."""
    site, before, said = begin(starters, number)
    until = timegm(time.strptime(said["until"], "%Y-%m-%dT%H:%M:%SZ"))
    while site.looks() != before:
        assert time.time() < until + 30, "it has not come back"
        time.sleep(0.02)
    return time.time() - until


@pytest.mark.skipif(os.geteuid() != 0, reason="services of others are looked at")
def test_unconfirmed_is_undone_whatever_has_become_of_who_began_it(starters: Starters) -> None:
    with ThreadPoolExecutor(AT_ONCE) as pool:
        delays = sorted(pool.map(lambda number: trial(starters, number), range(TRIALS)))
    print(
        f"{len(delays)} rollbacks, undone {delays[0]:.2f} … {delays[-1]:.2f} s after the deadline, as told in seconds"
    )
    # The deadline is told in whole seconds, and rounded down.
    assert delays[-1] <= LATE + 1.0
