# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A place with logs and backups, and log recovery as the module calls it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from ansible_collections.toombos.incident.plugins.module_utils._log_restore.call import restore_logs

OLD, YESTERDAY, TODAY = "20261126", "20261127", "20261128"


def lines(day: str, count: int = 20, word: str = "request", hour: int = 10) -> str:
    """Lines of a day: one a second."""
    date = f"{day[:4]}-{day[4:6]}-{day[6:]}"
    return "".join(
        f"{date} {hour + n // 3600:02d}:{n // 60 % 60:02d}:{n % 60:02d} - shop - INFO - {word} {n}\n"
        for n in range(count)
    )


class Site:
    """``logs`` and ``backups/logs-YYYYMMDD`` below one directory."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.logs = home / "logs"
        self.logs.mkdir()
        (home / "backups").mkdir()

    def backup(self, day: str, content: str | bytes, name: str = "app.log") -> Path:
        """Put a copy into the backup of a day."""
        path = self.home / "backups" / f"logs-{day}" / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    def log(self, content: str | bytes, name: str = "app.log") -> Path:
        """Write a log."""
        path = self.logs / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    def options(self, **options: Any) -> dict[str, Any]:
        """Those of the module."""
        return {
            "services": None,
            "only": [],
            "paths": [str(self.logs / "app.log")],
            "backups": [f"{self.home}/backups/logs-%Y%m%d"],
            "as_of": "",
            "owner": "",
            "group": "",
            "mode": "",
            "deadline": "60s",
            "lock_timeout": "0",
            "who": "a test",
            "reason": "a test",
            "state_dir": str(self.home / "run"),
            "store_dir": str(self.home / "lib"),
            **options,
        }

    def run(self, check_mode: bool = False, **options: Any) -> dict[str, Any]:
        """The module's result."""
        return restore_logs(self.options(**options), check_mode)

    def names(self) -> list[str]:
        """Of all that is in the directory of the logs."""
        return sorted(os.listdir(self.logs))

    def tree(self) -> dict[str, tuple[bytes, int, int]]:
        """Content, mode and time of all that is there."""
        found = {}
        for path in self.home.rglob("*"):
            if path.is_file() and path.name != "recovery.lock":
                status = path.stat()
                found[str(path)] = (path.read_bytes(), status.st_mode, status.st_mtime_ns)
        return found
