# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The table: which traffic there is, and which of it an isolated host still has."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import NamedTuple

from neighbourhood import ATTACKER, GUEST, MANAGEMENT, SIBLING, SSH, VICTIM, Neighbourhood
from talks import Echo, Listener, Talk, Tcp, Udp, address_of, converse, listen

NEW, ESTABLISHED = "new", "established"
IN, OUT, FORWARDED, BRIDGED = "in", "out", "forwarded", "bridged"
OPEN, CUT = (True, True), (False, False)
_ELSE = 7000  # a port that is not that of ssh


class Cell(NamedTuple):
    """One kind of traffic. ``peer``: the host at the other end; ``port``: of TCP."""

    family: int
    protocol: str
    way: str
    age: str
    peer: str
    port: int = _ELSE

    def __str__(self) -> str:
        port = f"-{self.port}" if self.protocol == "tcp" else ""
        return f"v{self.family}-{self.protocol}{port}-{self.way}-{self.age}-{self.peer}"

    @property
    def stays(self) -> bool:
        """Whether an isolated host still has it."""
        return (self.protocol, self.way, self.peer, self.port) == ("tcp", IN, MANAGEMENT, SSH)

    @property
    def ends(self) -> tuple[str, str]:
        """Who begins, and who is called."""
        return {
            IN: (self.peer, VICTIM),
            OUT: (VICTIM, self.peer),
            FORWARDED: (self.peer, GUEST),
            BRIDGED: (SIBLING, GUEST),
        }[self.way]


def _matrix() -> list[Cell]:
    kinds = itertools.product((4, 6), ("tcp", "udp", "icmp"), (IN, OUT, FORWARDED), (NEW, ESTABLISHED))
    return [
        Cell(*kind, peer, SSH if kind[1:3] == ("tcp", IN) else _ELSE)
        for kind in kinds
        for peer in (MANAGEMENT, ATTACKER)
    ]


MATRIX = _matrix()
# That people may come by ssh does not open other ports to them.
OTHER_PORTS = [Cell(family, "tcp", IN, age, MANAGEMENT) for family in (4, 6) for age in (NEW, ESTABLISHED)]
# Between containers of one network, which never leaves the bridge.
BRIDGES = [
    Cell(family, protocol, BRIDGED, age, SIBLING)
    for family in (4, 6)
    for protocol in ("tcp", "udp", "icmp")
    for age in (NEW, ESTABLISHED)
]
CELLS = [*MATRIX, *OTHER_PORTS, *BRIDGES]


class Traffic:
    """Traffic of every kind. What is established is so from the beginning, and goes on until the end."""

    def __init__(self, neighbourhood: Neighbourhood, cells: Sequence[Cell] = CELLS) -> None:
        self.cells = cells
        self._of = neighbourhood.of
        self._listeners: dict[tuple[str, int], dict[int, Listener]] = {}
        self._old = {cell: self._begin(cell) for cell in cells if cell.age == ESTABLISHED}
        converse(self._old.values(), 5.0)

    def heard(self, seconds: float) -> dict[Cell, tuple[bool, bool]]:
        """Of each kind, what is heard there and back. Waits the whole time only for what is cut."""
        new = {cell: self._begin(cell) for cell in self.cells if cell.age == NEW}
        talks = {**new, **self._old}
        heard = dict(zip(talks, converse(talks.values(), seconds), strict=True))
        for talk in new.values():
            talk.close()
        return heard

    def close(self) -> None:
        for talk in self._old.values():
            talk.close()
        for each in self._listeners.values():
            for listener in each.values():
                listener.socket.close()

    def _begin(self, cell: Cell) -> Talk:
        begins, called = cell.ends
        space, there, address = self._of[begins], self._of[called], address_of(called, cell.family)
        if cell.protocol == "udp":
            return Udp(space, cell.family, address, there)
        if cell.protocol == "icmp":
            return Echo(space, cell.family, address, there)
        key = (called, cell.port)
        if key not in self._listeners:
            self._listeners[key] = listen(there, cell.port)
        return Tcp(space, cell.family, address, cell.port, self._listeners[key][cell.family])
