# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Calls git in somebody's repository, as that user, without anything that the repository could make it run or ask."""

from __future__ import annotations

import os
from typing import Sequence

from ansible_collections.toombos.incident.plugins.module_utils._errors import IncidentError
from ansible_collections.toombos.incident.plugins.module_utils._redact import redact
from ansible_collections.toombos.incident.plugins.module_utils._release.run import Ran, Runner

QUESTION = 60.0  # seconds for what only reads
CHANGE = 300.0  # seconds for what writes the tree
_SETTINGS = (
    "core.hooksPath=/dev/null",
    "core.fsmonitor=false",
    "core.editor=true",
    "core.pager=cat",
    "core.quotePath=false",
    "gc.auto=0",
    "maintenance.auto=false",
    "advice.detachedHead=false",
    "submodule.recurse=false",
    "protocol.ext.allow=never",
    "log.showSignature=false",
)
_OFFLINE = "none"  # the name of no protocol


class Git:
    """The repository whose tree is at ``top``. Names are decoded as ``os.fsdecode`` does."""

    def __init__(self, runner: Runner, top: str) -> None:
        self.runner = runner
        self.top = top

    def ask(self, *args: str, tree: str = "", output: int | None = None) -> Ran:
        """Something that reads. Raises IncidentError when it does not end; its rc is for the caller to judge."""
        return self._run(args, tree, QUESTION, offline=True, output=output, locks=False)

    def told(self, *args: str, tree: str = "") -> str:
        """The output of something that reads and must succeed, as text."""
        return self._succeed(self.ask(*args, tree=tree), args).text

    def names(self, *args: str, tree: str = "") -> list[str]:
        """Its output as a list that ends every entry with a zero byte. Raises IncidentError."""
        ran = self._succeed(self.ask(*args, tree=tree), args)
        return [os.fsdecode(name) for name in ran.out.split(b"\0") if name]

    def change(self, *args: str, tree: str = "", online: bool = False, timeout: float = CHANGE) -> None:
        """Something that writes. ``online``: it may ask remotes. Raises IncidentError."""
        self._succeed(self._run(args, tree, timeout, offline=not online, locks=True), args)

    def remote(self, *args: str, timeout: float) -> Ran:
        """Something that asks a remote. Raises IncidentError when it does not end in time."""
        return self._run(args, "", timeout, offline=False, locks=True)

    def _run(
        self, args: Sequence[str], tree: str, timeout: float, *, offline: bool, locks: bool, output: int | None = None
    ) -> Ran:
        settings = [word for setting in _SETTINGS for word in ("-c", setting)]
        more = {
            "GIT_TERMINAL_PROMPT": "0",
            "GIT_ASKPASS": "true",
            "SSH_ASKPASS": "true",
            "GIT_PAGER": "cat",
            "GIT_EDITOR": "true",
            "GIT_NO_LAZY_FETCH": "1" if offline else "0",
        }
        if offline:
            more["GIT_ALLOW_PROTOCOL"] = _OFFLINE
        if not locks:
            more["GIT_OPTIONAL_LOCKS"] = "0"
        argv = ["git", *settings, *args]
        where = os.path.join(self.top, tree) if tree else self.top
        ran = self.runner.command(argv, cwd=where, env=self.runner.environment(**more), timeout=timeout, output=output)
        if ran.rc is None:
            raise IncidentError(
                f"git {args[0]} in {where} did not end within {timeout:.0f} seconds.",
                "Look at the disk and the network of the host.",
            )
        if ran.rc == 126 and not ran.out:
            raise IncidentError(f"git cannot be run in {where}: {ran.err}.", "Install git, or correct code.path.")
        return ran

    @staticmethod
    def _succeed(ran: Ran, args: Sequence[str]) -> Ran:
        if ran.rc != 0:
            lines = [line.strip() for line in ran.err.splitlines() if line.strip()]
            said = redact(" / ".join(lines[-3:]))[:400] or f"it ends with rc {ran.rc}"
            raise IncidentError(f"git {args[0]} failed: {said}.")
        return ran
