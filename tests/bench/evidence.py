# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What capturing evidence takes: of a busy host, of large logs beside tar and zstd, of a fleet. Within enter.sh.

Usage: enter.sh python evidence.py [--only processes logs fleet] [--processes 500] [--mib 1024] [--hosts 20]
"""

from __future__ import annotations

import argparse
import json
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from competitors import ROOT
from evidence_fleet import fleet_figures
from evidence_host import busy_host
from evidence_logs import large_logs
from figure import Figure, as_table

HOME = ROOT / "build" / "bench"
_PARTS: dict[str, Callable[[Path, argparse.Namespace], Iterator[Figure]]] = {
    "processes": lambda home, options: busy_host(home, options.processes, options.rounds),
    "logs": lambda home, options: large_logs(home, options.mib, options.files, options.rounds),
    "fleet": lambda home, options: fleet_figures(home, options.hosts, options.rounds),
}
_TIMES_THE_LOGS = 6  # of free space: the logs, what they are packed into, some more


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        prog="evidence", description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--only", nargs="+", choices=_PARTS, default=list(_PARTS))
    parser.add_argument("--processes", type=int, default=500)
    parser.add_argument("--mib", type=int, default=1024)
    parser.add_argument("--files", type=int, default=4, help="logs that the MiB are in")
    parser.add_argument("--hosts", type=int, default=20)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    free = shutil.disk_usage(HOME).free
    if free < _TIMES_THE_LOGS * options.mib << 20:
        print(f"{HOME} has {free >> 20} MiB of free space; give a smaller --mib")
        return 1
    figures: list[Figure] = []
    for name in options.only:
        print(f"{time.strftime('%H:%M:%S')} {name}", flush=True)
        with tempfile.TemporaryDirectory(dir=HOME, prefix="evidence-") as home:
            figures += _PARTS[name](Path(home), options)
        (HOME / "evidence.json").write_text(json.dumps([vars(each) for each in figures], indent=1) + "\n")
    print(f"\n{as_table(figures)}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
