# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A set is kept once, durably, in a directory of our own, by one writer at a time."""

from __future__ import annotations

import hashlib
import os
import stat
import subprocess
import time
from pathlib import Path

import pytest
from generations_kit import CLASSES, ROOT, generation, python, run, snapshot, tree, write

from ansible_collections.toombos.incident.plugins.module_utils._errors import IncidentError
from ansible_collections.toombos.incident.plugins.module_utils._generations import types as t
from ansible_collections.toombos.incident.plugins.module_utils._generations.capture import read_set
from ansible_collections.toombos.incident.plugins.module_utils._generations.codec import Corrupt
from ansible_collections.toombos.incident.plugins.module_utils._generations.store import Store, find_same

IMPORT = (
    "from ansible_collections.toombos.incident.plugins.module_utils._generations.store import Store\n"
    "from ansible_collections.toombos.incident.plugins.module_utils._errors import IncidentError\n"
    "from generations_kit import tree\n"
    "from pathlib import Path\n"
)


def content(store: Store, entry: t.Entry) -> bytes:
    return b"".join(store.content(entry.sha256))


def test_everything_comes_back(store: Store, etc: Path) -> None:
    for name, (make, _expected) in CLASSES.items():
        (etc / name).mkdir()
        make(etc / name / "it")
    write(etc / "large", b"line\n" * 200_000)
    declared = t.Declaration("main", (f"{etc}/gone",), (f"{etc}/*",), (str(etc),))
    entries = read_set(declared)
    kept = store.keep(declared, source="by hand")
    assert kept == t.Generation(1, kept.created, declared, entries, t.SNAPSHOT, "by hand")
    assert abs(kept.created - time.time()) < 60
    assert kept.id == "main-000001"
    again = Store(store.directory)
    assert again.get("main", 1) == kept
    assert again.generations("main") == (kept,)
    assert again.names() == ("main",)
    for entry in entries:
        if entry.kind == t.FILE:
            assert content(again, entry) == Path(entry.path).read_bytes()
    assert again.verify() == []


def test_names_of_any_bytes_come_back(store: Store, etc: Path) -> None:
    with open(os.fsencode(str(etc)) + b"/\xff\n\x80", "wb") as file:
        file.write(b"x")
    store.keep(tree(etc))
    entry = store.get("main", 1).entries[1]
    assert os.fsencode(entry.path) == os.fsencode(str(etc)) + b"/\xff\n\x80"
    assert content(store, entry) == b"x"


def test_the_same_again_writes_nothing(store: Store, etc: Path) -> None:
    write(etc / ".env")
    first = store.keep(tree(etc))
    before = snapshot(Path(store.directory))
    assert store.keep(tree(etc), origin=t.BEFORE_ROLLBACK, source="later") == first
    assert snapshot(Path(store.directory)) == before
    assert store.find(tree(etc), read_set(tree(etc))) == first


@pytest.mark.parametrize("change", ["content", "mode", "time", "declaration", "gone"])
def test_what_differs_is_a_new_generation(store: Store, etc: Path, change: str) -> None:
    path = write(etc / ".env")
    declared = t.Declaration("main", (str(path),))
    store.keep(declared)
    if change == "content":
        write(path, "KEY=other\n")
    elif change == "mode":
        path.chmod(0o600)
    elif change == "time":
        os.utime(path, ns=(1, 2))
    elif change == "gone":
        path.unlink()
    else:
        declared = t.Declaration("main", (str(path),), (f"{etc}/*.conf",))
    assert store.find(declared, read_set(declared)) is None
    second = store.keep(declared)
    assert (second.number, second.entries) == (2, read_set(declared))
    assert [each.number for each in store.generations("main")] == [1, 2]
    assert store.verify() == []


