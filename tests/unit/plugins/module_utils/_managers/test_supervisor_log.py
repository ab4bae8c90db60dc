# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What supervisord's log tells of the lives before this one."""

from __future__ import annotations

import pytest

from ansible_collections.toombos.incident.plugins.module_utils._managers.supervisor_log import restarts

LIFE = """\
2026-01-01 12:00:0{0},100 INFO spawned: 'web' with pid 1{0}
2026-01-01 12:00:0{0},500 INFO success: web entered RUNNING state, process has stayed up for > than 0 seconds
2026-01-01 12:00:0{0},900 WARN exited: web (exit status 1; not expected)
"""
NOW = "2026-01-01 12:00:30,000 INFO spawned: 'web' with pid 99\n"
TWICE = LIFE.format(1) + LIFE.format(2)


@pytest.mark.parametrize(
    ("log", "count"),
    [
        (TWICE + NOW, 2),
        (TWICE.replace("exit status 1; not expected", "exit status 0; expected") + NOW, 2),
        (TWICE + "2026-01-01 12:00:20,000 WARN stopped: web (terminated by SIGTERM)\n" + NOW, 0),
        (TWICE + "2026-01-01 12:00:20,000 INFO gave up: web entered FATAL state, too many retries\n" + NOW, 0),
        (TWICE + NOW.replace("12:00:30", "12:06:30"), 0),
        (TWICE + NOW.replace("12:00:30", "11:00:30"), 0),
        (TWICE.replace("exited: web", "exited: webby") + NOW, 0),
        (TWICE + NOW.replace("99", "999"), 0),
        (TWICE.replace("2026-01-01", "2026-99-01") + NOW, 0),
        (NOW + LIFE.format(1), 0),
        ("half a line exited: web (\n\x00\ufffd\n" + TWICE + NOW, 2),
        ("", 0),
    ],
)
def test_how_often_it_has_ended_by_itself(log: str, count: int) -> None:
    assert restarts(log, "web", 99) == count
