# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One call of the module: a package that stock tools can check, with everything that was declared."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tarfile
from dataclasses import asdict
from pathlib import Path
from typing import Any, Callable, Iterator

import pytest

from ansible_collections.toombos.incident.plugins.module_utils._evidence import types as t
from ansible_collections.toombos.incident.plugins.modules import evidence_capture

BAG = "INC-2026-1124-0001-web-1-001"
Call = Callable[..., dict[str, Any]]


def definition(name: str, *sources: tuple[str, Any], **more: Any) -> dict[str, Any]:
    options = {"tier": 2, "timeout": 10.0, "max_bytes": 1 << 20, "sensitivity": t.OPEN, **more}
    made = tuple(t.Source(kind, tuple(map(str, what))) for kind, what in sources)
    return asdict(t.Artifact(name=name, sources=made, **options))


@pytest.fixture
def call(run_module: Call, tmp_path: Path) -> Call:
    """The module with what the action sets."""

    def run(*definitions: dict[str, Any], **options: Any) -> dict[str, Any]:
        given = {
            "incident": "INC-2026-1124-0001",
            "bag": BAG,
            "directory": str(tmp_path / "captures"),
            "definitions": list(definitions),
            "reserve": "0",
            "reason": "orders were changed",
            "requested": {"who": "alice", "controller": "ops-1", "controller_clock": 12.5},
        }
        return run_module(evidence_capture, **{**given, **options})

    return run


@pytest.fixture
def fetched(tmp_path: Path) -> Callable[[dict[str, Any]], Path]:
    """The bag out of the package that a result names, as a controller would have it."""

    def fetch(result: dict[str, Any]) -> Path:
        package = result["package"]
        content = b""
        for part in package["parts"]:
            piece = Path(part["path"]).read_bytes()
            assert (len(piece), hashlib.sha256(piece).hexdigest()) == (part["size"], part["sha256"])
            assert len(piece) <= 64 << 20
            content += piece
        assert (len(content), hashlib.sha256(content).hexdigest()) == (package["size"], package["sha256"])
        archive = tmp_path / "fetched.tar"
        archive.write_bytes(content)
        folder = tmp_path / "fetched"
        with tarfile.open(archive) as tar:
            assert {member.name.split("/")[0] for member in tar} == {result["bag"]}
            assert all(member.isfile() for member in tar)
            tar.extractall(folder, filter="data") if sys.version_info >= (3, 12) else tar.extractall(folder)
        bag = folder / str(result["bag"])
        for manifest in ("manifest", "tagmanifest"):
            for algorithm in ("sha256", "sha512"):
                check = [f"{algorithm}sum", "--strict", "--quiet", "-c", f"{manifest}-{algorithm}.txt"]
                subprocess.run(check, cwd=bag, check=True)
        digest = hashlib.sha256((bag / "tagmanifest-sha256.txt").read_bytes()).hexdigest()
        assert digest == result["tagmanifest_sha256"]
        return bag

    return fetch


def contents(bag: Path) -> Iterator[tuple[dict[str, Any], bytes]]:
    """Each payload file as capture.json has it, with what it holds."""
    for artifact in json.loads((bag / "capture.json").read_text())["artifacts"]:
        for file in artifact["files"]:
            raw = (bag / file["path"]).read_bytes()
            yield file, _unpacked(raw, file["compression"])


def _unpacked(raw: bytes, how: str) -> bytes:
    if how == "zstd":
        return subprocess.run(["zstd", "-dc"], input=raw, capture_output=True, check=True).stdout
    return gzip.decompress(raw) if how == "gzip" else raw


