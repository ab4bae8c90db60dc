# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sets deadlines as a module on a host does: out of sources that were sent, in a process that is ended afterwards."""

from __future__ import annotations

import base64
import contextlib
import json
import os
import pty
import re
import select
import shutil
import signal
import subprocess
import sys
import time
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ansible_collections.toombos.incident.plugins.module_utils._deadman.program import OURS, needed
from ansible_collections.toombos.incident.plugins.module_utils._lean import bootstrap
from ansible_collections.toombos.incident.plugins.module_utils._process.kill import send_signal
from ansible_collections.toombos.incident.plugins.module_utils._process.stat import read_stat
from ansible_collections.toombos.incident.plugins.module_utils._process.table import list_pids, read_table

_ACTION = """
import time

def write(path):
    with open(path, "a") as file:
        file.write("%f\\n" % time.clock_gettime(time.CLOCK_BOOTTIME))
"""
_STARTER = """\
import base64, json, os, sys, time, zlib
exec(compile(zlib.decompress(base64.b64decode("@BOOTSTRAP@")), "<bootstrap>", "exec", dont_inherit=True))
sys.meta_path.insert(0, Packed(json.loads(zlib.decompress(base64.b64decode("@SOURCES@")))))
from @OURS@_deadman import deadline, types as t
from @OURS@_deadman.boot import boottime
directory, path, seconds = json.loads(@ARGUMENTS@)
order = t.Order("trial", "@OURS@_acts:write", {"path": path}, seconds, who="alice", why="a trial")
began = boottime()
token = deadline.arm(directory, order)
left = deadline.status(directory, token).left
print("SET", token, boottime() + left, boottime() - began, flush=True)
time.sleep(60)
"""
_RECORDS = f"{OURS}_lean.records"
WAYS = ("hang-up", "killed", "gone")


def sources() -> dict[str, str]:
    """As they are sent: with what stands in for dataclasses."""
    found = needed([f"{OURS}_deadman.deadline", _RECORDS])
    sent = {
        name: re.sub(r"^from dataclasses import", f"from {_RECORDS} import", found[name], flags=re.M) for name in found
    }
    return {**sent, f"{OURS}_acts": _ACTION}


def packed(text: str) -> str:
    return base64.b64encode(zlib.compress(text.encode(), 9)).decode()


@dataclass(frozen=True)
class Set:
    """A deadline that was set; who has set it is gone. ``until``: of ``boottime``; ``took``: seconds to set it."""

    directory: str
    path: Path
    token: str
    until: float
    took: float

    def acted(self) -> list[float]:
        return [float(line) for line in self.path.read_text().split()] if self.path.exists() else []


class Starters:
    """Set deadlines below one directory, all processes of which are ended with the test."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self._left: list[tuple[int, int]] = []  # what lives on although nobody waits for it any more
        text = _STARTER.replace("@OURS@", OURS).replace("@SOURCES@", packed(json.dumps(sources())))
        self._text = text.replace("@BOOTSTRAP@", packed(Path(str(bootstrap.__file__)).read_text()))

    def set(self, name: str, way: str, seconds: float, user: str = "") -> Set:
        """Below a shell of a session of its own, which ends in one of these ways; ``user``: instead of ours."""
        place = self.home / name
        place.mkdir()
        path = place / "acted"
        python = sys.executable
        become: list[str] = []
        if user:
            shutil.chown(place, user)
            python, become = "/usr/bin/python3", ["setpriv", f"--reuid={user}", "--clear-groups", "--"]
        given = [str(place / "store" / "deadlines"), str(path), seconds]
        script = place / "module.py"
        script.write_text(self._text.replace("@ARGUMENTS@", repr(json.dumps(given))))
        # The shell does not become the module: what is ended is a tree.
        shell = [*become, "/bin/sh", "-c", f"{python} -I -S - <{script} 2>{place}/stderr; true"]
        try:
            said, end = _with_terminal(shell) if way == "hang-up" else _with_pipe(shell, way, self._left)
        except OSError as error:
            raise AssertionError((place / "stderr").read_text()) from error
        words = said.split()
        end()
        return Set(given[0], path, words[1], float(words[2]), float(words[3]))

    def alive(self) -> list[int]:
        table = read_table().processes.values()
        return [each.pid for each in table if str(self.home) in each.command_line and each.state not in "ZX"]

    def until_gone(self, seconds: float = 20.0) -> None:
        end = time.monotonic() + seconds
        while self.alive():
            assert time.monotonic() < end, read_table().processes[self.alive()[0]].command_line
            time.sleep(0.05)

    def close(self) -> None:
        for identity in self._left:
            send_signal(identity, signal.SIGKILL)
        while self.alive():
            for pid in self.alive():
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)


def _said(handle: int) -> str:
    """Its one line."""
    words, end = b"", time.monotonic() + 60
    while not re.search(rb"SET .*\n", words):
        ready, _w, _x = select.select([handle], [], [], max(0.0, end - time.monotonic()))
        data = os.read(handle, 4096) if ready else b""
        assert data, words
        words += data
    return re.search(rb"SET .*\n", words)[0].decode()  # type: ignore[index]


def _with_terminal(argv: list[str]) -> tuple[str, Callable[[], None]]:
    pid, terminal = pty.fork()
    if not pid:
        signal.signal(signal.SIGHUP, signal.SIG_DFL)
        os.execv(shutil.which(argv[0]) or argv[0], argv)
    said = _said(terminal)

    def hang_up() -> None:
        os.close(terminal)
        os.waitpid(pid, 0)

    return said, hang_up


def _with_pipe(argv: list[str], way: str, left: list[tuple[int, int]]) -> tuple[str, Callable[[], None]]:
    child = subprocess.Popen(argv, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, start_new_session=True)
    assert child.stdout is not None
    said = _said(child.stdout.fileno())

    def kill() -> None:
        """Every process of the session at once, or only the one at its top, whose connection is gone."""
        whole = [stat for stat in map(read_stat, list_pids()) if stat and stat.session == child.pid]
        assert len(whole) >= 2
        for stat in whole:
            if way == "killed" or stat.pid == child.pid:
                os.kill(stat.pid, signal.SIGKILL)
            else:
                left.append(stat.identity)
        child.wait()
        child.stdout.close()

    return said, kill
