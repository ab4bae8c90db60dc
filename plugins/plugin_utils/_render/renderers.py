# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The renderings by name. All are pure functions of a report, and all say the same verdict."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from ansible_collections.toombos.incident.plugins.plugin_utils._render import (
    json_document,
    junit,
    nagios,
    openmetrics,
    tap,
)
from ansible_collections.toombos.incident.plugins.plugin_utils._render.report import Report


@dataclass(frozen=True)
class Renderer:
    """One format; ``suffix`` is that of its files."""

    render: Callable[[Report], str]
    suffix: str


RENDERERS: Mapping[str, Renderer] = {
    "json": Renderer(json_document.render, ".json"),
    "junit": Renderer(junit.render, ".xml"),
    "tap": Renderer(tap.render, ".tap"),
    "nagios": Renderer(nagios.render, ".nagios"),
    "openmetrics": Renderer(openmetrics.render, ".prom"),
}
