# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which hosts a run means: every term of the pattern must mean something, and nothing means everything by accident."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping, Sequence

from ansible_collections.toombos.incident.plugins.plugin_utils._policy import Refusal

Resolve = Callable[[Sequence[str]], Sequence[str]]
_OWN_GROUPS = ("incident_targets", "incident_capture", "incident_recover", "incident_not_recovered")
_SKIP_OURS = {"all", "always", "tagged", "untagged"}


def blank_limit(limit: str | None, terms: Sequence[str]) -> list[str]:
    """Objection to a --limit that names nothing, which Ansible takes for no limit at all: every host of the inventory.

    ``terms``: its parts, with those of an ``@file`` in the place of the file.
    """
    if limit is not None and not any(map(_names_something, terms)):
        return ["--limit is blank, which Ansible takes for ALL hosts. Leave it out, or name hosts."]
    return []


def partial_run(tags: Sequence[str], skip_tags: Sequence[str]) -> list[str]:
    """Objection to tags that would leave out the greater part of a run, which then ends with rc 0."""
    if tags and "all" not in tags:
        return ["--tags would leave out the recovery itself, and the run would still end well. Leave it out."]
    if _SKIP_OURS & set(skip_tags):
        return ["--skip-tags would leave out the recovery itself, and the run would still end well. Leave it out."]
    return []


def resolve_targets(
    target: str,
    terms: Sequence[str],
    resolve: Resolve,
    groups: Mapping[str, Sequence[str]],
    in_reach: Sequence[str],
) -> list[str]:
    """The hosts of the pattern ``target`` that the run may reach, in inventory order.

    ``terms``: the pattern in its parts; ``resolve``: patterns → hosts; ``in_reach``: hosts left by --limit.
    Raises Refusal.
    """
    if not groups.get("all"):
        raise Refusal(["The inventory has no hosts. Name it with -i, for example -i inventory/."])
    terms = [term for term in terms if term]
    # Without a term that means something, Ansible would take all hosts.
    if not terms:
        raise Refusal([f"The target {target!r} names no host. Write hosts or groups, or all."])
    unknown = [term for term in terms if not _names_something(term) or not resolve([term.lstrip("!&")])]
    if unknown:
        raise Refusal([_unknown(term.lstrip("!&"), groups) for term in unknown])
    meant = list(resolve(terms))
    if not meant:
        raise Refusal([f"The target {target!r} means no host."])
    hosts = [host for host in meant if host in set(in_reach)]
    if not hosts:
        raise Refusal([f"--limit leaves no host of the target {target!r}. Correct one of the two."])
    return hosts


def refuse_too_many(hosts: Sequence[str], most: int, break_glass: bool = False) -> list[str]:
    """What the glass was broken for, if it was. Raises Refusal when the run means more hosts than it may."""
    if len(hosts) <= most:
        return []
    if break_glass:
        return [f"meant {len(hosts)} hosts, more than the limit of {most}"]
    wanted = len(hosts)
    raise Refusal([f"The target means {wanted} hosts, more than {most}. Name fewer, or say -e max_hosts={wanted}."])


def refuse_own_groups(groups: Mapping[str, Sequence[str]], hosts: Sequence[str]) -> None:
    """The groups that a run fills with its hosts must not hold others, which it would act on. Raises Refusal.

    They do when an inventory has groups of these names, or after another recovery by the same command. What a triage
    of the same hosts has left is no harm.
    """
    for group in _OWN_GROUPS:
        allowed = set(hosts) if group == _OWN_GROUPS[0] else set()
        strangers = [host for host in groups.get(group, ()) if host not in allowed]
        if strangers:
            filled = f"The run itself fills the group {group}, but it already holds {', '.join(strangers[:10])}."
            raise Refusal([f"{filled} Rename it in the inventory, or recover in a command of its own."])


def _names_something(term: str) -> bool:
    return bool(term.strip().lstrip("!&~"))


def _unknown(term: str, groups: Mapping[str, Sequence[str]]) -> str:
    if term in groups:
        return f"The group {term!r} has no hosts."
    known = sorted({*groups, *groups.get("all", ())} - {"all", "ungrouped"})
    close = difflib.get_close_matches(term, known, n=1)
    hint = (
        f"Did you mean {close[0]!r}?" if close else f"Known: {', '.join(known[:10])}{', …' if len(known) > 10 else ''}."
    )
    return f"There is no host or group {term!r}. {hint}"
