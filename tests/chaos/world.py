# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is under fire, as the campaign sees it: what is healthy, whether it is as new, and how it becomes so again.

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
from abc import abstractmethod
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Protocol

from breaks import Patient
from cases import MOCKS, SERVICES, STANDINS
from names import PATHS, PROGRAM
from processes import Running
from recovery import Outcome

WORDS = {
    "main": "uvicorn src.",
    "crm": "mocks/crm_service.py",
    "platform": "mocks/platform_service.py",
    **{name: f"monitoring/standin.py {name} " for name in STANDINS},
}
MOST = dict.fromkeys(SERVICES, 1) | dict.fromkeys(MOCKS, 2)
_PATIENCE = 1.5  # seconds that an answer may take


class World(Patient, Protocol):
    """A lab or a host under fire. What is the same in all of them has its body here.

    ``state``: the recoveries' own directory; ``socket`` and ``pidfile`` are supervisord's; ``settings``: files, beside
    those of the application, that nobody may change; ``catalogue``: where the module's catalogue is, or will be;
    ``user``: as whom the application and its neighbours run, None: as the campaign.
    """

    state: Path
    socket: Path
    pidfile: Path
    settings: list[Path]
    catalogue: Path
    user: str | None

    @abstractmethod
    def mend(self) -> None:
        """Bring everything back, whatever was done to it. Raises TimeoutError when that cannot be done."""

    @abstractmethod
    def render_catalogue(self) -> None:
        """Write ``catalogue`` when it is not there yet."""

    @abstractmethod
    def playbook(self, stable_for: str) -> Outcome:
        """Run the whole main job on it."""

    @abstractmethod
    def removable_logs(self, pattern: str) -> list[Path]:
        """Logs that may vanish without a person having to repair something."""

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
        return self._own(service, self.running())

    def oddities(self) -> list[str]:
        """What is not as in a new one, beside services that do not answer."""
        running = self.running()
        found = []
        for service in SERVICES:
            own = self._own(service, running)
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

    def worn(self) -> list[Running]:
        """What must end before everything is started anew: all but mocks and stand-ins that are well and all there."""
        well, running = self.healthy(), self.running()
        stays = [one for name in (*MOCKS, *STANDINS) if name in well for one in self._whole(name, running)]
        return [process for process in running if process not in stays]

    def program_state(self) -> str:
        """supervisord's word for main; empty when supervisord does not answer."""
        with contextlib.suppress(OSError, http.client.HTTPException, xmlrpc.client.Error):
            info = _ask(self.socket, "supervisor.getProcessInfo", PROGRAM)
            if isinstance(info, dict):
                return str(info["statename"])
        return ""

    def _own(self, service: str, running: list[Running]) -> list[Running]:
        """Its processes; a reader of its files or a shell with its words is none."""
        begin, words = f"{sys.executable} ", WORDS.get(service, self.daemon)
        return [one for one in running if one.command.startswith(begin) and words in one.command + " "]

    def _whole(self, service: str, running: list[Running]) -> list[Running]:
        """Its processes when none of them is missing or frozen."""
        own = self._own(service, running)
        frozen = any(process.state in "Tt" for process in own)
        return own if len(own) == MOST[service] and not frozen else []

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
