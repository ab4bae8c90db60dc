# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a recovery must leave as it is: other people's processes, logs, configuration, and what links point to."""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from faults import BYSTANDER, Scene, as_user
from processes import until

Identity = tuple[int, str]  # pid and start time


class Bystanders:
    """Processes that look like the services, stand beside them or hold their ports, and are none of them."""

    def __init__(self, scene: Scene) -> None:
        self._started: list[subprocess.Popen[bytes]] = []
        self._user = as_user(scene.lab.user)
        self._known = {_identity(pid): f"the intruder with pid {pid}" for pid in scene.intruders}
        self._records = {path.name: path for path in scene.aside.glob("intruder-*")}
        app, aside = scene.lab.app, scene.aside
        (aside / "mocks").mkdir(exist_ok=True)
        for disguise in ("mocks/crm_service.py", "uvicorn.py", "nightly.py"):
            shutil.copyfile(BYSTANDER, aside / disguise)
        # The words of a service in another directory, and other words in the directory of the services.
        self._watch(aside, "somebody's crm", aside, [sys.executable, "mocks/crm_service.py"])
        self._watch(aside, "somebody's main", aside, scene.lab.main_command())
        self._watch(aside, "a job of the application", app, [sys.executable, str(aside / "nightly.py")])
        # Tools and shells with the right words in the right directory.
        self._start("a reader of the crm", app, ["tail", "-f", "mocks/crm_service.py"])
        self._start("a shell that will start the crm", app, ["sh", "-c", "sleep 900; exec python mocks/crm_service.py"])
        until(lambda: all(path.exists() for path in self._records.values()), "the bystanders stand there")

    def touched(self) -> list[str]:
        """Who was ended, frozen or signalled."""
        found = [f"{who} is gone or frozen" for identity, who in self._known.items() if not _lives(identity)]
        for who, path in self._records.items():
            if path.exists() and (signals := path.read_text().split()):
                found.append(f"{who} got {', '.join(signals)}")
        return found

    def leave(self) -> None:
        """End them."""
        for process in self._started:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        for path in self._records.values():
            path.unlink(missing_ok=True)

    def _watch(self, aside: Path, who: str, cwd: Path, command: list[str]) -> None:
        record = aside / who.replace(" ", "-")
        record.unlink(missing_ok=True)
        self._records[who] = record
        self._start(who, cwd, command, BYSTANDER_RECORD=str(record))

    def _start(self, who: str, cwd: Path, command: list[str], **env: str) -> None:
        process = subprocess.Popen(
            command,
            cwd=cwd,
            env={**os.environ, **env},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            **self._user,
        )
        self._started.append(process)
        self._known[_identity(process.pid)] = who


@dataclass(frozen=True)
class Log:
    """A log as it was: the same file must still begin with the same bytes."""

    inode: int
    size: int
    digest: str


@dataclass(frozen=True)
class Files:
    """Logs, and the content of everything else that nobody may change."""

    logs: dict[Path, Log]
    kept: dict[Path, bytes]

    @classmethod
    def of(cls, scene: Scene) -> Files:
        """As they are now."""
        app, home = scene.lab.app, scene.lab.home
        logs = {path: _log(path, None) for path in (app / "logs").iterdir()}
        kept = [*app.glob(".env*"), *scene.lab.settings, *app.glob("backups/**/*"), *home.glob("precious/*")]
        return cls(logs, {path: path.read_bytes() for path in kept if path.is_file()})

    def truncated(self) -> list[str]:
        """Logs that are gone, another file, or begin differently."""
        return [path.name for path, log in self.logs.items() if not path.exists() or _log(path, log.size) != log]

    def altered(self) -> list[str]:
        """Other files that are not as they were."""
        return [str(path) for path, old in self.kept.items() if not path.exists() or path.read_bytes() != old]


def _log(path: Path, size: int | None) -> Log:
    with path.open("rb") as file:
        content = file.read() if size is None else file.read(size)
        return Log(os.fstat(file.fileno()).st_ino, len(content), hashlib.sha256(content).hexdigest())


def _identity(pid: int) -> Identity:
    fields = _fields(pid)
    return pid, fields[19] if fields else "gone"


def _lives(identity: Identity) -> bool:
    fields = _fields(identity[0])
    return bool(fields) and fields[19] == identity[1] and fields[0] not in "ZXTt"


def _fields(pid: int) -> list[str]:
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return []
