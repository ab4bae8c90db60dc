# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is odd about accounts, keys and logins. Pure."""

from __future__ import annotations

from typing import Any, Mapping

from ansible_collections.toombos.incident.plugins.module_utils._indicators.types import (
    CRITICAL,
    HIGH,
    LOW,
    MEDIUM,
    Item,
    Oddity,
)

_MANY = 20  # failures from one place
_SYSTEM = 1000  # accounts of programs have smaller numbers


def odd_account(item: Item) -> Oddity | None:
    """What needs no baseline."""
    facts = item.facts
    if facts.get("malformed"):
        return Oddity(MEDIUM, "A line of /etc/passwd that is no account")
    if "uid" not in facts:
        return None
    if facts["uid"] == 0 and facts["user"] != "root":
        return Oddity(CRITICAL, f"{facts['user']} is root under another name", f"uid 0, shell {facts['shell']}")
    if facts["open"] and facts["logs_in"]:
        return Oddity(HIGH, f"{facts['user']} needs no password", f"shell {facts['shell']}")
    return None


def new_account(item: Item) -> Oddity:
    """One that the baseline does not have."""
    facts = item.facts
    if "group" in facts:
        return Oddity(HIGH, f"{facts['user']} is new in the group {facts['group']}", "its members can become root")
    if facts.get("malformed"):
        return Oddity(MEDIUM, "A new line of /etc/passwd that is no account")
    detail = f"uid {facts['uid']}, shell {facts['shell']}, home {facts['home']}"
    return Oddity(HIGH if facts["logs_in"] else MEDIUM, f"The account {facts['user']} is new", detail)


def changed_account(item: Item, _before: str) -> Oddity:
    """Another number, shell or home."""
    facts = item.facts
    detail = f"now uid {facts['uid']}, shell {facts['shell']}, home {facts['home']}"
    return Oddity(HIGH, f"The account {facts['user']} was changed", detail)


def odd_key(item: Item) -> Oddity | None:
    """What needs no baseline."""
    facts = item.facts
    if "odd" in facts:
        return Oddity(MEDIUM, f"The keys of {facts['user']} cannot be read", str(facts["odd"]))
    if facts["writable"]:
        return Oddity(MEDIUM, f"Others may write the keys of {facts['user']}", _of_key(facts))
    if not facts["logs_in"]:
        return Oddity(MEDIUM, f"{facts['user']}, which may not log in, has a key", _of_key(facts))
    if 0 < facts["uid"] < _SYSTEM:
        return Oddity(MEDIUM, f"{facts['user']}, an account of the system, has a key", _of_key(facts))
    return None


def new_key(item: Item) -> Oddity:
    """One that the baseline does not have."""
    facts = item.facts
    if "odd" in facts:
        return Oddity(MEDIUM, f"The keys of {facts['user']} are new and cannot be read", str(facts["odd"]))
    severity = CRITICAL if facts["uid"] == 0 else HIGH
    return Oddity(severity, f"A key of {facts['user']} is new", _of_key(facts))


def changed_key(item: Item, _before: str) -> Oddity:
    """Other options or another comment."""
    facts = item.facts
    return Oddity(MEDIUM, f"Options or comment of a key of {facts['user']} were changed", _of_key(facts))


def odd_login(item: Item) -> Oddity | None:
    """What needs no baseline."""
    facts = item.facts
    if "tampered" in facts:
        return Oddity(HIGH, f"{facts['path']} {facts['tampered']}", "as tools leave it that hide logins")
    if "user" not in facts:
        return _guesses(facts)
    who = f"{facts['user']} from {facts['origin']}"
    if facts["failed"] >= _MANY and facts["origin"] != "this host":
        detail = f"{facts['failed']} failures from there, and {facts['count']} logins"
        return Oddity(CRITICAL, f"{who} has logged in where many have failed", detail)
    if facts["unknown"]:
        return Oddity(HIGH, f"{who} has logged in and is no account of this host")
    return None


def new_login(item: Item) -> Oddity | None:
    """A user from a place from which it has never come."""
    facts = item.facts
    if "user" not in facts:
        return None
    severity = HIGH if facts["user"] == "root" and facts["origin"] != "this host" else MEDIUM
    detail = f"{facts['count']} times" + (f", is there now on {facts['terminal']}" if facts["now"] else "")
    return Oddity(severity, f"{facts['user']} from {facts['origin']} is new", detail)


def _guesses(facts: Mapping[str, Any]) -> Oddity | None:
    if facts["failed"] < _MANY:
        return None
    return Oddity(LOW, f"Many logins from {facts['origin']} have failed", f"{facts['failed']} of them")


def _of_key(facts: Mapping[str, Any]) -> str:
    told = (facts["kind"], facts["fingerprint"], facts["comment"] and f"({facts['comment']})")
    options = f"with {facts['options']}" if facts["options"] else ""
    return " ".join(filter(None, (*told, options, f"in {facts['path']}")))
