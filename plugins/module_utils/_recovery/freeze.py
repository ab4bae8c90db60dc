# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The freeze switch: while it is set, no recovery changes anything on the host."""

from __future__ import annotations

import contextlib
import json
import os
from dataclasses import asdict, dataclass
from typing import Any

from ansible_collections.toombos.incident.plugins.module_utils._atomic import write_atomic
from ansible_collections.toombos.incident.plugins.module_utils._errors import IncidentError
from ansible_collections.toombos.incident.plugins.module_utils._recovery.moments import moment

_THAW = "Thaw it when that is over: ansible-playbook toombos.incident.thaw"


@dataclass(frozen=True)
class Freeze:
    """Who froze the host and why. Times in seconds since the epoch; ``until`` 0: until somebody thaws it."""

    reason: str
    by: str = ""
    since: float = 0.0
    until: float = 0.0
    thaw: str = _THAW

    @property
    def sentence(self) -> str:
        """For whoever is refused."""
        who = f" by {self.by}" if self.by else ""
        when = f" since {moment(self.since)}" if self.since else ""
        end = f", until {moment(self.until)}" if self.until else ""
        return f"changes are frozen{who}{when}{end}: {self.reason}. {self.thaw}"


class FreezeSwitch:
    """``<state_dir>/freeze.json``. A file that cannot be read still freezes: somebody meant to."""

    def __init__(self, state_dir: str) -> None:
        self.path = os.path.join(state_dir, "freeze.json")

    def read(self, now: float) -> Freeze | None:
        """The freeze that holds now, or None. An expired one is over."""
        try:
            with open(self.path, "rb") as handle:
                raw: Any = json.load(handle)
            freeze = Freeze(str(raw["reason"]), str(raw["by"]), float(raw["since"]), float(raw["until"]))
        except FileNotFoundError:
            return None
        except (OSError, ValueError, KeyError, TypeError) as error:
            return Freeze(f"{self.path} exists, but cannot be read ({type(error).__name__})")
        return None if freeze.until and freeze.until <= now else freeze

    def set(self, freeze: Freeze) -> None:
        """Write it. Raises IncidentError when it cannot be: nobody may believe in a freeze that is not there."""
        try:
            os.makedirs(os.path.dirname(self.path), mode=0o700, exist_ok=True)
            content = {key: value for key, value in asdict(freeze).items() if key != "thaw"}
            write_atomic(self.path, (json.dumps(content) + "\n").encode())
        except OSError as error:
            raise IncidentError(
                f"{self.path} cannot be written: {error.strerror}.", "NOT frozen. Free some space?"
            ) from error

    def clear(self) -> None:
        """Remove it; not there is fine. Raises IncidentError."""
        try:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(self.path)
        except OSError as error:
            raise IncidentError(
                f"{self.path} cannot be removed: {error.strerror}.", "Run with become: true."
            ) from error