def test_a_capture_is_a_package_with_a_bag_and_nothing_else_stays(call: Call, fetched: Any, tmp_path: Path) -> None:
    (tmp_path / "app.log").write_text("all is well\n")
    result = call(
        definition("identity/kernel", ("files", ["/proc/version"]), tier=1),
        definition("a/log", ("files", [tmp_path / "app.log"])),
        definition("a/secret", ("files", [tmp_path / "app.log"]), sensitivity=t.SECRET),
        definition("a/absent", ("files", [tmp_path / "nothing"])),
    )
    assert result["changed"] is True
    assert result["outcomes"] == {"collected": 2, "absent": 1, "denied": 1}
    assert [each["outcome"] for each in result["artifacts"]] == ["collected", "collected", "denied", "absent"]
    assert result["msg"].startswith("4 artifacts: 2 collected, 1 absent, 1 denied; ")
    assert result["package"]["method"] == "none"
    place = Path(result["directory"])
    assert sorted(path.name for path in place.iterdir()) == ["package.json", "parts"]
    assert json.loads((place / "package.json").read_text())["package"] == result["package"]
    assert not [path for path in (place, *place.rglob("*")) if path.stat().st_mode & 0o077]
    bag = fetched(result)
    assert [body for file, body in contents(bag) if file["origin"].endswith("app.log")] == [b"all is well\n"]
    info = (bag / "bag-info.txt").read_text()
    for line in (
        f"External-Identifier: {BAG}",
        "Bag-Group-Identifier: INC-2026-1124-0001",
        "External-Description: orders were changed",
        "Contact-Name: alice",
        "Requested-Controller: ops-1",
        "Requested-Controller-Clock: 12.5",
        f"Source-Organization: {os.uname().nodename}",
        f"Payload-Oxum: {result['payload']['bytes']}.{result['payload']['files']}",
    ):
        assert f"{line}\n" in info
    record = json.loads((bag / "capture.json").read_text())
    assert record["clock"]["began"] == result["clock"]["began"]
    assert record["clock"]["ended_monotonic"] >= record["clock"]["began_monotonic"]
    assert record["limits"] == {"budget": 600.0, "max_bytes": 2 << 30, "reserve": 0}
    assert record["tools"]["python"].startswith("3.")


def test_a_bag_that_is_there_is_refused_and_not_touched(call: Call, tmp_path: Path) -> None:
    asked = definition("a/one", ("files", ["/proc/version"]))
    first = call(asked)
    before = {path: path.read_bytes() for path in Path(first["directory"]).rglob("*") if path.is_file()}
    refused = call(asked)
    assert refused["failed"]
    assert "nothing is overwritten" in refused["msg"]
    assert {path: path.read_bytes() for path in Path(first["directory"]).rglob("*") if path.is_file()} == before


def test_what_was_left_earlier_is_told_and_stays(call: Call, tmp_path: Path) -> None:
    asked = definition("a/one", ("files", ["/proc/version"]))
    first = call(asked)
    broken = tmp_path / "captures" / "INC-2026-1124-0001-web-1-000"
    (broken / "tree").mkdir(parents=True)
    second = call(asked, bag=BAG.replace("001", "002"))
    whole, half = sorted(second["leftovers"], key=lambda each: not each["complete"])
    assert (whole["bag"], whole["package"], whole["complete"]) == (BAG, first["package"], True)
    assert (half["bag"], half["complete"]) == (broken.name, False)
    assert str(broken) in second["notes"][-1]
    assert (broken / "tree").is_dir()
    Path(first["package"]["parts"][0]["path"]).write_bytes(b"short")
    third = call(asked, bag=BAG.replace("001", "003"))
    assert [each["complete"] for each in third["leftovers"]] == [False, False, True]


def test_check_mode_writes_nothing(call: Call, tmp_path: Path) -> None:
    asked = definition("a/one", ("command", ["ss", "-a"]), ("files", ["/proc/net/tcp"]))
    secret = definition("a/two", ("files", ["/etc/shadow"]), sensitivity=t.SECRET)
    result = call(asked, secret, check_mode=True)
    assert (result["changed"], result["bag"], result["outcomes"]) == (True, BAG, {"planned": 1, "denied": 1})
    assert result["artifacts"][0]["message"] == "from command ss -a or files /proc/net/tcp"
    assert result["artifacts"][1]["message"] == "what is secret is not kept"
    assert list(tmp_path.iterdir()) == []


def test_the_time_for_all_of_it_is_kept(call: Call, fetched: Any) -> None:
    slow = [definition(f"slow/n{number}", ("command", ["sleep", "60"]), timeout=60.0) for number in range(6)]
    result = call(*slow, definition("z/late", ("files", ["/proc/version"]), tier=4), budget="2s")
    assert result["outcomes"] == {"timeout": 7}
    assert result["artifacts"][-1]["message"] == "the time for the whole capture was spent before"
    assert result["clock"]["ended_monotonic"] - result["clock"]["began_monotonic"] < 8
    fetched(result)


def test_quick_leaves_out_what_survives_a_restart(call: Call) -> None:
    asked = [definition(f"a/t{tier}", ("files", ["/proc/version"]), tier=tier) for tier in range(1, 6)]
    result = call(*asked, profile="quick")
    assert [each["artifact"] for each in result["artifacts"]] == ["a/t1", "a/t2", "a/t3"]


