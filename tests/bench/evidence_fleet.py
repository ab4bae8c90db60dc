# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A fleet captured by the playbook: what each host costs the controller."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from statistics import median

import measure
from competitors import BIN, ROOT, Competitor, inventory
from figure import Figure
from hosts import Fleet

PLAYBOOK = "capture.yml"
_REASON = "to measure what a capture takes"


def fleet_figures(home: Path, hosts: int, rounds: int) -> Iterator[Figure]:
    """Processor time of the controller for each host, connections and verification of the bags included."""
    (home / "log").mkdir()
    fleet = Fleet(hosts, home)
    try:
        runs = []
        for number in range(1, rounds + 1):
            kept = home / f"evidence-{number}"
            runs.append(measure.run(fleet, _capture(fleet, kept), None))
            bags = [path for path in kept.glob("*/*") if (path / "bagit.txt").is_file()]
            assert len(bags) == hosts, f"{len(bags)} of {hosts} hosts were captured, see {fleet.home}/log"
        shown = ", ".join(f"{one.wall:.1f}" for one in runs)
        print(f"\n{hosts} hosts, profile quick: wall {shown} s", flush=True)
        used, received = median(run.cpu for run in runs), median(run.traffic.received for run in runs)
        yield Figure("E2", f"controller's processor time per host, {hosts} hosts, quick", 0.5, used / hosts, " s")
        yield Figure("E2", "received from each host", None, received / hosts / 1000, " KB")
    finally:
        fleet.close()


def _capture(fleet: Fleet, kept: Path) -> Competitor:
    variables = {
        "target": "bench",
        "reason": _REASON,
        "evidence_profile": "quick",
        "evidence_directory": "/run/bench/evidence",  # the hosts share the machine's disk, but not this
        "incident_evidence": {"home": str(kept), "signing_key": str(fleet.home / "custody_ed25519")},
    }
    command = [str(BIN / "ansible-playbook"), *inventory(fleet), "-e", json.dumps(variables), PLAYBOOK]
    environment = {"ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"), "XDG_STATE_HOME": str(fleet.home / "controller")}
    return Competitor(PLAYBOOK, command, environment, recovers=False)
