# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Work in a process of its own."""

from __future__ import annotations

import json
import os
import time
from typing import Any

import pytest

from ansible_collections.toombos.incident.plugins.module_utils._apart import Tell, apart
from ansible_collections.toombos.incident.plugins.module_utils._clock import Clock


def heard(work: Any) -> list[Any]:
    with apart(work, Clock()) as reading, open(reading, "rb", closefd=False) as pipe:
        return [json.loads(line) for line in pipe]


def test_what_it_tells_arrives_whole() -> None:
    long = "x" * 200_000  # more than a pipe holds

    def work(tell: Tell) -> None:
        tell({"pid": os.getpid()})
        tell({"text": long})

    first, second = heard(work)
    assert first["pid"] != os.getpid()
    assert second == {"text": long}


@pytest.mark.parametrize("error", [ValueError("no"), SystemExit(3), KeyboardInterrupt("no"), MemoryError("no")])
def test_what_breaks_it_off_is_told_and_stays_there(error: BaseException) -> None:
    def work(_tell: Tell) -> None:
        raise error

    (said,) = heard(work)
    assert said["problem"].startswith(type(error).__name__)


def test_it_is_killed_whatever_it_waits_for(capfd: pytest.CaptureFixture[str]) -> None:
    def work(tell: Tell) -> None:
        tell({"pid": os.getpid()})
        os.write(1, b"nobody may see this")
        time.sleep(60)

    began = time.monotonic()
    with apart(work, Clock()) as reading:
        child = json.loads(os.read(reading, 100))["pid"]
    assert time.monotonic() - began < 30
    with pytest.raises(ProcessLookupError):
        os.kill(child, 0)
    assert capfd.readouterr().out == ""
