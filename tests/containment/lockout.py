# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Responders who lock themselves out: a host each, with its own sshd, which is isolated by a call over real ssh."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from spaces import Space

from ansible_collections.toombos.incident.plugins.module_utils._deadman.boot import boottime
from ansible_collections.toombos.incident.plugins.module_utils._process.kill import send_signal
from ansible_collections.toombos.incident.plugins.module_utils._process.stat import read_stat
from ansible_collections.toombos.incident.plugins.module_utils._process.table import read_table
from ansible_collections.toombos.incident.plugins.module_utils._process.types import Process
from ansible_collections.toombos.incident.plugins.plugin_utils._lean.script import arguments, script

HUNG_UP, KILLED, CUT_OFF = "the terminal hangs up", "everything is killed", "the link is down"
WAYS = (HUNG_UP, KILLED, CUT_OFF)
WINDOW = 3.0  # seconds; the module takes 2 at the least, and whoever is too late isolates nobody
_VICTIM, _RESPONDER = "10.88.0.1", "10.88.0.2"
_ASKED = {
    "state": "isolated", "management": ["203.0.113.0/24"], "keep_responder": False, "force": True,
    "confirm": f"{WINDOW:g}s", "incident": "INC-2026-1128-0001", "reason": "a wrong list, forced, alice",
}  # fmt: skip
_MARKER = "<<INCLUDE_ANSIBLE_MODULE_JSON_ARGS>>"
_PATIENCE = 30.0  # seconds
_UNHEARD = 0.15  # seconds after which nothing answers
_PLUGGED = 0.3  # seconds before the deadline at which a link is up again


@dataclass(frozen=True)
class Lost:
    """One time: boot times at which the host was cut off, was due, and answered on the port of
    ssh again; whoever comes then can log in. ``left``: of our rules, afterwards.
    """

    way: str
    cut: float
    due: float
    back: float
    left: str


class Common:
    """What all hosts share: their keys, that of whoever responds, and the module as it is sent."""

    def __init__(self, home: Path) -> None:
        self.module = script("containment")
        self.host, self.own = home / "host", home / "own"
        for each in (self.host, self.own):
            subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(each)], check=True)
        Path("/run/sshd").mkdir(exist_ok=True)


