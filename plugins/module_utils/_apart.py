# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Work in a process of its own: whatever hangs or grows in it, who waits for it does not."""

from __future__ import annotations

import contextlib
import json
import os
import signal
from typing import Any, Callable, Iterator

from ansible_collections.toombos.incident.plugins.module_utils._clock import Clock

Tell = Callable[[Any], None]


@contextlib.contextmanager
def apart(work: Callable[[Tell], None], clock: Clock) -> Iterator[int]:
    """The pipe out of which comes what ``work`` tells, a line of JSON each; ``{"problem": ...}`` when it raises.

    At the end of the block it is killed; what is in a system call that cannot be interrupted is left to the kernel.
    """
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        os.close(reading)
        _be_the_child(writing, work)
    os.close(writing)
    try:
        yield reading
    finally:
        os.close(reading)
        with contextlib.suppress(ProcessLookupError):
            os.kill(child, signal.SIGKILL)
        _collect(child, clock)


def _be_the_child(writing: int, work: Callable[[Tell], None]) -> None:
    """Never returns."""

    def tell(entry: Any) -> None:
        data = json.dumps(entry).encode() + b"\n"
        while data:
            data = data[os.write(writing, data) :]

    try:
        # Who waits for the end of the module's output must not wait for a child that the kernel does not let go.
        silence = os.open(os.devnull, os.O_RDWR)
        for descriptor in (0, 1, 2):
            os.dup2(silence, descriptor)
        work(tell)
    except BaseException as error:  # noqa: BLE001 - there is nobody else to tell, and it must not run on as the parent
        with contextlib.suppress(OSError):
            tell({"problem": f"{type(error).__name__}: {error}"})
    finally:
        os._exit(0)


def _collect(child: int, clock: Clock) -> None:
    """The killed child, unless the kernel keeps it."""
    for _try in range(20):
        if os.waitpid(child, os.WNOHANG)[0]:
            return
        clock.sleep(0.01)
