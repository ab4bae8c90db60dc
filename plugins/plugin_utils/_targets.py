# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which hosts a run means: every term of the pattern must mean something, and nothing means everything by accident."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping, Sequence

from ansible_collections.toombos.incident.plugins.plugin_utils._inputs import Refusal

Resolve = Callable[[str], Sequence[str]]


def blank_limit(limit: str | None) -> list[str]:
    """Objection to ``--limit ''``, which Ansible takes for no limit at all: every host of the inventory."""
    if limit is not None and not limit.strip():
        return ["--limit is blank, which Ansible takes for ALL hosts. Leave it out, or name hosts."]
    return []


def resolve_targets(
    target: str,
    terms: Sequence[str],
    resolve: Resolve,
    groups: Mapping[str, Sequence[str]],
    in_reach: Sequence[str],
) -> list[str]:
    """The hosts of the pattern ``target`` that the run may reach, in inventory order.

    ``terms``: the pattern in its parts; ``resolve``: pattern → hosts; ``in_reach``: hosts left by --limit.
    Raises Refusal.
    """
    if not groups.get("all"):
        raise Refusal(["The inventory has no hosts. Name it with -i, for example -i inventory/."])
    unknown = [term for term in terms if not term.startswith(("~", "@")) and not resolve(term.lstrip("!&"))]
    if unknown:
        raise Refusal([_unknown(term.lstrip("!&"), groups) for term in unknown])
    meant = list(resolve(target))
    if not meant:
        raise Refusal([f"The target {target!r} means no host."])
    hosts = [host for host in meant if host in set(in_reach)]
    if not hosts:
        raise Refusal([f"--limit leaves no host of the target {target!r}. Correct one of the two."])
    return hosts


def refuse_too_many(hosts: Sequence[str], most: int) -> None:
    """A run that means more hosts than allowed was probably not meant so. Raises Refusal."""
    if len(hosts) > most:
        raise Refusal(
            [f"The target means {len(hosts)} hosts, more than {most}. Name fewer, or say -e max_hosts={len(hosts)}."]
        )


def _unknown(term: str, groups: Mapping[str, Sequence[str]]) -> str:
    if term in groups:
        return f"The group {term!r} has no hosts."
    known = sorted({*groups, *groups.get("all", ())} - {"all", "ungrouped"})
    close = difflib.get_close_matches(term, known, n=1)
    hint = (
        f"Did you mean {close[0]!r}?" if close else f"Known: {', '.join(known[:10])}{', …' if len(known) > 10 else ''}."
    )
    return f"There is no host or group {term!r}. {hint}"
