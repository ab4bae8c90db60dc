# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a fleet may be isolated: what its hosts plan, and what that would leave of their groups. Pure.

A host that is to be isolated may be somebody else's already: what it says is one printable line, or not heard.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.toombos.incident.plugins.plugin_utils._printable import printable

_LONGEST = 300  # characters of a text from a host
_FREE = "released"  # the state of a host that is not isolated
_FLOW = ("direction", "network", "protocol", "port", "why")


@dataclass(frozen=True)
class Gate:
    """The plan of a fleet. ``hashes``: of the plan of each host; ``refusals``: what is against it, with the way out.

    ``overrides``: what was against it and was broken through. ``access_hashes``: of what is taken away of each host.
    """

    plan_hash: str
    lines: tuple[str, ...]
    hashes: Mapping[str, str]
    refusals: tuple[str, ...]
    overrides: tuple[str, ...] = ()
    access_hashes: Mapping[str, str] = field(default_factory=dict)


def gate(
    plans: Mapping[str, Mapping[str, Any]],
    peers: Mapping[str, tuple[Mapping[str, Any], Mapping[str, Any]]],
    groups: Mapping[str, Sequence[str]],
    keep_one_of: Sequence[str],
    *,
    force: bool,
    gateways: Sequence[str] = (),
    access: Mapping[str, Mapping[str, Any]] | None = None,
    broken: Sequence[str] = (),
) -> Gate:
    """``plans``: what the module containment said in check mode, by host; empty: nothing was heard of the host.

    ``peers``: of the hosts that stay, what health_check and containment_info said. ``keep_one_of``: groups that need at
    least one host which is healthy and not isolated. ``force``: break through what is not impossible. ``gateways``:
    in words, over which of them others are reached. ``access``: what access_revocation said in check mode, of the hosts
    on which access is to be taken away; empty as above. ``broken``: limits that were broken through before, in words.
    """
    hashes = {host: _hash(plan) for host, plan in plans.items()}
    silent = [host for host, hash_ in hashes.items() if not hash_]
    firm = [_silence(host, plans[host]) for host in silent]
    last = [*gateways, *(words for group in keep_one_of if (words := _emptied(group, plans, peers, groups)))]
    told = {host: hash_ for host, hash_ in hashes.items() if hash_}
    taken = {host: plan for host, plan in (access or {}).items() if host in plans}
    access_hashes = {host: "" if _refused(plan) else str(plan.get("plan_hash") or "") for host, plan in taken.items()}
    firm += [_untaken(host, taken[host]) for host, hash_ in access_hashes.items() if not hash_]
    named: Any = [told, access_hashes] if access_hashes else told
    digest = hashlib.sha256(json.dumps(named, sort_keys=True).encode()).hexdigest()[:16]
    lines = [line for host in sorted(told) for line in [*_lines(host, plans[host]), *_access(taken.get(host, {}))]]
    overrides = [*broken, *(last if force else ())]
    lines += [f"in spite of: {words}" for words in overrides]
    return Gate(
        plan_hash=digest,
        lines=tuple(lines),
        hashes=told,
        refusals=tuple(firm if force else firm + last),
        overrides=tuple(overrides),
        access_hashes=access_hashes,
    )


def _hash(plan: Mapping[str, Any]) -> str:
    """That of a plan which can be carried out, and told; empty otherwise."""
    return "" if _refused(plan) or not _is_told(plan) else str(plan.get("plan_hash") or "")


def _refused(plan: Mapping[str, Any]) -> bool:
    return bool(plan.get("failed") or plan.get("unreachable"))


def _is_told(plan: Mapping[str, Any]) -> bool:
    """Whether a person could approve it: every flow that stays possible is there to be read."""
    lists = [plan.get(key) or [] for key in ("plan", "notes", "overrides")]
    if not all(isinstance(each, (list, tuple)) for each in lists):
        return False
    return all(isinstance(flow, Mapping) and all(key in flow for key in _FLOW) for flow in lists[0])


def _silence(host: str, plan: Mapping[str, Any]) -> str:
    otherwise = "there was no answer" if _is_told(plan) else "its plan cannot be read"
    return f"{host} cannot be isolated: {_why(plan, otherwise)}. Leave it out of the target, or mend that."


def _untaken(host: str, plan: Mapping[str, Any]) -> str:
    why = _why(plan, "there was no answer")
    return f"Access to {host} cannot be taken away: {why}. Correct incident_containment.access, or mend that."


def _why(plan: Mapping[str, Any], otherwise: str) -> str:
    return _line(plan.get("msg") or otherwise).rstrip(".")


def _line(value: Any) -> str:
    """One line that does nothing to a terminal, and cannot be taken for another line of the plan."""
    text = " ".join(printable(str(value)).split())
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


def _emptied(
    group: str,
    plans: Mapping[str, Any],
    peers: Mapping[str, tuple[Mapping[str, Any], Mapping[str, Any]]],
    groups: Mapping[str, Sequence[str]],
) -> str:
    """In words, when nobody who can do the work of the group would be left."""
    members = groups.get(group)
    if members is None:
        return f"There is no group {group!r} of which one host must stay. Correct keep_one_of in incident_containment."
    leaving = [host for host in members if host in plans]
    staying = [host for host in members if host not in plans]
    if not leaving or any(_serves(*peers.get(host, ({}, {}))) for host in staying):
        return ""
    rest = "; ".join(f"{host} {_why_not(*peers.get(host, ({}, {})))}" for host in staying) or "it has no other host"
    return (
        f"Without {', '.join(leaving)} nobody is left who does the work of {group}: {rest}. Mend another one first, or "
        "isolate it all the same with -e force=true and a reason."
    )


def _serves(health: Mapping[str, Any], standing: Mapping[str, Any]) -> bool:
    return not _why_not(health, standing)


def _why_not(health: Mapping[str, Any], standing: Mapping[str, Any]) -> str:
    """Why a host does not do its work; empty when it does."""
    status = (health.get("verdict") or {}).get("status")
    if health.get("unreachable") or health.get("failed") or not status:
        return "was not heard of"
    if standing.get("unreachable") or standing.get("failed") or not standing.get("state"):
        return "did not say whether it is isolated"
    # A record without rules counts, too: what keeps them puts them back.
    if standing["state"] != _FREE or standing.get("backend"):
        return "is isolated"
    return "" if status in ("pass", "warn") else f"is not healthy ({status})"


def _lines(host: str, plan: Mapping[str, Any]) -> list[str]:
    flows = [_line(_flow(flow)) for flow in plan.get("plan") or ()]
    notes = [f"note: {_line(note)}" for note in plan.get("notes") or ()]
    against = [f"in spite of: {_line(words)}" for words in plan.get("overrides") or ()]
    if plan.get("outcome") == "unchanged":
        return [f"{host}: is isolated like that already"]
    backend = _line(plan.get("backend"))
    return [f"{host}: cut everything by {backend}, but", *(f"  {line}" for line in (*flows, *notes, *against))]


def _flow(flow: Mapping[str, Any]) -> str:
    way = "from" if flow["direction"] == "in" else "to"
    what = f"{flow['protocol']}/{flow['port']} ({flow['why']})"
    return f"stays possible: {flow['direction']} {way} {flow['network']} {what}"


def _access(plan: Mapping[str, Any]) -> list[str]:
    told = [("then", "plan"), ("note", "notes"), ("in spite of", "overrides")]
    return [f"  {word}: {_line(line)}" for word, key in told for line in list(plan.get(key) or ())]
