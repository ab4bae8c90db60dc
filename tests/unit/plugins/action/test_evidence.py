# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Evidence as tasks: opened, captured with the real engine of the host, listed, verified, handed over."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from ansible.errors import AnsibleActionFail, AnsibleConnectionFailure

from ansible_collections.toombos.incident.plugins.action import (
    evidence_capture,
    evidence_manifest,
    evidence_open,
    evidence_verify,
)
from ansible_collections.toombos.incident.plugins.module_utils._errors import IncidentError
from ansible_collections.toombos.incident.plugins.module_utils._evidence import call
from ansible_collections.toombos.incident.plugins.plugin_utils._custody import transport

Run = Callable[..., dict[str, Any]]


class World:
    """A controller and a host. ``sent``: what the host was asked for; ``break_connection``: raises, if it is to."""

    def __init__(self, base: Path) -> None:
        self.base = base
        self.sent: list[dict[str, Any]] = []
        self.commands: list[str] = []
        self.unreachable = False
        self.fetch: Callable[[str, str], object] = shutil.copyfile

    def run(self, module: Any, args: dict[str, Any], check_mode: bool = False, **known: Any) -> dict[str, Any]:
        task = SimpleNamespace(
            args=args, check_mode=check_mode, async_val=0, action=f"toombos.incident.{module.__name__}"
        )
        connection = SimpleNamespace(_shell=SimpleNamespace(tmpdir=None), fetch_file=self._fetch)
        action = module.ActionModule(task, connection, SimpleNamespace(), None, None, None)
        action._execute_module = lambda module_args, task_vars: self._module(module_args, check_mode)
        action._low_level_execute_command = self._command
        action._remove_tmp_path = lambda _path: None
        action._early_needs_tmp_path = lambda: False
        result: dict[str, Any] = action.run(None, {"inventory_hostname": "web-1", **known})
        return json.loads(json.dumps(result))

    def _fetch(self, path: str, to: str) -> None:
        self.fetch(path, to)

    def _module(self, args: dict[str, Any], check_mode: bool) -> dict[str, Any]:
        self.sent.append(args)
        if self.unreachable:
            raise AnsibleConnectionFailure("No route to host")
        try:
            return call.capture(args, check_mode)
        except IncidentError as error:
            return {"failed": True, "msg": str(error)}

    def _command(self, command: str) -> dict[str, Any]:
        self.commands.append(command)
        done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=False)
        return {"rc": done.returncode, "stdout": done.stdout, "stderr": done.stderr}


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setattr(transport, "_PAUSE", 0.0)
    return World(tmp_path)


def opened(world: World, **args: Any) -> dict[str, Any]:
    return world.run(evidence_open, {"reason": "orders changed", "targets": ["web-1", "web-2"], **args})


def captured(world: World, check_mode: bool = False, **args: Any) -> dict[str, Any]:
    defaults = {
        "only": ["clock/*"],
        "reserve": "1MiB",
        "directory": str(world.base / "remote"),
        "reason": "orders changed",
    }
    return world.run(evidence_capture, {**defaults, **args}, check_mode)


def events(directory: str) -> list[str]:
    lines = Path(directory, "custody.jsonl").read_text().splitlines()[:-1]
    return [json.loads(line)["event"] for line in lines]


def test_the_whole_way(world: World) -> None:
    begun = opened(world)
    assert begun["changed"]
    assert begun["home"] == str(world.base / "data/toombos-incident/evidence" / begun["incident"])
    done = captured(world, incident=begun["incident"])
    assert not done.get("failed"), done
    assert done["path"] == f"{begun['home']}/{done['bag']}"
    assert json.loads(Path(done["path"], "capture.json").read_text())["bag"] == done["bag"]
    assert f"rm -rf -- {world.base}/remote/{done['bag']}" in world.commands
    assert os.listdir(world.base / "remote") == []
    hostvars = {"web-1": {"evidence": done}, "web-2": {"evidence": {"unreachable": True, "msg": "no route"}}}
    known = {"targets": ["web-1", "web-2"], "results": "evidence", "home": begun["home"]}
    listed = world.run(evidence_manifest, known, hostvars=hostvars)
    assert listed["counts"] == {"captured": 1, "missing": 1, "failed": 0}
    assert listed["missing"] == {"web-2": "unreachable: no route"}
    verified = world.run(evidence_verify, {"incident": begun["incident"]})
    assert (verified["problems"], verified["bags"]) == ([], [done["bag"]])
    trace = ["opened", "requested", "captured", "transferred", "verified", "cleaned", "missing", "manifest", "verified"]
    assert events(begun["home"]) == trace
    asked = next(each for each in world.sent if each["bag"] == done["bag"])
    assert not {"home", "signing_key", "who", "artifacts"} & set(asked), "what says nothing to a host is not sent"


def test_a_rehearsal_writes_nothing(world: World) -> None:
    begun = world.run(evidence_open, {}, check_mode=True)
    done = captured(world, check_mode=True, incident=begun["incident"], home=begun["home"])
    assert done["bag"] == f"{begun['incident']}-web-1-001"
    hostvars = {"web-1": {"evidence": done}}
    known = {"targets": ["web-1"], "results": "evidence", "home": begun["home"], "incident": begun["incident"]}
    assert world.run(evidence_manifest, known, check_mode=True, hostvars=hostvars)["changed"]
    assert list(world.base.iterdir()) == []


def test_verifying_in_a_rehearsal_reads_everything_and_records_nothing(world: World) -> None:
    begun = opened(world)
    before = Path(begun["home"], "custody.jsonl").read_bytes()
    assert world.run(evidence_verify, {"home": begun["home"]}, check_mode=True)["problems"] == []
    assert Path(begun["home"], "custody.jsonl").read_bytes() == before


