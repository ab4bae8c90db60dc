# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What ``nft list`` says, in a form that can be compared: without what changes by itself. Pure."""

from __future__ import annotations

import re
from typing import Any, Iterator

from ansible_collections.toombos.incident.plugins.module_utils._containment.nft import BRIDGE, FAMILY, TABLE

_COUNTED = re.compile(r"\bcounter packets (\d+) bytes (\d+)")
_MINE = tuple(f"table {family} {TABLE}" for family in (FAMILY, BRIDGE))
# Sets into which packets put their addresses, or that forget: what is in them is no setting.
_SET = re.compile(r"^\t(?:set|map) \S+ \{\n.*?^\t\}\n", re.MULTILINE | re.DOTALL)
_MOVES = re.compile(r"^\t\tflags [^\n]*\b(?:dynamic|timeout)\b", re.MULTILINE)
_ELEMENTS = re.compile(r"^\t\telements = \{[^}]*\}\n", re.MULTILINE)


def families_of(tables: str) -> list[str]:
    """Of which families our tables are there. ``tables``: what ``nft list tables`` says."""
    there = tables.splitlines()
    return [family for family in (FAMILY, BRIDGE) if f"table {family} {TABLE}" in there]


def canonical(listing: str) -> str:
    """The tables that ``nft list`` shows, each as it would be written, without what was counted."""
    return "".join(_settled(block) for block in _tables(listing))


def others(ruleset: str) -> str:
    """The same, without our tables."""
    return "".join(_settled(block) for block in _tables(ruleset) if not _is_ours(block))


def counters(listing: str) -> list[dict[str, Any]]:
    """What was counted in our tables: ``chain`` (with its family), ``rule``, ``packets``, ``bytes``, in their order."""
    found: list[dict[str, Any]] = []
    family = chain = ""
    for line in listing.splitlines():
        words = line.split()
        if words[:1] == ["table"]:
            family = words[1]
        elif words[:1] == ["chain"]:
            chain = words[1]
        counted = _COUNTED.search(line)
        if counted is not None:
            packets, size = map(int, counted.groups())
            rule = _COUNTED.sub("counter", line.strip())
            found.append({"chain": f"{family} {chain}", "rule": rule, "packets": packets, "bytes": size})
    return found


def _tables(listing: str) -> Iterator[str]:
    """Block by block; what stands between them are remarks of nft."""
    block: list[str] = []
    for line in listing.splitlines(keepends=True):
        if line.startswith("table "):
            block = [line]
        elif block:
            block.append(line)
            if line.rstrip("\n") == "}":
                yield "".join(block)
                block = []


def _is_ours(block: str) -> bool:
    return block.partition(" {")[0] in _MINE


def _settled(block: str) -> str:
    return _COUNTED.sub("counter", _SET.sub(lambda found: _still(found.group()), block))


def _still(text: str) -> str:
    """A set, without its elements where these come and go by themselves."""
    return _ELEMENTS.sub("", text) if _MOVES.search(text) else text
