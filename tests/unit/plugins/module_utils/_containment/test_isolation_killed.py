# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An isolation that is killed between any two of its steps is confirmed, or it ends by itself."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from isolation_world import NEW, Killed, World

from ansible_collections.toombos.incident.plugins.module_utils._deadman import types as d

A, B = "192.0.2.0/24", "198.51.100.0/24"


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def first(world: World) -> None:
    world.isolate(A)


def whole(world: World) -> None:
    token = world.isolate(A).token
    if token:  # else it is confirmed already
        world.engine().confirm(token, NEW)


def other(world: World) -> None:
    world.engine().confirm(world.isolate(B).token, NEW)


def another_filter(world: World) -> None:
    world.isolate(B, backend="iptables")


def released(world: World) -> None:
    world.release()


def late(world: World) -> None:
    world.isolate(B)
    world.deadlines.come()


def broken(world: World) -> None:
    world.nft.takes = False
    world.isolate(B)


def rebooted(world: World) -> None:
    world.reboot()
    world.engine().settle()
    world.looks()


def left_alone(world: World) -> None:
    world.deadlines.come()
    world.engine().settle()
    world.looks()


def called(world: World) -> None:
    world.engine().settle()
    world.check()
    left_alone(world)


def killed(world: World, scene: Callable[[World], None], number: int) -> bool:
    """Whether it was, before its effect with that number."""
    world.effect.kill_at = len(world.effect.done) + number
    try:
        scene(world)
    except Killed:
        return True
    finally:
        world.effect.kill_at = -1
        world.nft.takes = True
    return False


@pytest.mark.parametrize("before", ["nothing", "waiting", "confirmed"])
@pytest.mark.parametrize("scene", [first, whole, other, another_filter, released, late, broken])
@pytest.mark.parametrize("then", [left_alone, called, rebooted, released])
def test_killed_anywhere_it_is_confirmed_or_ends_by_itself(
    tmp_path: Path, before: str, scene: Callable[[World], None], then: Callable[[World], None]
) -> None:
    for number in range(100):
        world = World(tmp_path / str(number))
        if before == "confirmed":
            world.confirmed(A)
        if before == "waiting":
            world.isolate(A)
        ended = not killed(world, scene, number)
        world.check()
        then(world)
        rest = world.at_rest()
        if then is released or (before != "confirmed" and scene not in (whole, other)):
            assert rest == "released"
        if ended:
            return
    raise AssertionError("it never came to its end")


def test_the_whole_way_has_its_places_to_be_killed_at(world: World) -> None:
    """Nothing changes the host that the test above does not know of."""
    world.confirmed(A)
    world.release()
    assert world.effect.done == [
        *("arm", "write", "isolate nftables", "write"),
        *("keep", "call_off", "write"),
        *("forget", "release nftables", "remove"),
    ]


def test_what_is_in_force_again_is_kept_again(world: World) -> None:
    """A confirmation replaces what keeps an isolation; ended in the middle, nothing would."""
    world.confirmed(A)
    token = world.isolate(B).token
    world.effect.kill_at = len(world.effect.done)
    world.watch.there = False
    with pytest.raises(Killed):
        world.engine().confirm(token, NEW)
    world.effect.kill_at = -1
    world.deadlines.come()
    assert world.at_rest() == f"confirmed {A}"


def test_a_confirmation_that_was_ended_is_finished_by_the_next_call(world: World) -> None:
    token = world.isolate(A).token
    assert killed(world, lambda one: one.engine().confirm(token, NEW), 2)
    assert world.deadlines.known[token].state == d.CALLED_OFF
    record = world.records.read()
    assert record is not None
    assert not record.confirmed
    assert world.engine().settle() == "the confirmation of the isolation was finished"
    assert world.at_rest() == f"confirmed {A}"
