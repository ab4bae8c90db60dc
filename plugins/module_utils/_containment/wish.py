# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads what a containment is asked to leave possible. Everything that is wrong is told at once."""

from __future__ import annotations

from typing import Any, Mapping

from ansible_collections.toombos.incident.plugins.module_utils._containment import types as t
from ansible_collections.toombos.incident.plugins.module_utils._containment.networks import Network, Unfit, read_network
from ansible_collections.toombos.incident.plugins.module_utils._errors import IncidentError

_MOST_PORT = 65535
_KEYS = {"to", "port", "protocol", "why"}


def read_wish(options: Mapping[str, Any]) -> t.Wish:
    """The options ``management``, ``ssh_port``, ``allow``, ``protected`` and ``backend``. Raises IncidentError.

    ``allow``: mappings with ``to`` (one exact address), ``port``, ``protocol`` (tcp unless said) and ``why``.
    """
    problems: list[str] = []
    management = _networks(options.get("management"), "management", problems)
    protected = _networks(options.get("protected"), "protected", problems)
    port = options.get("ssh_port") or 0
    if port:
        _check_port(port, "ssh_port", problems)
    allow = tuple(
        flow
        for number, each in enumerate(_list(options.get("allow"), "allow", problems))
        for flow in _flow(each, number, problems)
    )
    if problems:
        raise IncidentError(
            f"What is to stay reachable is not clear: {'; '.join(problems)}.", "Nothing was changed. Correct it."
        )
    return t.Wish(
        management=tuple(map(str, management)),
        ssh_port=port,
        allow=allow,
        protected=tuple(map(str, protected)),
        backend=options.get("backend") or "",
        keep_responder=options.get("keep_responder", True),
    )


def _networks(value: Any, name: str, problems: list[str]) -> list[Network]:
    found: list[Network] = []
    for each in _list(value, name, problems):
        try:
            found.append(read_network(each))
        except Unfit as error:
            problems.append(f"{name}: {each!r} {error}")
    return found


def _list(value: Any, name: str, problems: list[str]) -> list[Any]:
    if value is None:
        return []
    if not isinstance(value, (list, tuple)):
        problems.append(f"{name} must be a list")
        return []
    return list(value)


def _flow(entry: Any, number: int, problems: list[str]) -> list[t.Flow]:
    where = f"allow[{number}]"
    if not isinstance(entry, Mapping):
        problems.append(f"{where} must be a mapping with to, port, protocol and why")
        return []
    before = len(problems)
    unknown = sorted(set(map(str, entry)) - _KEYS)
    problems += [f"{where}.{key} is unknown, there are {', '.join(sorted(_KEYS))}" for key in unknown]
    network = None
    try:
        network = read_network(entry.get("to"))
        if network.num_addresses != 1:
            problems.append(f"{where}.to: {entry['to']!r} is not one exact address")
    except Unfit as error:
        problems.append(f"{where}.to: {entry.get('to')!r} {error}")
    _check_port(entry.get("port"), f"{where}.port", problems)
    protocol = entry.get("protocol") or t.TCP
    if protocol not in t.PROTOCOLS:
        problems.append(f"{where}.protocol: {protocol!r} is not one of {', '.join(t.PROTOCOLS)}")
    why = str(entry.get("why") or "").strip()
    if not why:
        problems.append(f"{where}.why is missing: somebody will ask why an isolated host may still reach that")
    if len(problems) > before or network is None:
        return []
    return [t.Flow(network.version, t.OUT, str(network), protocol, entry["port"], why)]


def _check_port(value: Any, where: str, problems: list[str]) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 < value <= _MOST_PORT:
        problems.append(f"{where}: {value!r} is no port (1 to {_MOST_PORT})")
