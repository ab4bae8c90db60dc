# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A host with systemd of its own, in a container of one run of the tests; it has no network."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

BOOT = 180.0  # seconds; several of them may start at once, beside other work
_ROOT = Path(__file__).resolve().parents[2]
_LIBRARY = "/opt/incident"
_ENGINE_FLAGS = {"podman": ["--systemd=always"], "docker": ["--cgroupns=private", "--tmpfs=/run", "--tmpfs=/run/lock"]}
_NAMESPACES = {"mnt": "mount", "uts": "uts", "ipc": "ipc", "net": "net", "pid": "pid"}
# What a program in a container finds, and nothing of the machine around it.
_ENVIRONMENT = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root"}
_CALL = (
    "import json, sys; from ansible_collections.toombos.incident.plugins.module_utils._recovery.call import recover; "
    "print(json.dumps(recover(json.load(sys.stdin), False)))"
)
_DEFAULTS: dict[str, Any] = {
    "only": [], "deadline": "60s", "force": False, "stable_for": "0s", "host_probes": {}, "approved_plan": [],
    "owner": "", "reason": "test", "freeze": "", "takeover": False, "break_glass": False, "lock_timeout": "5s",
    "state_dir": "/run/incident", "store_dir": "/var/lib/incident",
}  # fmt: skip


def until(holds: Callable[[], Any], seconds: float = 60.0) -> Any:
    """What the function returns as soon as it is true."""
    give_up = time.monotonic() + seconds
    while not (value := holds()):
        assert time.monotonic() < give_up, "it has not happened"
        time.sleep(0.1)
    return value


class Host:
    """The container. ``run`` and ``recover`` work inside, from outside any unit of its systemd."""

    def __init__(self, engine: str, image: str) -> None:
        self.engine, self.name = engine, f"truth-{uuid.uuid4().hex[:8]}"
        self.written: set[str] = set()
        plugins = f"{_ROOT}/plugins:{_LIBRARY}/ansible_collections/toombos/incident/plugins:ro"
        flags = ["--privileged", "--network", "none", "--volume", plugins, *_ENGINE_FLAGS[engine]]
        self._engine("run", "--detach", "--name", self.name, *flags, image, "/sbin/init")
        self._pinned: list[int] = []
        self._inside = self._way_in()
        self._booted()

    def inside(self) -> list[str]:
        """What to put before a command that is to run in the container."""
        return list(self._inside)

    def restart(self) -> None:
        """Everything in it ends, and it boots again."""
        self._let_go()
        self._engine("restart", "--time", "20", self.name)
        self._inside = self._way_in()
        self._booted()

    def run(self, *argv: str, ok: bool = True, text: str = "") -> str:
        """What a command in the container says; with ``ok`` it must succeed."""
        done = subprocess.run(
            [*self._inside, *argv],
            input=text, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0 or not ok, f"{argv}: {done.stderr}"
        return done.stdout.strip()

    def write(self, path: str, text: str) -> None:
        """A file in the container."""
        self.written.add(path)
        self.run("sh", "-c", f"umask 022; cat >{path}", text=text)

    def unit(self, name: str, *lines: str) -> None:
        """A unit's [Service] section; the unit is started."""
        self.write(f"/run/systemd/system/{name}.service", "\n".join(["[Service]", *lines, ""]))
        self.run("systemctl", "daemon-reload")
        self.run("systemctl", "start", name)

    def shown(self, unit: str, what: str) -> str:
        """One property of a unit."""
        return self.run("systemctl", "show", "--property", what, "--value", unit)

    def recover(
        self, service: dict[str, Any], *through: str, state: str = "recovered", **changes: Any
    ) -> dict[str, Any]:
        """One call of the module's engine for the service "web". ``through``: words before the command."""
        params = json.dumps({**_DEFAULTS, "state": state, "services": {"web": service}, **changes})
        argv = [*through, "env", f"PYTHONPATH={_LIBRARY}", "PYTHONDONTWRITEBYTECODE=1", "python3", "-c", _CALL]
        answer: dict[str, Any] = json.loads(self.run(*argv, text=params))
        return answer

    def states(self, *pids: int) -> list[str]:
        """The letters of processes; empty for one that is not there."""
        return [self.run("ps", "-o", "state=", "-p", str(pid), ok=False) for pid in pids]

    def close(self) -> None:
        """Take it away."""
        self._let_go()
        at_once = ["--time", "0"] if self.engine == "podman" else []
        self._engine("rm", "--force", *at_once, self.name)

    def _way_in(self) -> list[str]:
        """Into the namespaces of its first process, as the engine's own ``exec`` takes a hundred times as long."""
        words = ["/usr/bin/env", "-i", *(f"{name}={value}" for name, value in _ENVIRONMENT.items())]
        pid = self._engine("inspect", "--format", "{{.State.Pid}}", self.name)
        # Among the processes of the host are only the children of what enters. nsenter would wait for one, and stop
        # with it, for ever when a host that shuts down stops all; a shell goes on. It runs a program in any case: a
        # word of its own, as kill, would work among the processes of this machine.
        waiting = ["/bin/sh", "-c", '"$@"; exit $?', "sh", *words]
        with contextlib.suppress(OSError):
            enter = ["nsenter", *self._namespaces(pid), "--no-fork", "--", *waiting]
            if subprocess.run([*enter, "true"], capture_output=True, check=False).returncode == 0:
                return enter
        # An engine that runs elsewhere, or as somebody else.
        return [self.engine, "exec", "--interactive", self.name, *words]

    def _namespaces(self, pid: str) -> list[str]:
        """Held open, not named by the pid: that may be of somebody else when the container has ended.

        What is to be done to its packet filter would be done to that of this machine then. Namespaces that have ended
        let nobody in. Raises OSError.
        """
        spaces = []
        for name, flag in _NAMESPACES.items():
            self._pinned.append(os.open(f"/proc/{pid}/ns/{name}", os.O_RDONLY))
            spaces.append(f"--{flag}=/proc/{os.getpid()}/fd/{self._pinned[-1]}")
        assert self._engine("inspect", "--format", "{{.State.Pid}}", self.name) == pid, "it ended meanwhile"
        return spaces

    def _let_go(self) -> None:
        """Until there is another way in, nothing is run."""
        self._inside = ["false"]
        while self._pinned:
            os.close(self._pinned.pop())

    def _booted(self) -> None:
        until(lambda: self.run("systemctl", "is-system-running", ok=False) in ("running", "degraded"), BOOT)

    def _engine(self, *argv: str) -> str:
        done = subprocess.run([self.engine, *argv], capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{argv}: {done.stderr}"
        return done.stdout.strip()
