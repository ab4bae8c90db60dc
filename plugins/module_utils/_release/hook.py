# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The deploy hook: the application's own script, run after every switch, in time and under its own user."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Callable

from ansible_collections.toombos.incident.plugins.module_utils._clock import Clock
from ansible_collections.toombos.incident.plugins.module_utils._process.kill import stop_processes
from ansible_collections.toombos.incident.plugins.module_utils._process.table import read_process
from ansible_collections.toombos.incident.plugins.module_utils._redact import redact
from ansible_collections.toombos.incident.plugins.module_utils._release.run import Runner
from ansible_collections.toombos.incident.plugins.module_utils._release.types import Spec

_KEPT = 8192  # bytes of its output
_SHOWN = 20  # lines of that in the result
_GRACE = 5.0


@dataclass(frozen=True)
class Deployed:
    """What the hook did for a release. ``rc`` None: it was ended at its deadline."""

    release: str
    rc: int | None
    duration: float
    output: str

    @property
    def problem(self) -> str:
        """Why it does not count; empty: it does."""
        if self.rc == 0:
            return ""
        how = "did not end in time" if self.rc is None else f"ends with rc {self.rc}"
        last = self.output.strip().splitlines()[-1:]
        return f"the deploy hook for {self.release} {how}{f': {last[0][:200]}' if last else ''}"

    def to_dict(self) -> dict[str, Any]:
        """For the result."""
        return {**self.__dict__, "duration": round(self.duration, 3)}


def run_hook(spec: Spec, runner: Runner, directory: str, release: str, began: Callable[[int], None]) -> Deployed | None:
    """Run it; None where there is none. ``began`` is told its pid before anything of it runs."""
    if not spec.deploy:
        return None
    environment = runner.environment(INCIDENT_RELEASE=release)
    ran = runner.command(
        spec.deploy, cwd=directory, env=environment, timeout=spec.deploy_timeout, most=_KEPT, began=began
    )
    lines = redact(ran.out.decode("utf-8", "replace") + ran.err).splitlines()
    return Deployed(release, ran.rc, ran.duration, "\n".join(lines[-_SHOWN:]))


def end_hook(pid: int, start: int, clock: Clock) -> bool:
    """End the hook of a call that was killed, with all that it has started and that is still below it; whether it ran.

    By identity: a stranger that has its pid now is left alone.
    """
    process = read_process(pid)
    if process is None or process.start != start or process.state in "ZX":
        return False
    stop_processes([process], grace=_GRACE, clock=clock)
    return True