def test_logs_of_services_come_with_all_that_rotation_made_of_them(call: Call, fetched: Any, tmp_path: Path) -> None:
    (tmp_path / "shop.log").write_text("newest\n")
    (tmp_path / "shop.log.1").write_text("older\n")
    (tmp_path / "shop.log.2.gz").write_bytes(gzip.compress(b"oldest\n"))
    (tmp_path / "shop.log.3.zst").write_bytes(b"\x28\xb5\x2f\xfd no text")
    (tmp_path / "other.log").write_text("not it\n")
    (tmp_path / "env").write_text("PASSWORD=hunter2\n")
    manager = {"kind": "process", "command": "x", "cwd": "/", "env_file": str(tmp_path / "env")}
    services = {"shop": {"manager": manager, "logs": [str(tmp_path / "shop.log")]}}
    asked = definition("a/one", ("files", ["/proc/version"]))
    result = call(asked, services=services, redact="never")
    outcomes = {each["artifact"]: each["outcome"] for each in result["artifacts"]}
    assert outcomes == {"a/one": "collected", "service_logs/shop": "collected", "service_config/shop": "denied"}
    kept = {Path(file["origin"]).name: body for file, body in contents(fetched(result)) if "shop" in file["origin"]}
    assert kept == {
        "shop.log": b"newest\n",
        "shop.log.1": b"older\n",
        "shop.log.2.gz": (tmp_path / "shop.log.2.gz").read_bytes(),
        "shop.log.3.zst": b"\x28\xb5\x2f\xfd no text",
    }
    assert "hunter2" not in json.dumps(result)
    masked = call(asked, services=services, only=["service_logs/*"], bag=BAG.replace("001", "002"))
    assert masked["artifacts"][0]["outcome"] == "denied"
    assert "shop.log.3.zst: it is no text" in masked["artifacts"][0]["message"]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"keep": ["open", "secret"]}, "only kept sealed"),
        ({"bag": "../x"}, "name of a bag"),
        ({"directory": "/"}, "absolute path below"),
        ({"budget": "0"}, "needs time"),
        ({"only": ["nothing/*"]}, "only: there is no artifact 'nothing/*'"),
        ({"exclude": ["a/*"]}, "No artifact is left"),
        ({"definitions": []}, "nothing to capture"),
        ({"max_bytes": "much"}, "not a size"),
        ({"services": {"x": {"logs": ["relative"]}}}, "not an absolute path"),
        ({"seal": {"method": "age", "recipients": ["age1x"]}}, "no recipient of age"),
        ({"seal": {"method": "gpg", "recipients": ["A" * 40]}}, "recipients' keys"),
        ({"seal": {"method": "age", "recipients": []}}, "nobody who could open it"),
    ],
)
def test_what_cannot_be_done_is_refused_before_anything_is(
    call: Call, tmp_path: Path, options: dict[str, Any], words: str
) -> None:
    result = call(definition("a/one", ("files", ["/proc/version"])), **options)
    assert result["failed"]
    assert words in result["msg"]
    assert list(tmp_path.iterdir()) == []


def test_a_place_that_others_can_write_to_is_refused(call: Call, tmp_path: Path) -> None:
    (tmp_path / "captures").mkdir(mode=0o700)
    (tmp_path / "captures").chmod(0o777)
    asked = definition("a/one", ("files", ["/proc/version"]))
    assert "Somebody else can write" in call(asked)["msg"]
    shutil.rmtree(tmp_path / "captures")
    (tmp_path / "captures").symlink_to("/tmp")
    assert "is not a directory" in call(asked)["msg"]
    assert [path.name for path in tmp_path.iterdir()] == ["captures"]


def test_hostile_names_are_kept_to_the_byte_and_stored_under_safe_ones(
    call: Call, fetched: Any, tmp_path: Path, hostile_names: list[bytes]
) -> None:
    tree = tmp_path / "tree"
    tree.mkdir()
    for name in hostile_names:
        (tree / os.fsdecode(name)).write_bytes(name)
    assert len(hostile_names) >= 2000
    result = call(definition("a/names", ("files", [tree / "*", tree / ".*"]), timeout=60.0, max_bytes=1 << 30))
    assert result["outcomes"] == {"collected": 1}
    found = {}
    for file, body in contents(fetched(result)):
        origin = base64.b64decode(file["origin_base64"]) if "origin_base64" in file else os.fsencode(file["origin"])
        found[os.path.basename(origin)] = body
        assert file["path"].isascii()
        assert set(file["path"]) <= set("abcdefghijklmnopqrstuvwxyz0123456789/.")
    assert found == {name: name for name in hostile_names}
    json.dumps(result).encode()
