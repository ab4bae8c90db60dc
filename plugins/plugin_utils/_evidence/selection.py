# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which artifacts a capture is about, as they are sent to a host."""

from __future__ import annotations

import difflib
import fnmatch
from collections.abc import Iterable, Sequence
from typing import Any

from ansible_collections.toombos.incident.plugins.module_utils._errors import IncidentError
from ansible_collections.toombos.incident.plugins.module_utils._evidence import types as t

_LAST_TIER = {"quick": t.SERVICES, "full": t.FILES}  # what a restart would destroy, and everything
OF_SERVICES = ("service_logs", "service_config")  # artifacts that follow from the service catalogue


def select(
    artifacts: Iterable[t.Artifact],
    profile: str,
    only: Sequence[str],
    exclude: Sequence[str],
    services: Iterable[str] = (),
) -> tuple[t.Artifact, ...]:
    """Those of the profile that ``only`` names, empty meaning all, without those that ``exclude`` names.

    Both may have wildcards. ``services``: names of the service catalogue, whose artifacts are named like others.
    Raises IncidentError for a name that means nothing, with those that are near, and when nothing is left.
    """
    everything = tuple(artifacts)
    of_services = [f"{group}/{service}" for service in services for group in OF_SERVICES]
    known = [each.name for each in everything] + of_services
    for option, patterns in (("only", only), ("exclude", exclude)):
        for pattern in patterns:
            if not fnmatch.filter(known, pattern):
                near = difflib.get_close_matches(pattern, known, n=3, cutoff=0.5)
                meant = f"Did you mean {', '.join(near)}?" if near else f"There are for example {', '.join(known[:3])}."
                raise IncidentError(f"{option} names {pattern!r}, and there is no such artifact.", meant)
    reach = tuple(each for each in everything if each.tier <= _LAST_TIER[profile])
    chosen = tuple(each for each in reach if wanted(each.name, only, exclude))
    if not chosen and not [name for name in of_services if wanted(name, only, exclude)]:
        raise IncidentError(
            f"Nothing is left to capture: the profile {profile} has none of these artifacts.",
            "Choose profile: full, or other names for only and exclude.",
        )
    return chosen


def wanted(name: str, only: Sequence[str], exclude: Sequence[str]) -> bool:
    """Whether the two lists leave it in."""
    return (not only or _named(name, only)) and not _named(name, exclude)


def wire(artifact: t.Artifact) -> dict[str, Any]:
    """As it is sent."""
    sources = [{"kind": source.kind, "what": list(source.what)} for source in artifact.sources]
    return {**vars(artifact), "sources": sources}


def _named(name: str, patterns: Sequence[str]) -> bool:
    return any(fnmatch.fnmatchcase(name, pattern) for pattern in patterns)
