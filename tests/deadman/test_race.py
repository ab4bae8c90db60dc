# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A call-off and the deadline in the same instant: exactly one of them wins, two hundred times."""

from __future__ import annotations

import os
import random
import time
from pathlib import Path

from ansible_collections.toombos.incident.plugins.module_utils._deadman import deadline, keeper, types as t
from ansible_collections.toombos.incident.plugins.module_utils._deadman.boot import boottime, this_boot
from ansible_collections.toombos.incident.plugins.module_utils._deadman.slot import Slot

RACES = 200
APART = 0.004  # seconds between the two, at most


def keep(slot: Slot, record: t.Record, path: Path) -> int:
    """A keeper without its start: a forked child that looks every half millisecond; its pid."""
    child = os.fork()
    if child:
        return child
    try:
        keeper._TICK = 0.0005
        keeper._keep(slot, record, lambda: path.write_text("acted"), "")
    finally:
        os._exit(0)


def test_exactly_one_wins(tmp_path: Path) -> None:
    directory = tmp_path / "deadlines"
    directory.mkdir(mode=0o700)
    won = {True: 0, False: 0}
    chance = random.Random(5)
    for number in range(RACES):
        token = f"{number:032x}"
        digest = deadline._digest(token)
        slot, path = Slot(str(directory / digest[:16])), tmp_path / f"acted-{number}"
        order = t.Order("race", "x:y", {}, 0.05)
        slot.create("", {})
        record = t.Record(order, digest, this_boot(), time.time(), "", "pair")
        slot.write(record)
        until = boottime() + 0.03
        slot.move(t.ARMING, t.ARMED, until=until)
        child = keep(slot, record, path)
        time.sleep(max(0.0, until + chance.uniform(-APART, APART / 4) - boottime()))
        in_time = deadline.call_off(str(directory), token)
        os.waitpid(child, 0)
        assert path.exists() is not in_time, number
        assert slot.state()[0] == (t.CALLED_OFF if in_time else t.FIRED), number
        won[in_time] += 1
    print(won)
    assert min(won.values()) > RACES // 20, "each of them has to win now and then, or it was no race"


def test_an_extension_in_the_same_instant_is_kept_or_refused(tmp_path: Path) -> None:
    directory = tmp_path / "deadlines"
    directory.mkdir(mode=0o700)
    chance = random.Random(7)
    for number in range(RACES // 2):
        token = f"{number:032x}"
        digest = deadline._digest(token)
        slot, path = Slot(str(directory / digest[:16])), tmp_path / f"acted-{number}"
        slot.create("", {})
        record = t.Record(t.Order("race", "x:y", {}, 0.05), digest, this_boot(), time.time(), "", "pair")
        slot.write(record)
        until = boottime() + 0.03
        slot.move(t.ARMING, t.ARMED, until=until)
        child = keep(slot, record, path)
        time.sleep(max(0.0, until + chance.uniform(-APART, APART / 4) - boottime()))
        extended = deadline.extend(str(directory), token, 60.0)
        if extended:
            time.sleep(0.01)
            assert not path.exists(), number
            assert deadline.call_off(str(directory), token), number
        os.waitpid(child, 0)
        assert path.exists() is not extended, number
