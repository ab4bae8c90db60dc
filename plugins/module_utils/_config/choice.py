# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which generations a rollback goes to, and whether they may be: what is chosen is validated before it is in place."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Mapping, Sequence

from ansible_collections.toombos.incident.plugins.module_utils._catalogue.types import Service
from ansible_collections.toombos.incident.plugins.module_utils._config.imports import import_backups
from ansible_collections.toombos.incident.plugins.module_utils._config.union import alike
from ansible_collections.toombos.incident.plugins.module_utils._config.work import Work
from ansible_collections.toombos.incident.plugins.module_utils._errors import IncidentError
from ansible_collections.toombos.incident.plugins.module_utils._generations.choose import choose
from ansible_collections.toombos.incident.plugins.module_utils._generations.names import LAST_KNOWN_GOOD, NEWEST_VALID
from ansible_collections.toombos.incident.plugins.module_utils._generations.types import (
    BEFORE_ROLLBACK,
    IMPORTED,
    Entry,
    Generation,
)
from ansible_collections.toombos.incident.plugins.module_utils._rollback.checks import REJECTED, check_files
from ansible_collections.toombos.incident.plugins.module_utils._rollback.plan import make_switch
from ansible_collections.toombos.incident.plugins.module_utils._rollback.shadow import IN_PLACE, validate_set

BEST = "best"
NEWEST_BACKUP = "newest_backup"  # of those that the catalogue declares; nothing that was kept here
_IMPORTING = (BEST, NEWEST_VALID, NEWEST_BACKUP)


@dataclass(frozen=True)
class Target:
    """Where a service goes. ``notes``: what could not be validated before. ``in_place``: validate right after it."""

    service: Service
    generation: Generation
    notes: tuple[str, ...] = ()
    in_place: bool = False


def choose_targets(work: Work, now: Mapping[str, tuple[Entry, ...]], *, imports: bool) -> list[Target]:
    """One for each service; ``now``: service → what is in place. ``imports``: whether backups may become generations.

    Raises IncidentError for what must not be gone to.
    """
    wish = str(work.params["to"])
    problems: list[str] = []
    if imports and wish in _IMPORTING:
        import_backups(work, problems)
    try:
        return [_choose(work, service, now[service.name], wish) for service in work.services]
    except IncidentError as error:
        if not problems:
            raise
        unusable = f"Backups that cannot be used: {'; '.join(problems)}"
        raise IncidentError(f"{error.message} {unusable}", error.way_out) from error


def _choose(work: Work, service: Service, now: tuple[Entry, ...], wish: str) -> Target:
    known = work.store.generations(service.name, [])
    if wish == BEST:
        wish = LAST_KNOWN_GOOD if any(each.proof for each in known) else NEWEST_VALID
    judged: dict[int, Target] = {}

    def objection(generation: Generation) -> str:
        target, words = _judge(work, service, generation, now)
        judged[generation.number] = target
        return words

    if wish == NEWEST_BACKUP:
        backups = [each for each in known if each.origin == IMPORTED]
        return judged[choose(backups, NEWEST_VALID, objection).number]
    if wish == NEWEST_VALID:
        # What somebody went back from is no place to go to, and neither is where we are.
        others = [each for each in known if each.origin != BEFORE_ROLLBACK and not alike(each.entries, now)]
        if known and not others:
            raise IncidentError(
                f"Every other configuration of {service.name} that is kept is the same as the one in place.",
                "So it is not what is wrong. Look at its logs, and at what was deployed.",
            )
        return judged[choose(others, wish, objection).number]
    chosen = choose(known, wish)
    words = objection(chosen)
    if words:
        raise IncidentError(f"{chosen.id} is rejected: {words}.", "Choose another one, or -e to=newest_valid.")
    return judged[chosen.number]


def _judge(work: Work, service: Service, generation: Generation, now: Sequence[Entry]) -> tuple[Target, str]:
    """The target, and why it must not be; empty when it may."""
    config, user = service.config, service.manager.user
    findings = check_files(config.checks, generation.entries, work.store.content, user)
    target = Target(service, generation)
    if config.validate:
        switch = make_switch(now, generation.entries)
        finding = validate_set(config, service.manager.cwd, switch, work.store.content, user)
        findings.append(finding)
        target = replace(target, in_place=finding.status == IN_PLACE)
    rejected = [each for each in findings if each.status == REJECTED]
    notes = [
        f"{each.path or service.name}: {each.message}" for each in findings if each.message and each not in rejected
    ]
    first = f"{rejected[0].path} {rejected[0].message}".strip() if rejected else ""
    return replace(target, notes=tuple(notes)), first
