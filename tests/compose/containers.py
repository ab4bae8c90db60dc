# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Real containers that carry the labels of compose, behind the socket of a real engine."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ansible_collections.toombos.incident.plugins.module_utils._options import SERVICE_RECOVERY
from ansible_collections.toombos.incident.plugins.module_utils._recovery.call import recover

SERVER = "python3 -m http.server --bind 0.0.0.0 8000"
_DEFAULTS: dict[str, Any] = {
    **{name: option.get("default") for name, option in SERVICE_RECOVERY["argument_spec"].items()},
    "deadline": "60s",
    "stable_for": "0s",
    "reason": "test",
}


def run(*argv: str) -> str:
    """A command that succeeds."""
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{argv}: {done.stderr}"
    return done.stdout.strip()


def until(holds: Callable[[], Any], seconds: float = 15.0) -> Any:
    """What the function returns as soon as it is true."""
    give_up = time.monotonic() + seconds
    while not (value := holds()):
        assert time.monotonic() < give_up, "it has not happened"
        time.sleep(0.05)
    return value


class Engine:
    """The engine's socket, and the command that makes containers."""

    def __init__(self, name: str, home: Path) -> None:
        self.name = name
        self.image = os.environ["INCIDENT_IMAGE"]
        self.process: subprocess.Popen[bytes] | None = None
        self.socket = os.environ.get("DOCKER_HOST", "unix:///var/run/docker.sock")[len("unix://") :]
        if name == "podman":
            self.socket = str(home / "s")
            self.serve()

    def serve(self) -> None:
        """Podman has no daemon: its socket is served by a process of ours."""
        self.process = subprocess.Popen(
            ["podman", "system", "service", "--time=0", f"unix://{self.socket}"],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        until(self._answers)

    def _answers(self) -> bool:
        with socket.socket(socket.AF_UNIX) as connection:
            return connection.connect_ex(self.socket) == 0

    def close(self) -> None:
        """End the process that serves the socket."""
        if self.process is not None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(20)
            Path(self.socket).unlink(missing_ok=True)
            self.process = None


class Project:
    """A compose project of one test."""

    def __init__(self, engine: Engine, state_dir: Path) -> None:
        self.engine = engine
        self.name = f"p{uuid.uuid4().hex[:8]}"
        self.state_dir = str(state_dir)

    def create(self, service: str, command: str, *options: str, number: int = 1, start: bool = True) -> str:
        """A container as compose would make it; its name."""
        name = f"{self.name}-{service}-{number}"
        labels = {"project": self.name, "service": service, "container-number": number, "oneoff": False}
        words = [word for key, value in labels.items() for word in ("--label", f"com.docker.compose.{key}={value}")]
        # Sandboxes without a full cgroup tree have no room for the engine's default limits.
        run(self.engine.name, "create", "--name", name, *words, *options, self.engine.image, "sh", "-c", command)
        if start:
            run(self.engine.name, "start", name)
        return name

    def serve(self, service: str, port: int, *options: str, number: int = 1, start: bool = True) -> str:
        """A container with an HTTP server, published."""
        published = ("--publish", f"127.0.0.1:{port}:8000")
        return self.create(service, f"exec {SERVER}", *published, *options, number=number, start=start)

    def told(self, name: str, what: str) -> str:
        """One thing that the engine's "inspect" says."""
        return run(self.engine.name, "inspect", "--format", f"{{{{{what}}}}}", name)

    def life(self, name: str) -> tuple[str, str]:
        """What changes whenever a container is started."""
        return self.told(name, ".State.Pid"), self.told(name, ".State.StartedAt")

    def entry(self, service: str, port: int | None, probe: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
        """The catalogue's entry."""
        manager = {"kind": "compose", "project": self.name, "service": service, "socket": self.engine.socket}
        answers = probe or {"kind": "http", "url": f"http://127.0.0.1:{port}/", "timeout": "1s", "failure_threshold": 1}
        limits = {"attempts": 1, "stop_timeout": "1s", "ready_timeout": "15s"}
        entry = {"manager": manager, "probes": {"answers": answers}, "limits": limits}
        return {**entry, **({"ports": [port]} if port else {}), **more}

    def recover(self, state: str = "recovered", **services: dict[str, Any]) -> dict[str, Any]:
        """One call of the module."""
        params = {**_DEFAULTS, "state": state, "services": services, "state_dir": self.state_dir}
        return recover(params, check_mode=False)

    def close(self) -> None:
        """Take everything away."""
        mine = f"label=com.docker.compose.project={self.name}"
        at_once = ["--time", "0"] if self.engine.name == "podman" else []

        def gone() -> bool:
            names = run(self.engine.name, "ps", "--all", "--quiet", "--filter", mine).split()
            if names:  # one that is being started again at this moment cannot be removed: then in the next
                subprocess.run([self.engine.name, "rm", "--force", *at_once, *names], capture_output=True, check=False)
            return not names

        until(gone)
