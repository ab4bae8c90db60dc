# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What ran on a host and who was connected to it when a bag was made, read from the bag as far as that can be done."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.toombos.incident.plugins.module_utils._evidence import types as t
from ansible_collections.toombos.incident.plugins.module_utils._redact import redact
from ansible_collections.toombos.incident.plugins.plugin_utils._evidence.bag_view import BagError, BagView
from ansible_collections.toombos.incident.plugins.plugin_utils._printable import printable

PROCESSES, CONNECTIONS, LISTENERS, SESSIONS = "processes", "connections", "listeners", "sessions"
_ARTIFACTS = {
    PROCESSES: "processes/list",
    CONNECTIONS: "network/sockets",
    LISTENERS: "network/sockets",
    SESSIONS: "sessions/now",
}
KINDS = tuple(_ARTIFACTS)
_PARTIAL = (t.TIMEOUT, t.TRUNCATED)
_LONGEST = 300  # characters of one entry
Key = tuple[str, ...]


@dataclass(frozen=True)
class Part:
    """Entries of one kind: what identifies each, and words about it. ``gone``: why there are none to compare.

    ``partial``: why some may be missing.
    """

    entries: Mapping[Key, str] = field(default_factory=dict)
    gone: str = ""
    partial: str = ""


def standing_of(bag: BagView) -> dict[str, Part]:
    """Kind → what the bag says of it. A bag whose artifacts are missing or damaged says why, and raises nothing."""
    names: dict[str, str] = {}
    found = {}
    for kind in KINDS:
        found[kind] = _part(bag, kind, names)
        if kind == PROCESSES:
            names = {key[0]: words.split(" ")[3] for key, words in found[kind].entries.items()}
    return found


def _part(bag: BagView, kind: str, names: Mapping[str, str]) -> Part:
    artifact = _ARTIFACTS[kind]
    told = next((each for each in bag.artifacts if each.get("artifact") == artifact), None)
    if told is None:
        return Part(gone=f"{bag.name} has no {artifact}")
    outcome = str(told.get("outcome"))
    reason = _clean(told.get("message") or "")
    if outcome not in (t.COLLECTED, t.EMPTY, *_PARTIAL):
        return Part(gone=f"{artifact} is {_clean(outcome)} in {bag.name}{': ' + reason if reason else ''}")
    entries: dict[Key, str] = {}
    unread = 0
    try:
        for record in _records(bag, artifact):
            if record is None:
                unread += 1
            else:
                entries.update(_READERS[kind](record, names))
    except (BagError, OSError, TypeError, ValueError, AttributeError) as error:
        return Part(gone=f"{artifact} of {bag.name} cannot be read: {_clean(error)}")
    partial = [f"{artifact} is {outcome} in {bag.name}"] if outcome in _PARTIAL else []
    if unread:
        partial.append(f"{unread} lines of {artifact} in {bag.name} are no records")
    return Part(entries, partial="; ".join(partial))


def _records(bag: BagView, artifact: str) -> Iterator[dict[str, Any] | None]:
    """Its records; None for a line that is none."""
    for name, stored in bag.files(artifact):
        if name != artifact:
            continue
        for line in bag.lines(stored):
            try:
                record = json.loads(line)
            except (ValueError, RecursionError):
                record = None
            yield record if isinstance(record, dict) else None


def _process(record: Mapping[str, Any], _names: Mapping[str, str]) -> dict[Key, str]:
    words = record.get("arguments")
    arguments = " ".join(map(str, words)) if isinstance(words, list) else ""
    command = _clean(arguments or f"[{record.get('name', '?')}]")
    pid = _clean(record.get("pid", "?"))
    uid = (str(record.get("uids") or "").split() or ["?"])[0]
    # The start is that of the kernel: a pid that was given again is another process, one with another title is not.
    return {(pid, str(record.get("start", "?"))): f"{pid} uid {_clean(uid)} {command}"}


def _connection(record: Mapping[str, Any], names: Mapping[str, str]) -> dict[Key, str]:
    if record.get("state") != "established":
        return {}
    protocol, local, remote = (_clean(record.get(key, "?")) for key in ("protocol", "local", "remote"))
    return {(protocol, local, remote): f"{protocol} {local} to {remote}{_held(record, names)}"}


def _listener(record: Mapping[str, Any], names: Mapping[str, str]) -> dict[Key, str]:
    protocol, local = _clean(record.get("protocol", "?")), _clean(record.get("local", "?"))
    # A socket of UDP that is bound, and to nobody in particular, is "closed" to the kernel.
    waits = "listening" if protocol.startswith("tcp") else "closed"
    if record.get("state") != waits or not protocol.startswith(("tcp", "udp")):
        return {}
    return {(protocol, local): f"{protocol} {local}{_held(record, names)}"}


def _session(record: Mapping[str, Any], _names: Mapping[str, str]) -> dict[Key, str]:
    if record.get("type") != "user":
        return {}
    user, line, source, pid = (_clean(record.get(key) or "") for key in ("user", "line", "host", "pid"))
    since = _clean(record.get("time", ""))
    return {(user, line, source, pid, since): f"{user} on {line}{' from ' + source if source else ''} (pid {pid})"}


def _held(record: Mapping[str, Any], names: Mapping[str, str]) -> str:
    pids = record.get("pids")
    held = [_clean(pid) for pid in pids] if isinstance(pids, list) else []
    return f" by {', '.join(f'{pid} {names.get(pid, str())}'.strip() for pid in held)}" if held else ""


def _clean(value: Any) -> str:
    """Text of a host that may be hostile: one line, without what steers a terminal and what looks like a secret."""
    # Lone surrogates stand for bytes that are no UTF-8; not everything that shows them can.
    text = str(value).encode("utf-8", "backslashreplace").decode("utf-8")
    return redact(" ".join(printable(text).split()))[:_LONGEST]


_READERS: dict[str, Callable[[Mapping[str, Any], Mapping[str, str]], dict[Key, str]]] = {
    PROCESSES: _process,
    CONNECTIONS: _connection,
    LISTENERS: _listener,
    SESSIONS: _session,
}
