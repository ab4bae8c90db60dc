# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One look at the process table answers many questions."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.toombos.incident.plugins.module_utils._clock import Clock
from ansible_collections.toombos.incident.plugins.module_utils._probe import context
from ansible_collections.toombos.incident.plugins.module_utils._process.types import ProcessTable


class Hands(Clock):
    """A clock that moves when it is told to."""

    now = 100.0

    def monotonic(self) -> float:
        return self.now


def test_the_table_is_read_again_when_it_is_old(monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[str] = []

    def read_table(proc: str) -> Any:
        read.append(proc)
        return ProcessTable({})

    monkeypatch.setattr(context, "read_table", read_table)
    clock = Hands()
    looked = context.Context(clock, proc="/elsewhere")
    first = looked.table(clock.now + 30)
    assert looked.table(clock.now + 30) is first
    clock.now += 1.0
    assert looked.table(clock.now + 30) is not first
    assert read == ["/elsewhere", "/elsewhere"]
