# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Plans that were shown, kept on the controller, so that an approval which no longer fits can say what has changed."""

from __future__ import annotations

import contextlib
import json
import os
import re
from collections.abc import Mapping
from typing import Any

from ansible_collections.toombos.incident.plugins.module_utils._atomic import write_atomic
from ansible_collections.toombos.incident.plugins.plugin_utils._rollout import Rollout

_KEPT = 100  # plans; older ones go
_HASH = re.compile(r"[0-9a-f]{16}")
_MOST = 10  # differences that are told


def directory(environment: Mapping[str, str]) -> str:
    """Where plans are kept: the user's state directory, as the XDG specification has it."""
    home = environment.get("XDG_STATE_HOME") or os.path.join(environment.get("HOME", "/tmp"), ".local", "state")
    return os.path.join(home, "toombos-incident", "plans")


def remember(folder: str, rollout: Rollout) -> None:
    """Keep the plan under its hash. What cannot be written is not worth stopping a recovery."""
    with contextlib.suppress(OSError):
        os.makedirs(folder, mode=0o700, exist_ok=True)
        write_atomic(os.path.join(folder, f"{rollout.plan_hash}.json"), json.dumps(steps_of(rollout)).encode())
        plans = sorted(
            (entry for entry in os.scandir(folder) if entry.name.endswith(".json")), key=lambda e: e.stat().st_mtime
        )
        for old in plans[:-_KEPT]:
            os.unlink(old.path)


def steps_of(rollout: Rollout) -> dict[str, list[str]]:
    """Host → its steps as short text, for the hosts that the roll-out would treat."""
    return {
        finding.host: [f"{step['step']} {step['service']}".rstrip() for step in finding.steps]
        for finding in rollout.findings
        if finding.host in rollout.hosts
    }


def differences(folder: str, approved: str, rollout: Rollout) -> str:
    """What is different from the approved plan, as far as it is known here."""
    if not _HASH.fullmatch(approved):
        return f"{approved!r} is not the hash of a plan"
    try:
        with open(os.path.join(folder, f"{approved}.json"), "rb") as handle:
            old: Any = json.load(handle)
        found = _compare({str(host): list(map(str, steps)) for host, steps in old.items()}, steps_of(rollout))
    except (OSError, ValueError, TypeError, AttributeError):
        return "what was approved is not known on this controller"
    more = f"; and {len(found) - _MOST} more" if len(found) > _MOST else ""
    return "; ".join(found[:_MOST]) + more if found else "the order of the hosts or steps is another one"


def _compare(old: Mapping[str, list[str]], new: Mapping[str, list[str]]) -> list[str]:
    found = [f"{host} needs nothing any more" for host in old if host not in new]
    found += [f"{host} needs a recovery now, too" for host in new if host not in old]
    for host in sorted(old.keys() & new.keys()):
        added = [step for step in new[host] if step not in old[host]]
        dropped = [step for step in old[host] if step not in new[host]]
        if added:
            found.append(f"{host}: now also {', '.join(added)}")
        if dropped:
            found.append(f"{host}: no longer {', '.join(dropped)}")
    return found
