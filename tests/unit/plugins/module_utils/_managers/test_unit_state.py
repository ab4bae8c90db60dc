# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The texts are what systemd 252 and 257 print for ``systemctl show``."""

from __future__ import annotations

import pytest

from ansible_collections.toombos.incident.plugins.module_utils._managers.unit_state import (
    PROPERTIES,
    parse_show,
    unit_state,
)

RUNNING = """MainPID=812
Result=success
NRestarts=0
ExecMainStatus=0
LoadState=loaded
ActiveState=active
SubState=running
"""


def shown(**changes):
    return parse_show(RUNNING + "".join(f"{key}={value}\n" for key, value in changes.items()))


@pytest.mark.parametrize(
    ("changes", "state", "pid", "detail"),
    [
        ({}, "running", 812, "active (running)"),
        ({"NRestarts": 3}, "running", 812, "active (running, restarted 3 times)"),
        ({"ActiveState": "reloading", "SubState": "reload"}, "running", 812, "reloading (reload)"),
        ({"SubState": "exited", "MainPID": 0}, "running", None, "active (exited)"),
        ({"ActiveState": "activating", "SubState": "start"}, "starting", 812, "activating (start)"),
        ({"ActiveState": "activating", "SubState": "start-pre", "MainPID": 0}, "starting", None,
         "activating (start-pre)"),
        (
            {"ActiveState": "activating", "SubState": "auto-restart", "MainPID": 0, "Result": "exit-code",
             "ExecMainStatus": 3, "NRestarts": 17},
            "backoff", None, "activating (auto-restart, result exit-code, exit status 3, restarted 17 times)",
        ),
        ({"ActiveState": "activating", "SubState": "auto-restart-queued", "MainPID": 0}, "backoff", None,
         "activating (auto-restart-queued)"),
        ({"ActiveState": "deactivating", "SubState": "stop-sigterm"}, "stopping", 812, "deactivating (stop-sigterm)"),
        ({"ActiveState": "inactive", "SubState": "dead", "MainPID": 0}, "stopped", None, "inactive (dead)"),
        (
            {"ActiveState": "failed", "SubState": "failed", "MainPID": 0, "Result": "exit-code", "ExecMainStatus": 1},
            "failed", None, "failed (failed, result exit-code, exit status 1)",
        ),
        (
            {"ActiveState": "failed", "SubState": "failed", "MainPID": 0, "Result": "start-limit-hit", "NRestarts": 5},
            "failed", None, "failed (failed, result start-limit-hit, restarted 5 times)",
        ),
        (
            {"LoadState": "not-found", "ActiveState": "inactive", "SubState": "dead", "MainPID": 0,
             "LoadError": "org.freedesktop.systemd1.NoSuchUnit \"Unit x.service not found.\""},
            "unknown", None,
            "systemd does not know the unit x.service: correct manager.unit, or install it and daemon-reload",
        ),
        ({"LoadState": "masked", "ActiveState": "inactive", "MainPID": 0}, "unknown", None,
         "the unit x.service is masked: systemctl unmask x.service"),
        ({"LoadState": "masked"}, "running", 812, "active (running)"),
        ({"LoadState": "not-found"}, "running", 812, "active (running)"),
        ({"LoadState": "bad-setting", "ActiveState": "inactive", "MainPID": 0, "LoadError": "no ExecStart"}, "unknown",
         None, "systemd cannot load the unit x.service (bad-setting: no ExecStart): see systemctl status x.service"),
        ({"ActiveState": "something-new", "SubState": ""}, "unknown", 812, "something-new"),
    ],
)  # fmt: skip
def test_the_state_of_a_unit(changes, state, pid, detail):
    found = unit_state("x.service", shown(**changes))
    assert (found.available, found.state, found.pid, found.detail) == (True, state, pid, detail)


@pytest.mark.parametrize(("said", "count"), [("7", 7), ("0", 0), ("", 0)])
def test_how_often_systemd_started_it_again(said, count):
    assert unit_state("x.service", shown(NRestarts=said)).restarts == count


def test_no_properties_at_all_is_unknown():
    found = unit_state("x.service", parse_show("\n\n"))
    assert (found.state, found.pid) == ("unknown", None)
    assert "cannot load the unit x.service (no answer)" in found.detail


def test_values_may_hold_equals_signs_and_lines_without_one_are_skipped():
    assert parse_show("A=b=c\nnothing\nD=\n") == {"A": "b=c", "D": ""}


def test_what_is_read_is_asked_for():
    assert {"LoadState", "ActiveState", "SubState", "MainPID", "Result", "NRestarts"} <= set(PROPERTIES)
