# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A host with systemd under fire, seen from within: real units, and the distribution's own supervisord."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from breaks import fix
from cases import MOCKS, STANDINS, UNITS
from faults import as_user
from names import PATHS, TARGET, status_of
from processes import Running, below, kill, until
from recovery import Outcome
from world import World

SHARED = Path("/srv/chaos")  # a directory of the campaign's machine
_DAEMON = "/usr/bin/supervisord"


class HostWorld(World):
    """A host that molecule/shared/prepare.yml has prepared."""

    daemon = _DAEMON
    user = "halcytone"
    home = Path("/opt")
    app = home / "halcytone"
    temp = Path("/tmp")
    state = Path("/run/toombos-incident")
    socket = Path("/run/supervisor.sock")
    pidfile = Path("/run/supervisord.pid")
    settings = [Path("/etc/supervisor/supervisord.conf"), Path("/etc/supervisor/conf.d/halcytone.conf")]
    catalogue = SHARED / "catalogue.json"

    def __init__(self) -> None:
        services = json.loads(self.catalogue.read_text())["incident_services"]
        ports = {name: services[f"mock_{name}" if name in MOCKS else name]["ports"][0] for name in PATHS}
        self.ports = {name: int(port) for name, port in ports.items()}
        (self.home / "foreign").mkdir(exist_ok=True)

    def running(self) -> list[Running]:
        """What runs in the application's directory, and supervisord, which works in the root."""
        daemon = [one for one in below(Path("/")) if one.command.startswith(f"{sys.executable} {_DAEMON} ")]
        return daemon + below(self.home)

    def answers(self, name: str) -> int:
        """Status of the service's own question; 0 when nobody answers."""
        return status_of(name, self.ports[name])

    def supervisorctl(self, *words: str) -> str:
        """Ask supervisord; its words."""
        return _said("supervisorctl", *words)

    def main_command(self) -> list[str]:
        """How supervisord starts main."""
        return [sys.executable, "-m", "uvicorn", TARGET, "--host", "127.0.0.1", "--port", str(self.ports["main"])]

    def launch(self, command: list[str], log: str, cwd: Path | None = None) -> object:
        """Start it by hand, as the application's user."""
        with open(self.app / "logs" / log, "ab") as output:
            return subprocess.Popen(
                command,
                cwd=cwd or self.app,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
                **as_user(self.user),
                env={"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8"},
            )

    def mend(self) -> None:
        """Bring everything back, whatever was done to it."""
        fix(self)
        if self.is_new():
            return
        kill(self.worn())
        _said("systemctl", "reset-failed")
        _said("systemctl", "restart", UNITS["supervisord"])
        _said("systemctl", "start", *(UNITS[name] for name in STANDINS))
        for name in MOCKS:
            if not self.of(name):
                self.launch([sys.executable, f"mocks/{name}_service.py"], f"{name}-mock.log")
        until(self.is_new, "the host is as new")

    def render_catalogue(self) -> None:
        """Nothing: the campaign's machine has done it before this one was entered."""

    def removable_logs(self, pattern: str) -> list[Path]:
        """Not that of main: a supervisord that starts makes it anew as root, and main could not write to it."""
        return sorted(path for path in (self.app / "logs").glob(pattern) if path.name != "halcytone.log")

    def playbook(self, stable_for: str) -> Outcome:
        """Ask the campaign's machine to run the main job: a line each way."""
        print(json.dumps({"playbook": stable_for}), flush=True)
        return Outcome(**json.loads(sys.stdin.readline()))


def _said(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd="/", stdin=subprocess.DEVNULL)
    return done.stdout + done.stderr
