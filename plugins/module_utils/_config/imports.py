# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The backups that the catalogue declares, made into generations."""

from __future__ import annotations

import os
from typing import Callable, Mapping

from ansible_collections.toombos.incident.plugins.module_utils._catalogue.types import Backup, Service
from ansible_collections.toombos.incident.plugins.module_utils._config.standing import declared
from ansible_collections.toombos.incident.plugins.module_utils._config.work import Work
from ansible_collections.toombos.incident.plugins.module_utils._errors import IncidentError
from ansible_collections.toombos.incident.plugins.module_utils._generations import imports
from ansible_collections.toombos.incident.plugins.module_utils._generations.types import Declaration

_Importer = Callable[[Work, Declaration, Backup, imports.How], imports.Imported]


def import_backups(work: Work, problems: list[str]) -> tuple[str, ...]:
    """Ids of the generations that are new. A backup that is not there is none; ``problems`` takes down what cannot be
    used, one line each.
    """
    new: list[str] = []
    for service in work.services:
        for backup in service.config.backups:
            if not os.path.isdir(backup.path):
                continue
            try:
                new += _imported(work, service, backup)
            except IncidentError as error:
                problems.append(error.message)
    return tuple(new)


def _imported(work: Work, service: Service, backup: Backup) -> list[str]:
    how = imports.How(permissions=service.config.permissions, exclude=(work.store_dir,))
    found = _LAYOUTS[backup.layout](work, declared(service), backup, how)
    return [each.id for each in found.generations if each.number in found.new]


_LAYOUTS: Mapping[str, _Importer] = {
    "mirror": lambda work, of, backup, how: imports.import_mirror(work.store, of, backup.path, how),
    "daily": lambda work, of, backup, how: imports.import_daily(work.store, of, backup.path, how),
    "tree": lambda work, of, backup, how: imports.import_tree(work.store, of, backup.path, backup.root, how),
}
