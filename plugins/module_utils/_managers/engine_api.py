# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A container engine through its own socket: the few calls that Docker and Podman answer alike.

Source: Docker Engine API, https://docs.docker.com/reference/api/engine/ ("ContainerList" and its neighbours). Paths
carry no version: an engine then speaks the one that it likes best.
"""

from __future__ import annotations

import json
import os
import re
from typing import Any, Mapping

from ansible_collections.toombos.incident.plugins.module_utils._clock import Clock
from ansible_collections.toombos.incident.plugins.module_utils._errors import ManagerError
from ansible_collections.toombos.incident.plugins.module_utils._http import HttpProblem, HttpResponse, request
from ansible_collections.toombos.incident.plugins.module_utils._redact import redact

_ASK_TIMEOUT = 3.0  # an engine that does not list containers in this time hangs
_LEAST = 0.5  # also at a deadline that has passed one question may be asked
_ID = re.compile(r"[0-9a-f]{12,64}")
_START_IT = "Start the container engine, or correct manager.socket."
_BECOME = "Run with become: true."


class EngineGone(ManagerError):
    """No usable answer from the engine."""


class EngineRefused(ManagerError):
    """The engine answered that it will not or cannot; ``status`` is the HTTP status."""

    def __init__(self, status: int, message: str) -> None:
        self.status = status
        super().__init__(message)


class Engine:
    """One engine. Deadlines are values of the clock's ``monotonic``."""

    def __init__(self, socket: str, clock: Clock) -> None:
        self._socket = socket
        self._clock = clock

    def containers(self, labels: Mapping[str, str], deadline: float | None = None) -> list[dict[str, Any]]:
        """What the engine's "inspect" says of each container that carries all the labels, running or not.

        Raises EngineGone.
        """
        filters = json.dumps({"label": [f"{name}={value}" for name, value in labels.items()]}, separators=(",", ":"))
        listed = self._read(f"/containers/json?all=1&filters={_quote(filters)}", deadline)
        if not isinstance(listed, list):
            raise self._stranger()
        found = (self._inspect(container, deadline) for container in listed)
        return [container for container in found if container is not None]

    def act(self, container: str, verb: str, *, deadline: float) -> bool:
        """POST ``start``, ``unpause`` or ``stop?t=10``; False when there was nothing to do.

        Raises EngineRefused with the engine's words, EngineGone when it does not answer by the deadline.
        """
        answer = self._ask("POST", f"/containers/{container}/{verb}", deadline)
        if answer.status in (200, 204, 304):
            return answer.status != 304
        raise EngineRefused(answer.status, _words(answer))

    def _inspect(self, listed: Any, deadline: float | None) -> dict[str, Any] | None:
        identifier = listed.get("Id") if isinstance(listed, dict) else None
        if not isinstance(identifier, str) or not _ID.fullmatch(identifier):
            raise self._stranger()
        try:
            told = self._read(f"/containers/{identifier}/json", deadline)
        except EngineRefused:
            return None  # removed since it was listed
        if not isinstance(told, dict) or not isinstance(told.get("State"), dict):
            raise self._stranger()
        return told

    def _read(self, path: str, deadline: float | None) -> Any:
        until = self._clock.monotonic() + _ASK_TIMEOUT
        answer = self._ask("GET", path, until if deadline is None else min(until, deadline))
        if answer.status == 404 and "/containers/json" not in path:
            raise EngineRefused(404, _words(answer))
        if answer.status != 200:
            raise EngineGone(f"the container engine on {self._socket} answers {_words(answer)}.", _START_IT)
        try:
            return json.loads(answer.body)
        except ValueError:
            raise self._stranger() from None

    def _ask(self, method: str, path: str, deadline: float) -> HttpResponse:
        try:
            return request(
                method,
                f"http://localhost{path}",
                deadline=max(deadline, self._clock.monotonic() + _LEAST),
                clock=self._clock,
                unix_socket=self._socket,
            )
        except HttpProblem as problem:
            raise self._gone(problem) from problem

    def _gone(self, problem: HttpProblem) -> EngineGone:
        try:
            os.stat(self._socket)
        except FileNotFoundError:
            return EngineGone(f"there is no container engine: {self._socket} does not exist.", _START_IT)
        except OSError as error:
            return EngineGone(f"{self._socket} cannot be reached: {error.strerror}.", _BECOME)
        if not os.access(self._socket, os.W_OK):
            return EngineGone(f"the container engine's {self._socket} may not be used by this user.", _BECOME)
        return EngineGone(f"the container engine does not answer on {self._socket}: {problem.message}.", _START_IT)

    def _stranger(self) -> EngineGone:
        return EngineGone(f"what answers on {self._socket} is not a container engine.", "Correct manager.socket.")


def _quote(text: str) -> str:
    """Percent-encode a query value; the standard library's function would import a lot for one line."""
    return "".join(chr(byte) if chr(byte).isalnum() and byte < 128 else f"%{byte:02X}" for byte in text.encode())


def _words(answer: HttpResponse) -> str:
    """Status and the engine's own message, one bounded line."""
    try:
        said = json.loads(answer.body).get("message", "")
    except (ValueError, AttributeError):
        said = ""
    text = " ".join(redact(str(said)).split())[:300].rstrip(".")
    return f"HTTP {answer.status}: {text}" if text else f"HTTP {answer.status}"
