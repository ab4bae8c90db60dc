# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is refused, what would be done, and what an approval covers."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from access_world import NOBODY, TODAY, WISH, World

from ansible_collections.toombos.incident.plugins.module_utils._access import people, record as r, types as t
from ansible_collections.toombos.incident.plugins.module_utils._access.plan import make_plan, plan_hash
from ansible_collections.toombos.incident.plugins.module_utils._access.wish import read_wish
from ansible_collections.toombos.incident.plugins.module_utils._errors import IncidentError

LOCAL = replace(NOBODY, names=frozenset({"root"}), uid=0, address="")
TYPED: dict[str, Any] = {
    "lock_users": [], "sessions": "none", "services": False, "steps": [], "grace": "3s", "step_timeout": "60s",
}  # fmt: skip


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def refusals(world: World, *users: str, responder: t.Responder = NOBODY, **more: Any) -> list[t.Refusal]:
    wish = replace(WISH, lock_users=users)
    observed = replace(world.observed(responder), **more)
    return list(make_plan(wish, observed, None, TODAY).refusals)


@pytest.mark.parametrize("user", ["root", "deploy"])
def test_the_account_of_this_connection_is_never_locked(world: World, user: str) -> None:
    [refusal] = refusals(world, user, responder=replace(NOBODY, names=frozenset({user})))
    assert refusal.firm
    assert f"{user} is the account with which this connection has logged in" in refusal.message


def test_root_may_be_locked_when_responders_come_in_as_somebody_else(world: World) -> None:
    assert refusals(world, "root") == []


@pytest.mark.parametrize(
    ("user", "missing", "words"),
    [
        ("mallory", {}, "There is no account 'mallory' on this host. Correct lock_users"),
        ("mallory", {"mallory": "it is one of a directory (LDAP, AD, NIS)"}, "Lock it there"),
        ("nis", {}, "There is no account 'nis'"),
        ("short", {}, "short cannot be locked: its entry in /etc/shadow is malformed"),
        ("unshadowed", {}, "unshadowed cannot be locked: it has no entry in /etc/shadow"),
    ],
)
def test_what_is_no_local_account_is_refused_with_the_way_out(
    world: World, user: str, missing: dict[str, str], words: str
) -> None:
    [refusal] = refusals(world, user, missing=missing)
    assert refusal.firm
    assert words in refusal.message


def test_the_last_account_that_can_become_root_is_kept_unless_it_is_forced(world: World) -> None:
    on_the_console = replace(LOCAL, names=frozenset({"daemon"}))
    assert refusals(world, "deploy", responder=on_the_console) == []  # root has a password
    [refusal] = refusals(world, "deploy", "root", responder=on_the_console)
    assert not refusal.firm
    assert "Without root, deploy nobody would be left" in refusal.message
    assert refusals(world, "deploy", "root") == []  # the responder came over ssh, and is root


@pytest.mark.parametrize(
    ("sudoers", "elevated"),
    [
        ("eve ALL=(ALL) ALL\n", {"root", "deploy", "key", "eve"}),
        ("%wheel ALL=(ALL:ALL) NOPASSWD: ALL\n", {"root", "deploy", "key"}),
        ("# eve ALL=(ALL) ALL\nDefaults env_reset\n", {"root", "deploy", "key"}),
    ],
)
def test_who_can_become_root_is_read_from_groups_and_sudo(world: World, sudoers: str, elevated: set[str]) -> None:
    (world.etc / "sudoers").write_text(sudoers)
    accounts = people.read_accounts(world.shadow, str(world.etc))
    assert {name for name, account in accounts.items() if account.elevated} == elevated


def test_an_account_with_a_key_and_no_password_can_log_in(world: World) -> None:
    def logs_in() -> set[str]:
        accounts = people.read_accounts(world.shadow, str(world.etc), str(world.etc))
        return {name for name, account in accounts.items() if account.logs_in}

    assert logs_in() == {"root", "deploy", "eve"}
    keys = world.etc / "home/key/.ssh/authorized_keys"
    keys.parent.mkdir(parents=True)
    keys.write_text("ssh-ed25519 AAAA\n")
    assert logs_in() == {"root", "deploy", "eve", "key"}


def test_a_step_of_the_same_name_with_other_commands_is_refused(world: World) -> None:
    known = replace(World.new(), steps=(r.Taken("key", ("a",), ("b",), r.DONE),))
    wish = replace(WISH, steps=(t.Step("key", ("a",), ("c",)),))
    [refusal] = make_plan(wish, world.observed(), known, TODAY).refusals
    assert "run with other commands already" in refusal.message
    undone = replace(known, steps=(replace(known.steps[0], state=r.UNDONE),))
    assert make_plan(wish, world.observed(), undone, TODAY).refusals == ()


def test_without_a_wish_there_is_nothing_to_do(world: World) -> None:
    assert make_plan(WISH, world.observed(), None, TODAY).empty


@pytest.mark.parametrize(
    "change",
    [
        {"lock_users": ("deploy", "eve")},
        {"others": True},
        {"services": True},
        {"steps": (t.Step("a", ("b",), ()),)},
        {"steps": (t.Step("a", ("b",), ("c",)),)},
    ],
)
def test_what_was_approved_is_exactly_what_is_taken_away(change: dict[str, Any]) -> None:
    wish = replace(WISH, lock_users=("deploy",))
    assert plan_hash(replace(wish, **change)) != plan_hash(wish)
    assert plan_hash(replace(wish, grace=9.0)) == plan_hash(wish)


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ({"lock_users": ["a\nroot:x"]}, r"'a\\nroot:x' is no name"),
        ({"lock_users": ["+nis"]}, "'+nis' is no name"),
        ({"lock_users": ["a:b", ""]}, "'a:b' is no name of an account; '' is no name"),
        ({"lock_users": ["a b"]}, "'a b' is no name"),
        ({"steps": [{"run": ["a"]}]}, "step 1 has no name"),
        ({"steps": [{"name": "a", "run": "rm -rf x"}]}, "step 1 ('a'): run must be a list of words"),
        ({"steps": [{"name": "a", "run": []}]}, "run must be a list of words"),
        ({"steps": [{"name": "a", "run": ["a", 1]}]}, "run must be a list of words"),
        ({"steps": [{"name": "a", "run": ["a"], "undo": "b"}]}, "undo must be a list of words"),
        ({"steps": [{"name": "a", "run": ["a"], "shell": "b"}]}, "has shell, and only name, run and undo are known"),
        ({"steps": [{"name": "a", "run": ["a"]}, {"name": "a", "run": ["b"]}]}, "has the name of another one"),
        ({"steps": [{"name": "a", "run": ["", "b"]}]}, "run names no program"),
        ({"grace": "1h"}, "grace is 1h"),
        ({"step_timeout": "0"}, "step_timeout is 0"),
    ],
)
def test_what_cannot_be_read_is_refused_before_anything_is_done(typed: dict[str, Any], words: str) -> None:
    with pytest.raises(IncidentError) as caught:
        read_wish({**TYPED, **typed})
    assert words.replace("\\\\", "\\") in str(caught.value)
    assert "Nothing was changed" in str(caught.value)
