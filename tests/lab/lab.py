# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The embedded lab: a Toombos to break and to recover. `python tests/lab/lab.py --help` shows the verbs."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from breaks import BREAKS, fix
from names import NAMES
from stack import HERE, NotALab, Stack


def main() -> int:
    """Run one verb; rc 1 when the lab is not in a state for it."""
    parser = argparse.ArgumentParser(prog="lab", description=__doc__)
    parser.add_argument("--dir", type=Path, default=HERE / ".state", help="where the lab lives (default: %(default)s)")
    parser.add_argument("--base-port", type=int, default=18000, help="first of seven ports (default: %(default)s)")
    verbs = parser.add_subparsers(dest="verb", required=True)
    verbs.add_parser("up", help="start everything and wait until it answers")
    verbs.add_parser("down", help="end everything and remove the directory")
    verbs.add_parser("status", help="show what answers")
    verbs.add_parser("fix", help=fix.__doc__)
    verbs.add_parser("breaks", help="list the ways to break it")
    breaking = verbs.add_parser("break", help="break something: " + ", ".join(BREAKS))
    breaking.add_argument("name", choices=BREAKS)
    options = parser.parse_args()
    if options.verb == "breaks":
        for name, way in BREAKS.items():
            print(f"{name:26} {way.__doc__}")
        return 0
    lab = Stack(options.dir, options.base_port)
    if options.verb not in ("up", "down") and not lab.inventory.exists():
        print(f"There is no lab in {lab.home}. Start one: {sys.argv[0]} up", file=sys.stderr)
        return 1
    if options.verb == "status":
        for name in NAMES:
            print(f"{name:14} port {lab.ports[name]:<6} {lab.answers(name) or 'no answer'}")
    elif options.verb == "break":
        print(f"Broken: {BREAKS[options.name](lab)}.")
    elif options.verb == "fix":
        print(f"Fixed: {fix(lab)}.")
    else:
        try:
            getattr(lab, options.verb)()
        except NotALab as error:
            print(error, file=sys.stderr)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
