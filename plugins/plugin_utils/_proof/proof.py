# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The proof of an isolation: what is asked before it, asked again after it, and what both say together."""

from __future__ import annotations

import ipaddress
import secrets
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ansible_collections.toombos.incident.plugins.module_utils._errors import IncidentError
from ansible_collections.toombos.incident.plugins.plugin_utils._custody.log import now
from ansible_collections.toombos.incident.plugins.plugin_utils._printable import printable
from ansible_collections.toombos.incident.plugins.plugin_utils._proof import judge as j, probes as p, round as r

Host = Callable[[Mapping[str, Any]], dict[str, Any]]  # options → the result of the host's half
MOST_LISTED = 200


def before(host: Host, name: str) -> dict[str, Any]:
    """What is open while it still is. ``name``: as which the connection of the task knows the host.

    Raises IncidentError when the host's half does not work.
    """
    look = _said(host({"phase": "before"}))
    session = look["connection"].split()
    named = [*r.resolve(name), *session[2:3]]
    chosen = r.choose([*named, *look["addresses"]])
    sources = {p.version(source): source for source in chosen.values()}
    outward = p.outward(sources, look["resolvers"], look["gateways"])
    word = secrets.token_hex(16)
    done = r.carry_out(lambda ask: _said(host({"phase": "before", "ask": ask})), p.knocks(list(chosen)), outward, word)
    # That an address of the host's own list leads to it, and not to somebody of the same address, it has to show.
    sure = [address for address in chosen if address in named or _shown(address, done.answers)]
    answers = [each for each in done.answers if each.probe.by == j.HOST or each.probe.address in sure]
    ssh = [int(each) for each in session[3:4]]
    services = r.ask_services(p.services(sure, look["listeners"], ssh))
    peers = p.peers(look["established"], done.said.get("moved") or (), look["listeners"], look["addresses"])
    return {
        "answers": [r.as_dict(each) for each in (*answers, *services, *peers)],
        "sources": {str(family): source for family, source in sources.items()},
        "addresses": look["addresses"],
        "flows": j.abroad(look["established"], look["addresses"])[:MOST_LISTED],
        "connections": len(j.abroad(look["established"], look["addresses"])),
        "tracked": look["tracked"],
        "connection": look["connection"],
        "reached_at": sure,
        "ssh_port": ssh[0] if ssh else 22,
        "isolated": look["standing"]["state"] not in ("released", "unknown"),
        "taken_at": now(),
    }


def after(
    anew: Host, known: Mapping[str, Any], witnessed: Mapping[str, Any], witnessed_before: Mapping[str, Any]
) -> dict[str, Any]:
    """The proof. ``anew``: the host's half over a new connection; ``known``: the result of ``before``.

    Raises IncidentError for a ``known`` that is none.
    """
    try:
        earlier = [r.as_answer(each) for each in known["answers"]]
        sources = _seen_as(known)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise IncidentError(
            f"There is nothing to compare with: {error!r}.", "Register phase: before, and give it as before."
        ) from None
    inward = [each.probe for each in earlier if each.probe.by == j.CONTROLLER and not each.probe.port]
    outward = [each.probe for each in earlier if each.probe.by == j.HOST]
    services = r.ask_services([each.probe for each in earlier if each.probe.by == j.CONTROLLER and each.probe.port])
    done = r.carry_out(lambda ask: anew({"phase": "after", "ask": ask}), inward, outward, secrets.token_hex(16))
    said = done.said
    witness, witness_before = _witness(witnessed), {each.probe: each.seen for each in _witness(witnessed_before)}
    standing = dict(said.get("standing") or {})
    flows = (standing.get("isolation") or {}).get("flows") or []
    seen_before = {**{each.probe: each.seen for each in earlier}, **witness_before}
    judged = [
        j.judge(j.expected(each.probe, flows, sources), seen_before.get(each.probe, j.UNKNOWN), each)
        for each in (*done.answers, *services, *witness)
    ]
    moving = j.still_moving(said.get("moved") or (), flows, known["addresses"])
    outcome, reasons = j.conclude(judged, standing, moving, _anew(said, known))
    if known.get("isolated") and outcome == j.NOT_PROVED:
        reasons.append("it was isolated before the first look")
    return {
        "outcome": outcome,
        "ok": outcome == j.PROVED,
        "probes": judged,
        "counts": j.counts(judged),
        "cells": j.cells(judged),
        "counters": standing.get("counters") or [],
        "dropped": {"during": said.get("cut", -1), "in_all": standing.get("cut", -1)},
        "flows": {
            "before": known.get("connections", -1),
            "after": len(j.abroad(said.get("established") or (), known["addresses"])),
            "still_moving": moving[:MOST_LISTED],
            "bytes_known": bool(said.get("told_bytes")),
            "allowed": flows,
        },
        "against": [printable(each) for each in reasons],
        "taken_at": now(),
    }


def _said(result: dict[str, Any]) -> dict[str, Any]:
    if result.get("failed") or result.get("unreachable"):
        raise IncidentError(
            f"The host could not be asked: {result.get('msg') or result.get('module_stderr')}.", "Look at the host."
        )
    return result


def _shown(address: str, answers: Sequence[j.Answer]) -> bool:
    return any(
        each.probe.address == address and each.probe.what == p.KNOCK and each.seen == "answered" for each in answers
    )


def _anew(said: Mapping[str, Any], known: Mapping[str, Any]) -> str:
    """Why the responders' way in was not shown; empty when it was."""
    if said.get("unreachable") or said.get("failed"):
        return f"the host does not answer over a new connection: {' '.join(str(said.get('msg')).split())}"
    if not said.get("connection"):
        return "the host was not asked over ssh, so that nothing shows that ssh still works"
    if said["connection"] == known.get("connection"):
        return "it was the same connection as before, so that nothing shows that a new one works"
    return ""


def _seen_as(known: Mapping[str, Any]) -> dict[int, list[str]]:
    """Family → as whom the host may see the controller: its own address, and what a router on the way makes of it.

    In the family of the ssh connection the host has told that, unless it came from a jump host. In the other one nobody
    knows once a private address has to leave its network.
    """
    client = str(known["connection"]).split()[:1]
    found: dict[int, list[str]] = {}
    for family, source in known["sources"].items():
        told = [each for each in client if p.version(each) == int(family)]
        elsewhere = [each for each in known["reached_at"] if p.version(each) == int(family)]
        translated = ipaddress.ip_address(source).is_private and any(
            not ipaddress.ip_address(each).is_private for each in elsewhere
        )
        found[int(family)] = [str(source), *(told or ([""] if translated else []))]
    return found


def _witness(told: Mapping[str, Any]) -> list[j.Answer]:
    return [r.as_answer(each) for each in told.get("answers") or ()]
