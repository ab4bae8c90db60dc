# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One call of config_snapshot_info: what there is to go back to."""

from __future__ import annotations

from typing import Any, Mapping

from ansible_collections.toombos.incident.plugins.module_utils._config.standing import declared
from ansible_collections.toombos.incident.plugins.module_utils._config.work import Work
from ansible_collections.toombos.incident.plugins.module_utils._deadman.deadline import orders
from ansible_collections.toombos.incident.plugins.module_utils._errors import IncidentError
from ansible_collections.toombos.incident.plugins.module_utils._generations.capture import read_set
from ansible_collections.toombos.incident.plugins.module_utils._generations.types import Entry, Generation
from ansible_collections.toombos.incident.plugins.module_utils._recovery.moments import moment


def listing(params: Mapping[str, Any]) -> dict[str, Any]:
    """The result of the module config_snapshot_info with these options. Raises IncidentError. Changes nothing."""
    work = Work(params)
    damaged: list[str] = []
    found = {}
    for service in work.services:
        try:
            now: tuple[Entry, ...] | None = read_set(declared(service), (work.store_dir,))
        except IncidentError:
            now = None  # what is in place cannot be read; what is kept can be listed all the same
        known = work.store.generations(service.name, damaged)
        found[service.name] = [_shown(each, each.entries == now) for each in reversed(known)]
    problems = [*damaged, *(work.store.verify() if params["verify"] else ())]
    waiting = [
        {"id": each.id, "who": each.who, "why": each.why, "until": moment(each.deadline)}
        for each in orders(work.deadlines)
        if each.state == "armed" and each.purpose == "config_rollback"
    ]
    return {
        "changed": False,
        "generations": found,
        "waiting": waiting,
        "problems": list(dict.fromkeys(problems)),
        "msg": ", ".join(f"{name}: {len(each)} generations" for name, each in found.items()),
    }


def _shown(generation: Generation, in_place: bool) -> dict[str, Any]:
    return {
        "id": generation.id,
        "created": moment(generation.created),
        "origin": generation.origin,
        "source": generation.source,
        "labels": list(generation.labels),
        "proven": moment(generation.proof.last) if generation.proof else "",
        "in_place": in_place,
        "files": [
            {"path": entry.path, "kind": entry.kind, "mode": f"{entry.mode:04o}", "size": entry.size}
            for entry in generation.entries
        ],
    }
