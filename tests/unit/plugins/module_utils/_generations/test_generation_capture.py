# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Everything of every path is captured, as it was at one moment, or nothing."""

from __future__ import annotations

import base64
import hashlib
import os
import socket
import threading
from pathlib import Path

import pytest
from generations_kit import ACL, CAPABILITY, CLASSES, ROOT, attribute, by_name, tree, write

from ansible_collections.toombos.incident.plugins.module_utils._clock import Clock
from ansible_collections.toombos.incident.plugins.module_utils._errors import IncidentError
from ansible_collections.toombos.incident.plugins.module_utils._generations import reading
from ansible_collections.toombos.incident.plugins.module_utils._generations.capture import read_set
from ansible_collections.toombos.incident.plugins.module_utils._generations.spots import Spot, Unstable, open_parent
from ansible_collections.toombos.incident.plugins.module_utils._generations.types import (
    ABSENT,
    DIRECTORY,
    FILE,
    SYMLINK,
    Declaration,
    Entry,
)


def encoded(value: bytes) -> str:
    return base64.b64encode(value).decode()


@pytest.mark.parametrize("kind", CLASSES)
def test_each_class_is_captured_exactly(etc: Path, kind: str) -> None:
    make, expected = CLASSES[kind]
    make(etc / "it")
    declared = Declaration(
        "main", trees=(str(etc),), files=() if "directory" in kind or "setgid" in kind else (str(etc / "it"),)
    )
    entry = by_name(read_set(declared))["it"]
    assert {name: getattr(entry, name) for name in expected} == expected
    if entry.kind == FILE:
        assert entry.sha256 == hashlib.sha256((etc / "it").read_bytes()).hexdigest()
    if entry.kind != ABSENT:
        found = os.lstat(etc / "it")
        assert (entry.uid, entry.gid, entry.mtime_ns) == (found.st_uid, found.st_gid, found.st_mtime_ns)


@pytest.mark.skipif(not ROOT, reason="only root may give files away")
def test_owners_are_captured(etc: Path) -> None:
    os.chown(write(etc / "it"), 1234, 5678)
    os.symlink("it", etc / "link")
    os.chown(etc / "link", 12, 34, follow_symlinks=False)
    found = by_name(read_set(tree(etc)))
    assert (found["it"].uid, found["it"].gid) == (1234, 5678)
    assert (found["link"].uid, found["link"].gid) == (12, 34)


def test_acls_are_captured(etc: Path) -> None:
    attribute(write(etc / "it"), "system.posix_acl_access", ACL)
    (etc / "folder").mkdir()
    attribute(etc / "folder", "system.posix_acl_default", ACL)
    found = by_name(read_set(tree(etc)))
    assert found["it"].xattrs == {"system.posix_acl_access": encoded(ACL)}
    assert found["folder"].xattrs == {"system.posix_acl_default": encoded(ACL)}


@pytest.mark.skipif(not ROOT, reason="only root may set capabilities")
def test_capabilities_are_captured(etc: Path) -> None:
    attribute(write(etc / "it"), "security.capability", CAPABILITY)
    assert by_name(read_set(tree(etc)))["it"].xattrs == {"security.capability": encoded(CAPABILITY)}


def test_a_file_system_without_attributes_is_said_to_have_none(etc: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_arguments: object, **_options: object) -> list[str]:
        raise OSError(95, "Operation not supported")

    write(etc / "it")
    monkeypatch.setattr(os, "listxattr", refuse)
    assert by_name(read_set(tree(etc)))["it"].xattrs is None


def test_hard_links_within_the_set_are_numbered(etc: Path) -> None:
    for name in ("a", "c", "lonely", "outside"):
        write(etc / name)
    os.link(etc / "a", etc / "z")
    os.link(etc / "c", etc / "b")
    os.link(etc / "outside", etc.parent / "elsewhere")
    links = {name: entry.link for name, entry in by_name(read_set(tree(etc))).items()}
    assert links == {"etc": 0, "a": 1, "b": 2, "c": 2, "z": 1, "lonely": 0, "outside": 0}


def test_names_may_be_any_bytes(etc: Path) -> None:
    raw = os.fsencode(str(etc)) + b"/\xff\n'\" %s"
    with open(raw, "wb") as file:
        file.write(b"x")
    entry = read_set(tree(etc))[1]
    assert os.fsencode(entry.path) == raw
    assert entry.sha256 == hashlib.sha256(b"x").hexdigest()


