# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keeping the time with systemd: a service of our own that starts again, and comes back with the host."""

from __future__ import annotations

import contextlib
import os
import socket
import time

from ansible_collections.toombos.incident.plugins.module_utils._atomic import sync_directory, write_atomic
from ansible_collections.toombos.incident.plugins.module_utils._command import CommandResult, run_command
from ansible_collections.toombos.incident.plugins.module_utils._deadman.slot import Slot
from ansible_collections.toombos.incident.plugins.module_utils._errors import IncidentError

BOOTED = "/run/systemd/system"  # sd_booted(3): there while systemd is what runs the host
UNITS = "/etc/systemd/system"
_TIMEOUT = 60.0
_BETWEEN, _LOOK = 5.0, 0.2  # seconds until a unit that starts again must have done so, and from look to look
# How a program of ours is run: what ends it starts it again, its own end apart.
SERVICE = """\
[Service]
Type=notify
ExecStart="{python}" -I "{program}" keep
Restart=on-failure
RestartForceExitStatus=SIGHUP SIGINT SIGTERM SIGPIPE
RestartSec=1
TimeoutStartSec=60
TimeoutStopSec=10
KillMode=process
OOMScoreAdjust=-900
"""
_UNIT = f"""\
# Written by the Ansible collection toombos.incident, which removes it again when the deadline is over.
[Unit]
Description=Deadline {{id}} of toombos.incident
RequiresMountsFor={{path}}
StartLimitIntervalSec=0

{SERVICE}
[Install]
WantedBy=multi-user.target
"""


class Systemd:
    """A persistent unit per program. ``unit_text``: a format of id, path, python and program."""

    name = "systemd"
    reboot = "If the host is restarted before, it comes while the host starts."

    unit_text = _UNIT
    wanted_by = "multi-user.target"

    def __init__(self, booted: str = BOOTED, units: str = UNITS) -> None:
        self._booted = booted
        self._units = units

    @property
    def _wants(self) -> str:
        return os.path.join(self._units, f"{self.wanted_by}.wants")

    def usable(self) -> bool:
        """Whether systemd runs this host, and lets us."""
        return os.geteuid() == 0 and os.path.isdir(self._booted) and os.access(self._units, os.W_OK)

    def start(self, slot: Slot, python: str) -> str:
        """Write, enable and start the unit; returns once its process is ready. Raises IncidentError or OSError."""
        unit = unit_of(slot)
        places = {"path": _escaped(slot.path), "python": _quoted(python), "program": _quoted(slot.program)}
        text = self.unit_text.format(id=slot.id, **places)
        os.makedirs(self._wants, mode=0o755, exist_ok=True)
        write_atomic(os.path.join(self._units, unit), text.encode(), mode=0o644)
        with contextlib.suppress(FileExistsError):
            os.symlink(f"../{unit}", os.path.join(self._wants, unit))
        sync_directory(self._wants)
        for words in (["daemon-reload"], ["start", unit]):
            problem = _systemctl(*words)
            if problem:
                self.dismiss(slot)
                raise IncidentError(f"systemd does not keep the {slot.kind}: {problem}.", f"See journalctl -u {unit}.")
        return f"in the unit {unit}"

    def running(self, slot: Slot) -> bool:
        """Whether the unit is there and at work. Between two of its lives it is, too, and while systemd is busy."""
        unit = unit_of(slot)
        if not os.path.lexists(os.path.join(self._wants, unit)):
            return False
        end = time.monotonic() + _BETWEEN
        while True:
            state = _call("show", "--property=ActiveState", "--value", unit).stdout.strip()
            if state in ("active", "inactive", "failed") or time.monotonic() > end:
                return state == "active"
            time.sleep(_LOOK)

    def forget(self, slot: Slot) -> None:
        """Remove the unit; its process, which does this itself, goes on to its end."""
        unit = unit_of(slot)
        gone = False
        for path in (os.path.join(self._wants, unit), os.path.join(self._units, unit)):
            with contextlib.suppress(OSError):
                os.unlink(path)
                gone = True
        if gone:
            _systemctl("daemon-reload")

    def dismiss(self, slot: Slot) -> None:
        """Remove the unit and end its process."""
        self.forget(slot)
        _systemctl("stop", unit_of(slot))


def unit_of(slot: Slot) -> str:
    """The name of the unit."""
    return f"toombos-incident-{slot.id}.service"


def notify_ready() -> None:
    """Tell systemd that the time is being kept, where it is systemd that started this process (sd_notify(3))."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address:
        return
    with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as channel:
        channel.connect("\0" + address[1:] if address.startswith("@") else address)
        channel.sendall(b"READY=1")


def _systemctl(*words: str) -> str:
    """What is in the way; empty when it is done."""
    answer = _call(*words)
    if answer.rc == 0:
        return ""
    said = [line.strip() for line in (answer.error or answer.stderr).splitlines() if line.strip()]
    return said[0].rstrip(".") if said else f"systemctl {words[0]} ended with {answer.rc}"


def _call(*words: str) -> CommandResult:
    return run_command(
        ["systemctl", "--no-ask-password", *words],
        timeout=_TIMEOUT,
        env={"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C"},
    )


def _escaped(path: str) -> str:
    return path.replace("%", "%%")


def _quoted(path: str) -> str:
    return _escaped(path).replace("\\", "\\\\").replace('"', '\\"').replace("$", "$$")
