# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What ``systemctl show`` says, translated: pure functions of its text."""

from __future__ import annotations

from typing import Mapping

from ansible_collections.toombos.incident.plugins.module_utils._managers import types as t

_STATE_PROPERTIES = ("LoadState", "LoadError", "ActiveState", "SubState", "MainPID", "Result", "NRestarts")
PROPERTIES = (*_STATE_PROPERTIES, "ExecMainStatus", "ControlGroup")

_STATES = {
    "active": t.RUNNING,
    "reloading": t.RUNNING,
    "refreshing": t.RUNNING,
    "activating": t.STARTING,
    "deactivating": t.STOPPING,
    "inactive": t.STOPPED,
    "maintenance": t.STOPPED,
    "failed": t.FAILED,
}
_UNUSABLE = {
    "not-found": "systemd does not know the unit {unit}: correct manager.unit, or install it and daemon-reload",
    "masked": "the unit {unit} is masked: systemctl unmask {unit}",
}


def parse_show(text: str) -> dict[str, str]:
    """``Key=value`` lines as a mapping; values may hold further equals signs."""
    pairs = (line.partition("=") for line in text.splitlines())
    return {key: value for key, separator, value in pairs if separator}


def unit_state(unit: str, shown: Mapping[str, str]) -> t.ManagerState:
    """The manager's state of the unit that was shown."""
    loaded = shown.get("LoadState", "")
    active = shown.get("ActiveState", "")
    pid = int(shown.get("MainPID") or 0) or None
    # A unit that was masked or removed while it runs still runs, and can be stopped.
    if loaded != "loaded" and active in ("inactive", "failed", ""):
        return t.ManagerState(True, t.UNKNOWN, detail=_unusable(unit, loaded, shown.get("LoadError", "")))
    state = _STATES.get(active, t.UNKNOWN)
    if active == "activating" and shown.get("SubState", "").startswith("auto-restart"):
        state = t.BACKOFF
    return t.ManagerState(True, state, pid, _describe(active, shown), restarts=int(shown.get("NRestarts") or 0))


def _unusable(unit: str, loaded: str, error: str) -> str:
    otherwise = f"systemd cannot load the unit {{unit}} ({loaded or 'no answer'}{': ' + error if error else ''})"
    return _UNUSABLE.get(loaded, otherwise + ": see systemctl status {unit}").format(unit=unit)


def _describe(active: str, shown: Mapping[str, str]) -> str:
    notes = [shown.get("SubState", "")]
    if shown.get("Result", "success") != "success":
        notes.append(f"result {shown['Result']}")
    if shown.get("ExecMainStatus", "0") != "0" and active != "active":
        notes.append(f"exit status {shown['ExecMainStatus']}")
    if shown.get("NRestarts", "0") != "0":
        notes.append(f"restarted {shown['NRestarts']} times")
    said = ", ".join(note for note in notes if note)
    return f"{active} ({said})" if said else active
