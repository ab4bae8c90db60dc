# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What somebody declares to belong on a host: the findings that it would be are none."""

from __future__ import annotations

import fnmatch
import re
from dataclasses import dataclass
from typing import Any, Callable, Mapping

from ansible_collections.toombos.incident.plugins.module_utils._errors import IncidentError
from ansible_collections.toombos.incident.plugins.module_utils._indicators.types import Item

_PORT = re.compile(r"(?:(tcp|udp)/)?(\d{1,5})(?:/(tcp|udp))?")


@dataclass(frozen=True)
class Expected:
    """By kind: texts, also with wildcards. ``ports``: those of services, which complete no list."""

    declared: Mapping[str, tuple[str, ...]]
    ports: frozenset[int] = frozenset()

    def knows(self, check: str) -> Callable[[Item], bool]:
        """A function: item of the check → whether it is declared."""
        kinds = _KINDS_OF.get(check, ())

        def known(item: Item) -> bool:
            if check == "listeners" and item.facts["programs"] != ["?"] and self._is_port(item):
                return True
            return any(_MATCHES[kind](item, each) for kind in kinds for each in self.declared.get(kind, ()))

        return known

    def completes(self, check: str) -> bool:
        """Whether there is a list for the check, so that what is not on it is new."""
        return any(self.declared.get(kind) for kind in _KINDS_OF.get(check, ()))

    def _is_port(self, item: Item) -> bool:
        return item.facts["protocol"].startswith("tcp") and item.facts["port"] in self.ports


def read_expected(raw: Mapping[str, Any], ports: frozenset[int] = frozenset()) -> Expected:
    """Of the option. Raises IncidentError, with what would be right."""
    unknown = sorted(set(map(str, raw)) - set(_MATCHES))
    if unknown:
        raise IncidentError(f"expected: there is no {', '.join(unknown)}.", f"Known are {', '.join(sorted(_MATCHES))}.")
    declared = {}
    for kind, values in raw.items():
        if not isinstance(values, list) or any(isinstance(each, (dict, list, bool)) or each is None for each in values):
            raise IncidentError(f"expected: {kind} is no list of texts.", "Write a list.")
        declared[kind] = tuple(map(str, values))
    for each in declared.get("listeners", ()):
        found = _PORT.fullmatch(each)
        if found is None or not 0 < int(found[2]) < 65536:
            raise IncidentError(f"expected: {each!r} is no port.", "Write for example 22, tcp/22 or 53/udp.")
    for each in declared.get("fingerprints", ()):
        if not each.startswith("SHA256:"):
            raise IncidentError(
                f"expected: {each!r} is no fingerprint.", "Write it as ssh-keygen -l shows it, SHA256:…"
            )
    return Expected(declared, ports)


def _listener(item: Item, port: str) -> bool:
    found = _PORT.fullmatch(port)
    if found is None or int(found[2]) != item.facts["port"]:
        return False
    return str(item.facts["protocol"]).startswith(found[1] or found[3] or "tcp")


def _user(item: Item, name: str) -> bool:
    # One that is root under another name is not made right by its name alone: that takes a baseline with a reason.
    return item.facts.get("user") == name and item.facts.get("uid") != 0 and not item.facts.get("open")


def _of(fact: str) -> Callable[[Item, str], bool]:
    return lambda item, pattern: fnmatch.fnmatchcase(str(item.facts.get(fact, "")), pattern)


def _timer(item: Item, pattern: str) -> bool:
    path = str(item.facts["path"])
    return fnmatch.fnmatchcase(path if pattern.startswith("/") else path.rpartition("/")[2], pattern)


_MATCHES: Mapping[str, Callable[[Item, str], bool]] = {
    "listeners": _listener,
    "setuid": _of("path"),
    "users": _user,
    "fingerprints": _of("fingerprint"),
    "schedule": _of("path"),
    "timers": _timer,
    "origins": _of("origin"),
    "libraries": _of("library"),
    "programs": _of("exe"),
    "files": _of("path"),
}
_KINDS_OF: Mapping[str, tuple[str, ...]] = {
    "listeners": ("listeners",),
    "privileges": ("setuid",),
    "accounts": ("users",),
    "authorized_keys": ("fingerprints",),
    "schedule": ("schedule",),
    "timers": ("timers",),
    "logins": ("origins",),
    "preload": ("libraries",),
    "processes": ("programs",),
    "packages": ("files",),
}
