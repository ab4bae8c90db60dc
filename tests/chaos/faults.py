# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The faults: the lab's own breaks by their names, and what can happen to processes, files and ports."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from breaks import BREAKS
from cases import UNITS, Fault
from processes import Running, kill, until
from world import World

BYSTANDER = Path(__file__).resolve().parent / "bystander.py"


@dataclass
class Scene:
    """A lab or a host under fire, and ``aside``, a directory beside it, for those who have nothing to do with it."""

    lab: World
    aside: Path
    intruders: list[int] = field(default_factory=list)


def apply(scene: Scene, fault: Fault) -> str:
    """Do it; returns what was done when the damage can be seen."""
    if fault.kind in BREAKS:
        said = BREAKS[fault.kind](scene.lab)
        if fault.kind == "foreign":
            scene.intruders += [process.pid for process in scene.lab.running() if "http.server" in process.command]
        return said
    return OWN[fault.kind](scene, fault.params)


def _signal(scene: Scene, params: dict[str, Any]) -> str:
    service, number = params["service"], signal.Signals[f"SIG{params['signal']}"]
    process = _pick(scene.lab.of(service), params["which"])
    os.kill(process.pid, number)
    if number == signal.SIGSTOP:
        until(lambda: _state(process) in ("T", None), f"{service} is frozen")
    else:
        until(lambda: _state(process) is None, f"{service} has ended")
    if service == "supervisord" and number == signal.SIGTERM:
        until(lambda: not scene.lab.of("main"), "supervisord took main along")
    return f"SIG{params['signal']} to the {params['which']} process of {service}, pid {process.pid}"


def _port(scene: Scene, params: dict[str, Any]) -> str:
    lab, service, answer = scene.lab, params["service"], params["answer"]
    if service == "main":
        BREAKS["stop"](lab)
    else:
        kill(lab.of(service))
    record = scene.aside / f"intruder-{service}"
    record.unlink(missing_ok=True)
    intruder = subprocess.Popen(
        [sys.executable, str(BYSTANDER)],
        cwd=scene.aside,
        env={
            **os.environ,
            "BYSTANDER_RECORD": str(record),
            "BYSTANDER_PORT": str(lab.ports[service]),
            "BYSTANDER_ANSWER": answer,
        },
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        start_new_session=True,
        **as_user(lab.user),
    )
    scene.intruders.append(intruder.pid)
    until(record.exists, "the intruder holds the port")
    return f"{service} was stopped and pid {intruder.pid} took its port ({answer})"


def _env_repaired(scene: Scene, _params: dict[str, Any]) -> str:
    said = BREAKS["bad-env"](scene.lab)
    file = scene.lab.app / ".env"
    file.write_text(file.read_text().replace("METRICS_PORT=abc", "METRICS_PORT=9100"))
    return f"{said}; then somebody corrected it and did not start it"


def _record(scene: Scene, params: dict[str, Any]) -> str:
    name, how = params["file"], params["how"]
    state = scene.lab.state
    path = state / name if "." in name else state / "processes" / f"{name}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    if how == "delete":
        path.unlink(missing_ok=True)
    elif how == "wrong pid":
        path.write_text('{"pid": 1, "start": 1, "boot_id": "x", "argv": ["x"], "uid": 0, "main": [1, "x"]}')
    else:
        path.write_bytes(b"\0\xff not a record" if how == "garbage" else b"")
    return f"{path.name}: {how}"


def _pidfile(scene: Scene, _params: dict[str, Any]) -> str:
    scene.lab.pidfile.unlink(missing_ok=True)
    return "supervisord's pidfile was removed"


def _temp(scene: Scene, params: dict[str, Any]) -> str:
    work = scene.lab.temp / "halcytone-work"
    work.mkdir(parents=True, exist_ok=True)
    for number in range(params["entries"]):
        (work / f"part-{number}").write_text("x" * 100)
    (scene.lab.home / "precious").mkdir(exist_ok=True)
    (scene.lab.home / "precious" / "keep").write_text("keep")
    if not (work / "elsewhere").is_symlink():
        (work / "elsewhere").symlink_to(scene.lab.home / "precious")
    return f"{params['entries']} temporary files and a link that leads elsewhere"


def _logs(scene: Scene, params: dict[str, Any]) -> str:
    removed = scene.lab.removable_logs(params["file"])
    for path in removed:
        path.unlink()
    return f"removed {', '.join(path.name for path in removed) or 'no log'} under the feet of who writes it"


def _systemctl(scene: Scene, params: dict[str, Any]) -> str:
    service, verb = params["service"], params["verb"]
    words = ["systemctl", *verb.split(), UNITS[service]]
    subprocess.run(words, check=True, stdin=subprocess.DEVNULL, capture_output=True)
    until(lambda: not scene.lab.of(service), f"{service} has ended")
    return " ".join(words)


OWN: dict[str, Callable[[Scene, dict[str, Any]], str]] = {
    "signal": _signal,
    "port": _port,
    "env-repaired": _env_repaired,
    "record": _record,
    "pidfile": _pidfile,
    "temp": _temp,
    "logs": _logs,
    "systemctl": _systemctl,
}


def dismiss(scene: Scene) -> None:
    """End those who took a port."""
    for pid in scene.intruders:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    scene.intruders.clear()


def tidy(scene: Scene) -> None:
    """Take away what a lab's own fix does not know of."""
    for path in (*scene.lab.temp.glob("halcytone-*"), scene.lab.home / "precious"):
        shutil.rmtree(path, ignore_errors=True)


def as_user(user: str | None) -> dict[str, Any]:
    """Arguments of Popen; None: as we are."""
    return {"user": user, "group": user, "extra_groups": []} if user else {}


def _pick(processes: list[Running], which: str) -> Running:
    if not processes:
        raise LookupError("there is no such process")
    return processes[-1] if which == "worker" else processes[0]


def _state(process: Running) -> str | None:
    """Its state letter; None when it is gone."""
    try:
        fields = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return None if fields[0] in "ZX" or int(fields[19]) != process.start else fields[0]
