# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A command whose output is evidence: streamed, ended with its whole process group, its last words kept."""

from __future__ import annotations

import os
import selectors
import subprocess
from typing import Iterator, Sequence

from ansible_collections.toombos.incident.plugins.module_utils._clock import Clock
from ansible_collections.toombos.incident.plugins.module_utils._evidence import children

_BLOCK = 1 << 18
_LAST_WORDS = 2000  # bytes of the error output that are kept
_POLL = 0.1
# A fixed language, so that what is read later does not depend on the responder's.
_ENVIRONMENT = {
    "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "LC_ALL": "C.UTF-8",
    "TZ": "UTC",
}


class Command:
    """One run of ``argv``. After ``output`` is exhausted: ``rc`` (None: it had to be ended), ``timed_out``, ``stderr``.

    Raises FileNotFoundError and other OSErrors when it cannot be started.
    """

    def __init__(self, argv: Sequence[str], deadline: float, clock: Clock) -> None:
        self.rc: int | None = None
        self.timed_out = False
        self._words = bytearray()
        self._deadline = deadline
        self._clock = clock
        self._process = children.start(
            argv,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd="/",
            env=_ENVIRONMENT,
        )

    @property
    def stderr(self) -> str:
        """The end of what it complained about."""
        return bytes(self._words).decode("utf-8", "replace")

    def output(self) -> Iterator[bytes]:
        """What it prints, until it ends or the deadline comes; nothing of it runs any more then."""
        try:
            yield from self._read()
        finally:
            self._end()

    def _read(self) -> Iterator[bytes]:
        out, complaints = self._process.stdout, self._process.stderr
        with selectors.DefaultSelector() as selector:
            for stream in (out, complaints):
                if stream is not None:
                    selector.register(stream, selectors.EVENT_READ)
            while selector.get_map():
                left = self._deadline - self._clock.monotonic()
                if left <= 0:
                    self.timed_out = True
                    return
                # A grandchild may hold the streams open for ever: what counts is the command itself.
                ready = selector.select(min(left, _POLL))
                if not ready and children.has_ended(self._process):
                    return
                for key, _events in ready:
                    data = os.read(key.fd, _BLOCK)
                    if not data:
                        selector.unregister(key.fileobj)
                    elif key.fileobj is out:
                        yield data
                    else:
                        self._words = (self._words + data)[-_LAST_WORDS:]

    def _end(self) -> None:
        finished = self._await_end(self._deadline if not self.timed_out else 0.0)
        children.kill(self._process)
        for stream in (self._process.stdout, self._process.stderr):
            if stream is not None:
                stream.close()
        self._await_end(self._clock.monotonic() + 1.0)  # one in an unkillable call is left to the kernel
        rc = children.reap(self._process)
        self.rc = rc if finished else None
        self.timed_out = not finished

    def _await_end(self, until: float) -> bool:
        while not children.has_ended(self._process):
            if self._clock.monotonic() >= until:
                return False
            self._clock.sleep(_POLL / 10)
        return True


def first_line(argv: Sequence[str], seconds: float, clock: Clock) -> str:
    """The first line that a program prints, such as its version; empty when there is none."""
    try:
        said = b"".join(Command(argv, clock.monotonic() + seconds, clock).output())
    except OSError:
        return ""
    return said.decode("utf-8", "replace").partition("\n")[0].strip()
