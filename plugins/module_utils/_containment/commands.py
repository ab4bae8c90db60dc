# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How the programs of packet filters are found, run, and what they complain of."""

from __future__ import annotations

import os
import shutil
from typing import Callable, Sequence

from ansible_collections.toombos.incident.plugins.module_utils._command import CommandResult
from ansible_collections.toombos.incident.plugins.module_utils._errors import IncidentError

Run = Callable[..., CommandResult]
Which = Callable[[str], str]

# Where they are, which is often not where a shell without a login looks.
_PLACES = ("/usr/local/sbin", "/usr/sbin", "/sbin")
_PATIENCE = 20.0  # seconds; hosts of clusters have tens of thousands of rules
_MOST_OUTPUT = 1 << 26


def find_program(name: str) -> str:
    """Its path; empty where it is not installed."""
    return shutil.which(name, path=_path()) or ""


def ask(run: Run, argv: Sequence[str], text: str = "") -> CommandResult:
    """Run it with ``text`` as its input, in no language."""
    return run(
        argv,
        timeout=_PATIENCE,
        env={**os.environ, "LC_ALL": "C", "PATH": _path()},
        stdin=text.encode(),
        max_output=_MOST_OUTPUT,
    )


def told(run: Run, argv: Sequence[str], text: str = "") -> str:
    """What it says. Raises IncidentError when it fails: that is not the same as nothing."""
    done = ask(run, argv, text)
    if done.rc != 0:
        raise IncidentError(
            f"{' '.join(argv)} failed: {complaint(done)}.", "See what the packet filter of this host says by hand."
        )
    return done.stdout


def complaint(done: CommandResult) -> str:
    """Why it failed, in its own words: one line."""
    if done.timed_out:
        return f"no answer within {_PATIENCE:g} s"
    lines = [line.strip() for line in (done.error or done.stderr).splitlines()]
    return next((line for line in lines if line and not line.startswith("#")), f"return code {done.rc}")[:300].rstrip(
        "."
    )


def _path() -> str:
    return os.pathsep.join((os.environ.get("PATH", os.defpath), *_PLACES))
