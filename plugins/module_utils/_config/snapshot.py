# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One call of config_snapshot: keep what is in place, prove what runs on it, take the old away."""

from __future__ import annotations

from typing import Any, Mapping

from ansible_collections.toombos.incident.plugins.module_utils._catalogue.types import Service
from ansible_collections.toombos.incident.plugins.module_utils._config.good import prints, read_good
from ansible_collections.toombos.incident.plugins.module_utils._config.imports import import_backups
from ansible_collections.toombos.incident.plugins.module_utils._config.prove import prove
from ansible_collections.toombos.incident.plugins.module_utils._config.standing import declared
from ansible_collections.toombos.incident.plugins.module_utils._config.work import Work
from ansible_collections.toombos.incident.plugins.module_utils._errors import IncidentError
from ansible_collections.toombos.incident.plugins.module_utils._generations.capture import read_set
from ansible_collections.toombos.incident.plugins.module_utils._generations.paths import paths_of
from ansible_collections.toombos.incident.plugins.module_utils._generations.types import SNAPSHOT, Generation
from ansible_collections.toombos.incident.plugins.module_utils._recovery.moments import moment
from ansible_collections.toombos.incident.plugins.module_utils._rollback.transaction import settle
from ansible_collections.toombos.incident.plugins.module_utils._values import parse_duration

_GONE_MEANWHILE = "its files were changed meanwhile"


def snapshot(params: Mapping[str, Any], check_mode: bool) -> dict[str, Any]:
    """The result of the module config_snapshot with these options. Raises IncidentError."""
    if params["rounds"] < 1 or params["keep"] < 1:
        raise IncidentError("rounds and keep are whole numbers from 1.", "Correct them.")
    work = Work(params)
    if check_mode:
        return _rehearsed(work)
    settle(work.journal, work.clock)  # what a killed rollback has left is no configuration
    problems: list[str] = []
    imported = import_backups(work, problems) if params["backups"] else ()
    known = {service.name: _ids(work, service) for service in work.services}
    seen = {service.name: prints(paths_of(declared(service))) for service in work.services}
    kept = {service.name: work.keep(service, SNAPSHOT, params["reason"]) for service in work.services}
    entries, unproven = [], {}
    changed = bool(imported)
    verdicts = _prove(work) if params["state"] == "proven" else {}
    for service in work.services:
        name, generation = service.name, kept[service.name]
        labelled = bool(params["label"]) and params["label"] not in generation.labels
        new = generation.id not in known[name]
        if labelled:
            generation = work.store.label(generation, params["label"], move=True)
        if params["state"] == "proven" and generation.proof is None:
            generation, why = _proven(work, service, generation, verdicts[name], seen[name])
            changed |= not why
            unproven.update({name: why} if why else {})
        if generation.proof is not None and prints(paths_of(declared(service))) == seen[name]:
            work.remember_good(service, generation, seen[name])
        changed |= new or labelled
        entries.append(_entry(generation, new))
    removed = work.store.prune(params["keep"], held=[generation.id for generation in kept.values()]).generations
    return {
        "changed": changed or bool(removed),
        "generations": entries,
        "unproven": unproven,
        "imported": list(imported),
        "problems": problems,
        "removed": list(removed),
        "msg": _message(entries, unproven),
    }


def _prove(work: Work) -> dict[str, Any]:
    return prove(
        work.engine, work.request(), work.params["rounds"], parse_duration(work.params["interval"]), work.clock
    )


def _proven(
    work: Work, service: Service, generation: Generation, verdict: Any, seen: Mapping[str, str]
) -> tuple[Generation, str]:
    """The generation with its proof, or why there is none."""
    if verdict.proof is None:
        return generation, verdict.why
    if prints(paths_of(declared(service))) != seen:
        return generation, _GONE_MEANWHILE
    try:
        return work.store.prove(generation, verdict.proof, work.params["rounds"]), ""
    except IncidentError as error:
        return generation, error.message


def _rehearsed(work: Work) -> dict[str, Any]:
    """Reads everything, writes nothing. What is proven can only be told by proving it, which writes nothing either."""
    entries, unproven, changed = [], {}, False
    verdicts = _prove(work) if work.params["state"] == "proven" else {}
    for service in work.services:
        entries_now = read_set(declared(service), (work.store_dir,))
        known = work.store.find(declared(service), entries_now)
        good = read_good(work.store_dir, service.name)
        label = work.params["label"]
        changed |= known is None or bool(label and label not in known.labels)
        if service.name in verdicts and (known is None or known.proof is None):
            changed |= verdicts[service.name].proof is not None
            unproven.update({} if verdicts[service.name].proof else {service.name: verdicts[service.name].why})
        shown = known or Generation(0, work.clock.wall(), declared(service), entries_now)
        entries.append({**_entry(shown, known is None), **({} if known else {"id": ""}), "good": good is not None})
    for entry in entries:
        entry.pop("good")
    return {
        "changed": changed,
        "generations": entries,
        "unproven": unproven,
        "imported": [],
        "problems": [],
        "removed": [],
        "msg": _message(entries, unproven),
    }


def _ids(work: Work, service: Service) -> set[str]:
    return {generation.id for generation in work.store.generations(service.name, [])}


def _entry(generation: Generation, new: bool) -> dict[str, Any]:
    return {
        "service": generation.declared.name,
        "id": generation.id,
        "created": moment(generation.created),
        "new": new,
        "files": sum(entry.kind != "directory" for entry in generation.entries),
        "labels": list(generation.labels),
        "proven": generation.proof is not None,
    }


def _message(entries: list[dict[str, Any]], unproven: Mapping[str, str]) -> str:
    parts = []
    for entry in entries:
        words = [word for word, holds in (("new", entry["new"]), ("proven", entry["proven"])) if holds]
        parts.append(f"{entry['id'] or entry['service']} is {' and '.join(words) or 'known already'}")
    parts += [f"{name} is not proven: {why}" for name, why in unproven.items()]
    return "; ".join(parts)
