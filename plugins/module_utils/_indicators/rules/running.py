# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is odd about processes, sockets and libraries that are loaded. Pure."""

from __future__ import annotations

import os
import re

from ansible_collections.toombos.incident.plugins.module_utils._indicators.types import (
    CRITICAL,
    HIGH,
    INFO,
    LOW,
    MEDIUM,
    Item,
    Oddity,
)

_TEMPORARY = ("/tmp/", "/var/tmp/", "/dev/shm/", "/run/shm/")
# What listens in other people's hands more often than in an administrator's.
_SHELLS = re.compile(r"(?:ba|da|z|k)?sh|nc|ncat|netcat|nc\.(?:traditional|openbsd)|socat|busybox")


def odd_process(item: Item) -> Oddity | None:
    """Every such process is in some way; the worst of it counts."""
    facts = item.facts
    who = f"Process {facts['pid']}"
    detail = f"{facts['exe']}, uid {facts['uid']}: {facts['command']}"
    if facts.get("disguised"):
        return Oddity(CRITICAL, f"{who} pretends to be of the kernel", detail)
    if facts.get("memory"):
        return Oddity(HIGH, f"{who} runs a program that is in no file", detail)
    if facts.get("temporary"):
        severity = CRITICAL if facts.get("deleted") else HIGH
        return Oddity(severity, f"{who} runs a program from where everybody may write", detail)
    if facts.get("deleted") and not facts.get("replaced"):
        return Oddity(HIGH, f"{who} runs a program that was deleted", detail)
    return Oddity(INFO, f"{who} runs a program that was replaced since, as by an update", detail)


def odd_listener(item: Item) -> Oddity | None:
    """What needs no baseline."""
    for program in item.facts["programs"]:
        bare = program[: -len(" (deleted)")] if program.endswith(" (deleted)") else program
        if bare.startswith((*_TEMPORARY, "/memfd:")):
            return Oddity(CRITICAL, f"{program} listens on {_where(item)}", "a program from where everybody may write")
        if _SHELLS.fullmatch(os.path.basename(bare)):
            return Oddity(HIGH, f"{program} listens on {_where(item)}", "a shell, or what connects one")
    return None


def new_listener(item: Item) -> Oddity:
    """One that the baseline does not have."""
    facts = item.facts
    severity = MEDIUM if facts["protocol"] == "packet" else HIGH if facts["exposed"] else LOW
    return Oddity(severity, f"{_where(item)} is new", f"held by {_holders(item)}, uid {facts['uid']}")


def changed_listener(item: Item, before: str) -> Oddity:
    """Another program holds it."""
    return Oddity(HIGH, f"{_where(item)} is held by another program", f"now {_holders(item)}, before {before or '?'}")


def odd_library(item: Item) -> Oddity | None:
    """For all programs, or from where everybody may write."""
    facts = item.facts
    library = facts["library"]
    if "variable" not in facts:
        why = f"{library} is loaded into every program" if library else "/etc/ld.so.preload is no file"
        return Oddity(CRITICAL, why, "hardly any administrator does that")
    detail = f"{facts['variable']} of {facts['processes']} processes, such as {facts['pids'][0]}"
    if library.startswith(_TEMPORARY):
        return Oddity(HIGH, f"{library} is loaded before the libraries of programs", detail)
    return Oddity(LOW, f"{library} is loaded before the libraries of programs", detail)


def odd_log(item: Item) -> Oddity | None:
    """A pattern that matches."""
    facts = item.facts
    severities = {"library_missing": HIGH, "logs_cleared": HIGH}
    severity = severities.get(facts["pattern"], MEDIUM)
    kinds = "; ".join(facts["kinds"][:2])
    return Oddity(severity, f"{facts['lines']} lines of logs match {facts['pattern']}", kinds)


def _where(item: Item) -> str:
    facts = item.facts
    return f"{facts['protocol']} {facts['local']}" if facts["local"] else "what reads whole packets"


def _holders(item: Item) -> str:
    return ", ".join(item.facts["programs"]) or "somebody who cannot be seen"
