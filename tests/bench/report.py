# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What was measured, as a table and as JSON."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import median

from measure import Memory, Run
from single import Singles


@dataclass(frozen=True)
class Measured:
    """One run."""

    hosts: int
    name: str
    broken: bool
    run: Run


@dataclass
class Session:
    """Everything of one call. ``memory``: number of hosts → the collection's."""

    runs: list[Measured] = field(default_factory=list)
    memory: dict[int, Memory] = field(default_factory=dict)
    singles: Singles | None = None
    began: str = field(default_factory=lambda: time.strftime("%Y-%m-%d %H:%M"))

    def of(self, hosts: int, name: str, broken: bool = True) -> list[Run]:
        """The runs of one competitor."""
        return [each.run for each in self.runs if (each.hosts, each.name, each.broken) == (hosts, name, broken)]

    def names(self, hosts: int, broken: bool) -> list[str]:
        """Who took part, in order."""
        return list(dict.fromkeys(one.name for one in self.runs if (one.hosts, one.broken) == (hosts, broken)))

    def median(self, what: Callable[[Run], float], hosts: int, name: str, broken: bool = True) -> float | None:
        """The middle of all rounds; None where nothing was measured."""
        values = [what(run) for run in self.of(hosts, name, broken)]
        return median(values) if values else None


def table(session: Session, hosts: int) -> str:
    """All competitors at one number of hosts."""
    lines = []
    for broken in (True, False):
        state = "everything broken" if broken else "nothing broken"
        lines += [
            f"\n{count(hosts)}, {state}, {os.cpu_count()} cores; medians; from `sent` on per host\n",
            f"| {'':23} | {'wall, s':>22} | CPU, s | sent, KB | received | packets | ssh | commands |",
            f"|{'-' * 25}|{'-' * 23}:|-------:|---------:|---------:|--------:|----:|---------:|",
        ]
        lines += [_row(name, session.of(hosts, name, broken), hosts) for name in session.names(hosts, broken)]
    if hosts in session.memory:
        one = session.memory[hosts]
        lines.append(
            f"\nMemory of recover.yml at its highest: {one.peak / 2**20:.0f} MB in {one.processes} processes, "
            f"{one.root / 2**20:.0f} MB of it the main one"
        )
    return "\n".join(lines)


def count(hosts: int) -> str:
    """In words."""
    return f"{hosts} host{'s' if hosts > 1 else ''}"


def _row(name: str, runs: list[Run], hosts: int) -> str:
    walls = sorted(run.wall for run in runs)
    wall = f"{walls[0]:.2f} / {median(walls):.2f} / {walls[-1]:.2f}"

    def middle(what: Callable[[Run], float]) -> float:
        return median(what(run) for run in runs)

    return (
        f"| {name:23} | {wall:>22} | {middle(lambda run: run.cpu):6.2f} "
        f"| {middle(lambda run: run.traffic.sent / hosts / 1000):8.1f} "
        f"| {middle(lambda run: run.traffic.received / hosts / 1000):8.1f} "
        f"| {middle(lambda run: run.traffic.packets / hosts):7.0f} "
        f"| {middle(lambda run: run.traffic.connections / hosts):3.1f} "
        f"| {middle(lambda run: run.traffic.commands / hosts):8.1f} |"
    )


def write(path: Path, session: Session) -> None:
    """Every single run, for whoever wants to calculate."""
    path.write_text(json.dumps(asdict(session), indent=1) + "\n")
