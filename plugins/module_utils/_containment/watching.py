# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Laying out the program that keeps an isolation in force, and taking it away."""

from __future__ import annotations

import contextlib
import os
import sys
from typing import Any

from ansible_collections.toombos.incident.plugins.module_utils._command import run_command
from ansible_collections.toombos.incident.plugins.module_utils._containment import watch
from ansible_collections.toombos.incident.plugins.module_utils._containment.record import FOLDER
from ansible_collections.toombos.incident.plugins.module_utils._containment.watch_keepers import candidates, slot_below
from ansible_collections.toombos.incident.plugins.module_utils._deadman.deadline import make_private
from ansible_collections.toombos.incident.plugins.module_utils._deadman.program import program_of
from ansible_collections.toombos.incident.plugins.module_utils._errors import IncidentError

_CHECK = 60.0  # seconds until the program must have shown that it can run


class HostWatch:
    """That of this host. ``where``: of the unit, see ``Systemd``."""

    def __init__(self, store_dir: str, state_dir: str, **where: Any) -> None:
        self._places = {"store_dir": store_dir, "state_dir": state_dir}
        self._slot = slot_below(os.path.join(store_dir, FOLDER))
        self._keepers = candidates(**where)

    def keep(self) -> None:
        """Anew: what runs may be of an older collection. Raises IncidentError: then nothing runs."""
        self.forget()
        try:
            make_private(os.path.dirname(self._slot.path))
            self._slot.create(program_of(watch.__name__), self._places)
            self._start()
        except (OSError, IncidentError) as error:
            with contextlib.suppress(IncidentError):
                self.forget()
            raise IncidentError(
                f"Nothing could be set up that keeps the isolation in force: {str(error).rstrip('.')}.",
                "Without that it is not confirmed. Is the disk full, or is become: true missing?",
            ) from error

    def running(self) -> bool:
        """Whether it does."""
        return self._slot.inode() != 0 and any(keeper.running(self._slot) for keeper in self._keepers)

    def forget(self) -> None:
        """End it, and remove it. Raises IncidentError."""
        # Two processes see by themselves that their directory is gone, systemd has to be told.
        if self._slot.inode():
            for keeper in self._keepers:
                keeper.dismiss(self._slot)
            try:
                self._slot.remove()
            except OSError as error:
                raise IncidentError(
                    f"{self._slot.path} cannot be removed: {error.strerror}.", "What is in there would go on."
                ) from error

    def words(self) -> str:
        """What keeps it, and what a restart means; empty when nothing does."""
        if not self._slot.inode():
            return ""
        return next((f"{each.name}: {each.reboot}" for each in self._keepers if each.running(self._slot)), "")

    def _start(self) -> None:
        shown = run_command([sys.executable, "-I", self._slot.program, "check"], timeout=_CHECK, cwd="/")
        if shown.rc != 0:
            last = (shown.error or shown.stderr).strip().splitlines()[-1:] or ["no answer in time"]
            raise IncidentError(f"its program cannot run ({last[0]})")
        problems: list[str] = []
        for keeper in self._keepers:
            try:
                keeper.start(self._slot, sys.executable)
            except (IncidentError, OSError) as error:
                problems.append(str(error))
            else:
                return
        raise IncidentError("; ".join(problems))