def test_contents_are_kept_once(store: Store, etc: Path) -> None:
    for number in range(20):
        write(etc / f"f{number}", b"the same\n")
    store.keep(tree(etc))
    store.keep(tree(etc, "other"))
    digest = hashlib.sha256(b"the same\n").hexdigest()
    found = [path.name for path in Path(store.directory, "objects").rglob("*") if path.is_file()]
    assert found.count(digest) == 1
    assert len(found) == 2  # and the list of entries, which both sets share


def test_an_earlier_state_is_a_new_generation_of_old_contents(store: Store, etc: Path) -> None:
    for text in ("one", "two", "one"):
        write(etc / ".env", text)
        store.keep(tree(etc))
    first, _second, third = store.generations("main")
    assert first.entries == third.entries
    assert len([path for path in Path(store.directory, "objects").rglob("*") if path.is_file()]) == 4


def test_everything_is_private(store: Store, etc: Path) -> None:
    os.umask(0)
    try:
        write(etc / ".env", b"x" * 5000)
        store.prove(store.label(store.keep(tree(etc)), "a"), t.Proof(3, 4e9, 4e9, ({"status": "pass"},), {}))
    finally:
        os.umask(0o022)
    for path in (Path(store.directory), *Path(store.directory).rglob("*")):
        assert stat.S_IMODE(path.lstat().st_mode) == (0o700 if path.is_dir() else 0o600), path


def test_what_is_large_is_compressed_where_that_helps(store: Store, etc: Path) -> None:
    write(etc / "text", b"line\n" * 100_000)
    write(etc / "noise", os.urandom(100_000))
    entries = {os.path.basename(each.path): each for each in store.keep(tree(etc)).entries}
    sizes = {name: os.path.getsize(store._objects.path(entries[name].sha256)) for name in ("text", "noise")}
    assert sizes["text"] < 5000
    assert sizes["noise"] == 100_028
    assert content(store, entries["noise"]) == (etc / "noise").read_bytes()


def test_looking_changes_nothing(store: Store, etc: Path) -> None:
    assert store.generations("main") == ()
    assert store.names() == ()
    assert store.verify() == []
    assert store.prune().generations == ()
    assert store.find(tree(etc), read_set(tree(etc))) is None
    with pytest.raises(IncidentError, match=r"no main-000001: there is none of main at all"):
        store.get("main", 1)
    assert not os.path.exists(store.directory)
    write(etc / ".env")
    store.keep(tree(etc))
    with pytest.raises(IncidentError, match=r"There is no main-000002: the newest is main-000001"):
        store.get("main", 2)


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "-x", "a" * 64, "ä", "1"])
def test_names_that_no_set_has(store: Store, etc: Path, name: str) -> None:
    for call in (lambda: store.keep(tree(etc, name)), lambda: store.generations(name), lambda: store.get(name, 1)):
        with pytest.raises(IncidentError, match="cannot be the name of a set"):
            call()


@pytest.mark.parametrize("mode", [0o710, 0o750, 0o701, 0o777])
def test_a_store_that_others_can_enter_is_refused(store: Store, etc: Path, mode: int) -> None:
    os.mkdir(store.directory)
    os.chmod(store.directory, mode)
    for call in (
        lambda: store.keep(tree(etc)),
        store.verify,
        store.names,
        lambda: store.generations("main"),
        store.prune,
    ):
        with pytest.raises(IncidentError, match=rf"has mode 0{mode:o}: others may have .*chmod 0700"):
            call()
    assert os.listdir(store.directory) == []


def test_a_store_that_is_something_else_is_refused(store: Store, etc: Path, tmp_path: Path) -> None:
    (tmp_path / "real").mkdir(mode=0o700)
    os.symlink("real", store.directory)
    with pytest.raises(IncidentError, match="is a symbolic link"):
        store.keep(tree(etc))
    os.unlink(store.directory)
    write(Path(store.directory))
    with pytest.raises(IncidentError, match="is no directory"):
        store.keep(tree(etc))
    assert os.listdir(tmp_path / "real") == []


