# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The confirm window of a rollback: a deadline on the host, and what is known of the rollback until then."""

from __future__ import annotations

import contextlib
import json
import os
from dataclasses import dataclass
from typing import Any, Mapping

from ansible_collections.toombos.incident.plugins.module_utils._atomic import write_atomic
from ansible_collections.toombos.incident.plugins.module_utils._config.work import Work
from ansible_collections.toombos.incident.plugins.module_utils._deadman import deadline
from ansible_collections.toombos.incident.plugins.module_utils._deadman.types import Order, Status
from ansible_collections.toombos.incident.plugins.module_utils._errors import IncidentError
from ansible_collections.toombos.incident.plugins.module_utils._recovery.moments import moment
from ansible_collections.toombos.incident.plugins.module_utils._ssh_session import connection_of
from ansible_collections.toombos.incident.plugins.module_utils._values import parse_duration

PURPOSE = "config_rollback"
_FOLDER = "rollbacks"
_MOST_BYTES = 1 << 20
# What the host needs of the options when it goes back by itself.
_KEPT = ("services", "state_dir", "store_dir", "stable_for", "owner", "reason")


@dataclass(frozen=True)
class Window:
    """One rollback that waits. ``known``: names, generations, and the connection over which it was applied."""

    directory: str
    store_dir: str
    token: str
    known: Mapping[str, Any]

    @classmethod
    def open(cls, work: Work, generations: Mapping[str, Mapping[str, str]], function: str) -> Window:
        """Set the deadline, at which ``function`` goes back. Raises IncidentError: then nothing may be changed."""
        others = [each for each in deadline.settle(work.deadlines) if each.purpose == PURPOSE and each.state == "armed"]
        if others:
            raise IncidentError(
                f"Another rollback of this host waits for its confirmation until {moment(others[0].deadline)} "
                f"({others[0].who}: {others[0].why}).",
                "Confirm or cancel it first.",
            )
        arguments = {
            "params": {key: work.params[key] for key in _KEPT},
            "before": {name: each["before"] for name, each in generations.items()},
        }
        order = Order(
            purpose=PURPOSE,
            function=function,
            arguments=arguments,
            seconds=parse_duration(work.params["confirm"]),
            who=str(work.params["owner"]),
            why=f"{', '.join(work.names)}: {work.params['reason'] or 'no reason given'}",
        )
        token = deadline.arm(work.deadlines, order)
        known = {"names": list(work.names), "generations": dict(generations), "connection": connection_of()}
        window = cls(work.deadlines, work.store_dir, token, known)
        window._write()
        return window

    @classmethod
    def find(cls, work: Work, token: str) -> Window:
        """The one with this token. Raises IncidentError for one that is not of this host."""
        window = cls(work.deadlines, work.store_dir, token, {})
        identity = window.status().id
        try:
            with open(window._path(identity), "rb") as file:
                known: Any = json.loads(file.read(_MOST_BYTES))
        except (OSError, ValueError) as error:
            raise IncidentError(
                "What is known of this rollback cannot be read.", "Cancel it, or let the host go back by itself."
            ) from error
        return cls(work.deadlines, work.store_dir, token, known)

    @property
    def names(self) -> list[str]:
        """The services that it is about."""
        return [str(name) for name in self.known["names"]]

    def status(self) -> Status:
        """How its deadline stands."""
        return deadline.status(self.directory, self.token)

    @property
    def until(self) -> str:
        """When the host goes back."""
        return moment(self.status().deadline)

    def over_the_same_connection(self) -> str:
        """The connection over which it was applied, if this is that one; empty when it is another, or none."""
        then, now = str(self.known.get("connection") or ""), connection_of()
        return now if then and then == now else ""

    def extend(self, seconds: float) -> bool:
        """Whether that was in time."""
        return deadline.extend(self.directory, self.token, seconds)

    def call_off(self) -> bool:
        """Whether that was in time."""
        return deadline.call_off(self.directory, self.token)

    def _write(self) -> None:
        path = self._path(self.status().id)
        try:
            os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
            write_atomic(path, json.dumps(self.known).encode())
        except OSError as error:
            with contextlib.suppress(IncidentError):
                self.call_off()
            raise IncidentError(
                f"{path} cannot be written: {error.strerror}.", "Free some space on its disk."
            ) from error

    def _path(self, identity: str) -> str:
        return os.path.join(self.store_dir, _FOLDER, f"{identity}.json")
