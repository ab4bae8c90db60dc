# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whatever is changed about evidence is found, and nothing is found where nothing was changed."""

from __future__ import annotations

import functools
import os
import random
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.toombos.incident.plugins.plugin_utils._custody import fleet, log as l, seal, verify as v
from ansible_collections.toombos.incident.plugins.plugin_utils._custody.anchor import read_anchor
from ansible_collections.toombos.incident.plugins.plugin_utils._custody.book import Book
from ansible_collections.toombos.incident.plugins.plugin_utils._custody.capture import Request, capture

sys.path.insert(0, os.path.dirname(__file__))
import mutations as m

SCRIPT = Path(v.__file__).with_name("verify.sh")
MUTATIONS = 1000
BY_SCRIPT = 60


@pytest.fixture
def whole(book: Book, host: Any, request_of: Callable[..., Request], tmp_path: Path) -> Book:
    """An incident with three bags, a sealed one and a manifest."""
    m.KEYS[:] = [seal.open_key(str(tmp_path / "mallory"), create=True)]
    m.HISTORY[:] = []
    path, results = Path(book.directory, "custody.jsonl"), {}
    for name in ("web-1", "web-2", "web-3"):
        results[name] = capture(request_of(name), {}, book, host)
        m.HISTORY.append(path.read_bytes())
    host.change = sealed
    results["web-4"] = capture(Request("web-4", str(host.directory), "age", True, {}), {}, book, host)
    m.HISTORY.append(path.read_bytes())
    fleet.write_manifest(book, fleet.manifest({**results, "web-5": {"unreachable": True, "msg": "no route"}}))
    return book


def sealed(result: dict[str, Any]) -> None:
    """As if age had been there: what it makes begins like this."""
    part = result["package"]["parts"][0]
    content = b"age-encryption.org/v1\n" + os.urandom(300)
    Path(part["path"]).write_bytes(content)
    part.update(size=len(content), sha256=l.digest(content))
    result["package"].update(method="age", size=len(content), sha256=part["sha256"])


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """ssh-keygen is asked once about each signature."""
    monkeypatch.setattr(v, "check_signature", functools.lru_cache(maxsize=None)(seal.check_signature))


def problems(book: Book, root: Path) -> list[str]:
    found = v.verify(str(root), seal.allowed_line("alice", book.key), read_anchor(book.state, book.incident))
    return [f"{each.where} {each.what}" for each in found.problems]


def by_script(book: Book, root: Path, tmp_path: Path) -> subprocess.CompletedProcess[str]:
    (tmp_path / "allowed").write_text(seal.allowed_line("alice", book.key))
    command = ["sh", str(SCRIPT), str(root), str(tmp_path / "allowed")]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def content(root: Path) -> dict[str, bytes | None]:
    return {str(p.relative_to(root)): p.read_bytes() if p.is_file() else None for p in root.rglob("*")}


def test_what_is_whole_is_good_for_both(whole: Book, tmp_path: Path) -> None:
    root = Path(whole.directory)
    found = v.verify(str(root), seal.allowed_line("alice", whole.key), read_anchor(whole.state, whole.incident))
    assert found.problems == ()
    assert [name[-10:] for name in found.bags] == ["/web-1-001"[1:], "web-2-001", "web-3-001", "01.tar.age"] or len(
        found.bags
    ) == 4
    answer = by_script(whole, root, tmp_path)
    assert (answer.returncode, answer.stderr) == (0, "")
    assert found.log is not None
    assert (
        answer.stdout
        == f"verified: record {len(found.log.heads)}, {found.log.head}, signed by {whole.key.fingerprint}\n"
    )


def test_nothing_is_found_in_fifty_copies(whole: Book, tmp_path: Path, quick: None) -> None:
    for number in range(50):
        copy = tmp_path / "copies" / str(number) / whole.incident
        shutil.copytree(whole.directory, copy, symlinks=True)
        (copy / "derived").mkdir()
        (copy / "derived" / "timeline.jsonl").write_text("{}")
        (copy / f".custody.jsonl.{number:016x}").write_text("left by a writer that was killed")
        assert problems(whole, copy) == []
        if number < 5:
            assert by_script(whole, copy, tmp_path).returncode == 0


