# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A host with many processes: how soon its most volatile evidence is on its disk."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median

import meter
from evidence_call import Package, all_definitions, call
from figure import Figure
from hosts import PYTHON, Fleet, Host

# Processes, sockets, routes, neighbours: each as our own reader has it, for IPv4 and IPv6.
VOLATILE = ("processes/list", "network/sockets", "network/routes", "network/routes_v6", "network/neighbours")
_SLEEPERS = "i=0; while [ $i -lt {count} ]; do sleep 3600 & i=$((i+1)); done; wait"


def busy_host(home: Path, processes: int, rounds: int) -> Iterator[Figure]:
    """Seconds from the start of the host's Python until the last of them is stored, by capture.json."""
    (home / "log").mkdir()
    fleet = Fleet(1, home)
    try:
        host = fleet.hosts[0]
        _populate(host, processes)
        seconds, whole = [], []
        for number in range(1, rounds + 1):
            given = call(home / "work", f"bench-{number:03d}", all_definitions(), profile="quick")
            took, output = meter.run(host.nsenter(PYTHON, "-"), home, given, dict(os.environ))
            package = Package(output)
            record = {entry["artifact"]: entry for entry in package.record()["artifacts"]}
            chosen = [record[name] for name in VOLATILE]
            assert all(entry["outcome"] in ("collected", "empty") for entry in chosen), chosen
            seconds.append(max(entry["began_monotonic"] + entry["duration"] for entry in chosen) - took.began)
            whole.append(took.wall)
            package.remove()
        title = f"{processes} processes: {', '.join(VOLATILE)} on disk"
        yield Figure("E1", title, 2, median(seconds), " s")
        yield Figure("E1", f"{processes} processes: the whole profile quick, on the host", None, median(whole), " s")
    finally:
        fleet.close()


def _populate(host: Host, processes: int) -> None:
    subprocess.Popen(host.nsenter("sh", "-c", _SLEEPERS.format(count=processes)), stdin=subprocess.DEVNULL)
    until = time.monotonic() + 60
    while time.monotonic() < until:
        found = subprocess.run(host.nsenter("sh", "-c", "ls -d /proc/[0-9]*"), capture_output=True, check=True).stdout
        if found.count(b"\n") >= processes:
            return
        time.sleep(0.2)
    raise TimeoutError(f"there are no {processes} processes on {host.name}")
