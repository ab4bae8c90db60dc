# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The adapter's conversation, with a systemctl that keeps its state in a file; the real one is asked in containers."""

from __future__ import annotations

import os

import pytest

from ansible_collections.toombos.incident.plugins.module_utils._catalogue.types import ManagerSpec
from ansible_collections.toombos.incident.plugins.module_utils._clock import Clock
from ansible_collections.toombos.incident.plugins.module_utils._errors import ManagerError
from ansible_collections.toombos.incident.plugins.module_utils._managers import systemd as module
from ansible_collections.toombos.incident.plugins.module_utils._managers.systemd import SystemdManager
from ansible_collections.toombos.incident.plugins.module_utils._process.types import ProcessTable

FAKE = """#!/bin/sh
cd "$(dirname "$0")"
echo "$LC_ALL $*" >> calls
shift 2
case "$1" in
  show) cat state ;;
  start) [ ! -e refuse ] || { echo "Failed to start: Access denied" >&2; exit 4; }; cp running state ;;
  stop) [ -e stubborn ] || cp stopped state ;;
  kill) [ -e unkillable ] || cp stopped state ;;
esac
"""
RUNNING = "LoadState=loaded\nActiveState=active\nSubState=running\nMainPID=812\n"
STOPPED = "LoadState=loaded\nActiveState=inactive\nSubState=dead\nMainPID=0\n"


class World:
    def __init__(self, home):
        self.home = home
        self.clock = Clock()
        (home / "systemctl").write_text(FAKE)
        (home / "systemctl").chmod(0o755)
        (home / "running").write_text(RUNNING)
        (home / "stopped").write_text(STOPPED)
        self.set(RUNNING)

    def set(self, text):
        (self.home / "state").write_text(text)

    def touch(self, name):
        (self.home / name).write_text("")

    def manager(self, stop_timeout=15.0):
        return SystemdManager(ManagerSpec("systemd", unit="app.service"), self.clock, stop_timeout)

    def observe(self):
        return self.manager().observe(ProcessTable({}))

    def within(self, seconds):
        return self.clock.monotonic() + seconds

    def verbs(self):
        return [line.split()[3] for line in (self.home / "calls").read_text().splitlines()]


@pytest.fixture
def world(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    return World(tmp_path)


def test_observe_asks_in_one_language_and_without_questions(world):
    state = world.observe()
    assert (state.available, state.state, state.pid) == (True, "running", 812)
    call = (world.home / "calls").read_text()
    assert call.startswith("C --no-pager --no-ask-password show --property LoadState,")
    assert call.endswith(" -- app.service\n")


def test_a_host_without_systemd_has_no_such_manager(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    state = SystemdManager(ManagerSpec("systemd", unit="x"), Clock(), 1.0).observe(ProcessTable({}))
    assert (state.available, state.state, state.pid) == (False, "unknown", None)
    assert state.detail.startswith("systemd does not answer: ")


@pytest.mark.parametrize(
    ("script", "detail"),
    [
        ('echo "System has not been booted with systemd." >&2; exit 1', "System has not been booted with systemd"),
        ("exit 3", "rc 3"),
        ("sleep 30", "no answer within 0 s"),
    ],
)
def test_a_systemd_that_does_not_answer_is_not_available(world, monkeypatch, script, detail):
    monkeypatch.setattr(module, "_TIMEOUT", 0.4)
    (world.home / "systemctl").write_text(f"#!/bin/sh\n{script}\n")
    state = world.observe()
    assert (state.available, state.detail) == (False, f"systemd does not answer: {detail}")


def test_start_forgets_old_failures_first_and_does_not_wait(world):
    world.set("LoadState=loaded\nActiveState=failed\nSubState=failed\nMainPID=0\n")
    world.manager().start(world.within(10))
    assert world.verbs() == ["show", "reset-failed", "start"]
    assert "start --no-block -- app.service" in (world.home / "calls").read_text()
    assert world.observe().state == "running"


def test_a_refused_start_is_an_error_with_its_reason(world):
    world.touch("refuse")
    with pytest.raises(ManagerError, match=r"systemd refused to start app\.service: Failed to start: Access denied"):
        world.manager().start(world.within(10))


@pytest.mark.parametrize(("verb", "past"), [("start", "started"), ("stop", "stopped")])
def test_a_unit_that_systemd_does_not_know_is_an_error(world, verb, past):
    world.set("LoadState=not-found\nActiveState=inactive\nMainPID=0\n")
    with pytest.raises(ManagerError, match=f"app.service cannot be {past}: systemd does not know the unit"):
        getattr(world.manager(), verb)(world.within(10))
    assert world.verbs() == ["show"]


def test_stop_waits_until_it_is_stopped(world):
    world.manager().stop(world.within(10))
    assert world.verbs() == ["show", "stop", "show"]
    world.manager().stop(world.within(10))  # already stopped


def test_a_unit_that_does_not_stop_is_killed_once(world):
    world.touch("stubborn")
    world.manager(stop_timeout=0.2).stop(world.within(30))
    assert world.verbs().count("kill") == 1
    assert "kill --signal=KILL -- app.service" in (world.home / "calls").read_text()


def test_a_unit_that_cannot_be_ended_is_an_error_by_the_deadline(world):
    world.touch("stubborn")
    world.touch("unkillable")
    with pytest.raises(ManagerError, match=r"app.service has not stopped in time; systemd says active \(running\)"):
        world.manager(stop_timeout=0.1).stop(world.within(0.6))
    assert os.path.exists(world.home / "calls")
