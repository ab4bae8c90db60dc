# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is odd about files that give rights, run on time, or differ from their package. Pure."""

from __future__ import annotations

import os
import re

from ansible_collections.toombos.incident.plugins.module_utils._indicators.types import (
    CRITICAL,
    HIGH,
    LOW,
    MEDIUM,
    Item,
    Oddity,
)

_NO_PROGRAMS = tuple(f"/{each}/" for each in "tmp var/tmp dev/shm run home root srv var/www mnt media".split())
# With these, root's rights are one command away.
_INTERPRETERS = re.compile(
    r"(?:ba|da|z|k|c|tc|fi)?sh\d?|python[\d.]*|perl[\d.]*|ruby[\d.]*|php[\d.]*|lua[\d.]*|node|g?awk|mawk|vim?(?:\.\w+)?|nano|"
    r"find|env|tar|cp|mv|dd|cat|tee|less|more|sed|gdb|strace|busybox|nc|socat|docker|systemctl|openssl|rsync|xxd|base64"
)
_STRONG = frozenset(
    "chown dac_override dac_read_search fowner setgid setuid setfcap setpcap sys_admin sys_module sys_ptrace sys_rawio "
    "mknod bpf mac_override mac_admin".split()
)
# What an intruder replaces first: who logs in, who looks.
_FIRST_TARGETS = re.compile(
    r".*/(?:sshd|ssh|sudo|su|login|passwd|ps|top|ls|netstat|ss|lsof|who|w|last|find|cron|systemd|bash|dash|sh|pam_\w+\.so)\Z"
)


def odd_privilege(item: Item) -> Oddity | None:
    """What needs no baseline: where it is, what it is, and that no package brought it."""
    facts = item.facts
    if facts["package"]:
        return None
    path, strong = facts["path"], bool(_STRONG & set(facts["capabilities"]))
    root = facts["mode"] >= "4000" and facts["uid"] == 0
    detail = _privilege(item)
    if (root or strong) and _INTERPRETERS.fullmatch(os.path.basename(path)):
        return Oddity(CRITICAL, f"{path} gives root's rights to whoever calls it", detail)
    if root and os.path.basename(path).startswith("."):
        return Oddity(CRITICAL, f"{path} gives root's rights and hides", detail)
    if path.startswith(_NO_PROGRAMS):
        return Oddity(CRITICAL if root else HIGH, f"{path} gives rights from a place where programs are not", detail)
    if facts["packages_known"]:
        return Oddity(HIGH if root or strong else MEDIUM, f"{path} gives rights and is of no package", detail)
    return None


def new_privilege(item: Item) -> Oddity:
    """One that the baseline does not have."""
    severity = MEDIUM if item.facts["package"] else HIGH
    return Oddity(severity, f"{item.facts['path']} is new and gives rights", _privilege(item))


def changed_privilege(item: Item, before: str) -> Oddity:
    """Other rights."""
    return Oddity(HIGH, f"{item.facts['path']} gives other rights", f"{_privilege(item)}; before {before}")


def odd_task(item: Item) -> Oddity | None:
    """What needs no baseline, of cron and of timers."""
    facts = item.facts
    if not facts["signs"]:
        return None
    severity = HIGH if facts["signs"] == ["makes a program setuid"] else CRITICAL
    told = facts.get("line") or "; ".join(facts.get("runs", ()))
    return Oddity(severity, f"{facts['path']} {' and '.join(facts['signs'])}", told)


def new_task(item: Item) -> Oddity:
    """One that the baseline does not have."""
    facts = item.facts
    told = facts.get("line") or "; ".join(facts.get("runs", ()))
    severity = LOW if facts.get("packaged") else HIGH
    return Oddity(severity, f"{facts['path']} runs something new on time", told)


def changed_task(item: Item, _before: str) -> Oddity:
    """Another text."""
    facts = item.facts
    told = facts.get("line") or "; ".join(facts.get("runs", ()))
    return Oddity(LOW if facts.get("packaged") else HIGH, f"{facts['path']} was changed", told)


def odd_package_file(item: Item) -> Oddity | None:
    """Every such file is."""
    facts = item.facts
    path, whose = facts["path"], f"of {facts['package']}" if facts["package"] else "of its package"
    if facts.get("missing"):
        return Oddity(MEDIUM if facts["program"] else LOW, f"{path} {whose} is missing")
    if facts.get("attributes"):
        return Oddity(MEDIUM, f"Owner, mode or capabilities of {path} are not those {whose}", facts["flags"])
    if facts.get("odd"):
        return Oddity(HIGH, f"{path} {whose} is no file", str(facts["odd"]))
    worst = facts.get("setuid") or _FIRST_TARGETS.match(path)
    return Oddity(CRITICAL if worst else HIGH, f"{path} is not the one {whose}")


def _privilege(item: Item) -> str:
    facts = item.facts
    capabilities = f", capabilities {', '.join(facts['capabilities'])}" if facts["capabilities"] else ""
    whose = facts["package"] or ("no package" if facts["packages_known"] else "its package is not known")
    return f"mode {facts['mode']}, owner {facts['uid']}:{facts['gid']}{capabilities}, {whose}"
