# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A verdict or refusal on its way to the screen: at the very end by the callback, at once where that is not enabled."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible import constants as C
from ansible.utils.display import Display

from ansible_collections.toombos.incident.plugins.plugin_utils._refusal import render_refusal
from ansible_collections.toombos.incident.plugins.plugin_utils._results import terminal_width
from ansible_collections.toombos.incident.plugins.plugin_utils._screen import machine_line

CALLBACK = "toombos.incident.verdict"


def announce(verdict: Mapping[str, Any]) -> None:
    """Print it now, unless the callback will."""
    if CALLBACK not in C.CALLBACKS_ENABLED:
        Display().display("")
        show(verdict)


def show(verdict: Mapping[str, Any]) -> None:
    """Print the text and below it the machine-readable line. ``verdict``: text (not for refusals), machine, ok."""
    display, machine = Display(), verdict["machine"]
    text = verdict.get("text") or render_refusal(machine["problems"], terminal_width())
    display.display(text, color=C.COLOR_OK if verdict["ok"] else C.COLOR_ERROR)
    display.display(machine_line(machine))