class Pair:
    """A host and its responder, at the two ends of a cable. One time after the other."""

    def __init__(self, name: str, common: Common, home: Path) -> None:
        self._common, self._home = common, home
        self.victim, self.responder = Space(f"{name}-host"), Space(f"{name}-responder")
        self.victim.join(self.responder, "eth0", "eth0")
        self.victim.address("eth0", f"{_VICTIM}/30")
        self.responder.address("eth0", f"{_RESPONDER}/30")
        options = [
            f"HostKey={common.host}", f"AuthorizedKeysFile={common.own}.pub", "StrictModes=no", "UsePAM=no",
            "UseDNS=no", "PidFile=none", "PerSourcePenalties=no", "MaxStartups=1000",
        ]  # fmt: skip
        flags = [flag for each in options for flag in ("-o", each)]
        with self.victim.inside(), open(home / "sshd", "wb") as log:
            self.sshd = subprocess.Popen(["/usr/sbin/sshd", "-D", "-e", "-f", "/dev/null", *flags], stderr=log)
        _until(self.reached)

    def reached(self) -> bool:
        """Whether the responder can begin a connection: however busy the host is, that takes it no time."""
        try:
            with self.responder.inside():
                socket.create_connection((_VICTIM, 22), _UNHEARD).close()
        except OSError:
            return False
        return True

    def log_in(self, *words: str, terminal: bool = False) -> subprocess.Popen[bytes]:
        """A client of ssh with a command."""
        options = ["StrictHostKeyChecking=no", "UserKnownHostsFile=/dev/null", "LogLevel=ERROR", "ConnectTimeout=5"]
        flags = [flag for each in options for flag in ("-o", each)]
        argv = [
            "ssh",
            "-F",
            "none",
            "-i",
            str(self._common.own),
            *flags,
            *["-tt"] * terminal,
            f"root@{_VICTIM}",
            *words,
        ]
        quiet: dict[str, Any] = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.DEVNULL)
        with self.responder.inside():
            return subprocess.Popen(argv, **quiet)

    def lose(self, way: str, name: str, backend: str) -> Lost:
        """Isolate it with a list on which nobody is, lose the connection in this way, and wait for what comes."""
        place = self._home / name
        place.mkdir()
        options = {**_ASKED, "backend": backend, "store_dir": f"{place}/store", "state_dir": f"{place}/state"}
        call = place / "call.py"
        call.write_text(self._common.module.replace(_MARKER, json.dumps(arguments(options)), 1))
        # The shell outlives the module and stays a shell, so that there is somebody left to be hung up or killed.
        client = self.log_in(f"python3 -I {call} >{place}/answer 2>&1; sleep 60; true", terminal=way == HUNG_UP)
        try:
            due = _until(lambda: _due(place))
            cut = _until(lambda: None if self.reached() else boottime())
            self._lose(way, self._session(str(call)), client, due)
            back = _until(lambda: boottime() if self.reached() else None)
            # How long that takes is up to the processor, which all of them share.
            assert self.log_in("true").wait(_PATIENCE) == 0, "it answers, and lets nobody log in"
            _until(lambda: not (place / "store" / "containment" / "state.json").exists())
        except AssertionError as error:
            raise AssertionError(f"{way}, {backend}: {error}\n{(place / 'answer').read_text()}") from error
        finally:
            client.kill()
            client.wait()
            for each in self._session(str(call)):
                send_signal(each.identity, signal.SIGKILL)
        return Lost(way, cut, due, back, self._rules())

    def close(self) -> None:
        self.sshd.kill()
        self.sshd.wait()
        self.victim.close()
        self.responder.close()

    def _lose(self, way: str, ours: list[Process], client: subprocess.Popen[bytes], due: float) -> None:
        if way == CUT_OFF:
            self.responder.ip("link set eth0 down")
            client.kill()
            time.sleep(max(0.0, due - _PLUGGED - boottime()))
            self.responder.ip("link set eth0 up")
            return
        # The terminal hangs up when whoever holds its other end is gone: sshd, not the shell.
        gone = [each for each in ours if way == KILLED or each.command_line.startswith("sshd")]
        assert gone, ours
        assert gone != ours or way == KILLED, ours
        for each in gone:
            send_signal(each.identity, signal.SIGKILL)
        _until(lambda: all(map(_over, ours)))

    def _session(self, call: str) -> list[Process]:
        """What sshd has started for this call, and not what keeps its deadline: that is nobody's child any more."""
        table = read_table()
        served = (table.tree(each.pid) for each in table.processes.values() if each.ppid == self.sshd.pid)
        return [each for tree in served if any(call in each.command_line for each in tree) for each in tree]

    def _rules(self) -> str:
        """Of the packet filter that was used, whichever it was."""
        found = self.victim.run("nft", "list", "ruleset").stdout
        return "".join(line for line in found.splitlines(True) if "incident" in line.lower())


def _due(place: Path) -> float | None:
    """The boot time at which the deadline comes, as soon as it is armed."""
    found = [each.name for each in place.glob("store/deadlines/*/state.armed.*")]
    return int(found[0].rpartition(".")[2]) / 1000 if found else None


def _over(process: Process) -> bool:
    stat = read_stat(process.pid)
    return stat is None or stat.gone or stat.start != process.start


def _until(holds: Callable[[], Any]) -> Any:
    """What the function returns as soon as it is true."""
    give_up = time.monotonic() + _PATIENCE
    while not (value := holds()):
        assert time.monotonic() < give_up, "it has not happened"
        time.sleep(0.05)
    return value
