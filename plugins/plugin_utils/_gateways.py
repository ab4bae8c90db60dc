# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Over which machines others are reached: whoever isolates one of those cuts off more than it. Pure."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

_ARGUMENTS = ("ansible_ssh_common_args", "ansible_ssh_extra_args", "ansible_ssh_args")
KNOWN = (*_ARGUMENTS, "ansible_host", "ansible_connection")  # variables of a host that tell it
_LOCAL = ("local", "ansible.builtin.local")
_OPTION = re.compile(r"(?i)\s*(ProxyJump|ProxyCommand)\s*[=\s]\s*(.+)", re.DOTALL)
# What is left of [user@]host[:port], [user@][v6]:port and ssh://user@host:port.
_HOP = re.compile(r"(?:ssh://)?(?:[^@\s]+@)?(?:\[(?P<v6>[0-9A-Fa-f:.%]+)\]|(?P<name>[^:\s\[\]]+))(?::\d+)?/?")


def against(targets: Iterable[str], variables: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Why targets must not be isolated, in words with the way out.

    ``variables``: those in KNOWN, of every host of the inventory.
    """
    others = {host: frozenset(jumps(known)) for host, known in variables.items()}
    return [words for host in targets if (words := _words(host, variables.get(host) or {}, others))]


def jumps(known: Mapping[str, Any]) -> Iterator[str]:
    """The names and addresses of the hosts over which ssh reaches this one, in small letters."""
    for argument in _ARGUMENTS:
        words = _split(str(known.get(argument) or ""))
        for word, following in zip(words, [*words[1:], ""]):
            value = word[2:] or following
            if word.startswith("-J"):
                yield from _hops(value)
            elif word.startswith("-o") and (found := _OPTION.fullmatch(value)):
                yield from _hops(found[2]) if found[1].lower() == "proxyjump" else _commanded(found[2])


def _words(host: str, known: Mapping[str, Any], others: Mapping[str, frozenset[str]]) -> str:
    if str(known.get("ansible_connection") or "") in _LOCAL:
        return (
            f"{host} is the controller itself (its connection is local): isolated, it could lead nothing any more. "
            "Isolate it from another machine, or with -e force=true and a reason."
        )
    names = {host.lower(), str(known.get("ansible_host") or host).lower()}
    behind = sorted(other for other, over in others.items() if other != host and names & over)
    if not behind:
        return ""
    return (
        f"{host} is the jump host of {_some(behind)}: isolated, nobody reaches them through it. Give them another way, "
        "or isolate it all the same with -e force=true and a reason."
    )


def _split(text: str) -> list[str]:
    try:
        return shlex.split(text)
    except ValueError:  # an open quote: ssh will complain, and more clearly
        return text.split()


def _hops(text: str) -> Iterator[str]:
    for hop in text.split(","):
        if found := _HOP.fullmatch(hop.strip().strip("\"'")):
            yield (found["v6"] or found["name"]).lower()


def _commanded(command: str) -> Iterator[str]:
    """Every word of a proxy's command that may name a host: which one it is depends on the program."""
    for word in _split(command):
        if " " in word:  # what a shell is given
            yield from _commanded(word)
        elif not word.startswith(("-", "%")):
            yield from _hops(word)


def _some(names: Sequence[str], most: int = 5) -> str:
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more