@pytest.mark.no_cover
def test_a_thousand_mutations_are_found(whole: Book, tmp_path: Path, quick: None) -> None:
    chance = random.Random(20261125)
    original = content(Path(whole.directory))
    missed, kinds = [], set()
    for number in range(MUTATIONS):
        mutation = m.ALL[number % len(m.ALL)]
        copy = tmp_path / "copies" / str(number) / whole.incident
        shutil.copytree(whole.directory, copy, symlinks=True)
        mutation(chance, copy)
        if content(copy) != original or mutation is m.link_instead:
            kinds.add(mutation)
            name = f"{number}: {mutation.__name__}"
            if not problems(whole, copy):
                missed.append(name)
            if (
                number < BY_SCRIPT
                and mutation not in m.NOT_BY_SCRIPT
                and not by_script(whole, copy, tmp_path).returncode
            ):
                missed.append(f"{name}, by the script")
        shutil.rmtree(copy.parent)
    assert missed == []
    assert kinds == set(m.ALL)


@pytest.mark.no_cover
def test_every_byte_of_the_log_counts(whole: Book, quick: None) -> None:
    """In every position one other byte, in turn of every kind."""
    path = Path(whole.directory, "custody.jsonl")
    original = path.read_bytes()
    allowed = seal.allowed_line("alice", whole.key)
    missed = []
    for position in range(len(original)):
        changed = bytearray(original)
        changed[position] ^= 1 << (position % 8)
        try:
            found = l.read_log(bytes(changed))
            seal.check_signature(found.body, str(found.seal["signature"]), allowed)
            if seal.signed_by(str(found.seal["signature"])) == found.seal["signer"]:
                missed.append(position)
        except (l.BrokenLog, seal.BadSignature):
            pass
    assert missed == []


@pytest.mark.no_cover
def test_the_script_finds_other_bytes_in_every_file_and_all_over_the_seal(whole: Book, tmp_path: Path) -> None:
    root, missed = Path(whole.directory), []
    places = [(path, position) for path in m.files(root) for position in (0, -1, path.stat().st_size // 2)]
    log = root / "custody.jsonl"
    places += [(log, -position) for position in range(2, len(log.read_bytes().splitlines()[-1]), 23)]
    for path, position in places:
        original = path.read_bytes()
        if not original:
            continue
        changed = bytearray(original)
        changed[position] ^= 0x20
        path.write_bytes(changed)
        if not by_script(whole, root, tmp_path).returncode:
            missed.append((path.name, position))
        path.write_bytes(original)
    assert missed == []
    assert by_script(whole, root, tmp_path).returncode == 0


def test_an_old_directory_that_is_put_back_is_found_by_the_memory_or_a_noted_head(whole: Book, tmp_path: Path) -> None:
    root = Path(whole.directory)
    shutil.copytree(root, tmp_path / "old" / whole.incident)
    head = whole.append(lambda _records: [l.Event("noted")])
    allowed = seal.allowed_line("alice", whole.key)
    old = str(tmp_path / "old" / whole.incident)
    assert v.verify(old, allowed).problems == (), "signed and complete: nothing in it can tell"
    assert "not the log that this controller wrote" in problems(whole, Path(old))[0]
    assert "no record with the digest" in v.verify(old, allowed, head=head).problems[0].what
    assert v.verify(str(root), allowed, head=head).problems == ()
    whole.append(lambda _records: [l.Event("later")])
    assert v.verify(str(root), allowed, head=head).problems == (), "also when the log has gone on"


def test_every_problem_is_named(whole: Book) -> None:
    root = Path(whole.directory)
    bags = sorted(path for path in root.glob("INC-*") if path.is_dir())
    shutil.rmtree(bags[0])
    (bags[1] / "data" / "extra").write_text("x")
    (root / "notes.txt").write_text("mine")
    (root / "fleet.json").unlink()
    told = problems(whole, root)
    assert told == [
        "fleet.json is missing",
        "notes.txt is not mentioned in the custody log (what is no evidence belongs into derived/)",
        f"{bags[0].name} is missing",
        f"{bags[1].name} data/extra: is not listed in manifest-sha256.txt",
        f"{bags[1].name} data/extra: is not listed in manifest-sha512.txt",
        told[5],
    ]
    assert "does not say Payload-Oxum" in told[5]


def test_a_log_that_is_missing_is_one(tmp_path: Path) -> None:
    assert v.verify(str(tmp_path), "").problems == (v.Problem("custody.jsonl", "is missing"),)


def test_what_arrived_without_a_record_is_found(book: Book, host: Any, request_of: Callable[..., Request]) -> None:
    result = capture(request_of(transfer=False), {}, book, host)
    package = Path(book.directory, result["bag"])
    package.mkdir()
    assert "does not say that it arrived" in problems(book, Path(book.directory))[-1]


def test_the_script_is_short() -> None:
    assert len(SCRIPT.read_text().splitlines()) <= 20
