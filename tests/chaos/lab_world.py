# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A lab under fire."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import recovery
from breaks import fix
from processes import kill, until
from stack import Stack
from world import World


class LabWorld(Stack, World):
    """A stack in one directory; recoveries run on this machine."""

    user = None

    def __init__(self, home: Path, base_port: int = 18000, say: Callable[[str], None] = print) -> None:
        super().__init__(home, base_port, say)
        self.pidfile = self.app / "supervisord.pid"
        self.settings = [self.app / "supervisord.conf"]
        self.catalogue = self.home / "catalogue.json"

    def mend(self) -> None:
        """Bring everything back, whatever was done to it."""
        if not self.inventory.exists():
            self.up()
        fix(self)
        (self.app / "logs").mkdir(exist_ok=True)
        if self.is_new():
            return
        kill(self.worn())
        self.start_supervisord()
        self.start_plain()
        until(self.is_new, "the lab is as new")

    def render_catalogue(self) -> None:
        """Render the inventory's own catalogue, once for each lab."""
        if not self.catalogue.exists():
            recovery.render("lab", ["-i", str(self.inventory)], self.catalogue)

    def removable_logs(self, pattern: str) -> list[Path]:
        """All of them: who writes them makes them anew."""
        return sorted((self.app / "logs").glob(pattern))

    def playbook(self, stable_for: str) -> recovery.Outcome:
        """The main job."""
        self.render_catalogue()
        return recovery.play("lab", ["-i", str(self.inventory)], self.catalogue, stable_for)
