# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The main job beside its competitors, on hosts in namespaces of this machine. Runs within enter.sh, as root.

Usage: enter.sh python bench.py [--hosts 1 10 25 50] [--rounds 3] [--only NAME]... [--fault FAULT]
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import time
from pathlib import Path

import measure
from competitors import BASH, FLOOR, OURS, PLAYBOOK, PYINFRA, ROOT, SHIPPED, competitors
from figures import figures
from hosts import FAULTS, Fleet, NotRecovered
from report import Measured, Session, table, write
from single import singles
from why import why

HOME = ROOT / "build" / "bench"
ALL = [FLOOR, BASH, PLAYBOOK, PYINFRA, OURS, SHIPPED]
UNBROKEN = [FLOOR, BASH, PYINFRA, OURS]


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="bench", description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--hosts", type=int, nargs="+", default=[1, 10, 25, 50])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", nargs="+", choices=ALL, default=ALL, help="these competitors")
    parser.add_argument("--fault", choices=FAULTS, default="mixed", help="what breaks them, see hosts.py")
    parser.add_argument("--playbook-rounds", type=int, help="fewer for the slowest of them")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    session = Session()
    try:
        for size in options.hosts:
            measure_size(session, size, options)
    except NotRecovered as error:
        say(str(error))
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


def measure_size(session: Session, size: int, options: argparse.Namespace) -> None:
    """Start so many hosts, let everybody at them, print the table."""
    say(f"{size} hosts: starting them (load {os.getloadavg()[0]:.1f})")
    fleet = Fleet(size, HOME)
    try:
        rounds(session, fleet, options)
        write(HOME / "report.json", session)
        say(table(session, size))
        if size == options.hosts[-1]:
            session.singles = singles(fleet)
            write(HOME / "report.json", session)
            say(f"{why(fleet, options.fault)}\n\n{figures(session)}")
    finally:
        fleet.close()


def rounds(session: Session, fleet: Fleet, options: argparse.Namespace) -> None:
    """Round after round, each competitor once in each, so that a busy moment is nobody's alone."""
    size = len(fleet.hosts)
    team = competitors(fleet, options.only)
    playbook_rounds = options.playbook_rounds or options.rounds
    for number in range(1, options.rounds + 1):
        for broken in (True, False):
            for each in team:
                if (not broken and each.name not in UNBROKEN) or (each.name == PLAYBOOK and number > playbook_rounds):
                    continue
                fault = options.fault if broken and each.recovers else None
                done = measure.run(fleet, each, fault)
                session.runs.append(Measured(size, each.name, broken, done))
                how = "broken" if broken else "nothing broken"
                say(f"  round {number}, {how}: {each.name} {done.wall:.2f} s, controller {done.cpu:.2f} s")
    for each in team:
        if each.name == OURS:
            session.memory[size] = measure.memory(fleet, each, options.fault)


def say(words: str) -> None:
    """At once, also into a pipe."""
    print(f"{time.strftime('%H:%M:%S')} {words}" if "\n" not in words else words, flush=True)


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parent))
    sys.exit(main())
