# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Appends to the custody log of an incident: one at a time, old or new and never between, never onto a forged one."""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ansible_collections.toombos.incident.plugins.module_utils._atomic import write_atomic
from ansible_collections.toombos.incident.plugins.module_utils._errors import IncidentError
from ansible_collections.toombos.incident.plugins.plugin_utils._custody import log as l
from ansible_collections.toombos.incident.plugins.plugin_utils._custody.anchor import Anchor, read_anchor, write_anchor
from ansible_collections.toombos.incident.plugins.plugin_utils._custody.seal import (
    Key,
    allowed_line,
    check_signature,
    sign,
    signed_by,
)

CUSTODY, SIGNERS, SCRIPT = "custody.jsonl", "allowed_signers", "verify.sh"
LOCK = ".custody.lock"
TEMPORARY = re.compile(r"\.(custody\.jsonl|allowed_signers|verify\.sh|fleet\.json|proof-[\w.-]+\.json)\.[0-9a-f]{16}")
SIGNER_CHANGED = "signer_changed"
Records = Sequence[Mapping[str, Any]]


@dataclass(frozen=True)
class Book:
    """The custody log in ``directory``, which is named for the incident; ``state``: the memory of this controller."""

    directory: str
    key: Key
    state: str
    actor: l.Actor

    @property
    def incident(self) -> str:
        """Its number."""
        return os.path.basename(self.directory)

    def append(self, make: Callable[[Records], Sequence[l.Event]], begin: bool = False) -> str:
        """Write down what ``make`` returns, given the records so far; the new head, or the old one if it is nothing.

        ``make`` runs while nobody else can append. ``begin``: the log may not be there yet. Raises IncidentError when
        the log is not what was written, and OSError; it is as it was before then.
        """
        with self._locked():
            before = self._read(begin)
            events = list(make(before.records if before else ()))
            if not events:
                return before.head if before else ""
            if before and before.seal["signer"] != self.key.fingerprint:
                events.insert(0, l.Event(SIGNER_CHANGED, detail={"seal": before.seal, "beside": self.place_files()}))
            body = (before.body if before else b"") + l.lines_of(events, self.actor, l.now(), before)
            seal = l.seal_line(body, self.key.fingerprint, sign(self.key, body))
            self._sweep()
            write_atomic(os.path.join(self.directory, CUSTODY), body + seal)
            head = l.digest(body.splitlines()[-1])
            # After the log: of two that differ, the longer log can be explained, the longer memory cannot.
            write_anchor(self.state, self.incident, Anchor(body.count(b"\n"), head))
            return head

    def records(self) -> Records:
        """The records so far. Raises IncidentError when the log is not what was written."""
        with self._locked():
            found = self._read(begin=False)
            return found.records if found else ()

    def place_files(self) -> dict[str, str]:
        """Put what checks the log beside it; the digests, for the record. Only while the log is locked."""
        signers = self._file(SIGNERS)
        line = allowed_line(self.actor.who, self.key)
        if self.key.public not in signers:
            signers += line
        files = {SIGNERS: signers.encode(), SCRIPT: Path(__file__).with_name(SCRIPT).read_bytes()}
        for name, content in files.items():
            write_atomic(os.path.join(self.directory, name), content)
        return {name: l.digest(content) for name, content in files.items()}

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        try:
            handle = os.open(os.path.join(self.directory, LOCK), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except FileNotFoundError:
            raise self._not_open() from None
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield
        finally:
            os.close(handle)

    def _read(self, begin: bool) -> l.Log | None:
        anchor = read_anchor(self.state, self.incident)
        try:
            data = Path(self.directory, CUSTODY).read_bytes()
        except FileNotFoundError:
            if anchor is None and begin:
                return None
            raise self._gone(anchor) if anchor else self._not_open() from None
        found = l.read_log(data)
        if anchor is not None:
            self._compare(found, anchor)
        # What this controller wrote last needs no second proof; anything else is never signed over unseen.
        if anchor is None or anchor.seq < len(found.records) or signed_by_other(found):
            check_signature(found.body, found.seal["signature"], self._file(SIGNERS))
        return found

    def _compare(self, found: l.Log, anchor: Anchor) -> None:
        if anchor.seq > len(found.records) or found.heads[anchor.seq - 1] != anchor.head:
            raise IncidentError(
                f"The custody log of {self.incident} is not the one that this controller wrote: it ended with record "
                f"{anchor.seq}, {anchor.head[:16]}…, and that is not in it.",
                "Somebody has put back an older log, or another one. Restore it; evidence_verify tells more.",
            )

    def _sweep(self) -> None:
        """Take away what a writer that was killed has left: nobody else writes while the log is locked."""
        for name in os.listdir(self.directory):
            if name.startswith(f".{CUSTODY}.") and TEMPORARY.fullmatch(name):
                os.unlink(os.path.join(self.directory, name))

    def _file(self, name: str) -> str:
        try:
            return Path(self.directory, name).read_text(encoding="utf-8")
        except FileNotFoundError:
            return ""

    def _not_open(self) -> IncidentError:
        return IncidentError(
            f"{self.directory} holds no custody log: the incident was not opened here.",
            "Use toombos.incident.evidence_open first, or correct home and incident.",
        )

    def _gone(self, anchor: Anchor) -> IncidentError:
        return IncidentError(
            f"The custody log of {self.incident} is gone from {self.directory}; this controller has written "
            f"{anchor.seq} records.",
            f"Restore it. If it was given up on purpose, remove {self.state}/custody-heads/{self.incident}.",
        )


def signed_by_other(found: l.Log) -> bool:
    """Whether the seal names another key than the one whose signature it holds."""
    return signed_by(str(found.seal["signature"])) != str(found.seal["signer"])
