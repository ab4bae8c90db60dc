# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A sealed capture can be opened by whom it was meant for. Whatever goes wrong, there is no package, no plain text."""

from __future__ import annotations

import io
import os
import shutil
import subprocess
import tarfile
from dataclasses import asdict
from pathlib import Path
from typing import Any, Callable, Iterator

import pytest
from gpg_keys import exported, key_ring

from ansible_collections.toombos.incident.plugins.module_utils._evidence import compress, types as t
from ansible_collections.toombos.incident.plugins.modules import evidence_capture

CANARY = b"a canary that nobody may see "
RECIPIENT = "age1" + "q" * 58
EMPTY = "[ $(dd bs=1 count=1 2>/dev/null | wc -c) = 0 ]"
HEADER = "printf 'age-encryption.org/v1\\n-> X25519 abc\\n'"
# What stands in for age, and what is said of it; the first look is at how it seals nothing.
FAULTS = {
    "is cat": ("cat", "seals nothing"),
    "is cat when it matters": (f"if {EMPTY}; then {HEADER}; else cat; fi", "what comes out is not sealed"),
    "loses something": (f"{HEADER}; head -c 300000; cat >/dev/null", "sealed less than it was given"),
    "says nothing": ("cat >/dev/null", "seals nothing"),
    "knows no such recipient": (
        "echo 'unknown recipient' >&2; exit 1",
        "age ended with return code 1: unknown recipient",
    ),
    "ends in the middle": (f"{HEADER}; head -c 300000 >/dev/null; [ $(wc -c) = 0 ] || exit 3", "return code 3"),
    "goes away": (f"{HEADER}; [ $(head -c 300000 | wc -c) = 0 ] || exit 0", "age went away"),
    "dies": (f"{HEADER}; [ $(head -c 300000 | wc -c) = 0 ] || kill -9 $$", "age"),
}
Seal = Callable[..., dict[str, Any]]