def test_a_host_that_is_unreachable_is_on_record(world: World) -> None:
    begun = opened(world)
    world.unreachable = True
    with pytest.raises(AnsibleConnectionFailure):
        captured(world, incident=begun["incident"])
    assert events(begun["home"]) == ["opened", "requested", "failed"]


def test_a_line_that_is_cut_fails_and_the_next_capture_brings_both_home(world: World) -> None:
    begun = opened(world)

    def cut(_path: str, _to: str) -> None:
        raise AnsibleConnectionFailure("Connection reset")

    world.fetch = cut
    failed = captured(world, incident=begun["incident"])
    assert failed["failed"]
    assert "Connection reset" in failed["msg"]
    assert "the next capture of this host" in failed["msg"]
    assert world.commands == []
    world.fetch = shutil.copyfile
    done = captured(world, incident=begun["incident"])
    assert done["recovered"] == [f"{begun['incident']}-web-1-001"]
    assert done["leftovers"] == []
    assert os.listdir(world.base / "remote") == []
    assert world.run(evidence_verify, {"home": begun["home"]})["bags"] == [*done["recovered"], done["bag"]]


@pytest.mark.parametrize(
    ("args", "words"),
    [
        ({"incident": "INC-1"}, "no number of an incident"),
        ({"incident": "INC-2026-1125-0009"}, "evidence_open"),
        ({"keep": ["secret"]}, "only in sealed bags"),
        ({"only": ["clok/zone"]}, "clock/zone"),
        ({"exclude": ["nothing/*"]}, "exclude names"),
        ({"directory": "/a/../b"}, "no place for packages"),
        ({"artifacts": [{"tier": 9}]}, "artifacts are not valid"),
        ({"budget": "soon"}, "not a duration"),
    ],
)
def test_what_cannot_be_is_refused_with_the_way_out(world: World, args: dict[str, Any], words: str) -> None:
    begun = opened(world)
    failed = captured(world, **{"incident": begun["incident"], **args})
    assert failed["failed"]
    assert words in failed["msg"]
    assert not (world.base / "remote").exists()


def test_an_unknown_option_is_named(world: World) -> None:
    assert "Unsupported parameters" in captured(world, incident="INC-2026-1125-0001", sign=True)["msg"]
    with pytest.raises(AnsibleActionFail, match="Unsupported"):
        world.run(evidence_verify, {"keys": "x"})


def test_own_definitions_are_captured_too(world: World) -> None:
    begun = opened(world)
    (world.base / "note").write_text("hello")
    entry = {"about": "A note", "files": [str(world.base / "note")], "timeout": "5s", "max": "1MiB"}
    done = captured(
        world, incident=begun["incident"], only=["own/note"], artifacts=[{"tier": 1, "artifacts": {"own/note": entry}}]
    )
    assert done["outcomes"] == {"collected": 1}


def test_evidence_that_was_changed_fails_with_all_that_is_wrong(world: World) -> None:
    begun = opened(world)
    done = captured(world, incident=begun["incident"])
    Path(done["path"], "bag-info.txt").write_text("forged")
    Path(begun["home"], "notes").write_text("x")
    failed = world.run(evidence_verify, {"home": begun["home"]})
    assert failed["failed"]
    assert {each["where"] for each in failed["problems"]} == {"notes", done["bag"]}
    assert "notes is not mentioned" in failed["msg"]
    assert "bag-info.txt" in failed["msg"]
    last = json.loads(Path(begun["home"], "custody.jsonl").read_text().splitlines()[-2])
    assert (last["event"], last["detail"]["good"]) == ("verified", False)


def test_a_log_that_was_forged_is_not_added_to(world: World) -> None:
    begun = opened(world)
    path = Path(begun["home"], "custody.jsonl")
    path.write_bytes(path.read_bytes().replace(b"orders changed", b"nothing at all"))
    before = path.read_bytes()
    failed = world.run(evidence_verify, {"home": begun["home"]})
    assert failed["failed"]
    assert "cannot be relied on" in failed["note"]
    assert path.read_bytes() == before


def test_handing_over_is_on_record_with_its_reason(world: World) -> None:
    begun = opened(world)
    args = {"home": begun["home"], "released_to": "Jo Doe, forensic team"}
    assert "with a reason" in world.run(evidence_verify, args)["msg"]
    assert events(begun["home"]) == ["opened"]
    world.run(evidence_verify, {**args, "reason": "case 4711"})
    last = json.loads(Path(begun["home"], "custody.jsonl").read_text().splitlines()[-2])
    assert (last["event"], last["why"], last["detail"]["to"]) == ("released", "case 4711", "Jo Doe, forensic team")


def test_a_copy_elsewhere_is_verified_by_keys_that_were_given(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    begun = opened(world)
    copy = world.base / "copy" / begun["incident"]
    shutil.copytree(begun["home"], copy)
    (world.base / "allowed").write_text((copy / "allowed_signers").read_text())
    monkeypatch.setenv("XDG_STATE_HOME", str(world.base / "another controller"))
    assert "nobody is known who may sign" in world.run(evidence_verify, {"home": str(copy)})["msg"]
    known = {"home": str(copy), "allowed_signers": str(world.base / "allowed")}
    done = world.run(evidence_verify, {**known, "head": begun["head"]})
    assert done["problems"] == []
    assert "not on record" in done["note"]
    assert world.run(evidence_verify, {**known, "head": "0" * 64})["failed"]
    assert events(str(copy)) == ["opened"]
