# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What containing a fleet takes: hosts in namespaces, real ssh, the playbook that a responder types. Within enter.sh.

Usage: enter.sh python containment.py [--hosts 20] [--rounds 3]
"""

from __future__ import annotations

import argparse
import json
import signal
import sys
import tempfile
from pathlib import Path

from competitors import ROOT
from containment_fleet import fleet_figures
from figure import as_table

HOME = ROOT / "build" / "bench"


def main() -> int:
    """Measure and print; 1 when it took too long."""
    parser = argparse.ArgumentParser(
        prog="containment", description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--hosts", type=int, default=20)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    with tempfile.TemporaryDirectory(dir=HOME, prefix="containment-") as home:
        figures = list(fleet_figures(Path(home), options.hosts, options.rounds))
    (HOME / "containment.json").write_text(json.dumps([vars(each) for each in figures], indent=1) + "\n")
    print(f"\n{as_table(figures)}", flush=True)
    return 0 if all(each.goal is None or each.measured <= each.goal for each in figures) else 1


if __name__ == "__main__":
    sys.exit(main())
