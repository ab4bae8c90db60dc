# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How long an isolation takes, what management feels of it, and when the flows of others are dead.

As a program, it prints the table of docs/containment.md, and judges by the tight bounds:
``tools/containment.sh python3 tests/containment/timing.py``.
"""

from __future__ import annotations

import statistics
import sys
import time
from dataclasses import dataclass, field

sys.path[:0] = [__file__.rpartition("/")[0], ".ansible/collections"]

from beat import Beat, heartening, largest_gap
from neighbourhood import ATTACKER, MANAGEMENT, SSH, VICTIM, Neighbourhood
from talks import Tcp, address_of, listen
from victim import BACKENDS, Victim

RUNS = 20
_WINDOW = 0.15  # seconds of beats on each side that count
_MOST_FELT, _MOST_ALIVE = 10.0, 200.0  # milliseconds


@dataclass
class Figures:
    """Milliseconds of each run. ``alive``: of an open connection of others, after the isolation was in force."""

    idle: list[float] = field(default_factory=list)
    during: list[float] = field(default_factory=list)
    took: list[float] = field(default_factory=list)
    alive: list[float] = field(default_factory=list)

    def felt(self) -> float:
        """By how much the usual gap between beats is longer than one of the same time, side by side, without."""
        return statistics.median(self.during) - statistics.median(self.idle)

    def good(self) -> bool:
        """By the tight bounds: the longest of all runs as well."""
        return max(self.during) - max(self.idle) <= _MOST_FELT and max(self.alive) <= _MOST_ALIVE

    def row(self, name: str) -> str:
        """Of the table."""
        cells = [
            *map(_both, (self.idle, self.during)),
            f"{statistics.median(self.during) / statistics.median(self.idle):.2f}",
        ]
        return f"| {' | '.join([name, *cells, *map(_both, (self.took, self.alive))])} |"


def _both(each: list[float]) -> str:
    return f"{statistics.median(each):.1f} / {max(each):.1f}"


HEAD = """\
| packet filter | largest gap, idle | largest gap, isolating | ratio | `isolate` takes | the attacker's beats after it |
|---|---|---|---|---|---|"""


def measure(neighbourhood: Neighbourhood, name: str, runs: int = RUNS) -> Figures:
    """One after the other: a connection of management to the port of ssh, one of an attacker to another port."""
    victim = Victim(neighbourhood.of[VICTIM], name)
    listeners = {port: listen(victim.space, port) for port in (SSH, 7200)}
    for each in listeners.values():
        heartening(each[4])
    figures = Figures()
    for _each in range(runs):
        ends = ((MANAGEMENT, SSH), (ATTACKER, 7200))
        talks = [Tcp(neighbourhood.of[peer], 4, address_of(VICTIM, 4), port, listeners[port][4]) for peer, port in ends]
        ours, theirs = (Beat(talk, neighbourhood.of[peer]) for talk, (peer, _port) in zip(talks, ends, strict=True))
        time.sleep(4 * _WINDOW)
        begin = time.monotonic()
        victim.isolate()
        end = time.monotonic()
        time.sleep(2 * _WINDOW)
        moments, others = ours.moments(), theirs.moments()
        assert others[-1] > begin - _WINDOW, "nothing beat any more that could be cut"
        length = end - begin
        figures.idle.append(largest_gap(moments, begin - 2 * _WINDOW - length, begin - _WINDOW))
        figures.during.append(largest_gap(moments, begin, end + _WINDOW))
        figures.took.append(length * 1000)
        figures.alive.append(max(0.0, others[-1] - end) * 1000)
        victim.release()
        for talk in talks:
            talk.close()
    for port in listeners.values():
        for listener in port.values():
            listener.socket.close()
    return figures


def main() -> int:
    neighbourhood, good = Neighbourhood(), True
    print(f"{RUNS} runs each, milliseconds, median / largest\n\n{HEAD}", flush=True)
    for name in BACKENDS:
        figures = measure(neighbourhood, name)
        print(figures.row(name), flush=True)
        good = good and figures.good()
    print(f"\nThe largest gap of all is at most {_MOST_FELT:g} ms longer than idle: {'reached' if good else 'MISSED'}")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
