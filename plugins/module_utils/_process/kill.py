# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ending process trees for certain, and nothing else: every signal goes to a verified identity."""

from __future__ import annotations

import os
import signal
from typing import Callable, Sequence

from ansible_collections.toombos.incident.plugins.module_utils._clock import Clock
from ansible_collections.toombos.incident.plugins.module_utils._process.protected import protected_pids
from ansible_collections.toombos.incident.plugins.module_utils._process.stat import Stat, read_stat
from ansible_collections.toombos.incident.plugins.module_utils._process.table import list_pids
from ansible_collections.toombos.incident.plugins.module_utils._process.types import Process, StopResult

_FIRST_POLL, _LAST_POLL = 0.02, 0.2
_KILL_TIMEOUT = 5.0
_STOPPED = frozenset("Tt")


def stop_processes(roots: Sequence[Process], *, grace: float, clock: Clock) -> StopResult:
    """End every root and all its descendants: SIGTERM, up to ``grace`` seconds, then SIGCONT + SIGKILL, up to 5 s.

    A root that is gone, or whose pid now belongs to another process, is left alone. Children that are forked meanwhile
    are found again until nothing is left. Pids up to 1, this process and its ancestors are never signalled; a root
    among them, or one that may not be signalled, is reported as a survivor. A zombie counts as gone. Never raises for
    a process.
    """
    return _Stop(roots, clock).run(grace)


class _Stop:
    """One run. ``_tracked`` maps the identity of every member ever seen, in the order it was found."""

    def __init__(self, roots: Sequence[Process], clock: Clock) -> None:
        self._clock = clock
        self._protected = protected_pids()
        self._before = {stat.identity for stat in _scan().values()}
        self._tracked: dict[tuple[int, int], Stat] = {}
        self._groups: set[int] = set()
        self._denied: set[tuple[int, int]] = set()
        self._terminated: list[int] = []
        self._killed: list[int] = []
        wanted = {root.identity for root in roots}
        self._follow(lambda stat: stat.identity in wanted)

    def run(self, grace: float) -> StopResult:
        self._until_gone(grace, self._terminate)
        if self._pending():
            self._until_gone(_KILL_TIMEOUT, self._kill)
        return StopResult(
            terminated=tuple(self._terminated),
            killed=tuple(self._killed),
            survivors=tuple(stat.pid for stat in self._alive()),
            changed=bool(self._terminated or self._killed),
        )

    def _until_gone(self, seconds: float, act: Callable[[Stat], None]) -> None:
        """Act once on every member, also on those that appear meanwhile, until none is left or time is up."""
        deadline = self._clock.monotonic() + seconds
        pause = _FIRST_POLL
        acted: set[tuple[int, int]] = set()
        while True:
            for stat in self._pending():
                if stat.identity not in acted:
                    acted.add(stat.identity)
                    act(stat)
            # Asked before the scan: only a scan that began after the last one had ended sees everything it forked.
            quiet = not self._pending()
            self._follow(self._is_new_in_group)
            if self._clock.monotonic() >= deadline or (quiet and not self._pending()):
                return
            if not quiet:
                self._clock.sleep(pause)
                pause = min(pause * 1.5, _LAST_POLL)

    def _follow(self, more: Callable[[Stat], bool]) -> None:
        """Track what ``more`` selects, and every descendant of what is tracked, parents first."""
        stats = _scan()
        children: dict[int, list[Stat]] = {}
        for stat in stats.values():
            children.setdefault(stat.ppid, []).append(stat)
        waiting = [stat for stat in stats.values() if stat.identity in self._tracked or more(stat)]
        while waiting:
            stat = waiting.pop(0)
            if stat.identity not in self._tracked and stat.gone:
                continue
            self._tracked.setdefault(stat.identity, stat)
            if stat.pid in self._protected:
                continue  # our own branch hangs below it
            if stat.pid == stat.group:
                self._groups.add(stat.group)
            waiting.extend(child for child in children.get(stat.pid, ()) if child.identity not in self._tracked)

    def _is_new_in_group(self, stat: Stat) -> bool:
        """A child whose parent ended before it was seen: it is new, and in a process group or session that we end.

        The number of a group or session cannot be given to another one while it has members.
        """
        if stat.identity in self._before:
            return False
        return stat.group in self._groups or stat.session in self._groups

    def _alive(self) -> list[Stat]:
        """What is tracked and still there, as it is now."""
        now = (read_stat(pid) for pid, _start in self._tracked)
        return [stat for stat in now if stat is not None and not stat.gone and stat.identity in self._tracked]

    def _pending(self) -> list[Stat]:
        """What is alive and may be signalled."""
        return [s for s in self._alive() if s.pid not in self._protected and s.identity not in self._denied]

    def _terminate(self, stat: Stat) -> None:
        if not self._send(stat, signal.SIGTERM):
            return
        self._terminated.append(stat.pid)
        if stat.state in _STOPPED:
            # Otherwise it could not act on the SIGTERM and would always be killed, after the whole grace.
            self._send(stat, signal.SIGCONT)

    def _kill(self, stat: Stat) -> None:
        self._send(stat, signal.SIGCONT)
        if self._send(stat, signal.SIGKILL):
            self._killed.append(stat.pid)

    def _send(self, stat: Stat, number: signal.Signals) -> bool:
        try:
            return send_signal(stat.identity, number)
        except PermissionError:
            self._denied.add(stat.identity)
            return False


def send_signal(identity: tuple[int, int], number: signal.Signals) -> bool:
    """Signal the process of exactly this identity; False when it is gone. Raises PermissionError."""
    try:
        handle = _open_pidfd(identity[0])
        try:
            # Read after the handle was opened: what is verified now is what the handle means for ever.
            stat = read_stat(identity[0])
            if stat is None or stat.identity != identity or stat.gone:
                return False
            if handle is None:
                os.kill(identity[0], number)
            else:
                signal.pidfd_send_signal(handle, number)  # type: ignore[attr-defined,unused-ignore]
            return True
        finally:
            if handle is not None:
                os.close(handle)
    except ProcessLookupError:
        return False


def _open_pidfd(pid: int) -> int | None:
    """A handle that survives the reuse of the pid; None before Python 3.9 and where the kernel has none."""
    opener = getattr(os, "pidfd_open", None)
    if opener is None:
        return None
    try:
        return int(opener(pid))
    except ProcessLookupError:
        raise
    except OSError:
        return None


def _scan() -> dict[int, Stat]:
    found = (read_stat(pid) for pid in list_pids())
    return {stat.pid: stat for stat in found if stat is not None}
