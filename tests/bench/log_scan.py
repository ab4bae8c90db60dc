# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Searching a log with the module's engine beside grep -E: same log, same pattern, in turns.

Usage: python tests/bench/log_scan.py [--mib 256] [--rounds 3]
"""

from __future__ import annotations

import argparse
import os
import random
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

COLLECTIONS = Path(__file__).resolve().parents[2] / ".ansible" / "collections"
PATTERN = "ERROR|CRITICAL|Exception"
SCAN = """
import sys, time
from ansible_collections.toombos.incident.plugins.module_utils._clock import Clock
from ansible_collections.toombos.incident.plugins.module_utils._logs.child import scan
from ansible_collections.toombos.incident.plugins.module_utils._logs.patterns import choose
from ansible_collections.toombos.incident.plugins.module_utils._logs.scan import Log, Wish
wish = Wish(choose(["errors"], {}), numbered=int(sys.argv[2]))
print(scan(wish, [Log(sys.argv[1])], 600.0, Clock())["msg"])
"""


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="log_scan", description=__doc__)
    parser.add_argument("--mib", type=int, default=256)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as home:
        log = Path(home) / "app.log"
        generate(log, options.mib)
        ours = [sys.executable, "-c", SCAN, str(log)]
        commands = {
            "grep -E": ["grep", "-E", PATTERN, str(log)],
            "grep -nE, numbers lines": ["grep", "-nE", PATTERN, str(log)],
            "log_scan": [*ours, "0"],
            "log_scan, numbers lines": [*ours, str(1 << 60)],
        }
        best = {name: (float("inf"), float("inf")) for name in commands}
        for _round in range(options.rounds):
            for name, command in commands.items():
                wall, processor = run(command, Path(home) / "out")
                best[name] = (min(best[name][0], wall), min(best[name][1], processor))
    for name, (wall, processor) in best.items():
        reference = best["grep -nE, numbers lines" if "numbers" in name else "grep -E"]
        print(
            f"{name:24} wall {options.mib / wall:7.0f} MiB/s ({reference[0] / wall:.2f} of grep), "
            f"processor {options.mib / processor:7.0f} MiB/s ({reference[1] / processor:.2f} of grep)"
        )
    return 0


def run(command: list[str], output: Path) -> tuple[float, float]:
    """Wall and processor time in seconds, of it and its children. Into a file: grep stops early for /dev/null."""
    before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    with output.open("wb") as stream:
        subprocess.run(
            command, stdout=stream, check=True, env={**os.environ, "PYTHONPATH": str(COLLECTIONS), "LC_ALL": "C.UTF-8"}
        )
    wall, after = time.perf_counter() - started, resource.getrusage(resource.RUSAGE_CHILDREN)
    return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def generate(log: Path, mib: int) -> None:
    """Lines as the application writes them, one in a hundred an error."""
    rng = random.Random(1)
    lines = [line(rng) for _line in range(20_000)]
    with log.open("wb") as stream:
        while stream.tell() < mib << 20:
            rng.shuffle(lines)
            stream.write("".join(lines).encode())


def line(rng: random.Random) -> str:
    """One of them."""
    when = (
        f"2026-11-{rng.randint(1, 23):02d} {rng.randint(0, 23):02d}:{rng.randint(0, 59):02d}:{rng.randint(0, 59):02d}"
    )
    module = rng.choice(["content.generator", "publisher.email", "crm.client", "api.routes", "scheduler"])
    kind = rng.random()
    if kind < 0.55:
        return f'INFO:     10.0.{rng.randint(0, 255)}.7:{rng.randint(30000, 60000)} - "GET /health HTTP/1.1" 200 OK\n'
    if kind < 0.97:
        return f"{when} - {module} - INFO - Request {rng.randint(1, 10**6)} handled in {rng.random():.3f} s\n"
    if kind < 0.98:
        return f"{when} - {module} - ERROR - Request {rng.randint(1, 10**6)} failed: 10.0.0.7:{rng.randint(1, 65535)}\n"
    return f"{when} - {module} - WARNING - slow answer {rng.randint(1, 10**4)} ms\n"


if __name__ == "__main__":
    sys.exit(main())