def test_what_is_declared_and_not_there_is_absent(etc: Path) -> None:
    write(etc / "file")
    declared = Declaration(
        "main", (f"{etc}/no", f"{etc}/no/folder", f"{etc}/file/below"), (f"{etc}/*.no",), (f"{etc}/tree",)
    )
    paths = [f"{etc}/{name}" for name in ("file/below", "no", "no/folder", "tree")]
    assert read_set(declared) == tuple(Entry(path, ABSENT) for path in paths)


def test_a_link_is_never_followed_into_a_directory(etc: Path, tmp_path: Path) -> None:
    write(tmp_path / "secret" / "key")
    (etc / "link").symlink_to(tmp_path / "secret")
    found = read_set(Declaration("main", globs=(f"{etc}/*/key",), trees=(str(etc), f"{etc}/link")))
    assert [(each.path, each.kind) for each in found] == [(str(etc), DIRECTORY), (f"{etc}/link", SYMLINK)]


def test_a_declared_path_may_lead_through_a_link(etc: Path, tmp_path: Path) -> None:
    write(etc / ".env")
    (tmp_path / "current").symlink_to(etc)
    (found,) = read_set(Declaration("main", (f"{tmp_path}/current/.env",)))
    assert (found.kind, found.path) == (FILE, f"{tmp_path}/current/.env")


def test_one_file_under_two_paths_is_refused(etc: Path, tmp_path: Path) -> None:
    write(etc / ".env")
    (tmp_path / "current").symlink_to(etc)
    with pytest.raises(IncidentError, match=r"are the same file.*Declare it once"):
        read_set(Declaration("main", (f"{tmp_path}/current/.env", f"{etc}/.env")))


def test_globs_are_a_shells(etc: Path) -> None:
    for name in ("a.conf", ".hidden.conf", "b.txt", "x/c.conf", ".y/d.conf", "x/deep/e.conf"):
        write(etc / name)
    (etc / "folder.conf").mkdir()

    def found(*globs: str) -> list[str]:
        entries = read_set(Declaration("main", globs=tuple(f"{etc}/{glob}" for glob in globs)))
        return [os.path.relpath(each.path, etc) for each in entries]

    assert found("*.conf") == ["a.conf"]
    assert found(".*.conf", "*.conf") == [".hidden.conf", "a.conf"]
    assert found("*/[cd].conf", ".*/*.conf") == [".y/d.conf", "x/c.conf"]
    assert found("x/*/e.conf") == ["x/deep/e.conf"]
    assert found("b.txt", "nothing") == ["b.txt"]


def test_the_store_is_never_part_of_a_set(etc: Path) -> None:
    write(etc / "store" / "objects" / "x")
    write(etc / ".env")
    (etc.parent / "alias").symlink_to(etc / "store")
    exclude = (str(etc / "store"),)
    assert [each.path for each in read_set(tree(etc), exclude)] == [str(etc), f"{etc}/.env"]
    assert read_set(Declaration("main", globs=(f"{etc}/*/*/x",)), exclude) == ()
    for path in (f"{etc}/store/objects/x", f"{etc.parent}/alias/objects/x"):
        with pytest.raises(IncidentError, match="lies in the collection's own store"):
            read_set(Declaration("main", (path,)), exclude)
    with pytest.raises(IncidentError, match="own store"):
        read_set(Declaration("main", trees=(f"{etc}/store",)), exclude)


@pytest.mark.parametrize("path", ["relative", "/", "//", "/a/../b", "/a\0b", ""])
def test_paths_that_cannot_be_part_of_a_set(path: str) -> None:
    with pytest.raises(IncidentError, match="cannot be part of a set"):
        read_set(Declaration("main", trees=(path,)))


