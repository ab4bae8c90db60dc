# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One case within a host, for a campaign outside: told on stderr, its trial as the last line of stdout, in JSON.

Usage: inside.py SEED NUMBER
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "lab"))

from cases import CONTAINERS, case
from faults import Scene
from host_world import HostWorld
from trial import run

ASIDE = Path("/srv/aside")


def main(seed: int, number: int) -> None:
    """Run it."""
    ASIDE.mkdir(exist_ok=True)
    ASIDE.chmod(0o777)  # the bystanders run as another user and write there
    scene = Scene(HostWorld(), ASIDE)
    trial = run(scene, case(seed, number, CONTAINERS), lambda words: print(words, file=sys.stderr, flush=True))
    print(json.dumps({"trial": trial.dump()}), flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
