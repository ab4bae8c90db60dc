# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A lab as the campaign sees it: what is healthy, whether it is as new, and how it becomes so again.

Nothing here uses the code under test: it is the second opinion.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import socket
import sys
import urllib.error
import urllib.request
import xmlrpc.client
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from breaks import fix
from cases import MOCKS, SERVICES, STANDINS
from processes import Running, kill, until
from stack import PATHS, PROGRAM, Stack

WORDS = {
    "supervisord": "supervisor.supervisord",
    "main": "uvicorn src.",
    "crm": "mocks/crm_service.py",
    "platform": "mocks/platform_service.py",
    **{name: f"monitoring/standin.py {name} " for name in STANDINS},
}
MOST = dict.fromkeys(SERVICES, 1) | dict.fromkeys(MOCKS, 2)
_PATIENCE = 1.5  # seconds that an answer may take


class World(Stack):
    """A stack under fire."""

    def healthy(self) -> set[str]:
        """The services that answer now, and answer as themselves."""
        with ThreadPoolExecutor(len(SERVICES)) as pool:
            return {name for name, well in zip(SERVICES, pool.map(self._is_well, SERVICES)) if well}

    def surely_healthy(self) -> set[str]:
        """The same; who does not answer is asked twice, because the machine may be busy."""
        well = self.healthy()
        return well if len(well) == len(SERVICES) else well | self.healthy()

    def of(self, service: str) -> list[Running]:
        """The processes of a service, the parent first."""
        return _own(service, self.running())

    def oddities(self) -> list[str]:
        """What is not as in a new lab, beside services that do not answer."""
        running = self.running()
        found = []
        for service in SERVICES:
            own = _own(service, running)
            if len(own) > MOST[service]:
                found.append(f"{service} runs {len(own)} processes: {[process.pid for process in own]}")
            if any(process.state in "Tt" for process in own):
                found.append(f"{service} has a frozen process")
        return found

    def is_new(self) -> bool:
        """Whether it is as good as newly started: a case may begin."""
        if self.oddities() or len(self.healthy()) < len(SERVICES):
            return False
        # It serves before supervisord trusts it.
        if self.program_state() not in ("STARTING", "RUNNING"):
            return False
        return all(len(self.of(service)) == MOST[service] for service in SERVICES)

    def mend(self) -> None:
        """Bring everything back, whatever was done to it."""
        if not self.inventory.exists():
            self.up()
        fix(self)
        (self.app / "logs").mkdir(exist_ok=True)
        if self.is_new():
            return
        well, running = self.healthy(), self.running()
        stays = [one for name in SERVICES if self._may_stay(name, running, well) for one in _own(name, running)]
        kill([process for process in running if process not in stays])
        self.start_supervisord()
        self.start_plain()
        until(self.is_new, "the lab is as new")

    def program_state(self) -> str:
        """supervisord's word for main; empty when supervisord does not answer."""
        with contextlib.suppress(OSError, http.client.HTTPException, xmlrpc.client.Error):
            info = _ask(self.socket, "supervisor.getProcessInfo", PROGRAM)
            if isinstance(info, dict):
                return str(info["statename"])
        return ""

    def _may_stay(self, service: str, running: list[Running], well: set[str]) -> bool:
        """What is well and all of it there; a fresh supervisord forgets that main was stopped or given up."""
        own = _own(service, running)
        frozen = any(process.state in "Tt" for process in own)
        return service in (*MOCKS, *STANDINS) and service in well and len(own) == MOST[service] and not frozen

    def _is_well(self, name: str) -> bool:
        if name == "supervisord":
            with contextlib.suppress(OSError, http.client.HTTPException, xmlrpc.client.Error):
                state = _ask(self.socket, "supervisor.getState")
                return isinstance(state, dict) and state["statename"] == "RUNNING"
            return False
        url = f"http://127.0.0.1:{self.ports[name]}{PATHS[name]}"
        try:
            with urllib.request.urlopen(url, timeout=_PATIENCE) as answer:
                body, stranger = answer.read(), answer.headers["X-Intruder"]
        except (OSError, http.client.HTTPException):
            return False
        return not stranger and (name not in MOCKS or json.loads(body)["service"] == f"mock-{name}")


def _own(service: str, running: list[Running]) -> list[Running]:
    """Its processes; a reader of its files or a shell with its words is none."""
    begin = f"{sys.executable} "
    return [one for one in running if one.command.startswith(begin) and WORDS[service] in one.command + " "]


class _Connection(http.client.HTTPConnection):
    def __init__(self, path: Path) -> None:
        super().__init__("localhost", timeout=_PATIENCE)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self._path))


def _ask(path: Path, method: str, *arguments: str) -> object:
    connection = _Connection(path)
    try:
        connection.request("POST", "/RPC2", xmlrpc.client.dumps(arguments, method), {"Content-Type": "text/xml"})
        return xmlrpc.client.loads(connection.getresponse().read())[0][0]
    finally:
        connection.close()
