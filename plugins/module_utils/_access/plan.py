# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What would be taken away, and what speaks against it. Pure."""

from __future__ import annotations

import hashlib
import json
from typing import Collection, Iterator

from ansible_collections.toombos.incident.plugins.module_utils._access import record as r, shadow
from ansible_collections.toombos.incident.plugins.module_utils._access.logins import Asked, choose
from ansible_collections.toombos.incident.plugins.module_utils._access.types import (
    Account,
    Lock,
    Observed,
    Plan,
    Refusal,
    Step,
    Wish,
)


def make_plan(wish: Wish, observed: Observed, known: r.Record | None, today: int) -> Plan:
    """``known``: what is taken away already. ``today``: days since 1970."""
    locks = tuple(_locks(wish, observed, today))
    return Plan(
        wish=wish,
        locks=locks,
        locked=tuple(_locked_already(wish, observed, {lock.user for lock in locks})),
        choice=choose(observed.processes, observed.responder, asked(wish, observed)),
        steps=tuple(step for step in wish.steps if not _is_done(step, known)),
        refusals=tuple(_refusals(wish, observed, known)),
    )


def asked(wish: Wish, observed: Observed) -> Asked:
    """What the wish means for processes."""
    accounts = observed.accounts
    return Asked(
        locked={accounts[user].uid: user for user in wish.lock_users if user in accounts},
        others=wish.others,
        services=wish.services,
        names={account.uid: account.name for account in reversed(list(accounts.values()))},
    )


def plan_hash(wish: Wish) -> str:
    """Names what is to be taken away, so that exactly that can be approved: 16 hex digits."""
    return hashlib.sha256(json.dumps(wish.to_dict(), sort_keys=True).encode()).hexdigest()[:16]


def _locks(wish: Wish, observed: Observed, today: int) -> Iterator[Lock]:
    for user in wish.lock_users:
        account = observed.accounts.get(user)
        if account is not None and account.fields is not None:
            after = shadow.locked(account.fields, today)
            if after != account.fields:
                yield Lock(user, account.fields, after)


def _locked_already(wish: Wish, observed: Observed, to_lock: Collection[str]) -> Iterator[str]:
    for user in wish.lock_users:
        account = observed.accounts.get(user)
        if account is not None and account.fields is not None and user not in to_lock:
            yield user


def _is_done(step: Step, known: r.Record | None) -> bool:
    return known is not None and any(taken.step == step and taken.state == r.DONE for taken in known.steps)


def _refusals(wish: Wish, observed: Observed, known: r.Record | None) -> Iterator[Refusal]:
    for user in wish.lock_users:
        account = observed.accounts.get(user)
        if account is None:
            yield Refusal(_no_such(user, observed.missing.get(user, "")), firm=True)
        elif user in observed.responder.names:
            yield Refusal(
                f"{user} is the account with which this connection has logged in. Come in as somebody else to lock it, "
                "or leave it out of lock_users.",
                firm=True,
            )
        elif account.fields is None:
            yield Refusal(f"{user} cannot be locked: {account.problem}.", firm=True)
    last = _last_way_to_root(wish, observed)
    if last:
        yield Refusal(last, firm=False)
    for taken in known.steps if known is not None else ():
        if taken.state != r.UNDONE and any(s.name == taken.name and s != taken.step for s in wish.steps):
            yield Refusal(
                f"The step {taken.name!r} was run with other commands already. Restore those, or give it another name.",
                firm=True,
            )


def _no_such(user: str, known: str) -> str:
    if known:
        return f"{user} is no account of this host: {known}. Lock it there, and leave it out of lock_users."
    return f"There is no account {user!r} on this host. Correct lock_users; an account of a directory is locked there."


def _last_way_to_root(wish: Wish, observed: Observed) -> str:
    """In words, when nobody who can become root could log in afterwards; the responder over ssh is one who can."""
    ways = [account for account in observed.accounts.values() if account.logs_in and account.elevated]
    taken = [account.name for account in ways if account.name in wish.lock_users]
    if not taken or observed.responder.address or any(_stays(account, wish) for account in ways):
        return ""
    return f"Without {', '.join(taken)} nobody would be left on this host who can log in and become root."


def _stays(account: Account, wish: Wish) -> bool:
    return account.name not in wish.lock_users
