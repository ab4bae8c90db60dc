# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a command takes: time, processor time, memory; of it and of all that it starts."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from hosts import PYTHON

# A small process in between: what a child of a large one needs cannot be told from what its parent had.
_METER = """
import json, os, sys, time
began = time.monotonic()
pid = os.fork()
if not pid:
    os.execvp(sys.argv[2], sys.argv[2:])
status, usage = os.wait4(pid, 0)[1:]
took = time.monotonic() - began
rc = os.WEXITSTATUS(status) if os.WIFEXITED(status) else 128 + os.WTERMSIG(status)
with open(sys.argv[1], "w") as told:
    json.dump([rc, began, took, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024], told)
"""


@dataclass(frozen=True)
class Took:
    """Seconds, seconds of processors, bytes of the largest process. ``began``: by the monotonic clock."""

    began: float
    wall: float
    cpu: float
    memory: int


def run(
    command: Sequence[str],
    folder: Path,
    given: bytes = b"",
    environment: Mapping[str, str] | None = None,
    may_end_with: Sequence[int] = (0,),
) -> tuple[Took, Path]:
    """Run it in ``folder``; what it prints is in the file that is returned. Raises RuntimeError when it fails."""
    output, told, errors = folder / "output", folder / "meter.json", folder / "errors"
    with output.open("wb") as stream, errors.open("wb") as wrong:
        subprocess.run(
            [PYTHON, "-S", "-E", "-c", _METER, str(told), *command],
            input=given,
            stdout=stream,
            stderr=wrong,
            cwd=folder,
            env=environment,
            check=True,
        )
    rc, *took = json.loads(told.read_text())
    if rc not in may_end_with:
        raise RuntimeError(f"{command[0]} ended with {rc}: {errors.read_text()[-500:]}{output.read_text()[-2000:]}")
    return Took(*took), output
