# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The custody log is old or new and never between, whoever writes at once and whoever is killed."""

from __future__ import annotations

import multiprocessing
import os
import random
import signal
import threading
import time
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from ansible_collections.toombos.incident.plugins.module_utils._errors import IncidentError
from ansible_collections.toombos.incident.plugins.plugin_utils._custody import home, log as l, seal
from ansible_collections.toombos.incident.plugins.plugin_utils._custody.anchor import read_anchor
from ansible_collections.toombos.incident.plugins.plugin_utils._custody.book import Book
from ansible_collections.toombos.incident.plugins.plugin_utils._custody.verify import verify

DAY = date(2026, 11, 25)


def write(book: Book, *names: str) -> str:
    return book.append(lambda _records: [l.Event(name) for name in names])


def problems(book: Book) -> list[str]:
    anchor = read_anchor(book.state, book.incident)
    found = verify(book.directory, seal.allowed_line("alice", book.key), anchor)
    return [f"{each.where} {each.what}" for each in found.problems]


def test_records_follow_on_each_other(book: Book) -> None:
    head = write(book, "one", "two")
    records = book.records()
    assert [(r["seq"], r["event"]) for r in records] == [(1, "opened"), (2, "one"), (3, "two")]
    first, second, third = l.read_log(Path(book.directory, "custody.jsonl").read_bytes()).heads
    assert [r["prev"] for r in records] == ["0" * 64, first, second]
    assert (head, third) == (third, head)
    assert records[0]["time"].endswith("Z")
    assert records[0]["detail"]["targets"] == ["web-1", "web-2"]
    assert problems(book) == []
    assert write(book) == head, "nothing to write, nothing written"


def test_twenty_at_once_leave_one_chain(book: Book) -> None:
    children = [
        multiprocessing.get_context("fork").Process(target=write, args=(book, f"e{n}", f"f{n}")) for n in range(20)
    ]
    for child in children:
        child.start()
    for child in children:
        child.join()
    assert [child.exitcode for child in children] == [0] * 20
    events = [record["event"] for record in book.records()]
    assert sorted(events[1:]) == sorted(f"{kind}{n}" for n in range(20) for kind in "ef")
    assert all(events[events.index(f"e{n}") + 1] == f"f{n}" for n in range(20)), "what is written together stays so"
    assert problems(book) == []


def test_a_writer_that_is_killed_leaves_the_old_log_or_the_new(book: Book) -> None:
    chance = random.Random(4)
    lengths = set()
    # Long enough for some of them to get it done, however busy the machine is.
    began = time.monotonic()
    child = multiprocessing.get_context("fork").Process(target=write, args=(book, "first"))
    child.start()
    child.join()
    longest = max(0.02, 2 * (time.monotonic() - began))
    for number in range(50):
        before = len(book.records())
        child = multiprocessing.get_context("fork").Process(target=write, args=(book, f"e{number}"))
        child.start()
        time.sleep(chance.random() * longest)
        os.kill(child.pid or 0, signal.SIGKILL)
        child.join()
        assert problems(book) == []
        after = len(book.records())
        lengths.add(after - before)
        assert after - before in (0, 1)
    write(book, "last")
    assert not [name for name in os.listdir(book.directory) if name.startswith(".custody.jsonl.")]
    assert lengths == {0, 1}, "some were killed before, some after"


def edited(book: Book, old: bytes, new: bytes) -> None:
    path = Path(book.directory, "custody.jsonl")
    content = path.read_bytes()
    assert old in content
    path.write_bytes(content.replace(old, new, 1))


def test_nothing_is_added_to_a_log_that_was_edited(book: Book) -> None:
    write(book, "one")
    for old, new in ((b'"event":"one"', b'"event":"two"'), (b"web-2", b"web-3"), (b'"seq":2', b'"seq": 2')):
        content = Path(book.directory, "custody.jsonl").read_bytes()
        edited(book, old, new)
        with pytest.raises(IncidentError, match=r"not what was written|not the one"):
            write(book, "three")
        Path(book.directory, "custody.jsonl").write_bytes(content)


def test_a_last_record_that_was_edited_with_its_seal_is_not_signed_over(book: Book) -> None:
    """The chain holds and the seal fits; only the signature, or this controller's memory, tells."""
    write(book, "one")
    path = Path(book.directory, "custody.jsonl")
    found = l.read_log(path.read_bytes())
    body = found.body.replace(b'"event":"one"', b'"event":"two"')
    path.write_bytes(body + l.seal_line(body, book.key.fingerprint, str(found.seal["signature"])))
    with pytest.raises(IncidentError, match="not the one that this controller wrote"):
        write(book, "three")
    os.unlink(os.path.join(book.state, "custody-heads", book.incident))
    with pytest.raises(seal.BadSignature):
        write(book, "three")


