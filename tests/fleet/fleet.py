# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A small fleet on this machine: hosts with local connections, each with one real service of its own."""

from __future__ import annotations

import contextlib
import json
import os
import random
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parent.parent.parent
SERVER = """
import http.server, os, sys
if os.path.exists("broken-for-good"):
    raise SystemExit("ERROR: cannot start")
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = open("answer").read().encode() if os.path.exists("answer") else b"ok"
        self.send_response(200); self.end_headers(); self.wfile.write(body)
    def log_message(self, *_): pass
http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
"""


@dataclass(frozen=True)
class Run:
    """A finished ansible-playbook."""

    rc: int
    out: str
    err: str

    @property
    def verdict(self) -> dict[str, Any]:
        """The machine-readable line, which must be the last one on the screen."""
        last = self.out.rstrip().splitlines()[-1]
        assert last.startswith("INCIDENT_VERDICT "), self.out + self.err
        content = json.loads(last.partition(" ")[2])
        assert isinstance(content, dict)
        return content


class Fleet:
    """Hosts w1 … wN of the group web. Their services are down until something starts them."""

    def __init__(self, home: Path, size: int) -> None:
        self.home = home
        self.names = [f"w{number}" for number in range(1, size + 1)]
        self.variables: dict[str, Any] = {
            "incident_policy": {"canary": 1, "batches": [1, 1, "100%"], "stable_for": "0s", "deadline": "60s"},
            "incident_evidence": {"mode": "skip", "reason": "evidence has tests of its own"},
            "incident_target": "web",
        }
        self.hosts = {name: self._host(name) for name in self.names}
        self.inventory = home / "inventory.yml"
        self.write()

    def write(self) -> None:
        """Write the inventory as the attributes say."""
        web = {"hosts": self.hosts}
        self.inventory.write_text(yaml.safe_dump({"all": {"vars": self.variables, "children": {"web": web}}}))

    def play(self, playbook: str | Path, *arguments: str, **environment: str) -> Run:
        """Run ansible-playbook from the checkout, without a terminal."""
        settings = {
            "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"),
            "ANSIBLE_NOCOLOR": "1",
            "COLUMNS": "140",
            "XDG_STATE_HOME": str(self.home / "controller"),
            **environment,
        }
        done = subprocess.run(
            [Path(sys.executable).with_name("ansible-playbook"), "-i", self.inventory, playbook, *arguments],
            cwd=ROOT,
            env={**os.environ, **settings},
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            timeout=240,
            check=False,
        )
        return Run(done.returncode, done.stdout, done.stderr)

    def raw(self, *plays: dict[str, Any]) -> Path:
        """A playbook without any of our precautions."""
        path = self.home / f"raw-{len(list(self.home.glob('raw-*')))}.yml"
        path.write_text(
            yaml.safe_dump([{"gather_facts": False, "name": "Raw", **play} for play in plays], sort_keys=False)
        )
        return path

    def up(self) -> list[str]:
        """The hosts whose service answers."""
        return [name for name in self.names if self._answers(self.hosts[name]["port"])]

    def break_for_good(self, name: str) -> None:
        """Its service ends at every start."""
        (self.home / name / "broken-for-good").write_text("")

    def close(self) -> None:
        """End every process below the fleet's directory."""
        while pids := self._pids():
            for pid in pids:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            time.sleep(0.05)

    def _host(self, name: str) -> dict[str, Any]:
        place = self.home / name
        place.mkdir()
        (place / "server.py").write_text(SERVER)
        port = _free_port()
        url = f"http://127.0.0.1:{port}/"
        manager = {
            "kind": "process",
            "command": [sys.executable, "server.py", port],
            "cwd": str(place),
            "log": f"{place}/log",
        }
        service = {
            "manager": manager,
            "ports": [port],
            "probes": {"front": {"kind": "http", "url": url, "timeout": "2s", "expect": {"body": "^ok$"}}},
            "limits": {"attempts": 1, "ready_timeout": "30s"},
        }
        return {
            "ansible_connection": "local",
            "ansible_python_interpreter": "{{ ansible_playbook_python }}",
            "port": port,
            "incident_state_dir": f"{place}/state",
            "incident_services": {"site": service},
        }

    def _pids(self) -> list[int]:
        found = []
        for name in filter(str.isdigit, os.listdir("/proc")):
            with contextlib.suppress(OSError):
                state = Path(f"/proc/{name}/stat").read_text().rpartition(")")[2].split()[0]
                if os.readlink(f"/proc/{name}/cwd").startswith(f"{self.home}/") and state not in "ZX":
                    found.append(int(name))
        return found

    @staticmethod
    def _answers(port: int) -> bool:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 2):
            return True
        return False


def _free_port() -> int:
    # Below the range from which the kernel lends ports to clients: nobody takes it before our service does.
    while True:
        port = random.randrange(20000, 32000)
        with contextlib.suppress(OSError), socket.socket() as probe:
            probe.bind(("127.0.0.1", port))
            return port
