# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A fleet that is captured, contained, proven and captured again: from the approval on, step by step."""

from __future__ import annotations

import json
import os
import re
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from statistics import median

import measure
from competitors import BIN, ROOT, Competitor, inventory
from figure import Figure
from hosts import Fleet, Host

PLAYBOOK = "contain.yml"
GOAL = 300.0  # seconds: the time in which somebody has to have answered the worst kind of incident
_INCIDENT = "INC-2026-1128-0001"
_STORE = "/run/bench/store"  # the hosts share the machine's disk, but not this
_STAMPED = re.compile(r"(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3}) .*?\| PLAY (?:\[(.+?)\]|RECAP) \*")
_APPROVED = re.compile(r"approve=([0-9a-f]{16,})")


@dataclass(frozen=True)
class Round:
    """Seconds: how long the plan took to be shown, what was approved to be done, and each of its plays."""

    plan: float
    run: measure.Run
    steps: dict[str, float]


def fleet_figures(home: Path, hosts: int, rounds: int) -> Iterator[Figure]:
    """Wall time of what is typed second, with the approval, for all hosts. AssertionError: it has not done its work."""
    (home / "log").mkdir()
    fleet = Fleet(hosts, home)
    try:
        done = [_round(fleet, home / f"evidence-{number}") for number in range(1, rounds + 1)]
    finally:
        fleet.close()
    walls = [one.run.wall for one in done]
    yield Figure("C1", f"{hosts} hosts captured, contained, proven, captured again", GOAL, median(walls), " s")
    yield Figure("C1", "the slowest round", GOAL, max(walls), " s")
    yield Figure("C1", "to show the plan before", None, median(one.plan for one in done), " s")
    for name in done[0].steps:
        yield Figure("C1", f"of it: {name}", None, median(one.steps[name] for one in done), " s")
    yield Figure("C1", "controller's processor time per host", None, median(o.run.cpu for o in done) / hosts, " s")


def _round(fleet: Fleet, kept: Path) -> Round:
    command, environment = _typed(fleet, kept, PLAYBOOK)
    shown, took = _say(fleet, command, environment)
    approved = _APPROVED.search(shown)
    assert approved, f"no plan was shown:\n{shown[-3000:]}"
    log = kept.with_suffix(".log")
    told = {**environment, "ANSIBLE_LOG_PATH": str(log)}
    command = [*command, "-e", f"approve={approved[1]}"]
    run = measure.run(fleet, Competitor(PLAYBOOK, command, told, recovers=False), None)
    fleet.each(_insist, True)
    bags = [path for path in kept.glob("*/*") if (path / "bagit.txt").is_file()]
    assert len(bags) == 2 * len(fleet.hosts), f"{len(bags)} captures of {len(fleet.hosts)} hosts, see {log}"
    _say(fleet, *_typed(fleet, kept, "release.yml"))
    fleet.each(_insist, False)
    return Round(took, run, steps_of(log.read_text()))


def _typed(fleet: Fleet, kept: Path, playbook: str) -> tuple[list[str], dict[str, str]]:
    variables = {
        "target": "bench",
        "incident": _INCIDENT,
        "reason": "to measure what a containment takes",
        "incident_store_dir": _STORE,
        "evidence_directory": "/run/bench/evidence",
        "incident_evidence": {"home": str(kept), "signing_key": str(fleet.home / "custody_ed25519")},
    }
    command = [str(BIN / "ansible-playbook"), *inventory(fleet), "-e", json.dumps(variables), playbook]
    return command, {"ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"), "XDG_STATE_HOME": str(fleet.home / "controller")}


def _say(fleet: Fleet, command: list[str], environment: dict[str, str]) -> tuple[str, float]:
    """What a run prints, however it ends, and how many seconds it takes."""
    begun = time.monotonic()
    # In a directory of its own, lest the next run finds its connections open.
    with tempfile.TemporaryDirectory(prefix="bench-") as sockets:
        done = subprocess.run(
            command,
            cwd=ROOT,
            env={**os.environ, **environment, "ANSIBLE_SSH_CONTROL_PATH_DIR": sockets},
            capture_output=True,
            text=True,
            check=False,
            timeout=600,
        )
    return done.stdout + done.stderr, time.monotonic() - begun


def _insist(host: Host, isolated: bool) -> None:
    """By a look from outside at what answered before, and by the host's own record."""
    try:
        host.ask("main", timeout=1.0)
        answers = True
    except OSError:
        answers = False
    assert answers is not isolated, f"{host.name}: its service {'answers' if answers else 'does not answer'}"
    known = subprocess.run(
        host.nsenter("cat", f"{_STORE}/containment/state.json"), capture_output=True, text=True, check=False
    ).stdout
    assert bool(known) is isolated, f"{host.name}: on record as {known or 'nothing'}"
    assert not isolated or json.loads(known)["confirmed"], f"{host.name}: it was never confirmed"


def steps_of(log: str) -> dict[str, float]:
    """Name of each play → seconds until the next one begins; those without a host take no time, and are left out."""
    marks = [(datetime.fromisoformat(stamp), name) for stamp, name in _STAMPED.findall(log)]
    took = {name: (after - moment).total_seconds() for (moment, name), (after, _next) in zip(marks, marks[1:])}
    return {name: seconds for name, seconds in took.items() if seconds > 0.05}
