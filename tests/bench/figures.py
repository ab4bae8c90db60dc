# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The figures to reach, and whether they are."""

from __future__ import annotations

from collections.abc import Iterator

from competitors import BASH, FLOOR, OURS, PLAYBOOK, PYINFRA
from figure import Figure, as_table
from measure import Run
from payload import CHECK, PING, RECOVERY
from report import Session, count
from single import Singles


def figures(session: Session) -> str:
    """As a table."""
    sizes = sorted({each.hosts for each in session.runs})
    rows = [row for size in sizes for row in _of_size(session, size)]
    rows += _growth(session, sizes)
    if session.singles:
        rows += _of_calls(session.singles)
    return as_table(rows)


def _wall(run: Run) -> float:
    return run.wall


def _of_size(session: Session, hosts: int) -> Iterator[Figure]:
    ours = session.median(_wall, hosts, OURS)
    for goal, name in ((1.0, BASH), (0.12, PLAYBOOK), (0.8, PYINFRA)):
        theirs = session.median(_wall, hosts, name)
        if ours and theirs:
            yield Figure("P1", f"recover.yml, {count(hosts)} broken, beside {name}", goal, ours / theirs, " times")
    idle, floor = session.median(_wall, hosts, OURS, False), session.median(_wall, hosts, FLOOR, False)
    calls = session.median(lambda run: run.traffic.commands / hosts, hosts, OURS, False)
    if idle and floor and calls:
        yield Figure("P2", f"with nothing broken on {count(hosts)}, beside {FLOOR}", 3.5, idle / floor, " times")
        yield Figure("P2", f"with nothing broken on {count(hosts)}, calls per host", 1, calls, "")
    used = session.median(lambda run: run.cpu / hosts, hosts, OURS)
    if used:
        yield Figure("P3", f"controller's processor time per host, {count(hosts)}", 0.3, used, " s")


def _growth(session: Session, sizes: list[int]) -> Iterator[Figure]:
    """How time (from ten hosts on) and memory grow with the hosts: from the fewest to the most of them."""
    large = [size for size in sizes if size >= 10]
    if len(large) > 1:
        first, last = (session.median(_wall, size, OURS) for size in (large[0], large[-1]))
        if first and last:
            what = f"wall time from {large[0]} to {large[-1]} hosts"
            yield Figure("P4", what, large[-1] / large[0], last / first, " times")
    known = [size for size in sizes if size in session.memory]
    if len(known) > 1:
        more = session.memory[known[-1]].peak - session.memory[known[0]].peak
        what = f"memory for each host (and fork) more, from {known[0]} to {known[-1]} hosts"
        yield Figure("P4", what, 20, more / (known[-1] - known[0]) / 2**20, " MB")


def _of_calls(singles: Singles) -> Iterator[Figure]:
    yield Figure("P5", "100 probes on one host, one hangs for 5 s", 6.0, singles.hundred, " s")
    yield Figure("P5", "2,000 probes from the controller", 6.0, singles.two_thousand, " s")
    for name, goal in ((CHECK, 130), (RECOVERY, 130), (PING, None)):
        yield Figure("P6", f"sent for one call of {name.rpartition('.')[2]}", goal, singles.sizes[name] / 1000, " KB")
    yield Figure("P6", "from the start of health_check to its first probe", 150, singles.first_probe * 1000, " ms")
    yield Figure("P6", "a whole call of ping of ansible-core", None, singles.ping * 1000, " ms")
