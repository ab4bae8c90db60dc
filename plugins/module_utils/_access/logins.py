# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which processes belong to a login, whose it is, and which of them are ended. Pure.

What is ended in error cannot be brought back. So a process must be tied to a login by something that it cannot do away
with and that a service does not have: the sshd above it, the scope that logind gave it, its terminal.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Callable, Collection, Mapping

from ansible_collections.toombos.incident.plugins.module_utils._access.processes import SSHD
from ansible_collections.toombos.incident.plugins.module_utils._access.types import Choice, Ending, Responder, Seen
from ansible_collections.toombos.incident.plugins.module_utils._indicators.texts import line

_SESSION_SCOPE = re.compile(r"/(session-[\w.-]+\.scope)(?:/|\Z)")
_USER_SLICE = re.compile(r"/user\.slice/")
_SYSTEM_UNIT = re.compile(r"/system\.slice/(?:[^/]+\.slice/)*([^/]+\.(?:service|scope))(?:/|\Z)")
_TITLE = re.compile(r"sshd(?:-session)?: (?P<user>.+?)(?: \[priv\]|@[\w/,]+)\s*\Z")
_BEFORE_LOGIN = ("[net]", "[accepted]", "[preauth]")


@dataclass(frozen=True)
class Asked:
    """``locked``: uid → name of accounts that are locked; ``others``, ``services``: as in the wish.

    ``names``: uid → name, for people.
    """

    locked: Mapping[int, str]
    others: bool
    services: bool
    names: Mapping[int, str]


@dataclass(frozen=True)
class _Session:
    root: Seen
    members: tuple[Seen, ...]
    user: str


def choose(
    seen: Mapping[int, Seen],
    responder: Responder,
    asked: Asked,
    begun: Collection[tuple[int, int]] = (),
) -> Choice:
    """What is ended now. Whatever leads to us, the responder's other connections, and every listener stay.

    ``begun``: pid and start time of what is being ended already, whose trees are no longer below a session.
    """
    if not asked.others:
        return Choice(())
    host = _Host(seen, asked.names)
    kept, notes = _kept(host, responder)
    why: dict[int, tuple[str, str]] = {}
    for session in host.sessions:
        if session.root.pid not in kept and not host.logs_in_yet(session):
            _take(host, session, kept, why)
    for process in [each for each in seen.values() if _was_begun(host, each, begun)]:
        for member in host.tree(process):
            if _unit(member) in ("", _unit(process)):
                why.setdefault(member.pid, ("left of a session", ""))
    for process in seen.values():
        scope = session_scope(process)
        if scope and process.pid not in why and not _unit(process):
            why[process.pid] = (f"in {scope}", host.origins.get(scope, ""))
    spared = _of_locked(host, asked, why)
    ended = [host.seen[pid] for pid in sorted(why) if pid not in kept and _may_end(host.seen[pid])]
    notes += [note for pid, note in spared if pid not in kept and _may_end(host.seen[pid])]
    notes += _listening(host, sorted(host.listeners.intersection(why) - responder.chain))
    endings = tuple(host.ending(process, *why[process.pid]) for process in ended)
    return Choice(endings, tuple(dict.fromkeys(notes)))


def session_scope(process: Seen) -> str:
    """The scope of logind that it is in; empty when it is in none."""
    found = _SESSION_SCOPE.search(process.cgroup)
    return found[1] if found else ""


def is_listener(process: Seen, seen: Mapping[int, Seen]) -> bool:
    """Whether it is the sshd that waits for connections, and not one that serves one."""
    if process.program not in ("sshd", "dropbear") or 0 not in process.uids:
        return False
    above = seen.get(process.ppid)
    if above is not None and above.program in SSHD:
        return False
    return not process.title.startswith("sshd: ") or "[listener]" in process.title


class _Host:
    """The table with what is asked of it more than once."""

    def __init__(self, seen: Mapping[int, Seen], names: Mapping[int, str]) -> None:
        self.seen, self.names = seen, names
        self._children: dict[int, list[Seen]] = {}
        for process in seen.values():
            self._children.setdefault(process.ppid, []).append(process)
        self.listeners = frozenset(pid for pid, process in seen.items() if is_listener(process, seen))
        roots = [process for pid, process in sorted(seen.items()) if self._is_root(process)]
        self.sessions = [self._session(root) for root in roots]
        self.origins = {
            session_scope(member): session.root.peer for session in self.sessions for member in session.members
        }

    def tree(self, root: Seen) -> tuple[Seen, ...]:
        """It and all below it."""
        found, waiting, known = [], [root], {root.pid}
        while waiting:
            process = waiting.pop(0)
            found.append(process)
            below = [child for child in self._children.get(process.pid, ()) if child.pid not in known]
            known.update(child.pid for child in below)
            waiting.extend(below)
        return tuple(found)

    def logs_in_yet(self, session: _Session) -> bool:
        """Whether nobody has logged in over this connection so far."""
        return any(
            member.program == "sshd-auth" or (member.program in SSHD and any(w in member.title for w in _BEFORE_LOGIN))
            for member in session.members
        )

    def ending(self, process: Seen, why: str, origin: str) -> Ending:
        """As people see it."""
        return Ending(
            pid=process.pid,
            start=process.start,
            user=self.name(process),
            terminal=process.terminal,
            origin=origin,
            command=line(process.title or process.program),
            why=why,
        )

    def name(self, process: Seen) -> str:
        """Of its effective user."""
        uid = process.uids[1]
        return self.names.get(uid, str(uid))

    def _is_root(self, process: Seen) -> bool:
        if process.foreign or process.pid in self.listeners:
            return False
        if process.program == "login":
            return 0 in process.uids
        if process.program not in SSHD:
            return False
        above = self.seen.get(process.ppid)
        if above is None or above.program not in SSHD:
            return 0 in process.uids
        return above.pid in self.listeners

    def _session(self, root: Seen) -> _Session:
        members = self.tree(root)
        told = (_TITLE.match(member.title) for member in members if member.program in SSHD)
        user = next((found["user"] for found in told if found), "")
        shells = [member for member in members if member.program not in SSHD and member.program != "login"]
        return _Session(root, members, user or (self.name(shells[0]) if shells else "nobody yet"))