@pytest.mark.skipif(not ROOT, reason="only root may give directories away")
def test_a_store_of_somebody_else_is_refused(store: Store, etc: Path) -> None:
    os.mkdir(store.directory, 0o700)
    os.chown(store.directory, 1234, 0)
    with pytest.raises(IncidentError, match="belongs to user 1234, and this is user 0"):
        store.keep(tree(etc))


def test_a_writer_waits_for_another_and_says_who(store: Store, etc: Path) -> None:
    write(etc / ".env")
    store.keep(tree(etc))
    code = (
        IMPORT + "import time\n"
        "with Store(sys.argv[1], who='bob')._writing():\n"
        "    print('held', flush=True)\n"
        "    time.sleep(60)\n"
    )
    with subprocess.Popen(python(code, store.directory), stdout=subprocess.PIPE) as holder:
        try:
            assert holder.stdout is not None
            holder.stdout.readline()
            write(etc / ".env", "changed")
            with pytest.raises(IncidentError, match=rf"\(pid {holder.pid} since .*, started by bob\)"):
                store.keep(tree(etc))
            assert [each.number for each in store.generations("main")] == [1]  # who only reads does not wait
        finally:
            holder.kill()
    assert store.keep(tree(etc)).number == 2


def test_several_writers_at_once_are_all_fine(store: Store, etc: Path) -> None:
    code = (
        IMPORT + "store = Store(sys.argv[1])\n"
        "for number in range(4):\n"
        "    Path(sys.argv[2], 'own').write_text(f'{sys.argv[2]} {number}')\n"
        "    store.keep(tree(Path(sys.argv[2])))\n"
    )
    folders = [etc / name for name in "abc"]
    for folder in folders:
        write(folder / "shared", b"x" * 9000)
    writers = [subprocess.Popen(python(code, store.directory, str(folder))) for folder in folders]
    assert [writer.wait() for writer in writers] == [0, 0, 0]
    assert [each.number for each in store.generations("main")] == list(range(1, 13))
    assert store.verify() == []


def test_a_full_disk_leaves_no_half_generation(store: Store, etc: Path) -> None:
    """The kernel's limit of a file's size stands in for the disk: same path through the code, another errno."""
    write(etc / "small")
    store.keep(tree(etc))
    before = snapshot(Path(store.directory))
    for number in range(5):
        write(etc / f"new{number}", os.urandom(2000))
    write(etc / "z", os.urandom(300_000))
    code = (
        IMPORT + "import resource\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))\n"
        "try: Store(sys.argv[1]).keep(tree(Path(sys.argv[2])))\n"
        "except IncidentError as error: print(error)\n"
    )
    said = run(code, store.directory, str(etc))
    assert "has no room: File too large. Nothing of this is kept. Free some space" in said
    assert snapshot(Path(store.directory)) == before
    assert store.verify() == []
    assert store.keep(tree(etc)).number == 2


