# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One container as the engine describes it, reduced to what a recovery needs; whatever is missing has a harmless value.

Docker and Podman use the same fields. Podman leaves ``Health.Status`` empty where there is no health check, and says
"running" of a container between two restarts, or for a moment "stopped", so that a crash loop shows in its count, its
age, and in whether somebody is about to start it again.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Mapping

from ansible_collections.toombos.incident.plugins.module_utils._managers import types as t
from ansible_collections.toombos.incident.plugins.module_utils._redact import redact

_PREFIX = "com.docker.compose."
PROJECT, SERVICE, ONE_OFF = f"{_PREFIX}project", f"{_PREFIX}service", f"{_PREFIX}oneoff"
_NUMBER, _HASH = f"{_PREFIX}container-number", f"{_PREFIX}config-hash"

_STATES = {
    "created": t.STOPPED,
    "initialized": t.STOPPED,
    "running": t.RUNNING,
    "restarting": t.BACKOFF,
    "paused": t.FROZEN,
    "stopping": t.STOPPING,
    "removing": t.STOPPING,
    "exited": t.STOPPED,
    "stopped": t.STOPPED,
    "dead": t.FAILED,
}
_MOST_RESTARTS = 2
# The age at which Docker itself forgets that a container had died before.
_SETTLED = 10.0
_ABOUT_TO = 5.0  # seconds after its end in which the engine may still be about to start it again
_SECOND = 1e9  # the engine counts in nanoseconds
_MOST_WORDS = 160
_MOMENT = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.\d+)?(Z|[+-]\d\d:\d\d)")


@dataclass(frozen=True)
class Container:
    """Moments are seconds since the epoch, 0 for never. ``ports``: (address, port) on the host, while it runs."""

    id: str
    name: str
    status: str
    pid: int | None
    exit_code: int
    out_of_memory: bool
    error: str
    restarts: int
    created: float
    started: float
    finished: float
    restarts_left: bool  # whether its restart policy lets the engine start it again
    health: str  # starting, healthy, unhealthy, or empty
    health_said: str
    patience: float  # seconds in which its health check must have come to a result
    ports: tuple[tuple[str, int], ...]
    config_hash: str
    number: int
    one_off: bool

    def state(self, now: float) -> str:
        """The manager's word for it at the moment ``now``."""
        word = _STATES.get(self.status, t.UNKNOWN)
        if self.status in ("exited", "stopped") and self.exit_code:
            return t.BACKOFF if self.restarts_left and 0 <= now - self.finished < _ABOUT_TO else t.FAILED
        if word != t.RUNNING:
            return word
        age = now - self.started
        if self.restarts >= _MOST_RESTARTS and 0 <= age < _SETTLED:
            return t.BACKOFF
        # An engine without its timer (Podman without systemd) never comes to a result.
        return t.STARTING if self.health == "starting" and age < self.patience else t.RUNNING

    @property
    def words(self) -> str:
        """The engine's own words for it, one line."""
        notes = []
        if self.status in ("exited", "stopped", "dead", "restarting"):
            notes.append(f"exit code {self.exit_code}")
        if self.out_of_memory:
            notes.append("killed for lack of memory")
        if self.restarts:
            notes.append(f"restarted {self.restarts} times")
        if self.health:
            notes.append(self.health + (f": {self.health_said}" if self.health_said else ""))
        if self.error:
            notes.append(self.error)
        return f"{self.status} ({', '.join(notes)})" if notes else self.status


def read_container(told: Mapping[str, Any]) -> Container:
    """From the answer to "inspect"."""
    state, config = _part(told, "State"), _part(told, "Config")
    labels, health = _part(config, "Labels"), _part(state, "Health")
    said = health.get("Log")
    last = said[-1] if isinstance(said, list) and said and isinstance(said[-1], dict) else {}
    unwell = str(health.get("Status") or "") not in ("", "none", "healthy")
    return Container(
        id=str(told.get("Id", "")),
        name=str(told.get("Name", "")).lstrip("/"),
        status=str(state.get("Status", "")),
        pid=_number(state.get("Pid")) or None,
        exit_code=_number(state.get("ExitCode")),
        out_of_memory=state.get("OOMKilled") is True,
        error=_line(state.get("Error")),
        restarts=_number(told.get("RestartCount")),
        created=read_moment(told.get("Created")),
        started=read_moment(state.get("StartedAt")),
        finished=read_moment(state.get("FinishedAt")),
        restarts_left=_restarts_left(
            _part(_part(told, "HostConfig"), "RestartPolicy"), _number(told.get("RestartCount"))
        ),
        health=str(health.get("Status") or "").replace("none", ""),
        health_said=_line(last.get("Output")) if unwell else "",
        patience=_patience(_part(config, "Healthcheck")),
        ports=_published(_part(_part(told, "NetworkSettings"), "Ports")),
        config_hash=str(labels.get(_HASH, "")),
        number=_number(labels.get(_NUMBER)),
        one_off=str(labels.get(ONE_OFF, "")).lower() == "true",
    )


def read_moment(text: Any) -> float:
    """Seconds since the epoch of ``2026-01-01T00:00:00.123456789Z``; 0 for what is no moment after 1970."""
    from datetime import datetime  # only hosts with containers pay for the import

    found = _MOMENT.match(text) if isinstance(text, str) else None
    if found is None:
        return 0.0
    zone = "+00:00" if found[2] == "Z" else found[2]
    try:
        return max(0.0, datetime.fromisoformat(found[1] + zone).timestamp())
    except (ValueError, OverflowError):
        return 0.0


def _patience(check: Mapping[str, Any]) -> float:
    """Start period, and as many rounds as make it unhealthy; with Docker's defaults."""
    rounds = _number(check.get("Retries")) or 3
    each = (_number(check.get("Interval")) or 30 * _SECOND) + (_number(check.get("Timeout")) or 30 * _SECOND)
    return (_number(check.get("StartPeriod")) + rounds * each) / _SECOND


def _restarts_left(policy: Mapping[str, Any], restarts: int) -> bool:
    most = _number(policy.get("MaximumRetryCount"))
    if policy.get("Name") == "on-failure":
        return not most or restarts < most
    return policy.get("Name") in ("always", "unless-stopped")


def _published(ports: Mapping[str, Any]) -> tuple[tuple[str, int], ...]:
    bindings = [each for bound in ports.values() if isinstance(bound, list) for each in bound if isinstance(each, dict)]
    found = ((str(each.get("HostIp") or "0.0.0.0"), _number(each.get("HostPort"))) for each in bindings)
    return tuple(dict.fromkeys((address, port) for address, port in found if port))


def _part(whole: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    value = whole.get(key)
    return value if isinstance(value, dict) else {}


def _number(value: Any) -> int:
    try:
        return int(value)
    except (TypeError, ValueError, OverflowError):
        return 0


def _line(value: Any) -> str:
    """The last line that says something, without secrets, bounded."""
    lines = [" ".join(line.split()) for line in str(value or "").splitlines() if line.strip()]
    return redact(lines[-1])[:_MOST_WORDS] if lines else ""