@pytest.fixture
def tools(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only directory in which tools are found."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setattr(compress, "_DIRECTORIES", (str(folder),))
    return folder


@pytest.fixture
def seal(run_module: Any, tmp_path: Path) -> Seal:
    """Capture a file full of canaries that cannot be compressed, sealed like this."""
    with (tmp_path / "log").open("wb") as log:
        for _number in range(60):
            log.write(CANARY + os.urandom(1 << 16))

    def call(**how: Any) -> dict[str, Any]:
        source = t.Source("files", (str(tmp_path / "log"),))
        asked = [asdict(t.Artifact("a/log", 3, (source,), 20.0, 1 << 30, t.SECRET))]
        return run_module(
            evidence_capture,
            incident="INC-2026-1124-0001",
            bag="INC-2026-1124-0001-web-1-001",
            directory=str(tmp_path / "captures"),
            definitions=asked,
            keep=["open", "personal", "secret"],
            reserve=how.pop("reserve", "0"),
            seal={"keys": [], **how},
        )

    return call


def sealed(result: dict[str, Any]) -> bytes:
    whole = b"".join(Path(part["path"]).read_bytes() for part in result["package"]["parts"])
    assert len(whole) == result["package"]["size"] > 60 << 16
    assert CANARY not in whole
    assert sorted(os.listdir(result["directory"])) == ["package.json", "parts"]
    return whole


def opened(whole: bytes) -> list[str]:
    with tarfile.open(fileobj=io.BytesIO(whole)) as archive:
        return [member.name.partition("/")[2] for member in archive]


@pytest.mark.skipif(not shutil.which("age"), reason="there is no age")
def test_age_opens_it_for_each_recipient_and_nobody_else(seal: Seal, tmp_path: Path) -> None:
    recipients = []
    for name in ("alice", "bob", "eve"):
        subprocess.run(["age-keygen", "-o", name], cwd=tmp_path, capture_output=True, check=True)
        shown = subprocess.run(["age-keygen", "-y", name], cwd=tmp_path, capture_output=True, text=True, check=True)
        recipients.append(shown.stdout.strip())
    result = seal(method="age", recipients=recipients[:2])
    assert result["package"]["method"] == "age"
    whole = sealed(result)
    for name, rc in (("alice", 0), ("bob", 0), ("eve", 1)):
        done = subprocess.run(["age", "-d", "-i", name], cwd=tmp_path, input=whole, capture_output=True, check=False)
        assert done.returncode == rc
        assert ("data/a/log/0001.zst" in opened(done.stdout) if not rc else not done.stdout) or not shutil.which("zstd")


@pytest.fixture
def gpg() -> Iterator[list[str]]:
    """gpg with a key ring in which are Alice's and Bob's keys."""
    with key_ring("alice", "bob") as command:
        yield command


@pytest.mark.skipif(not shutil.which("gpg"), reason="there is no gpg")
def test_gpg_opens_it_and_only_with_the_keys_that_were_named(seal: Seal, gpg: list[str], tmp_path: Path) -> None:
    alice, bob = exported(gpg, "alice"), exported(gpg, "bob")
    refusals = [
        ([bob[0]], [alice[1]], "of none of the recipients"),
        ([alice[0], bob[0]], [alice[1]], f"no key of {bob[0]}"),
        ([alice[0][-8:]], [alice[1]], "of none of the recipients"),  # anybody can make a key with that short number
        ([alice[0]], [alice[1] + bob[1]], "exactly one public key"),
        ([alice[0]], ["no key"], "exactly one public key"),
    ]
    for recipients, keys, words in refusals:
        result = seal(method="gpg", recipients=recipients, keys=keys)
        assert result["failed"]
        assert words in result["msg"]
        assert os.listdir(tmp_path / "captures") == []
    result = seal(method="gpg", recipients=[alice[0], "Bob@example.org"], keys=[alice[1], bob[1]])
    done = subprocess.run([*gpg, "-d"], input=sealed(result), capture_output=True, check=True)
    assert "manifest-sha512.txt" in opened(done.stdout)
    packets = subprocess.run([*gpg, "--list-packets"], input=sealed(result), capture_output=True, check=False).stdout
    assert packets.count(b":pubkey enc packet:") == 2


@pytest.mark.parametrize("fault", FAULTS)
def test_where_the_tool_fails_nothing_is_left(seal: Seal, tools: Path, tmp_path: Path, fault: str) -> None:
    script, words = FAULTS[fault]
    (tools / "age").write_text(f"#!/bin/sh\n[ $1 = --version ] && exit\n{script}\n")
    (tools / "age").chmod(0o755)
    result = seal(method="age", recipients=[RECIPIENT])
    assert result["failed"]
    assert words in result["msg"]
    assert os.listdir(tmp_path / "captures") == []


def test_without_the_tool_nothing_is_even_begun(seal: Seal, tools: Path, tmp_path: Path) -> None:
    for method in ("age", "gpg"):
        result = seal(method=method, recipients=[RECIPIENT], keys=["x"])
        assert result["msg"] == f"The host has no {method}. Install it there, or do not seal."
        assert os.listdir(tmp_path / "captures") == []


def test_a_tool_that_hangs_costs_the_capture(
    seal: Seal, tools: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    call = "ansible_collections.toombos.incident.plugins.module_utils._evidence.call._PACKING_GRACE"
    monkeypatch.setattr(call, -598.0)
    hung = f"sleep 4321.{os.getpid()}"  # the same test may run elsewhere on this machine
    (tools / "age").write_text(
        f"#!/bin/sh\n[ $1 = --version ] && exit\n{HEADER}; [ $(head -c 300000 | wc -c) = 0 ] || exec {hung}\n"
    )
    (tools / "age").chmod(0o755)
    result = seal(method="age", recipients=[RECIPIENT])
    assert "could not be packed in time" in result["msg"]
    assert os.listdir(tmp_path / "captures") == []
    assert subprocess.run(["pgrep", "-f", hung], check=False).returncode == 1
