# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hosts in namespaces of their own: each with sshd, supervisord and three services, on one bridge.

Runs within enter.sh only, where the network is ours and where everything ends with this process.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
PYTHON = "/usr/bin/python3"  # what the hosts run their services and modules with
PORTS = {"crm": 8001, "platform": 8002, "main": 8000}  # in the order in which they start
# What becomes of each service when a host is broken.
FAULTS = {
    "mixed": {"crm": "sick", "platform": "sick", "main": "down"},
    "sick": dict.fromkeys(PORTS, "sick"),
    "down": dict.fromkeys(PORTS, "down"),
}
_BRIDGE, _NETWORK = "bench", "10.77.0"


class NotRecovered(Exception):
    """A competitor has not done its work; there is no figure for that."""


@dataclass(frozen=True)
class Traffic:
    """What went over the wires of all hosts, and what their sshd counted. Seen from the controller."""

    sent: int  # bytes
    received: int
    packets: int
    connections: int
    commands: int

    def __sub__(self, other: Traffic) -> Traffic:
        return Traffic(*(mine - theirs for mine, theirs in zip(self._values(), other._values())))

    def _values(self) -> tuple[int, ...]:
        return self.sent, self.received, self.packets, self.connections, self.commands


class Host:
    """One host. ``number`` from 1."""

    def __init__(self, number: int, home: Path) -> None:
        self.name = f"h{number}"
        self.address = f"{_NETWORK}.{number + 1}"
        self.log = home / "log" / f"{self.name}.sshd"
        self.log.unlink(missing_ok=True)
        command = ["unshare", "--net", "--pid", "--mount", "--uts", "--fork", "--kill-child", "--mount-proc"]
        command += ["sh", str(HERE / "host" / "init.sh"), str(home), self.name, f"{self.address}/24"]
        supervisord = f"{sys.executable} -m supervisor.supervisord"
        with open(home / "log" / f"{self.name}.init", "wb") as output:
            self.process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env={**os.environ, "PYTHON": PYTHON, "SUPERVISORD": supervisord},
            )
        self._plug_in()

    def ask(self, service: str, path: str = "/health", timeout: float = 10.0) -> dict[str, Any]:
        """The service's own answer, also a sick one. Raises OSError."""
        try:
            with urllib.request.urlopen(f"http://{self.address}:{PORTS[service]}{path}", timeout=timeout) as answer:
                content = json.load(answer)
        except urllib.error.HTTPError as error:
            content = json.load(error)
        except (http.client.HTTPException, ValueError) as error:
            raise OSError(f"no answer: {error}") from error
        assert isinstance(content, dict)
        return content

    def births(self) -> dict[str, str]:
        """Service → which life of it this is."""
        return {name: self.ask(name)["born"] for name in PORTS}

    def wait(self) -> None:
        """Until ssh and all services answer. Raises TimeoutError."""
        until = time.monotonic() + 120
        while time.monotonic() < until:
            try:
                if self.ask("main", "/preview")["status"] == "healthy" and self.log.stat().st_size:
                    return
            except OSError:
                pass
            time.sleep(0.2)
        raise TimeoutError(f"{self.name} does not come up, see {self.log.parent}")

    def break_all(self, fault: str) -> None:
        """Make every service sick or end it, proven by its own answer."""
        for name, how in FAULTS[fault].items():
            with contextlib.suppress(OSError):
                self.ask(name, f"/{how}")
            if self._state(name) != how:
                raise NotRecovered(f"{self.name}: {name} could not be broken")

    def problems(self, before: dict[str, str], restarted: bool) -> list[str]:
        """What is not as it must be after a run: health, smoke test, lives, temporary files."""
        found = []
        for name in PORTS:
            try:
                answer = self.ask(name, "/preview" if name == "main" else "/health")
            except OSError as error:
                found.append(f"{self.name}: {name} does not answer ({error})")
                continue
            if answer["status"] != "healthy":
                found.append(f"{self.name}: {name} is {answer['status']}")
            if (answer["born"] != before[name]) is not restarted:
                found.append(f"{self.name}: {name} was {'not ' if restarted else ''}restarted")
            if answer["temp"]:
                found.append(f"{self.name}: not cleared: {answer['temp']}")
        return found

    def nsenter(self, *command: str) -> list[str]:
        """The command, as somebody logged in on the host would run it."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        return ["nsenter", "--target", children[0], "--net", "--pid", "--mount", "--uts", "--", *command]

    def _state(self, service: str) -> str:
        try:
            return str(self.ask(service)["status"])
        except OSError:
            return "down"

    def _plug_in(self) -> None:
        ours = os.readlink("/proc/self/ns/net")
        while os.readlink(f"/proc/{self.process.pid}/ns/net") == ours:
            if self.process.poll() is not None:
                raise RuntimeError(f"{self.name} could not be made, see {self.log.parent}")
            time.sleep(0.01)
        peer = ["peer", "name", "eth0", "netns", str(self.process.pid)]
        _ip("link", "add", self.name, "type", "veth", *peer)
        _ip("link", "set", self.name, "master", _BRIDGE, "up")


class Fleet:
    """Hosts h1 … hN."""

    def __init__(self, size: int, home: Path) -> None:
        self.home = home
        _ip("link", "set", "lo", "up")
        _ip("link", "add", _BRIDGE, "type", "bridge")
        _ip("address", "add", f"{_NETWORK}.1/24", "dev", _BRIDGE)
        _ip("link", "set", _BRIDGE, "up")
        _keys(home)
        self.hosts = [Host(number, home) for number in range(1, size + 1)]
        self.each(Host.wait)
        self._write_ssh_config()

    def each(self, what: Any, *arguments: Any) -> list[Any]:
        """Do something with every host, some at the same time."""
        with ThreadPoolExecutor(8) as pool:
            return list(pool.map(lambda host: what(host, *arguments), self.hosts))

    def traffic(self) -> Traffic:
        """Since the hosts are up. The controller's end of a wire sends what the host receives."""
        sent = received = packets = 0
        names = {host.name for host in self.hosts}
        for line in Path("/proc/net/dev").read_text().splitlines():
            name, colon, numbers = line.partition(":")
            if colon and name.strip() in names:
                values = [int(value) for value in numbers.split()]
                received, sent = received + values[0], sent + values[8]
                packets += values[1] + values[9]
        logs = [host.log.read_text() for host in self.hosts]
        connections = sum(log.count("Accepted publickey") for log in logs)
        commands = sum(log.count("Starting session: ") for log in logs)
        return Traffic(sent, received, packets, connections, commands)

    def close(self) -> None:
        """End all hosts and take the bridge away."""
        for host in self.hosts:
            host.process.kill()
        for host in self.hosts:
            host.process.wait()
            # The kernel takes it away as well, but some time after the host's last process.
            _ip("link", "delete", host.name, may_fail=True)
        _ip("link", "delete", _BRIDGE)

    def _write_ssh_config(self) -> None:
        public = (self.home / "host_key.pub").read_text()
        known = "".join(f"{host.address} {public}" for host in self.hosts)
        (self.home / "known_hosts").write_text(known)
        lines = [
            "Host *",
            "User root",
            f"IdentityFile {self.home}/id",
            "IdentitiesOnly yes",
            "PreferredAuthentications publickey",
            f"UserKnownHostsFile {self.home}/known_hosts",
            "GlobalKnownHostsFile /dev/null",
            "StrictHostKeyChecking yes",
            "LogLevel ERROR",
        ]
        (self.home / "ssh_config").write_text("\n  ".join(lines) + "\n")


def _keys(home: Path) -> None:
    for name in ("id", "host_key"):
        for old in (home / name, home / f"{name}.pub"):
            old.unlink(missing_ok=True)
        command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "bench", "-f", str(home / name)]
        subprocess.run(command, check=True)


def _ip(*words: str, may_fail: bool = False) -> None:
    subprocess.run(["ip", *words], check=not may_fail, stderr=subprocess.DEVNULL if may_fail else None)
