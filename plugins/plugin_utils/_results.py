# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Registered results of a fleet, read where Ansible keeps them."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Mapping
from typing import Any

from ansible_collections.toombos.incident.plugins.plugin_utils._preserved import Preserved, preserved
from ansible_collections.toombos.incident.plugins.plugin_utils._rollout import Rollout, classify, plan_rollout


def registered(hostvars: Any, hosts: Iterable[str], name: str) -> dict[str, Mapping[str, Any] | None]:
    """Host → its registered variable ``name``, or None where the task never ran."""
    return {host: hostvars[host].get(name) for host in hosts}


def last_words(
    assessed: Mapping[str, Mapping[str, Any] | None], treated: Mapping[str, Mapping[str, Any] | None]
) -> dict[str, Mapping[str, Any]]:
    """Host → the last result: that of its recovery, where it had one; empty where there is none at all."""
    return {host: treated.get(host) or found or {} for host, found in assessed.items()}


def rollout_of(args: Mapping[str, Any], assessments: Mapping[str, Mapping[str, Any] | None]) -> Rollout:
    """The roll-out that follows from the assessments, the policy and the responder's inputs."""
    policy = args["policy"]
    return plan_rollout(
        [classify(host, result) for host, result in assessments.items()],
        policy["canary"],
        policy["batches"],
        bool(args["inputs"].get("force")),
    )


def preserved_of(args: Mapping[str, Any], hostvars: Any, hosts: Iterable[str]) -> Preserved:
    """What was preserved of these hosts: ``evidence`` says how, ``opened`` and ``captures`` where it is registered."""
    names = list(hosts)
    opened = registered(hostvars, names, args["opened"]) if args.get("opened") else {}
    captures = registered(hostvars, names, args["captures"]) if args.get("captures") else {}
    return preserved(args.get("evidence") or {}, opened, captures)


def terminal_width() -> int:
    """Columns to use: those of the terminal, between 80 and 140; 120 where there is none."""
    return max(80, min(140, shutil.get_terminal_size((120, 24)).columns))
