# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Searching a log with log_scan, as it runs on a host, beside grep -E: same log, same pattern, in turns.

Usage: python tests/bench/log_scan.py [--mib 1024] [--rounds 3]
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import meter
from applog import write_log
from competitors import ROOT
from figure import Figure, as_table
from hosts import PYTHON
from payload import payload

from ansible_collections.toombos.incident.plugins.module_utils._logs.patterns import BUILT_IN

HOME = ROOT / "build" / "bench"
SCAN = "toombos.incident.log_scan"
EVERY_SET = list(BUILT_IN)
SHARES = (0.001, 0.01)


@dataclass(frozen=True)
class Way:
    """``counts`` reads from its output how many lines it has found; ``beside``: with what it is compared."""

    name: str
    command: Sequence[str]
    environment: dict[str, str]
    given: bytes = b""
    beside: str = ""

    def counted(self, output: Path) -> int:
        """Lines that it has found."""
        data = output.read_bytes()
        if not self.given:
            return data.count(b"\n")
        result = json.loads(data)
        assert result["complete"], result["msg"]
        return max(int(found["count"]) for found in result["patterns"].values())


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="log_scan", description=__doc__)
    parser.add_argument("--mib", type=int, default=1024)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    HOME.mkdir(parents=True, exist_ok=True)
    figures = []
    for share in SHARES:
        with tempfile.TemporaryDirectory(dir=HOME) as home:
            figures += compare(Path(home), options.mib, share, options.rounds)
    print(as_table(figures), flush=True)
    return 0


def compare(home: Path, mib: int, share: float, rounds: int) -> Iterator[Figure]:
    """One log, its table printed, its figures."""
    log = home / "app.log"
    write_log(log, mib << 20, share)
    ways = list(_ways(log))
    took: dict[str, list[meter.Took]] = {way.name: [] for way in ways}
    found: dict[str, int] = {}
    for number in range(rounds + 1):
        for way in ways:
            one, output = meter.run(way.command, home, way.given, {**os.environ, **way.environment})
            found[way.name] = way.counted(output)
            if number:  # the first round reads the log into memory
                took[way.name].append(one)
    print(f"\n{mib} MiB, one entry in {1 / share:.0f} an error, median of {rounds}\n")
    print("| | lines found | wall, MiB/s | of grep | processor, MiB/s | of grep | largest process |")
    print("|---|---:|---:|---:|---:|---:|---:|")
    for way in ways:
        mine = _medians(took[way.name])
        theirs = _medians(took[way.beside or way.name])
        print(
            f"| {way.name} | {found[way.name]} | {mib / mine[0]:.0f} | {theirs[0] / mine[0]:.2f} "
            f"| {mib / mine[1]:.0f} | {theirs[1] / mine[1]:.2f} | {mine[2] / 2**20:.0f} MiB |"
        )
        if way.beside and "every" not in way.name:
            assert found[way.name] == found[way.beside], "they do not find the same"
        if way.beside:
            goal = 0.5 if way.name == "log_scan" else None
            for what, place in (("wall", 0), ("processor", 1)):
                title = f"{way.name}, {share:.1%} errors, {what} time, beside {way.beside}"
                yield Figure("P8", title, goal, theirs[place] / mine[place], " of its speed", at_least=True)
    sys.stdout.flush()


def _medians(took: Sequence[meter.Took]) -> tuple[float, float, float]:
    return tuple(median(getattr(one, name) for one in took) for name in ("wall", "cpu", "memory"))  # type: ignore[return-value]


def _ways(log: Path) -> Iterator[Way]:
    plain, own = {"LC_ALL": "C"}, {"LC_ALL": os.environ.get("LC_ALL") or os.environ.get("LANG") or "C.UTF-8"}
    errors = BUILT_IN["errors"]
    # What the sets have in common with the syntax of grep, without regard to case as nearly all of them are.
    union = "|".join(BUILT_IN[name].replace("(?i)", "").replace("(?:", "(") for name in EVERY_SET)
    faster = f"grep -E, {own['LC_ALL']}"
    yield Way("grep -E, C", ["grep", "-E", errors, str(log)], plain)
    yield Way(faster, ["grep", "-E", errors, str(log)], own)
    yield Way("log_scan", [PYTHON, "-"], own, _call(log, sets=["errors"], numbered_mib=0), faster)
    yield Way("grep -nE", ["grep", "-nE", errors, str(log)], own)
    numbered = _call(log, sets=["errors"], numbered_mib=1 << 20)
    yield Way("log_scan, numbers lines", [PYTHON, "-"], own, numbered, "grep -nE")
    yield Way("grep -iE, every set", ["grep", "-iE", union, str(log)], own)
    each = _call(log, sets=EVERY_SET, numbered_mib=0)
    yield Way("log_scan, every set apart", [PYTHON, "-"], own, each, "grep -iE, every set")


def _call(log: Path, **options: Any) -> bytes:
    return payload(SCAN, {"paths": [str(log)], "deadline": "10m", "_ansible_no_log": True, **options})


if __name__ == "__main__":
    sys.exit(main())
