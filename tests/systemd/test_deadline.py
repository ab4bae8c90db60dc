# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Deadlines on a host with systemd: they outlive sessions, kills and a restart of the host, and leave no unit."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from host import Host, until

LIBRARY = "/opt/incident"
STORE = "/var/lib/toombos-incident/deadlines"
ACTED = "/var/tmp/acted"
ASK = """\
import dataclasses, json, sys
from ansible_collections.toombos.incident.plugins.module_utils._deadman import deadline, types as t
what, *words = sys.argv[1:]
if what == "arm":
    function = "ansible_collections.toombos.incident.plugins.module_utils._command:run_command"
    arguments = {"argv": ["sh", "-c", words[1]], "timeout": 20}
    answer = deadline.arm(%r, t.Order("trial", function, arguments, float(words[0]), "alice", "a trial"))
elif what == "settle":
    answer = [dataclasses.asdict(each) for each in deadline.settle(%r)]
else:
    answer = getattr(deadline, what)(%r, *words)
    answer = dataclasses.asdict(answer) if what == "status" else answer
print(json.dumps(answer))
""" % ((STORE,) * 3)  # fmt: skip
SESSION = ("systemd-run", "--scope", "--quiet", "--unit=session-78")


class Deadlines:
    def __init__(self, host: Host) -> None:
        self.host = host

    def ask(self, *words: str, through: tuple[str, ...] = ()) -> Any:
        python = ["env", f"PYTHONPATH={LIBRARY}", "PYTHONDONTWRITEBYTECODE=1", "python3", "-c", ASK]
        return json.loads(self.host.run(*through, *python, *words))

    def arm(self, seconds: float, script: str = f"echo acted >>{ACTED}", through: tuple[str, ...] = ()) -> str:
        return str(self.ask("arm", str(seconds), script, through=through))

    def acted(self) -> list[str]:
        return self.host.run("cat", ACTED, ok=False).split()

    def units(self) -> list[str]:
        """What is on the disk, and what systemd knows."""
        found = self.host.run("find", "/etc/systemd/system", "-name", "toombos-incident-*").split()
        return (
            found
            + self.host.run("systemctl", "list-units", "--all", "--plain", "--no-legend", "toombos-incident-*").split()
        )

    def unit(self, token: str) -> str:
        return f"toombos-incident-{self.ask('status', token)['id']}.service"


@pytest.fixture
def deadlines(host: Host) -> Iterator[Deadlines]:
    host.run("sh", "-c", f"rm -rf {STORE} {ACTED}")
    yield Deadlines(host)
    host.run("sh", "-c", "systemctl stop session-78.scope 'toombos-incident-*' 2>/dev/null; true")
    host.run("sh", "-c", "find /etc/systemd/system -name 'toombos-incident-*' -delete; systemctl daemon-reload")


def test_it_outlives_the_session_that_set_it_and_leaves_nothing(deadlines: Deadlines) -> None:
    token = deadlines.arm(15.0, through=SESSION)
    seen = deadlines.ask("status", token)
    assert seen["keeper"] == f"systemd in the unit {deadlines.unit(token)}"
    assert seen["reboot"] == "If the host is restarted before, it comes while the host starts."
    deadlines.host.run("systemctl", "stop", "session-78.scope", ok=False)
    assert (deadlines.acted(), deadlines.ask("status", token)["state"]) == ([], "armed")
    until(deadlines.acted, 25.0)
    until(lambda: not deadlines.units())
    assert (deadlines.acted(), deadlines.ask("status", token)["state"]) == (["acted"], "fired")


def test_called_off_it_leaves_nothing(deadlines: Deadlines) -> None:
    token = deadlines.arm(3600.0)
    assert len(deadlines.units()) > 2
    assert deadlines.ask("call_off", token) is True
    assert deadlines.units() == []
    assert deadlines.ask("settle")[0]["state"] == "called_off"
    assert deadlines.acted() == []


@pytest.mark.parametrize("signal", ["KILL", "TERM", "HUP", "INT"])
def test_it_outlives_its_own_process(deadlines: Deadlines, signal: str) -> None:
    token = deadlines.arm(10.0)
    deadlines.host.run("systemctl", "kill", "--kill-whom=main", f"--signal={signal}", deadlines.unit(token))
    until(deadlines.acted, 25.0)
    until(lambda: not deadlines.units())
    assert deadlines.acted() == ["acted"]


def test_what_an_administrator_has_stopped_is_kept_again_by_the_next_call(deadlines: Deadlines) -> None:
    token = deadlines.arm(3600.0)
    unit = deadlines.unit(token)
    deadlines.host.run("systemctl", "stop", unit)
    assert deadlines.ask("settle")[0]["state"] == "armed"
    assert deadlines.host.shown(unit, "ActiveState") == "active"


def test_what_was_ended_in_the_middle_begins_again(deadlines: Deadlines) -> None:
    """The whole control group is killed, as by a shortage of memory."""
    token = deadlines.arm(1.0, f"echo begun >>{ACTED}; sleep 4; echo done >>{ACTED}")
    until(deadlines.acted, 25.0)
    deadlines.host.run("systemctl", "kill", "--kill-whom=all", "--signal=KILL", deadlines.unit(token))
    until(lambda: "done" in deadlines.acted(), 20.0)
    until(lambda: not deadlines.units())
    assert deadlines.acted() == ["begun", "begun", "done"]


def test_it_comes_while_the_host_starts(deadlines: Deadlines) -> None:
    host = deadlines.host
    token = deadlines.arm(3600.0)
    off = deadlines.arm(3600.0, f"echo wrong >>{ACTED}")
    assert deadlines.ask("call_off", off) is True
    host.restart()
    until(deadlines.acted, 60.0)
    until(lambda: not deadlines.units())
    assert deadlines.acted() == ["acted"]
    seen = deadlines.ask("status", token)
    assert (seen["state"], seen["outcome"]["ok"]) == ("fired", True)
    assert deadlines.ask("call_off", token) is False, "it was not confirmed before the restart"