def test_what_has_no_content_is_refused(etc: Path) -> None:
    os.mkfifo(etc / "pipe")
    with pytest.raises(IncidentError, match=r"/pipe is a FIFO, which cannot be kept\. Take it out"):
        read_set(tree(etc))
    (etc / "pipe").unlink()
    listener = socket.socket(socket.AF_UNIX)
    here = os.getcwd()
    os.chdir(etc)  # its path would be too long for a socket's
    try:
        listener.bind("sock")
    finally:
        os.chdir(here)
    with listener, pytest.raises(IncidentError, match="/sock is a socket"):
        read_set(Declaration("main", (f"{etc}/sock",)))
    with pytest.raises(IncidentError, match="/dev/null is a character device"):
        read_set(Declaration("main", ("/dev/null",)))
    with pytest.raises(IncidentError, match="declared as a file, and is a directory"):
        read_set(Declaration("main", (str(etc),)))


@pytest.mark.skipif(ROOT, reason="root may read everything")
@pytest.mark.parametrize("what", ["it", "."])
def test_what_cannot_be_read_is_refused(etc: Path, what: str) -> None:
    write(etc / "it")
    (etc / what).chmod(0)
    try:
        with pytest.raises(IncidentError, match=r"cannot be read: Permission denied.*become: true"):
            read_set(tree(etc))
    finally:
        (etc / what).chmod(0o700)


def test_an_error_of_the_disk_is_refused(etc: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(etc / "it")

    def fail(*_arguments: object) -> bytes:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(reading.os, "read", fail)
    with pytest.raises(IncidentError, match=r"/etc/it cannot be read: Input/output error\. Nothing is kept"):
        read_set(tree(etc))


def test_a_set_that_is_too_large_is_refused_before_it_is_read(etc: Path) -> None:
    for name in "abc":
        write(etc / name, bytes(1000))
    assert len(read_set(tree(etc), max_files=4, max_bytes=3000)) == 4
    with pytest.raises(IncidentError, match=r"has more than 3 paths\. Declare less"):
        read_set(tree(etc), max_files=3)
    with pytest.raises(IncidentError, match=r"has more than 2 entries"):
        read_set(tree(etc), max_files=2)
    with pytest.raises(IncidentError, match=r"has 2\.9 KiB, more than 2\.9 KiB\. Declare less"):
        read_set(tree(etc), max_bytes=2999)


def test_what_was_read_last_stays(etc: Path) -> None:
    write(etc / "it")
    read_set(tree(etc))
    assert os.stat(etc / "it").st_atime_ns == 1


class Busy(Clock):
    """Something happens whenever the reader waits."""

    def __init__(self, happens: list) -> None:
        self.slept: list[float] = []
        self._happens = happens

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)


def changing(monkeypatch: pytest.MonkeyPatch, change: object, times: int) -> list[int]:
    """Change something while a file is digested, so many times."""
    done: list[int] = []
    original = reading.digest

    def digest(*arguments: object) -> str:
        result = original(*arguments)
        if len(done) < times:
            done.append(1)
            change()
        return result

    monkeypatch.setattr(reading, "digest", digest)
    return done


CHANGES = {
    "content": lambda etc: (etc / "it").open("a").write("more") and None,
    "other": lambda etc: (etc / "other").write_text("changed"),
    "mode": lambda etc: (etc / "it").chmod(0o600),
    "attribute": lambda etc: attribute(etc / "it", "user.x", os.urandom(8)),
    "exchanged": lambda etc: os.replace(write(etc.parent / "new", "new content"), etc / "it"),
    "gone": lambda etc: (etc / "it").exists() and (etc / "it").unlink(),
    "new": lambda etc: write(etc / f"new{len(os.listdir(etc))}"),
    "directory": lambda etc: etc.chmod(0o700 if etc.stat().st_mode & 0o77 else 0o755),
}


@pytest.mark.parametrize(("name", "glob"), [("new.conf", True), ("a.conf", True), ("a.conf", False)])
def test_what_was_read_already_is_read_again(etc: Path, monkeypatch: pytest.MonkeyPatch, name: str, glob: bool) -> None:
    """A file that comes, or changes, after its turn."""
    for each in ("a.conf", "z.conf"):
        write(etc / each)
    declared = Declaration("main", globs=(f"{etc}/*.conf",)) if glob else tree(etc)
    turns: list[int] = []

    def change() -> None:
        turns.append(1)
        if len(turns) == 2:  # z.conf is read
            (etc / name).write_text("changed")

    changing(monkeypatch, change, 99)
    found = by_name(read_set(declared, clock=Busy([])))
    assert found[name].sha256 == hashlib.sha256(b"changed").hexdigest()


