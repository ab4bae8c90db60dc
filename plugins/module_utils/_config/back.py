# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Putting configuration back as a generation has it, whatever is in place."""

from __future__ import annotations

from typing import Mapping, Sequence

from ansible_collections.toombos.incident.plugins.module_utils._config.standing import declared
from ansible_collections.toombos.incident.plugins.module_utils._config.union import union
from ansible_collections.toombos.incident.plugins.module_utils._config.work import Work
from ansible_collections.toombos.incident.plugins.module_utils._generations.capture import read_set
from ansible_collections.toombos.incident.plugins.module_utils._generations.types import BEFORE_ROLLBACK, Entry
from ansible_collections.toombos.incident.plugins.module_utils._rollback.plan import make_switch
from ansible_collections.toombos.incident.plugins.module_utils._rollback.transaction import Transaction, settle


def current(work: Work) -> dict[str, tuple[Entry, ...]]:
    """Service → what is in place. Raises IncidentError where that cannot be read."""
    return {service.name: read_set(declared(service), (work.store_dir,)) for service in work.services}


def put_back(work: Work, before: Mapping[str, Sequence[Entry]]) -> bool:
    """Switch to these entries, whatever is there now; whether anything was to be done. Raises IncidentError.

    What somebody has changed meanwhile is kept as a generation first.
    """
    settle(work.journal, work.clock)
    for service in work.services:
        work.keep(service, BEFORE_ROLLBACK, "before a rollback was undone")
    switch = make_switch(union(current(work)), union(before))
    if not switch.operations:
        return False
    with Transaction(work.journal, trusted=work.users(), clock=work.clock) as transaction:
        transaction.prepare(switch, work.store.content)
        transaction.commit()
    return True
