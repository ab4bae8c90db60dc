# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Leases: who may change a service now, until when, and with which fencing token.

A token only ever grows. Whoever was overtaken (its lease expired while it hung, or somebody took it over) sees a higher
one before its next step, and stops. A lease of a run ends with its process; one of a person ends when it expires.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from typing import Any, Callable, Iterator, Mapping, Sequence

from ansible_collections.toombos.incident.plugins.module_utils._atomic import write_atomic
from ansible_collections.toombos.incident.plugins.module_utils._errors import IncidentError
from ansible_collections.toombos.incident.plugins.module_utils._managers.record import boot_id
from ansible_collections.toombos.incident.plugins.module_utils._process.stat import read_stat
from ansible_collections.toombos.incident.plugins.module_utils._recovery.moments import moment


@dataclass(frozen=True)
class Holder:
    """Who wants a lease. ``pid`` 0: a person, who holds it until it expires."""

    owner: str
    reason: str
    pid: int = 0
    start: int = 0
    boot: str = ""

    @classmethod
    def this_process(cls, owner: str, reason: str) -> Holder:
        """A run: its lease is void when this process has ended."""
        stat = read_stat(os.getpid())
        return cls(owner, reason, os.getpid(), stat.start if stat else 0, boot_id())


@dataclass(frozen=True)
class Lease:
    """One service's lease. Times in seconds since the epoch; ``expires`` 0: released."""

    service: str
    token: int
    holder: Holder
    since: float = 0.0
    expires: float = 0.0

    def holds(self, now: float) -> bool:
        """Whether it still keeps others away."""
        if self.expires <= now:
            return False
        holder = self.holder
        if not holder.pid:
            return True
        stat = read_stat(holder.pid)
        return holder.boot == boot_id() and stat is not None and stat.start == holder.start and not stat.gone

    @property
    def sentence(self) -> str:
        """For whoever is refused."""
        who = f"{self.holder.owner} ({self.holder.reason or 'no reason given'})"
        return (
            f"is held by {who} until {moment(self.expires)}. Wait, ask them, or take it over with "
            "-e takeover=true -e \"reason='why and who'\""
        )


class Leases:
    """All leases of a host, in ``<state_dir>/leases.json``; changed under a lock of the kernel."""

    def __init__(self, state_dir: str, wall: Callable[[], float]) -> None:
        self._path = os.path.join(state_dir, "leases.json")
        self._wall = wall

    def held(self, names: Sequence[str], holder: Holder) -> dict[str, Lease]:
        """The leases on these services that keep the holder away."""
        now, leases = self._wall(), self._read()
        return {
            name: leases[name]
            for name in names
            if name in leases and leases[name].holder != holder and leases[name].holds(now)
        }

    def take(self, names: Sequence[str], holder: Holder, seconds: float, takeover: bool = False) -> dict[str, int]:
        """Lease all of these services, or those that are free; name → token.

        A full disk must not keep a service down: then nothing is leased, and the tokens are those that were there.
        """
        with self._locked():
            now, leases = self._wall(), self._read()
            tokens: dict[str, int] = {}
            for name in names:
                old = leases.get(name)
                if old and not takeover and old.holder != holder and old.holds(now):
                    continue
                tokens[name] = (old.token if old else 0) + 1
                leases[name] = Lease(name, tokens[name], holder, now, now + seconds)
            try:
                self._write(leases)
            except OSError:
                before = self._read()
                return {name: before[name].token if name in before else 0 for name in tokens}
        return tokens

    def overtaken(self, name: str, token: int) -> Lease | None:
        """The lease with a higher token, if there is one."""
        lease = self._read().get(name)
        return lease if lease is not None and lease.token > token else None

    def release(self, tokens: Mapping[str, int]) -> list[str]:
        """Give back what was taken with these tokens; the names that really were. A newer lease stays."""
        with self._locked():
            leases, now = self._read(), self._wall()
            mine = [name for name, token in tokens.items() if name in leases and leases[name].token == token]
            given = [name for name in mine if leases[name].expires > now]
            leases.update({name: replace(leases[name], expires=0.0) for name in given})
            if given:
                with contextlib.suppress(OSError):
                    self._write(leases)
        return given

    def all(self) -> dict[str, Lease]:
        """Everything that is on record."""
        return self._read()

    @contextmanager
    def _locked(self) -> Iterator[None]:
        try:
            os.makedirs(os.path.dirname(self._path), mode=0o700, exist_ok=True)
            flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
            descriptor = os.open(f"{self._path}.lock", flags, 0o600)
        except OSError as error:
            raise IncidentError(
                f"{self._path}.lock cannot be opened: {error.strerror}.", "Run with become: true."
            ) from error
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)

    def _write(self, leases: Mapping[str, Lease]) -> None:
        content = {name: asdict(lease) for name, lease in leases.items()}
        write_atomic(self._path, (json.dumps(content, sort_keys=True) + "\n").encode())

    def _read(self) -> dict[str, Lease]:
        """A damaged file counts as empty: nobody could say any more who holds what."""
        try:
            with open(self._path, "rb") as handle:
                raw: Any = json.load(handle)
            return {str(name): _lease(str(name), entry) for name, entry in raw.items()}
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return {}


def _lease(name: str, raw: Any) -> Lease:
    holder = raw["holder"]
    return Lease(
        service=name,
        token=int(raw["token"]),
        holder=Holder(
            str(holder["owner"]), str(holder["reason"]), int(holder["pid"]), int(holder["start"]), str(holder["boot"])
        ),
        since=float(raw["since"]),
        expires=float(raw["expires"]),
    )
