# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The proof as a task: what fails it, and what a host that lies cannot do to it."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from ansible_collections.toombos.incident.plugins.action import containment_proof

PEER = {"by": "host", "family": 4, "protocol": "tcp", "address": "198.51.100.66", "port": 443, "what": "a peer",
        "banner": False, "seen": "answered", "why": ""}  # fmt: skip
BEFORE = {"answers": [PEER], "sources": {}, "addresses": [], "connection": "a 1 b 22", "reached_at": []}


def run(host: Any, check_mode: bool = False, **args: Any) -> dict[str, Any]:
    task = SimpleNamespace(
        args=args, check_mode=check_mode, async_val=0, action="toombos.incident.containment_proof", diff=False
    )
    connection = SimpleNamespace(_shell=SimpleNamespace(tmpdir=None), reset=lambda: None)
    action = containment_proof.ActionModule(task, connection, SimpleNamespace(), None, None, None)
    action._execute_module = lambda module_args, task_vars, wrap_async: host(module_args)
    action._remove_tmp_path = lambda _path: None
    action._early_needs_tmp_path = lambda: False
    found: dict[str, Any] = action.run(None, {"inventory_hostname": "web-1"})
    return found


def host(**more: Any) -> Any:
    standing = {"in_force": True, "isolation": {"flows": []}, "counters": [], "cut": 9}
    said = {"outward": [["silent", ""]], "connection": "a 2 b 22", "standing": standing, "cut": 3, "moved": []}
    return lambda _args: {**said, **more}


def test_what_is_cut_is_proved_and_changes_nothing() -> None:
    found = run(host(), before=BEFORE)
    assert (found["outcome"], found["failed"], found["changed"]) == ("proved", False, False)
    assert found["msg"].startswith("isolated, and proved: 1 probes were open and are cut (out IPv4 tcp)")
    assert found["proof"]["findings"] == []


def test_what_gets_through_fails_the_task_with_a_critical_finding() -> None:
    found = run(host(outward=[["answered", "\x1b[2Jall is well"]]), before=BEFORE)
    assert (found["outcome"], found["failed"]) == ("disproved", True)
    assert "NOT ISOLATED AS IT SHOULD BE. The isolation stays" in found["msg"]
    assert [each["severity"] for each in found["proof"]["findings"]] == ["critical"]
    assert [each["why"].isprintable() for each in found["proof"]["probes"]] == [True]


def test_what_is_not_proved_does_not_fail_the_task() -> None:
    found = run(host(outward=[["not_made", "no route"]]), before=BEFORE)
    assert (found["outcome"], found["failed"]) == ("not_proved", False)


@pytest.mark.parametrize(
    "lie", [{"outward": [3]}, {"moved": [{"remote": "x"}]}, {"standing": {"isolation": 7}}, {"heard": 5}]
)
def test_a_host_that_says_what_makes_no_sense_proves_nothing(lie: dict[str, Any]) -> None:
    knock = {**PEER, "by": "controller", "port": 0, "what": "a listener for the proof", "address": "127.0.0.1"}
    found = run(host(**lie), before={**BEFORE, "answers": [PEER, knock]})
    assert found["failed"]
    assert "cannot be understood" in found["msg"]
    assert "outcome" not in found


def test_in_a_rehearsal_nothing_was_isolated_and_nothing_is_proved() -> None:
    assert run(host(), check_mode=True, before=BEFORE)["skipped"]


def test_a_witness_tells_what_it_sees_of_every_address() -> None:
    seen = {"witnessed": [["answered", ""], ["silent", ""]]}
    targets = [{"addresses": ["203.0.113.5", "2001:db8::5"], "port": 2222}]
    found = run(lambda _args: seen, phase="witness", targets=targets)
    assert [(each["address"], each["port"], each["seen"]) for each in found["answers"]] == [
        ("203.0.113.5", 2222, "answered"),
        ("2001:db8::5", 2222, "silent"),
    ]
    gone = run(lambda _args: {"unreachable": True, "msg": "No route to host"}, phase="witness", targets=targets)
    assert "The witness could not be asked: No route to host" in gone["msg"]
