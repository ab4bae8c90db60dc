# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The logs and configuration files of services, as the catalogue names them, as artifacts."""

from __future__ import annotations

from typing import Any, Mapping

from ansible_collections.toombos.incident.plugins.module_utils._catalogue.fields import (
    NAME,
    NAME_RULE,
    Fields,
    read_path,
)
from ansible_collections.toombos.incident.plugins.module_utils._errors import CatalogueError
from ansible_collections.toombos.incident.plugins.module_utils._evidence import types as t

_LOG_SECONDS, _LOG_BYTES = 60.0, 256 << 20
_CONFIG_SECONDS, _CONFIG_BYTES = 20.0, 16 << 20


def service_artifacts(catalogue: Mapping[str, Any]) -> tuple[t.Artifact, ...]:
    """``service_logs/NAME`` and ``service_config/NAME`` of each service that has any.

    Of the catalogue only what is needed for them is read. Raises CatalogueError.
    """
    problems: list[str] = []
    made = [artifact for name, entry in catalogue.items() for artifact in _of_service(name, entry, problems)]
    if problems:
        raise CatalogueError(problems)
    return tuple(made)


def _of_service(name: Any, entry: Any, problems: list[str]) -> list[t.Artifact]:
    fields = Fields(entry, str(name), problems)
    if not isinstance(name, str) or not NAME.fullmatch(name):
        fields.note("", f"{name!r} cannot be the name of a service, {NAME_RULE}")
    manager = fields.inner("manager")
    logs = (*fields.many("logs", read_path), manager.one("log", read_path))
    declared = fields.inner("config")
    configuration = (
        *declared.many("files", read_path),
        *declared.many("globs", read_path),
        *(f"{tree}/" for tree in declared.many("trees", read_path)),
        manager.one("env_file", read_path),
        *manager.many("files", read_path),
    )
    made = (
        _artifact(f"service_logs/{name}", "family", logs, _LOG_SECONDS, _LOG_BYTES, t.PERSONAL),
        # Where the credentials of a service are.
        _artifact(f"service_config/{name}", "files", configuration, _CONFIG_SECONDS, _CONFIG_BYTES, t.SECRET),
    )
    return [artifact for artifact in made if artifact.sources[0].what]


def _artifact(
    name: str, kind: str, paths: tuple[str | None, ...], seconds: float, count: int, sensitivity: str
) -> t.Artifact:
    what = tuple(dict.fromkeys(path for path in paths if path))
    # Both in the tier of services: a recovery may replace them.
    return t.Artifact(name, t.SERVICES, (t.Source(kind, what),), seconds, count, sensitivity)
