# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Health results as files on the controller: for a CI server, a text collector, a Nagios command."""

from __future__ import annotations

import os
import re
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.toombos.incident.plugins.module_utils._atomic import write_atomic
from ansible_collections.toombos.incident.plugins.module_utils._errors import IncidentError
from ansible_collections.toombos.incident.plugins.plugin_utils._render.renderers import RENDERERS
from ansible_collections.toombos.incident.plugins.plugin_utils._render.report import read_report

DEFAULT_FORMATS = ("junit", "openmetrics")
_KEYS = ("directory", "formats")
_READABLE = 0o644  # what reads them is another user; secrets were taken out on the host


@dataclass(frozen=True)
class Wish:
    """Where to, and in which formats."""

    directory: str
    formats: tuple[str, ...]


def read_wish(raw: Any) -> Wish | None:
    """The variable ``incident_reports``: {directory, formats}, or a directory alone; None when it asks for nothing.

    Raises IncidentError.
    """
    if not raw:
        return None
    given = {"directory": raw} if isinstance(raw, str) else raw
    if not isinstance(given, Mapping):
        raise IncidentError("incident_reports must be a mapping with directory and formats.")
    unknown = [str(key) for key in given if key not in _KEYS]
    if unknown:
        raise IncidentError(f"incident_reports knows no {', '.join(unknown)}, only {' and '.join(_KEYS)}.")
    directory, formats = given.get("directory"), given.get("formats") or DEFAULT_FORMATS
    if not isinstance(directory, str) or not directory.strip():
        raise IncidentError("incident_reports needs a directory.")
    if isinstance(formats, str):
        formats = [name.strip() for name in formats.split(",")]
    wrong = [str(name) for name in formats if name not in RENDERERS]
    if wrong:
        raise IncidentError(
            f"incident_reports knows no format {', '.join(wrong)}, it has {', '.join(RENDERERS)}.",
        )
    return Wish(os.path.abspath(os.path.expanduser(directory.strip())), tuple(map(str, formats)))


def write_reports(wish: Wish, host: str, result: Mapping[str, Any]) -> Iterator[str]:
    """Write the files of one host, each old or new and never between. Yields their paths. Raises OSError."""
    report = read_report(result, host)
    os.makedirs(wish.directory, exist_ok=True)
    for name in wish.formats:
        renderer = RENDERERS[name]
        path = os.path.join(wish.directory, file_name(host) + renderer.suffix)
        write_atomic(path, renderer.render(report).encode(), mode=_READABLE)
        yield path


def file_name(host: str) -> str:
    """The host's name where it can be one of a file, else something like it that no other host has."""
    safe = re.sub(r"[^\w.-]|^[.-]", "_", host, flags=re.ASCII)[:150]
    return safe if safe == host else f"{safe}-{zlib.crc32(host.encode('utf-8', 'replace')):08x}"
