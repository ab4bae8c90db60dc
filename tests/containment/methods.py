# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ways to contain a host, side by side: what each leaves open.

As a program, it prints the table of docs/containment.md: ``tools/containment.sh python3 tests/containment/methods.py``.
"""

from __future__ import annotations

import sys
from collections.abc import Callable

sys.path[:0] = [__file__.rpartition("/")[0], ".ansible/collections"]

from cells import BRIDGED, CELLS, ESTABLISHED, FORWARDED, IN, NEW, OUT, Cell, Traffic
from neighbourhood import SSH, VICTIM, Neighbourhood
from spaces import Space
from victim import Victim, forget_ufw, track

_CUT = 0.8  # seconds until what was not heard is cut


def _ufw(*commands: str) -> Callable[[Space], None]:
    def contain(victim: Space) -> None:
        for words in commands:
            # The first two of the document fail, and whoever pastes them sees that or not.
            victim.run("ufw", *words.split(), ok=False)

    return contain


def _ours(name: str) -> Callable[[Space], None]:
    return lambda victim: Victim(victim, name).isolate()


def _beside(victim: Space) -> None:
    _CORRECTED(victim)
    _ours("nftables")(victim)


_CORRECTED = _ufw("default deny incoming", "default deny outgoing", "allow ssh", "--force enable")
METHODS: dict[str, Callable[[Space], None]] = {
    "`ufw` as it was written down": _ufw("deny incoming", "deny outgoing", "allow ssh"),
    "`ufw`, corrected": _CORRECTED,
    "nftables": _ours("nftables"),
    "iptables": _ours("iptables-nft"),
    "`ufw`, corrected, with nftables beside": _beside,
}
_SSH_OF_OTHERS = "ssh of others, new"
_SSH_OF_MANAGEMENT = "ssh of management (has to stay)"
KINDS: dict[str, Callable[[Cell], bool]] = {
    _SSH_OF_OTHERS: lambda cell: _ssh(cell) and not cell.stays and cell.age == NEW,
    "ssh of others, established": lambda cell: _ssh(cell) and not cell.stays and cell.age == ESTABLISHED,
    "else in, new": lambda cell: not _ssh(cell) and (cell.way, cell.age) == (IN, NEW),
    "else in, established": lambda cell: not _ssh(cell) and (cell.way, cell.age) == (IN, ESTABLISHED),
    "out, new": lambda cell: (cell.way, cell.age) == (OUT, NEW),
    "out, established": lambda cell: (cell.way, cell.age) == (OUT, ESTABLISHED),
    "forwarded, new": lambda cell: (cell.way, cell.age) == (FORWARDED, NEW),
    "forwarded, established": lambda cell: (cell.way, cell.age) == (FORWARDED, ESTABLISHED),
    "between containers of a bridge": lambda cell: cell.way == BRIDGED,
    _SSH_OF_MANAGEMENT: lambda cell: cell.stays,
}


def _ssh(cell: Cell) -> bool:
    return (cell.protocol, cell.way, cell.port) == ("tcp", IN, SSH)


Left = dict[str, dict[str, tuple[int, int]]]


def compare(neighbourhood: Neighbourhood) -> Left:
    """By kind and method: how many of how many flows are open, of both families; one direction is enough."""
    victim = neighbourhood.of[VICTIM]
    left: Left = {kind: {} for kind in KINDS}
    for method, contain in METHODS.items():
        track(victim)
        traffic = Traffic(neighbourhood)
        assert all(map(all, traffic.heard(10.0).values()))
        contain(victim)
        heard = traffic.heard(_CUT)
        for kind, fits in KINDS.items():
            of_kind = [cell for cell in CELLS if fits(cell)]
            left[kind][method] = (sum(any(heard[cell]) for cell in of_kind), len(of_kind))
        traffic.close()
        forget_ufw(victim)
        victim.run("nft", "flush", "ruleset")
    return left


def table(left: Left) -> str:
    """As Markdown."""
    lines = [f"| traffic | {' | '.join(METHODS)} |", f"|---|{'---|' * len(METHODS)}"]
    lines += [f"| {kind} | {' | '.join(_words(*by[method]) for method in METHODS)} |" for kind, by in left.items()]
    return "\n".join(lines) + "\n"


def _words(opened: int, of_all: int) -> str:
    return {0: "cut", of_all: "**open**"}.get(opened, f"**{opened} of {of_all} open**")


if __name__ == "__main__":
    sys.stdout.write(table(compare(Neighbourhood())))
