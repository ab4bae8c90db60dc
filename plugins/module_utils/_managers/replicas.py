# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the containers of one service add up to, and which processes are theirs. Reads nothing but sockets of /proc."""

from __future__ import annotations

import os
from typing import Collection, Sequence

from ansible_collections.toombos.incident.plugins.module_utils._managers import types as t
from ansible_collections.toombos.incident.plugins.module_utils._managers.container import Container
from ansible_collections.toombos.incident.plugins.module_utils._process.listeners import read_listeners
from ansible_collections.toombos.incident.plugins.module_utils._process.types import Process, ProcessTable

_UP = frozenset({t.RUNNING, t.STARTING})
# What decides when none of several replicas runs.
_WORST_FIRST = (t.FROZEN, t.BACKOFF, t.STOPPING, t.UNKNOWN, t.FAILED, t.STOPPED)
# Programs that hold a published port on the host for a container that listens in a network of its own.
_HELPERS = frozenset({"docker-proxy", "conmon", "rootlessport", "rootlesskit", "slirp4netns", "pasta", "pasta.avx2"})
_ANY = frozenset({"0.0.0.0", "::"})


def word_of(containers: Sequence[Container], now: float) -> str:
    """The state of the service."""
    words = [container.state(now) for container in containers]
    if not words:
        return t.STOPPED
    up = [word for word in words if word in _UP]
    if up and len(up) < len(words):
        return t.PARTIAL
    if up:
        return t.STARTING if t.STARTING in up else t.RUNNING
    return min(words, key=_WORST_FIRST.index)


def words_of(containers: Sequence[Container], now: float) -> str:
    """The same for people, one line: of several, those that do not run are named."""
    if len(containers) == 1:
        return containers[0].words
    down = [container for container in containers if container.state(now) not in _UP]
    said = f"{len(containers) - len(down)} of {len(containers)} containers run"
    return "; ".join([said, *(f"{container.name}: {container.words}" for container in down)])[:300]


def proxies_of(containers: Sequence[Container], table: ProcessTable) -> tuple[int, ...]:
    """Pids of the engine's helpers that hold the containers' ports.

    conmon names its container, also while that one is just being cleaned up. Of the others one counts when it listens
    where the engine says that a container of this service is published: no two containers can have the same place.
    """
    ids = {container.id for container in containers}
    places = {place for container in containers for place in container.ports}
    helpers = {pid: process for pid, process in table.processes.items() if _name(process) in _HELPERS}
    watching = {pid for pid, process in helpers.items() if _name(process) == "conmon" and ids & set(process.argv)}
    others = {pid: process for pid, process in helpers.items() if _name(process) != "conmon"}
    held = read_listeners({port for _address, port in places}, ProcessTable(others)) if places and others else ()
    holding = {pid for listener in held if _is_at(listener.address, listener.port, places) for pid in listener.pids}
    return tuple(sorted(watching | holding))


def _is_at(address: str, port: int, places: Collection[tuple[str, int]]) -> bool:
    # Published everywhere: some helpers take one socket for both families.
    return (address, port) in places or (address in _ANY and any((each, port) in places for each in _ANY))


def _name(process: Process) -> str:
    return os.path.basename(process.argv[0]) if process.argv else ""
