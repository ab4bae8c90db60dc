# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A whole Toombos in one directory, without root and without containers."""

from __future__ import annotations

import getpass
import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import yaml
from names import NAMES, STANDINS, TARGET, status_of
from processes import Running, below, kill, until
from supervision import main_state

HERE = Path(__file__).resolve().parent


class NotALab(Exception):
    """The directory belongs to somebody else."""


class Stack:
    """The services of one lab. ``home`` keeps everything; ports follow each other from ``base_port``."""

    daemon = "supervisor.supervisord"

    def __init__(self, home: Path, base_port: int = 18000, say: Callable[[str], None] = print) -> None:
        self.home = home.resolve()
        self.app = self.home / "app"
        self.state = self.home / "state"
        self.temp = self.home / "tmp"
        self.inventory = self.home / "inventory.yml"
        self.say = say
        self.known = self.home / "lab.json"
        if self.known.exists():
            record = json.loads(self.known.read_text())
            self.ports, self.socket = record["ports"], Path(record["socket"])
        else:
            self.ports = {name: base_port + index for index, name in enumerate(NAMES)}
            self.socket = self._place_socket()

    @property
    def evidence(self) -> dict[str, object]:
        """How evidence of it is kept: within it, with a key of its own."""
        return {"home": str(self.home / "evidence"), "signing_key": str(self.home / "custody-key")}

    def up(self) -> None:
        """Start what does not run and wait until everything answers."""
        # Written last: without it the directory was left half laid out.
        if not self.inventory.exists():
            self.write()
        started = [start.__name__.strip("_") for start in (self.start_supervisord, self.start_plain) if start()]
        for name in NAMES:
            until(lambda name=name: self.answers(name) == 200, f"{name} answers on port {self.ports[name]}")
        if "start_supervisord" in started:
            # It answers before supervisord trusts it; until then a death counts as a failed start.
            until(lambda: main_state(self.socket) == "RUNNING", "supervisord trusts main")
        self.say(f"The lab is up in {self.home}{'' if started else ', as it was'}: ports {self.ports}")

    def down(self) -> None:
        """End every process of the lab and forget it; a directory that is not a lab is left alone."""
        if not self.known.exists():
            self.say(f"There is no lab in {self.home}")
            return
        ended = 0
        while running := self.running():
            ended += len(running)
            kill(running)
        if self.socket.parent != self.home:
            shutil.rmtree(self.socket.parent, ignore_errors=True)
        shutil.rmtree(self.home, ignore_errors=True)
        self.say(f"The lab is down, {ended} processes ended")

    def running(self) -> list[Running]:
        """The lab's processes."""
        return below(self.home)

    def answers(self, name: str) -> int:
        """Status of the service's own question; 0 when nobody answers."""
        return status_of(name, self.ports[name])

    def supervisorctl(self, *words: str) -> str:
        """Ask supervisord; its words."""
        command = [sys.executable, "-m", "supervisor.supervisorctl", "-c", str(self.app / "supervisord.conf"), *words]
        done = subprocess.run(command, capture_output=True, text=True, check=False, cwd="/")
        return done.stdout + done.stderr

    def start_supervisord(self) -> bool:
        """Start supervisord, which starts main; False when it runs."""
        if any(self.daemon in process.command for process in self.running()):
            return False
        self.launch(self.supervisord_command(), "supervisord.out.log")
        return True

    def start_plain(self) -> bool:
        """Start mocks and stand-ins as the document does: plain processes, output appended to their log."""
        started = False
        for name in NAMES[1:]:
            command = self.command(name)
            if not any(" ".join(command) == process.command for process in self.running()):
                self.launch(command, f"{name}-mock.log" if name in ("crm", "platform") else f"{name}.log")
                started = True
        return started

    def supervisord_command(self) -> list[str]:
        """How supervisord is started."""
        return [sys.executable, "-m", self.daemon, "-n", "-c", str(self.app / "supervisord.conf")]

    def main_command(self) -> list[str]:
        """How supervisord starts main, and how somebody starts it by hand."""
        return [sys.executable, "-m", "uvicorn", TARGET, "--host", "127.0.0.1", "--port", str(self.ports["main"])]

    def command(self, name: str) -> list[str]:
        """How a plain process is started, from the application's directory."""
        if name in STANDINS:
            return [sys.executable, "monitoring/standin.py", name, str(self.ports[name])]
        return [sys.executable, f"mocks/{name}_service.py"]

    def launch(self, command: list[str], log: str, cwd: Path | None = None) -> subprocess.Popen[bytes]:
        """Like nohup COMMAND >> LOG 2>&1 &."""
        with open(self.app / "logs" / log, "ab") as output:
            return subprocess.Popen(
                command,
                cwd=cwd or self.app,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )

    def write(self) -> None:
        """Lay out the application directory and the inventory."""
        if not self.known.exists() and self.home.exists() and any(self.home.iterdir()):
            raise NotALab(f"{self.home} has other things in it; choose an empty or a new directory")
        self.home.mkdir(parents=True, exist_ok=True)
        # First: from now on it is ours to remove.
        self.known.write_text(json.dumps({"ports": self.ports, "socket": str(self.socket)}))
        shutil.rmtree(self.app, ignore_errors=True)
        shutil.copytree(HERE / "app", self.app, ignore=shutil.ignore_patterns("__pycache__", "env"))
        places = ("logs", "scripts", "backups/config-last-good", "backups/config-daily", "backups/emergency-restore")
        for place in places:
            (self.app / place).mkdir(parents=True)
        self.temp.mkdir(exist_ok=True)
        (self.home / "foreign").mkdir(exist_ok=True)
        values = {
            **{key: str(port) for key, port in self.ports.items()},
            "app": str(self.app),
            "python": sys.executable,
        }
        values["socket"] = str(self.socket)
        config = self.app / "supervisord.conf"
        config.write_text(_fill(config.read_text(), values))
        settings = _fill((HERE / "app" / "env").read_text(), values)
        for copy in (
            ".env",
            ".env.production",
            "backups/config-last-good/.env",
            "backups/emergency-restore/.env.production",
        ):
            (self.app / copy).write_text(settings)
            (self.app / copy).chmod(0o600)
        ports = {name: self.ports[name] for name in ("crm", "platform")}
        (self.app / "mocks" / "ports.json").write_text(json.dumps(ports))
        self.inventory.write_text(yaml.safe_dump(self._inventory(), sort_keys=False))

    def _inventory(self) -> dict[str, object]:
        """The lab as a host of the group toombos: only what differs from the inventory of Toombos."""
        limits = {"warn": 98, "fail": 99}
        values: dict[str, object] = {
            "ansible_connection": "local",
            "ansible_python_interpreter": "{{ ansible_playbook_python }}",
            "ansible_become": False,
            "toombos_user": getpass.getuser(),
            "toombos_app_dir": str(self.app),
            "toombos_python": sys.executable,
            "toombos_supervisor_socket": str(self.socket),
            "toombos_supervisor_config": str(self.app / "supervisord.conf"),
            "toombos_supervisor_log": str(self.app / "logs" / "supervisord.log"),
            "toombos_temp": [str(self.temp / "halcytone-*")],
            "toombos_restarts_per_hour": 0,
            "toombos_disk_limits": limits,
            "toombos_memory_limits": limits,
            "toombos_load_limits": {"warn": 50, "fail": 90},
            "incident_state_dir": str(self.state),
            "incident_store_dir": str(self.home / "store"),
            "incident_evidence": self.evidence,
            "evidence_directory": str(self.home / "evidence-staging"),
            "toombos_supervisord_manager": self._plain(self.supervisord_command(), "supervisord.out.log"),
        }
        for name in NAMES:
            values[f"toombos_{name}_port"] = self.ports[name]
        for name in STANDINS:
            values[f"toombos_{name}_manager"] = self._plain(self.command(name), f"{name}.log")
        return {"all": {"children": {"toombos": {"hosts": {"lab": values}}}}}

    def _plain(self, command: list[str], log: str) -> dict[str, object]:
        return {"kind": "process", "command": command, "cwd": str(self.app), "log": str(self.app / "logs" / log)}

    def _place_socket(self) -> Path:
        # The path of a unix socket is limited to 107 bytes, and a lab may lie deep.
        short = self.home / "s.sock"
        return short if len(str(short)) < 100 else Path(tempfile.mkdtemp(prefix="lab-")) / "s.sock"


def _fill(text: str, values: dict[str, str]) -> str:
    for key, value in values.items():
        text = text.replace("{" + key + "}", value)
    return text
