# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The words of taking access away: what is wished, what is there, what would be done."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Mapping


@dataclass(frozen=True)
class Step:
    """A command of the site and the one that takes it back; ``undo`` is empty where there is none."""

    name: str
    run: tuple[str, ...]
    undo: tuple[str, ...]


@dataclass(frozen=True)
class Wish:
    """What is to be taken away. ``others``: the sessions of everybody but the responder.

    ``services``: end services that run as a locked user as well. ``grace`` and ``step_timeout`` in seconds.
    """

    lock_users: tuple[str, ...]
    others: bool
    services: bool
    steps: tuple[Step, ...]
    grace: float
    step_timeout: float

    def to_dict(self) -> dict[str, Any]:
        """What an approval covers. Not the processes: who is logged in changes with every look."""
        return {
            "lock_users": sorted(self.lock_users),
            "sessions": self.others,
            "services": self.services,
            "steps": [[step.name, list(step.run), list(step.undo)] for step in self.steps],
        }


@dataclass(frozen=True)
class Fields:
    """Of an entry of /etc/shadow: the password field and the day of expiry, as they are written there."""

    password: bytes
    expire: bytes


@dataclass(frozen=True)
class Account:
    """A local account. ``logs_in``: a password or a key, a shell, and not expired. ``elevated``: can become root.

    ``fields`` is None, and ``problem`` says why, where its entry of /etc/shadow cannot be changed.
    """

    name: str
    uid: int
    logs_in: bool = False
    elevated: bool = False
    fields: Fields | None = None
    problem: str = ""


@dataclass(frozen=True)
class Seen:
    """A process. ``start``: clock ticks since boot. ``uids``: real, effective and saved. ``program``: name of its file.

    ``login`` and ``audit``: loginuid and sessionid; None where no login led to it. ``terminal``: empty without one.
    ``peer``: the address of the client; known of sshd's alone. ``foreign``: it lives in a container.
    """

    pid: int
    ppid: int
    start: int
    uids: tuple[int, ...]
    title: str
    program: str
    sid: int = 0
    login: int | None = None
    audit: int | None = None
    cgroup: str = ""
    terminal: str = ""
    peer: str = ""
    kernel: bool = False
    foreign: bool = False


@dataclass(frozen=True)
class Responder:
    """Whoever runs this. ``chain``: our own pid and those above it. ``names``: the accounts that are theirs.

    ``address``: where the connection comes from; empty where it is no ssh.
    """

    chain: frozenset[int]
    names: frozenset[str]
    uid: int
    address: str


@dataclass(frozen=True)
class Ending:
    """A process to end."""

    pid: int
    start: int
    user: str
    terminal: str
    origin: str
    command: str
    why: str

    @property
    def words(self) -> str:
        """One line for people."""
        where = " ".join(filter(None, [self.terminal, f"from {self.origin}" if self.origin else ""]))
        return f"{self.pid} {self.user}{f' {where}' if where else ''} ({self.why}): {self.command}"


@dataclass(frozen=True)
class Choice:
    """Which processes are ended, and what should be known of those that are not."""

    endings: tuple[Ending, ...]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Observed:
    """The host now. ``missing``: names without a local account → what is known of them."""

    accounts: Mapping[str, Account]
    responder: Responder
    processes: Mapping[int, Seen]
    missing: Mapping[str, str]


@dataclass(frozen=True)
class Lock:
    """An account to lock: from these fields to those."""

    user: str
    before: Fields
    after: Fields


@dataclass(frozen=True)
class Refusal:
    """Why not. ``firm``: in spite of force as well."""

    message: str
    firm: bool


@dataclass(frozen=True)
class Plan:
    """What would be done, in this order: locks, sessions, steps."""

    wish: Wish
    locks: tuple[Lock, ...]
    locked: tuple[str, ...]
    choice: Choice
    steps: tuple[Step, ...]
    refusals: tuple[Refusal, ...]

    @property
    def empty(self) -> bool:
        """Whether everything is as it is wished."""
        return not (self.locks or self.choice.endings or self.steps)