def _kept(host: _Host, responder: Responder) -> tuple[set[int], list[str]]:
    """Pids that stay whatever else is true of them, and what of them should be known."""
    kept = {1, *responder.chain, *host.listeners}
    notes, mine = [], [host.seen[pid] for pid in responder.chain if pid in host.seen and pid not in host.listeners]
    for session in host.sessions:
        if session.root.pid in responder.chain:
            mine += session.members
        elif _same_person(session, responder):
            mine += session.members
            notes.append(
                f"the session of {session.user} from {session.root.peer} (pid {session.root.pid}) is the responder's "
                "too, as far as can be told, and stays"
            )
    scopes = {session_scope(process) for process in mine} - {""}
    audits = {process.audit for process in mine if process.pid != 1} - {None}
    kept |= {process.pid for process in mine}
    kept |= {pid for pid, p in host.seen.items() if session_scope(p) in scopes or p.audit in audits}
    return kept, notes


def _same_person(session: _Session, responder: Responder) -> bool:
    return bool(responder.address) and session.root.peer == responder.address and session.user in responder.names


def _take(host: _Host, session: _Session, kept: set[int], why: dict[int, tuple[str, str]]) -> None:
    """The tree of a session, and what has left the tree but not its sessions of the kernel."""
    own = _unit(session.root)
    inside = [member for member in session.members if _unit(member) in ("", own)]
    words = (f"session of {line(session.user)}", session.root.peer)
    sids = {member.sid for member in inside if member.program not in SSHD and member.pid not in kept}
    sids &= {member.pid for member in inside}  # that its leader still belongs to
    for process in (*inside, *(process for process in host.seen.values() if process.sid in sids)):
        why.setdefault(process.pid, words)


def _of_locked(host: _Host, asked: Asked, why: dict[int, tuple[str, str]]) -> list[tuple[int, str]]:
    """Add what runs as a locked user; what of it stays, as pid and words. Of root only sessions count."""
    spared = []
    # Who logged in with a session that is ended: what was left behind by it is worth a look.
    audits = {host.seen[pid].audit for pid in why} - {None}
    for pid, process in host.seen.items():
        if pid in why:
            continue
        uid = next((uid for uid in process.uids if uid in asked.locked and uid != 0), None)
        if uid is not None and (asked.services or _is_login(process, asked.locked)):
            why[pid] = (f"process of {asked.locked[uid]}", "")
        elif uid is not None:
            unit = _unit(process) or f"pid {pid} ({line(process.title or process.program)})"
            spared.append((pid, f"{unit} runs as {asked.locked[uid]}, is taken for a service, and stays"))
        elif process.audit in audits:
            words = f"pid {pid} ({host.name(process)}, {line(process.title or process.program)})"
            spared.append((pid, f"{words} was started from a session that is ended, and stays: look at it"))
    return spared


def _was_begun(host: _Host, process: Seen, begun: Collection[tuple[int, int]]) -> bool:
    """Whether it is one of these, or in the session of one: that number is not given away while it has members."""
    if (process.pid, process.start) in begun:
        return True
    if _unit(process) not in {"", *(_unit(host.seen[pid]) for pid in host.listeners)}:
        return False
    leader = host.seen.get(process.sid)
    if leader is not None:
        return (leader.pid, leader.start) in begun
    return any(pid == process.sid for pid, _start in begun)


def _listening(host: _Host, pids: Collection[int]) -> list[str]:
    """It may be the way in for everybody, or an intruder's own: people can tell."""
    told = [f"pid {pid} ({line(host.seen[pid].title)})" for pid in pids]
    return [f"{which} waits for connections, was started from a session, and stays: look at it" for which in told]


def _is_login(process: Seen, locked: Mapping[int, str]) -> bool:
    """Whether a login has led to it, so that it is no service."""
    if process.login in locked or _USER_SLICE.search(process.cgroup):
        return True
    return bool(process.terminal) and not _unit(process)


def _unit(process: Seen) -> str:
    found = _SYSTEM_UNIT.search(process.cgroup)
    return found[1] if found else ""


def _may_end(process: Seen) -> bool:
    return process.pid > 1 and not process.kernel and not process.foreign


# What is being ended already → what is to be ended now.
Look = Callable[[Collection["tuple[int, int]"]], Choice]