def test_the_clock_has_to_tick_after_a_change(etc: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is changed twice within a tick may have the same times, so that the second change could not be seen."""
    write(etc / "it")
    clock = Busy([])
    changed = os.stat(etc / "it").st_ctime
    monkeypatch.setattr(clock, "wall", lambda: changed + 0.019)
    read_set(tree(etc), clock=clock)
    assert clock.slept == [0.02]
    monkeypatch.setattr(clock, "wall", lambda: changed + 1)
    read_set(tree(etc), clock=clock)
    assert clock.slept == [0.02]


def test_a_directory_that_becomes_a_link_meanwhile_leads_nowhere(etc: Path) -> None:
    write(etc / "secret/key")
    (etc / "link").symlink_to("secret")
    for parts in (("link", "key"), ("link", "more", "key")):
        with pytest.raises(Unstable):
            open_parent(Spot(str(etc), parts))
    assert open_parent(Spot(str(etc), ("gone", "key"))) is None


@pytest.mark.parametrize("what", CHANGES)
def test_what_changes_meanwhile_is_read_again(etc: Path, monkeypatch: pytest.MonkeyPatch, what: str) -> None:
    write(etc / "it")
    write(etc / "other")
    done = changing(monkeypatch, lambda: CHANGES[what](etc), 2)
    found = by_name(read_set(tree(etc), clock=Busy([])))
    assert len(done) == 2
    monkeypatch.undo()
    assert found == by_name(read_set(tree(etc)))


def test_what_never_rests_is_refused(etc: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(etc / "it")
    clock = Busy([])
    changing(monkeypatch, lambda: CHANGES["content"](etc), 99)
    with pytest.raises(IncidentError, match=r"/it changes all the time: it was read 5 times.*Stop what writes to it"):
        read_set(tree(etc), clock=clock)
    assert [each for each in clock.slept if each != 0.02] == [0.05, 0.1, 0.2, 0.4]


def test_what_a_writer_does_at_full_speed_is_never_torn(etc: Path) -> None:
    """Each version is one letter all over, in both files; what is captured is a version, or it is refused."""
    over = threading.Event()

    def work() -> None:
        number = 0
        while not over.wait(0.001 if number % 50 else 0.08):
            number += 1
            for name in ("one", "two"):
                (etc / "tmp").write_bytes(bytes([65 + number % 26]) * 30000)
                os.replace(etc / "tmp", etc / name)

    for name in ("one", "two"):
        write(etc / name, b"A" * 30000)
    contents: dict[str, bytes] = {}
    declared = Declaration("main", (f"{etc}/one", f"{etc}/two"))
    writer = threading.Thread(target=work)
    writer.start()
    kept = 0
    try:
        for _round in range(15):
            try:
                found = read_set(declared, keep=lambda entry, pieces: contents.update({entry.sha256: b"".join(pieces)}))
            except IncidentError:
                continue
            kept += 1
            for entry in found:
                assert len(set(contents[entry.sha256])) == 1
                assert hashlib.sha256(contents[entry.sha256]).hexdigest() == entry.sha256
    finally:
        over.set()
        writer.join()
    assert kept


def test_the_keeper_gets_what_the_entry_says(etc: Path) -> None:
    write(etc / "it", os.urandom(700_000))
    write(etc / "empty", b"")
    got: dict[str, bytes] = {}
    entries = by_name(read_set(tree(etc), keep=lambda entry, pieces: got.update({entry.sha256: b"".join(pieces)})))
    assert got == {entries[name].sha256: (etc / name).read_bytes() for name in ("it", "empty")}


def test_the_keeper_is_never_left_with_something_else(etc: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that is changed between the digest and the second reading: the keeper's reading ends with an exception."""
    path = write(etc / "it", b"a" * 600_000)
    ends: list[str] = []
    changing(monkeypatch, lambda: path.write_bytes(b"b" * 600_000), 1)

    def keep(entry: Entry, pieces: object) -> None:
        try:
            list(pieces)  # type: ignore[call-overload]
            ends.append(entry.sha256)
        except BaseException as error:
            ends.append(type(error).__name__)
            raise

    (entry,) = read_set(Declaration("main", (str(path),)), keep=keep)
    assert ends == ["Unstable", hashlib.sha256(b"b" * 600_000).hexdigest()]
    assert entry.sha256 == ends[1]
