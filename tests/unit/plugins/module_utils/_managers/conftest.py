# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A container engine on a socket of its own: what a real one answered, with containers that are only told of."""

from __future__ import annotations

import contextlib
import hashlib
import json
import socketserver
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

NEVER = "0001-01-01T00:00:00Z"


def moment(seconds_ago: float) -> str:
    """As an engine writes it."""
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(time.time() - seconds_ago)) + ".446044407Z"


def inspected(name: str, status: str = "running", **more: Any) -> dict[str, Any]:
    """What Docker and Podman say of a container; ``more`` replaces parts of State, or whole keys when capitalised."""
    running = status in ("running", "paused", "restarting")
    project, service, number = name.split("-")
    state: dict[str, Any] = {
        "Status": status,
        "Running": running,
        "Paused": status == "paused",
        "Restarting": status == "restarting",
        "OOMKilled": False,
        "Dead": status == "dead",
        "Pid": 4711 if running else 0,
        "ExitCode": 0,
        "Error": "",
        "StartedAt": moment(3600) if running else NEVER,
        "FinishedAt": NEVER,
        "Health": {"Status": "", "FailingStreak": 0, "Log": None},
    }
    state.update(more.pop("State", {}))
    labels = {
        "com.docker.compose.config-hash": "a" * 64,
        "com.docker.compose.container-number": number,
        "com.docker.compose.oneoff": "False",
        "com.docker.compose.project": project,
        "com.docker.compose.service": service,
        **more.pop("Labels", {}),
    }
    told = {
        "Id": hashlib.sha256(name.encode()).hexdigest(),
        "Created": moment(7200),
        "Name": f"/{name}",
        "RestartCount": 0,
        "State": state,
        "HostConfig": {"NetworkMode": "bridge", "RestartPolicy": {"Name": "", "MaximumRetryCount": 0}},
        "Config": {"Labels": labels},
        "NetworkSettings": {"Ports": {}, "IPAddress": "10.88.0.22", "Networks": {}},
    }
    told.update(more)
    return told


class Engine:
    """Speaks the API over a Unix socket. ``containers`` may be changed at any time; ``calls`` are those that act."""

    def __init__(self, path: Path) -> None:
        self.socket = str(path)
        self.containers: dict[str, dict[str, Any]] = {}
        self.calls: list[str] = []
        self.refusals: dict[str, tuple[int, str]] = {}
        self.on_look: Callable[[], None] = lambda: None  # called whenever somebody lists the containers
        self.deaf: set[str] = set()  # containers that live on after the first stop
        engine = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                engine.get(self)

            def do_POST(self) -> None:
                engine.post(self)

            def log_message(self, *_arguments: Any) -> None:
                pass

            def address_string(self) -> str:
                return "unix"

        class Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
            daemon_threads = True

        self._server = Server(self.socket, Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))
        self._thread.start()

    def has(self, *containers: dict[str, Any]) -> None:
        """These are the containers that there are."""
        self.containers = {container["Id"]: container for container in containers}

    def get(self, handler: BaseHTTPRequestHandler) -> None:
        where = urlsplit(handler.path)
        if where.path == "/containers/json":
            self.on_look()
            query = parse_qs(where.query)
            wanted = json.loads(query["filters"][0])["label"]
            found = [each for each in self.containers.values() if _carries(each, wanted)]
            self._answer(handler, 200, [{"Id": each["Id"], "State": each["State"]["Status"]} for each in found])
            return
        told = self.containers.get(where.path.split("/")[2])
        self._answer(handler, 200, told) if told else self._answer(handler, 404, {"message": "no such container"})

    def post(self, handler: BaseHTTPRequestHandler) -> None:
        where = urlsplit(handler.path)
        _empty, _containers, identifier, verb = where.path.split("/")
        container = self.containers[identifier]
        name = container["Name"].lstrip("/")
        self.calls.append(f"{verb} {name}" + (f" {where.query}" if where.query else ""))
        if verb in self.refusals:
            status, message = self.refusals[verb]
            self._answer(handler, status, {"message": message})
            return
        before = container["State"]["Status"]
        if verb == "stop" and before == "paused":
            self._answer(handler, 500, {"cause": "container state improper", "message": "is running or paused"})
            return
        after = {"start": "running", "unpause": "running", "stop": "exited"}[verb]
        if name in self.deaf and verb == "stop":
            self.deaf.discard(name)
            after = before
        container["State"].update(Status=after, Pid=4711 if after == "running" else 0)
        self._answer(handler, 304 if before == after and name not in self.deaf else 204, None)

    @staticmethod
    def _answer(handler: BaseHTTPRequestHandler, status: int, value: Any) -> None:
        body = b"" if value is None else json.dumps(value).encode()
        handler.send_response(status)
        handler.send_header("Content-Type", "application/json")
        handler.send_header("Content-Length", str(len(body)))
        # Whoever has asked may have lost patience.
        with contextlib.suppress(BrokenPipeError):
            handler.end_headers()
            handler.wfile.write(body)

    def close(self) -> None:
        """End it."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(10)


def _carries(container: dict[str, Any], wanted: list[str]) -> bool:
    labels = container["Config"]["Labels"]
    return all(labels.get(each.partition("=")[0]) == each.partition("=")[2] for each in wanted)


@pytest.fixture
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """An engine without containers."""
    # A short path: the kernel allows 107 bytes for the name of a socket.
    made = Engine(tmp_path_factory.mktemp("e") / "s")
    yield made
    made.close()


@pytest.fixture
def told() -> Any:
    """Makes what an engine says of a container."""
    return inspected