@pytest.mark.parametrize("signature", ["", "x", "-----BEGIN SSH SIGNATURE-----\nAAAA\n-----END SSH SIGNATURE-----\n"])
def test_a_seal_that_was_exchanged_is_not_taken(book: Book, signature: str) -> None:
    path = Path(book.directory, "custody.jsonl")
    found = l.read_log(path.read_bytes())
    path.write_bytes(found.body + l.seal_line(found.body, book.key.fingerprint, signature))
    with pytest.raises(seal.BadSignature):
        write(book, "one")


def test_an_older_log_is_not_continued(book: Book) -> None:
    path = Path(book.directory, "custody.jsonl")
    old = path.read_bytes()
    write(book, "one")
    path.write_bytes(old)
    with pytest.raises(IncidentError, match="put back an older log"):
        write(book, "two")
    path.unlink()
    with pytest.raises(IncidentError, match="is gone"):
        write(book, "two")
    with pytest.raises(IncidentError, match="is gone"):
        home.open_incident(os.path.dirname(book.directory), book.incident, book, [], DAY)


def test_a_memory_that_is_behind_is_brought_up(book: Book) -> None:
    """A writer was killed between the log and the memory."""
    anchor = Path(book.state, "custody-heads", book.incident)
    old = anchor.read_bytes()
    write(book, "one")
    anchor.write_bytes(old)
    write(book, "two")
    assert problems(book) == []
    anchor.write_text("{}")
    with pytest.raises(IncidentError, match="damaged"):
        write(book, "three")


def test_another_key_goes_on_with_the_seal_of_the_first_kept(book: Book, tmp_path: Path) -> None:
    other = replace(book, key=seal.open_key(str(tmp_path / "other"), create=True), state=str(tmp_path / "elsewhere"))
    write(other, "one")
    assert [record["event"] for record in other.records()] == ["opened", "signer_changed", "one"]
    both = seal.allowed_line("alice", book.key) + seal.allowed_line("bob", other.key)
    assert verify(book.directory, both).problems == ()
    assert Path(book.directory, "allowed_signers").read_text().count("\n") == 2
    for only in (book, other):
        found = verify(book.directory, seal.allowed_line("x", only.key))
        assert "not an allowed signer" in found.problems[0].what


def test_an_incident_that_was_not_opened_is_refused(book: Book, tmp_path: Path) -> None:
    for directory in (tmp_path / "nowhere", tmp_path):
        with pytest.raises(IncidentError, match="evidence_open"):
            write(replace(book, directory=str(directory)), "one")


def test_numbers_are_given_once_to_many(book: Book) -> None:
    base = os.path.dirname(book.directory)
    found: list[str] = []
    begin = replace(book, directory="")

    def claim() -> None:
        found.append(home.open_incident(base, "", begin, [], DAY).directory[-4:])

    threads = [threading.Thread(target=claim) for _each in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(found) == [f"{number:04d}" for number in range(2, 10)]


def test_a_number_is_not_given_again_when_its_evidence_is_gone(book: Book, tmp_path: Path) -> None:
    assert home.next_incident(str(tmp_path / "other"), book.state, DAY) == "INC-2026-1125-0002"
    assert home.next_incident(str(tmp_path / "other"), book.state, date(2026, 11, 26)) == "INC-2026-1126-0001"


def test_who_opens_it_again_joins(book: Book) -> None:
    opened = home.open_incident(book.directory, "inc-2026-1125-001", book, ["web-3"], DAY)
    assert (opened.directory, opened.new) == (book.directory, False)
    assert [record["event"] for record in book.records()] == ["opened", "joined"]
    assert problems(book) == []


@pytest.mark.parametrize(("given", "incident"), [("", "INC-2026-1125-0002"), ("nowhere", ""), ("", "x")])
def test_a_directory_that_is_not_the_incident_is_refused(book: Book, given: str, incident: str) -> None:
    with pytest.raises(IncidentError):
        home.find_incident(os.path.join(book.directory, given), incident)


def test_nobody_else_can_read_it(book: Book) -> None:
    base = Path(book.directory).parent
    assert not [path for path in (base, *base.rglob("*")) if path.stat().st_mode & 0o077]
