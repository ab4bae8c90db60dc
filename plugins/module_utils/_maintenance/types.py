# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What maintenance mode is on a host: frozen values, and how they are read from the inventory and the disk."""

from __future__ import annotations

import fnmatch
import os
import posixpath
from dataclasses import asdict, dataclass
from typing import Any, Mapping, Sequence

from ansible_collections.toombos.incident.plugins.module_utils._errors import IncidentError
from ansible_collections.toombos.incident.plugins.module_utils._values import parse_duration

_WAY_OUT = "Correct incident_maintenance."
_KEYS = ("flag", "on", "off", "timeout")
_FLAG_KEYS = ("path", "mode", "owner", "group", "content")
_TIMEOUT = 30.0
_MOST_TIMEOUT = 300.0


@dataclass(frozen=True)
class Flag:
    """A file that a proxy looks at. ``content``: its text; empty: JSON with since, until, reason and by."""

    path: str
    mode: int = 0o644
    owner: str = ""
    group: str = ""
    content: str = ""


@dataclass(frozen=True)
class Switch:
    """What turns maintenance mode on and off: commands (argv), then a flag; ``timeout``: seconds for each command.

    Every command must be idempotent: one that was ended in the middle runs again.
    """

    on: tuple[tuple[str, ...], ...] = ()
    off: tuple[tuple[str, ...], ...] = ()
    flag: Flag | None = None
    timeout: float = _TIMEOUT


@dataclass(frozen=True)
class Mode:
    """Maintenance mode as it was turned on. Times in seconds since the epoch.

    ``id``: of this one time; ``token``: of its deadline; ``complete``: all of the switch was turned on;
    ``digests``: SHA-256 of what may stand in the flag, which tells ours from somebody else's.
    """

    id: str
    since: float
    until: float
    reason: str
    by: str
    token: str
    switch: Switch
    complete: bool = False
    digests: tuple[str, ...] = ()


def read_switch(raw: Any) -> Switch:
    """The switch as the inventory declares it. Raises IncidentError with the first thing that is wrong."""
    given = _mapping(_worded(raw), "incident_maintenance", _KEYS)
    flag = _read_flag(given["flag"]) if given.get("flag") else None
    switch = Switch(_commands(given, "on"), _commands(given, "off"), flag, _read_timeout(given))
    if not switch.flag and not (switch.on and switch.off):
        raise IncidentError("incident_maintenance has neither a flag nor both on and off.", "Declare one of them.")
    if bool(switch.on) != bool(switch.off):
        raise IncidentError("incident_maintenance has only one of on and off.", "Declare how to undo what is done.")
    return switch


def refuse_configuration(switch: Switch, services: Mapping[str, Any]) -> None:
    """Raises IncidentError when the flag is a file that a service reads as its configuration: it would break there."""
    if switch.flag is None:
        return
    path = switch.flag.path
    places = {path, os.path.realpath(path)}
    if any(posixpath.basename(place).startswith(".env") or place.endswith(".env") for place in places):
        raise IncidentError(
            f"{path} is an env file, not a flag: unknown names in it keep services from starting.",
            "Name a file of its own, such as /run/NAME/maintenance.json.",
        )
    for name, service in services.items():
        config = service.get("config") or {}
        env_file = (service.get("manager") or {}).get("env_file")
        patterns = [*(config.get("files") or ()), *(config.get("globs") or ()), *([env_file] if env_file else [])]
        trees = [f"{str(tree).rstrip('/')}/*" for tree in config.get("trees") or ()]
        if any(fnmatch.fnmatchcase(place, str(pattern)) for place in places for pattern in (*patterns, *trees)):
            raise IncidentError(f"{path} is configuration of the service {name}, not a flag.", "Name another file.")


def to_dict(mode: Mode) -> dict[str, Any]:
    """As it is kept on the disk."""
    return asdict(mode)


def from_dict(raw: Any) -> Mode:
    """The other way round. Raises KeyError, TypeError or ValueError for what is no record."""
    switch = raw["switch"]
    flag = Flag(**switch["flag"]) if switch["flag"] else None
    on, off = (tuple(tuple(map(str, argv)) for argv in switch[key]) for key in ("on", "off"))
    fields = {key: value for key, value in raw.items() if key not in ("switch", "digests")}
    return Mode(switch=Switch(on, off, flag, float(switch["timeout"])), digests=tuple(raw["digests"]), **fields)


def _worded(raw: Any) -> Any:
    """YAML reads the words on and off as truth values, also where they are keys; as JSON they are text again."""
    words = {"true": "on", "false": "off"}
    return {words.get(str(key).lower(), key): value for key, value in raw.items()} if isinstance(raw, Mapping) else raw


def _mapping(raw: Any, where: str, keys: Sequence[str]) -> Mapping[str, Any]:
    if not isinstance(raw, Mapping):
        raise IncidentError(f"{where} must be a mapping of {', '.join(keys)}.", _WAY_OUT)
    unknown = sorted(str(key) for key in raw if key not in keys)
    if unknown:
        raise IncidentError(f"{where} does not know {', '.join(unknown)}; it has {', '.join(keys)}.", _WAY_OUT)
    return raw


def _read_flag(raw: Any) -> Flag:
    given = _mapping(raw, "incident_maintenance.flag", _FLAG_KEYS)
    path = str(given.get("path") or "")
    if not path.startswith("/") or posixpath.normpath(path) != path or path == "/":
        raise IncidentError(f"incident_maintenance.flag.path {path!r} is no absolute, plain path of a file.", _WAY_OUT)
    words = {key: str(given.get(key) or "") for key in ("owner", "group", "content")}
    return Flag(path, _mode(given.get("mode", "0644")), **words)


def _mode(value: Any) -> int:
    if isinstance(value, str) and value and all(digit in "01234567" for digit in value) and len(value) <= 4:
        return int(value, 8) & 0o777
    raise IncidentError(
        f"incident_maintenance.flag.mode {value!r} is no mode.", 'Write it in quotes, in octal: "0644".'
    )


def _commands(given: Mapping[str, Any], key: str) -> tuple[tuple[str, ...], ...]:
    raw = given.get(key) or ()
    whole = isinstance(raw, (list, tuple)) and all(isinstance(argv, (list, tuple)) and argv for argv in raw)
    if not whole or any("\0" in str(word) for argv in raw for word in argv):
        raise IncidentError(
            f"incident_maintenance.{key} must be a list of commands, each a list of words.",
            f'Write for example {key}: [["systemctl", "reload", "nginx"]].',
        )
    return tuple(tuple(map(str, argv)) for argv in raw)


def _read_timeout(given: Mapping[str, Any]) -> float:
    timeout = parse_duration(given.get("timeout", _TIMEOUT))
    if not 0 < timeout <= _MOST_TIMEOUT:
        raise IncidentError(f"incident_maintenance.timeout must be up to {_MOST_TIMEOUT:.0f} s.", _WAY_OUT)
    return timeout
