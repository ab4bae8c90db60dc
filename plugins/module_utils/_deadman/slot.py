# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One deadline on the disk: a private directory in which the name of one file says how it stands.

Every change of state is a rename of that file. It is atomic, so that exactly one of two that race wins; it waits for
nobody, so that no hung process can hold a deadline up; and it needs no space, so that a full disk cannot.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import json
import os
import time
from dataclasses import asdict
from typing import Any, Iterator, Mapping

from ansible_collections.toombos.incident.plugins.module_utils._atomic import sync_directory, write_atomic
from ansible_collections.toombos.incident.plugins.module_utils._deadman import types as t
from ansible_collections.toombos.incident.plugins.module_utils._deadman.boot import boottime, this_boot

_MARK = "state."
_SHOWN = (*t.OVER, t.FIRING, t.ARMED, t.ARMING)  # of two names of one file that is being renamed the later state counts
_LOOKS = 20  # at a directory in which the file is being renamed
_PROGRAM, _ORDER, _ARGUMENTS, _OUTCOME, _BEGUN = "program.py", "order.json", "arguments.json", "outcome.json", "begun"
LOCKS = ("firing.lock", "keeper-0.lock", "keeper-1.lock")
_MS = 1000


class Slot:
    """The directory of one deadline. Methods raise OSError where they say nothing else."""

    kind = "deadline"

    def __init__(self, path: str) -> None:
        self.path = path
        self.id = os.path.basename(path)
        self.program = os.path.join(path, _PROGRAM)

    def create(self, program: str, arguments: Mapping[str, Any]) -> None:
        """Lay everything out but the order; afterwards it is arming."""
        os.mkdir(self.path, 0o700)
        write_atomic(self.program, program.encode(), mode=0o600)
        write_atomic(self._file(_ARGUMENTS), json.dumps(arguments).encode())
        for name in (*LOCKS, _BEGUN, _MARK + t.ARMING):
            os.close(os.open(self._file(name), os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
        sync_directory(self.path)
        sync_directory(os.path.dirname(self.path))

    def write(self, record: t.Record) -> None:
        """The order itself, without its arguments."""
        content = asdict(record)
        del content["order"]["arguments"]
        write_atomic(self._file(_ORDER), json.dumps(content).encode())

    def read(self, arguments: bool = False) -> t.Record:
        """The order; with its arguments where they are wanted. Raises OSError, ValueError or KeyError when damaged."""
        raw = self._load(_ORDER)
        given = self._load(_ARGUMENTS) if arguments else {}
        try:
            return t.Record(order=t.Order(**raw.pop("order"), arguments=given), **raw)
        except (TypeError, AttributeError) as error:
            raise ValueError(f"{self._file(_ORDER)} is damaged") from error

    def state(self) -> tuple[str, float]:
        """How it stands, and, while it is armed, the value of ``boottime`` when it is due. Without a mark: damaged."""
        for look in range(_LOOKS):
            found = [_parsed(name) for name in os.listdir(self.path) if name.startswith(_MARK)]
            known = sorted((each for each in found if each[0] in _SHOWN), key=lambda each: _SHOWN.index(each[0]))
            if known:
                return known[0]
            time.sleep(0.001 * look)
        return t.DAMAGED, 0.0

    def move(self, old: str, new: str, until: float = 0.0, was: float = 0.0) -> bool:
        """From one state to another; ``until``, ``was``: of an armed one. False when somebody was faster."""
        try:
            os.rename(self._file(_mark(old, was)), self._file(_mark(new, until)))
        except FileNotFoundError:
            return False
        return True

    def settle_name(self) -> None:
        """Make the last change of state durable."""
        sync_directory(self.path)

    def due(self, boot: str, until: float) -> bool:
        """Whether an armed one has come: by time, or because the host was restarted since."""
        return boot != this_boot() or boottime() >= until

    @contextlib.contextmanager
    def locked(self, name: str, patience: float = 0.0) -> Iterator[bool]:
        """Hold one of LOCKS; False when somebody else does, after ``patience`` seconds. The kernel gives it back.

        Children that are forked meanwhile hold it, too.
        """
        handle = os.open(self._file(name), os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        end = boottime() + patience
        try:
            while not (held := _try(handle)) and boottime() < end:
                time.sleep(0.01)
            yield held
        finally:
            os.close(handle)

    def held(self, name: str) -> bool:
        """Whether somebody holds it."""
        with self.locked(name) as free:
            return not free

    def begin(self) -> int:
        """Note that an attempt begins; how many have begun, as far as a full disk has let them be noted."""
        with contextlib.suppress(OSError):
            handle = os.open(self._file(_BEGUN), os.O_WRONLY | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC)
            try:
                os.write(handle, b".")
            finally:
                os.close(handle)
            return os.stat(self._file(_BEGUN)).st_size
        return 1

    def note(self, outcome: t.Outcome) -> None:
        """Write down what has come of it. A full disk may lose that, and nothing else."""
        with contextlib.suppress(OSError):
            write_atomic(self._file(_OUTCOME), json.dumps(asdict(outcome)).encode())

    def outcome(self) -> t.Outcome | None:
        """What has come of it."""
        try:
            return t.Outcome(**self._load(_OUTCOME))
        except (OSError, ValueError, TypeError):
            return None

    def tidy(self) -> None:
        """Of one that is over only what people may want to know is kept."""
        for name in (_PROGRAM, _ARGUMENTS):
            with contextlib.suppress(OSError):
                os.unlink(self._file(name))

    def remove(self) -> None:
        """Everything of it. The state goes first, so that nothing half-removed can come into force."""
        names = sorted(os.listdir(self.path), key=lambda name: not name.startswith(_MARK))
        for name in names:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(self._file(name))
        with contextlib.suppress(FileNotFoundError):
            os.rmdir(self.path)

    def age(self) -> float:
        """Seconds of the wall clock since something in the directory was last changed."""
        return max(0.0, time.time() - os.stat(self.path).st_mtime)

    def _file(self, name: str) -> str:
        return os.path.join(self.path, name)

    def _load(self, name: str) -> Any:
        with open(self._file(name), "rb") as file:
            return json.load(file)


def _mark(state: str, until: float) -> str:
    return f"{_MARK}{state}.{round(until * _MS)}" if state == t.ARMED else _MARK + state


def _parsed(name: str) -> tuple[str, float]:
    state, _dot, until = name[len(_MARK) :].partition(".")
    return state, int(until) / _MS if until.isdigit() else 0.0


def _try(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno not in (errno.EWOULDBLOCK, errno.EACCES):
            raise
        return False
    return True