def test_a_manifest_that_cannot_be_written_leaves_nothing(
    store: Store, etc: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(etc / ".env")
    store.keep(tree(etc))
    before = snapshot(Path(store.directory))
    write(etc / ".env", "changed")

    def fail(*_arguments: object) -> None:
        raise OSError(30, "Read-only file system", "x")

    monkeypatch.setattr("os.replace", fail)
    with pytest.raises(IncidentError, match=r"cannot be used: Read-only file system \(x\)\. Nothing is kept"):
        store.keep(tree(etc))
    monkeypatch.undo()
    assert snapshot(Path(store.directory)) == before


def test_a_refused_set_leaves_nothing(store: Store, etc: Path) -> None:
    write(etc / "a")
    os.mkfifo(etc / "pipe")
    with pytest.raises(IncidentError, match="FIFO"):
        store.keep(tree(etc))
    assert snapshot(Path(store.directory)) == {}


def test_contents_are_durable_before_the_manifest(store: Store, etc: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(etc / ".env")
    events: list[str] = []
    fsync, replace = os.fsync, os.replace
    root = os.path.realpath(store.directory)

    def name(descriptor: int) -> str:
        return os.path.relpath(os.readlink(f"/proc/self/fd/{descriptor}"), root)

    monkeypatch.setattr(os, "fsync", lambda descriptor: (events.append(f"sync {name(descriptor)}"), fsync(descriptor)))
    monkeypatch.setattr(
        os, "replace", lambda *names: (events.append(f"name {os.path.relpath(names[1], root)}"), replace(*names))
    )
    entry = store.keep(tree(etc)).entries[1]
    folder = f"objects/{entry.sha256[:2]}"
    named = events.index(f"name {folder}/{entry.sha256}")
    manifest = events.index("name sets/main/000001.json")
    assert events[named - 1].startswith(f"sync {folder}/.new-")
    assert f"sync {folder}" in events[named:manifest]
    assert "sync sets" in events[:manifest]
    assert events[-1] == "sync sets/main"


def test_which_generation_is_the_same_as_what_is_there_now() -> None:
    declared = t.Declaration("main")

    def made(number: int, created: float, origin: str = t.SNAPSHOT, path: str = "/a") -> t.Generation:
        return t.Generation(number, created, declared, (t.Entry(path, t.ABSENT),), origin)

    now = (t.Entry("/a", t.ABSENT),)
    snap, old, new = made(1, 100), made(2, 50, t.IMPORTED), made(3, 200, t.IMPORTED)
    assert find_same((), declared, now) is None
    assert find_same((snap,), declared, now) == snap
    assert find_same((snap,), t.Declaration("main", ("/a",)), now) is None
    assert find_same((made(1, 100, path="/b"), old), declared, now) is None  # that it once was so says nothing
    assert find_same((snap, old), declared, now) == snap
    assert find_same((made(1, 100, path="/b"), new), declared, now) == new
    # A clock that went back: the newest by time is an old one.
    assert find_same((made(1, 900, path="/b"), made(2, 100)), declared, now) == made(2, 100)


def test_labels(store: Store, etc: Path) -> None:
    write(etc / ".env")
    first = store.keep(tree(etc))
    write(etc / ".env", "changed")
    second = store.keep(tree(etc))
    assert store.label(first, "before-upgrade").labels == ("before-upgrade",)
    assert store.label(first, "a").labels == ("a", "before-upgrade")
    before = snapshot(Path(store.directory))
    store.label(first, "a")
    assert snapshot(Path(store.directory)) == before
    with pytest.raises(IncidentError, match="a stands for main-000001 already"):
        store.label(second, "a")
    assert store.label(second, "a", move=True).labels == ("a",)
    assert [each.labels for each in store.generations("main")] == [("before-upgrade",), ("a",)]
    assert (store.unlabel("main", "a"), store.unlabel("main", "a")) == (True, False)
    assert store.get("main", 2).labels == ()
    with pytest.raises(Corrupt, match="is gone"):
        store.label(generation(9), "b")


@pytest.mark.parametrize(
    "label",
    [
        "last_known_good",
        "newest_valid",
        "7",
        "000007",
        "main-000007",
        "main-7",
        "2026-11-27",
        "2026-11-27T03:00Z",
        "",
        " ",
    ]
    + ["a b", "a/b", "-a", "ä", "a" * 64, "2026-11-27T03"],
)
def test_labels_that_would_be_read_as_something_else_are_refused(store: Store, etc: Path, label: str) -> None:
    write(etc / ".env")
    kept = store.keep(tree(etc))
    with pytest.raises(IncidentError, match="cannot be a label"):
        store.label(kept, label)
    assert store.get("main", 1).labels == ()


@pytest.mark.parametrize("label", ["release-42", "v1.2", "20261127-import", "other-000007"])
def test_labels_that_only_look_like_it_are_fine(store: Store, etc: Path, label: str) -> None:
    write(etc / ".env")
    assert store.label(store.keep(tree(etc)), label).labels == (label,)
