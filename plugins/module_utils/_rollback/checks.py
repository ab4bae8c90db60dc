# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether single files of a set are good, before they are in place. An objection never says a value."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Sequence

from ansible_collections.toombos.incident.plugins.module_utils._catalogue.types import FileCheck
from ansible_collections.toombos.incident.plugins.module_utils._command import CommandResult, run_command
from ansible_collections.toombos.incident.plugins.module_utils._config.contents import objection
from ansible_collections.toombos.incident.plugins.module_utils._errors import IncidentError
from ansible_collections.toombos.incident.plugins.module_utils._generations.names import shown
from ansible_collections.toombos.incident.plugins.module_utils._generations.types import Entry
from ansible_collections.toombos.incident.plugins.module_utils._redact import redact
from ansible_collections.toombos.incident.plugins.module_utils._rollback.candidates import (
    Candidates,
    as_user,
    default_scratch,
    environment,
    owner_of,
    private_directory,
    write_copy,
)
from ansible_collections.toombos.incident.plugins.module_utils._rollback.types import Contents

ACCEPTED = "accepted"
REJECTED = "rejected"
UNPROVEN = "unproven"  # could not be asked: no objection, and no acceptance
_LONGEST = 300  # signs of an objection


@dataclass(frozen=True)
class Finding:
    """What a check says of a file, or of a whole set (``path`` empty): ``status`` and one redacted line."""

    path: str
    status: str
    message: str = ""


def check_files(
    checks: Sequence[FileCheck],
    target: Sequence[Entry],
    contents: Contents,
    user: str | None = None,
    scratch: str | None = None,
) -> list[Finding]:
    """One finding for each check and file that it names. A file named without wildcards must be there.

    ``target``: the whole set as it would be. ``user``: who runs commands, the service's. ``scratch``: a directory that
    this user can enter. Nothing of the set is touched.
    """
    candidates = Candidates(target, contents)
    found = []
    for check in checks:
        for path in dict.fromkeys(path for pattern in check.files for path in candidates.matching(pattern)):
            try:
                status, message = _check(check, path, candidates, user, scratch or default_scratch())
            except (IncidentError, OSError) as error:
                status, message = UNPROVEN, f"its content cannot be checked: {error}"
            found.append(Finding(shown(path), status, _line(message)))
    return found


def _check(check: FileCheck, path: str, candidates: Candidates, user: str | None, scratch: str) -> tuple[str, str]:
    entry = candidates.file(path)
    if entry is None:
        return UNPROVEN, "it does not belong to the set, or leads out of it"
    if entry.kind != "file":
        return REJECTED, f"it is {entry.kind}, not a file"
    if check.kind == "command":
        return _by_command(check, path, entry, candidates.contents, user, scratch)
    problem = objection(check, candidates.content(path))
    return (REJECTED, problem) if problem else (ACCEPTED, "")


def _by_command(
    check: FileCheck, path: str, entry: Entry, contents: Contents, user: str | None, scratch: str
) -> tuple[str, str]:
    """Of a copy with the same name, which only the service's user can read."""
    owner = owner_of(user)
    with private_directory(scratch) as directory:
        copy = os.path.join(directory, os.path.basename(path))
        write_copy(copy, contents(entry.sha256), owner, 0o400)
        if os.geteuid() == 0:
            os.chown(directory, *owner)
        argv = [argument.replace("%s", copy) for argument in check.command]
        if argv == list(check.command):
            argv.append(copy)
        answer = run_command(as_user(user) + argv, timeout=check.timeout, cwd="/", env=environment())
        status, message = judge(answer, check.timeout)
        return status, message.replace(copy, path)


def judge(answer: CommandResult, timeout: float) -> tuple[str, str]:
    """Status and message: a validator that cannot be run proves nothing, only its own "no" counts."""
    if answer.timed_out:
        return UNPROVEN, f"its validator did not end within {timeout:g} s"
    lines = [line.strip() for line in (answer.stderr or answer.stdout).splitlines() if line.strip()]
    # What drops root ends with a code that a validator could have, too, depending on its version.
    if answer.error or (lines and lines[0].startswith("runuser: ")):
        return UNPROVEN, f"its validator cannot be run: {answer.error or lines[0]}"
    if answer.rc == 0:
        return ACCEPTED, ""
    return REJECTED, " / ".join(lines[-4:]) or f"its validator ends with rc {answer.rc}"


def _line(text: str) -> str:
    return shown(redact(" ".join(text.split())))[:_LONGEST]
