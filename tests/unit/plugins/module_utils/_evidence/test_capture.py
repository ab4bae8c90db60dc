# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whatever is wrong with the host, every artifact ends in time, as exactly one outcome, and the bag tells the truth."""

from __future__ import annotations

import gzip
import os
import threading
import time
from pathlib import Path
from typing import Any, Callable, Iterator

import pytest

from ansible_collections.toombos.incident.plugins.module_utils._clock import Clock
from ansible_collections.toombos.incident.plugins.module_utils._evidence import types as t
from ansible_collections.toombos.incident.plugins.module_utils._evidence.capture import Capture, Policy, in_order
from ansible_collections.toombos.incident.plugins.module_utils._evidence.store import Limits, Store

Collect = Callable[..., t.Collected]


@pytest.fixture
def bag(tmp_path: Path) -> Path:
    path = tmp_path / "bag"
    path.mkdir()
    return path


@pytest.fixture
def collect(bag: Path) -> Collect:
    """Declare one artifact and collect it."""

    def declare(*sources: tuple[str, Any], budget: int = 1 << 30, seconds: float = 30.0, **more: Any) -> t.Collected:
        keep = frozenset(more.pop("keep", (t.OPEN, t.PERSONAL)))
        readers = {source[1][0]: source[1][1] for source in sources if source[0] == "native"}
        declared = tuple(
            t.Source(kind, (what[0],) if kind == "native" else tuple(map(str, what))) for kind, what in sources
        )
        options: dict[str, Any] = {"name": "a/one", "tier": 1, "timeout": 10.0, "max_bytes": 1 << 20, **more}
        policy = Policy(time.monotonic() + seconds, keep, root=more.get("is_root", False))
        options.pop("is_root", None)
        capture = Capture(Store(str(bag), Limits(0, budget), None), readers, policy, Clock())
        return capture.collect(t.Artifact(sources=declared, **options))

    return declare


def content(bag: Path, collected: t.Collected) -> list[bytes]:
    raw = [(bag / each.path).read_bytes() for each in collected.files]
    return [gzip.decompress(each) if each[:2] == b"\x1f\x8b" else each for each in raw]


def left(bag: Path) -> list[str]:
    return [path.name for path in bag.rglob("*") if path.is_file()]


def test_files_are_kept_with_their_true_names(bag: Path, collect: Collect, tmp_path: Path) -> None:
    odd = os.fsdecode(b"a%0a|b\r\n\xff..")
    for name, text in (("one", "1"), (odd, "2")):
        (tmp_path / name).write_text(text)
    got = collect(("files", [tmp_path / "*", tmp_path / "one"]))
    assert got.outcome == t.COLLECTED
    assert {each.origin: body for each, body in zip(got.files, content(bag, got))} == {
        str(tmp_path / "one"): b"1",
        str(tmp_path / odd): b"2",
    }
    assert {Path(each.path).name.split(".")[0] for each in got.files} <= {"0001", "0002", "0003"}
    assert "left alone" in got.message  # the directory of the bag


@pytest.mark.parametrize(
    ("make", "outcome", "words"),
    [
        (lambda path: None, t.ABSENT, "none of them"),
        (lambda path: path.write_text(""), t.EMPTY, ""),
        (os.mkfifo, t.ABSENT, "a pipe"),
        (lambda path: path.mkdir(), t.ABSENT, "a directory"),
        (lambda path: path.write_text("x" * (3 << 20)), t.TRUNCATED, ""),
    ],
)
def test_one_file_one_outcome(
    collect: Collect, tmp_path: Path, make: Callable[[Path], object], outcome: str, words: str
) -> None:
    make(tmp_path / "it")
    got = collect(("files", [tmp_path / "it"]))
    assert got.outcome == outcome
    assert words in got.message


def test_only_links_that_root_has_made_are_followed(bag: Path, collect: Collect, tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    (tmp_path / "shadow").write_text("hunter2")
    (folder / "log").symlink_to(tmp_path / "shadow")
    got = collect(("files", [folder / "log"]))
    assert (got.outcome, content(bag, got)) == (t.COLLECTED, [b"hunter2"])
    assert got.files[0].note == f"it is {tmp_path / 'shadow'}"
    folder.chmod(0o777)
    got = collect(("files", [folder / "log"]), name="a/two")
    assert (got.outcome, got.files) == (t.ABSENT, ())
    assert f"a link to {tmp_path / 'shadow'}" in got.message


def test_a_home_is_that_of_its_user(collect: Collect, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / ".profile").write_text("x")
    assert [each.origin for each in collect(("files", ["~/.prof*"])).files] == [str(tmp_path / ".profile")]


def test_the_kernels_files_are_read_to_their_end(bag: Path, collect: Collect) -> None:
    got = collect(("files", ["/proc/self/status", "/sys/kernel/mm/transparent_hugepage/enabled"]))
    assert b"VmPeak" in content(bag, got)[0]
    assert not [each.note for each in got.files if each.note]


def test_a_log_that_is_being_written_is_kept_as_it_was(bag: Path, collect: Collect, tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_bytes(b"line\n" * 4_000_000)  # long enough to be written to while it is read
    begun, stop = threading.Event(), threading.Event()

    def write() -> None:
        with log.open("ab") as file:
            while not stop.is_set():
                file.write(b"more\n" * 1000)
                file.flush()
                begun.set()

    writer = threading.Thread(target=write)
    writer.start()
    try:
        assert begun.wait(10)
        got = collect(("files", [log]), max_bytes=1 << 30)
    finally:
        stop.set()
        writer.join()
    (kept,) = got.files
    assert len(content(bag, got)[0]) == kept.size
    assert "grew" in kept.note


def test_a_command_is_kept_and_its_complaints_told(bag: Path, collect: Collect) -> None:
    got = collect(("command", ["sh", "-c", "echo out; echo bad >&2; exit 3"]))
    assert (got.outcome, got.rc, got.stderr, content(bag, got)) == (t.COLLECTED, 3, "bad\n", [b"out\n"])
    assert collect(("command", ["sh", "-c", "exit 3"]), name="a/two").outcome == t.ERROR
    assert collect(("command", ["true"]), name="a/three").outcome == t.EMPTY


def test_what_ignores_its_end_is_ended_with_its_children(bag: Path, collect: Collect) -> None:
    began = time.monotonic()
    seconds = f"1234.{os.getpid()}"  # the same test may run elsewhere on this machine
    script = f"trap '' TERM; echo begun; sleep {seconds} & wait; sleep {seconds}"
    got = collect(("command", ["sh", "-c", script]), timeout=0.5)
    assert time.monotonic() - began < 8
    assert (got.outcome, got.rc, content(bag, got)) == (t.TIMEOUT, None, [b"begun\n"])
    give_up = time.monotonic() + 5
    while [pid for pid in os.listdir("/proc") if pid.isdigit() and seconds.encode() in _argv(pid)]:
        assert time.monotonic() < give_up


def _argv(pid: str) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


def test_a_daemon_that_keeps_the_output_open_costs_nothing(collect: Collect) -> None:
    began = time.monotonic()
    got = collect(("command", ["sh", "-c", "echo done; sleep 4321.5 &"]), timeout=20)
    assert (got.outcome, got.rc) == (t.COLLECTED, 0)
    assert time.monotonic() - began < 10


def test_without_the_tool_the_next_source_is_read(bag: Path, collect: Collect) -> None:
    got = collect(("command", ["no-such-tool"]), ("native", ("routes", lambda: iter([b"native"]))))
    assert (got.outcome, got.source, content(bag, got)) == (t.COLLECTED, "routes", [b"native"])
    got = collect(("command", ["sh", "-c", "echo why >&2; exit 4"]), ("files", ["/proc/version"]), name="a/four")
    assert (got.outcome, got.message) == (t.COLLECTED, "sh -c echo why >&2; exit 4: it ended with return code 4")
    assert len(left(bag)) == 2
    got = collect(("command", ["no-such-tool"]), name="a/two")
    assert (got.outcome, got.message) == (t.ABSENT, "there is no no-such-tool")


def test_a_reader_that_hangs_leaves_nothing_and_does_not_write_later(bag: Path, collect: Collect) -> None:
    go_on, done = threading.Event(), threading.Event()

    def hangs() -> Iterator[bytes]:
        yield os.urandom(1 << 16)
        go_on.wait()
        try:
            yield os.urandom(1 << 16)
        finally:
            done.set()

    got = collect(("native", ("slow", hangs)), timeout=0.2)
    assert got.outcome == t.TIMEOUT
    assert left(bag) == []
    go_on.set()
    assert done.wait(10)
    assert left(bag) == []


def test_a_reader_that_is_refused_or_finds_nothing_says_so(collect: Collect) -> None:
    def fails(error: OSError) -> Callable[[], Iterator[bytes]]:
        def read() -> Iterator[bytes]:
            yield from ()
            raise error

        return read

    assert collect(("native", ("x", fails(PermissionError(13, "Permission denied"))))).outcome == t.DENIED
    assert collect(("native", ("x", fails(FileNotFoundError(2, "gone")))), name="a/2").outcome == t.ABSENT
    assert collect(("native", ("x", fails(OSError(5, "Input/output error")))), name="a/3").outcome == t.ERROR


def test_what_is_secret_and_what_needs_root_is_not_touched(collect: Collect, tmp_path: Path) -> None:
    (tmp_path / "key").write_text("hunter2")
    got = collect(("files", [tmp_path / "key"]), sensitivity=t.SECRET)
    assert (got.outcome, got.message, got.files) == (t.DENIED, "what is secret is not kept", ())
    assert "become" in collect(("files", [tmp_path / "key"]), root=True).message


def test_the_budgets_of_time_and_room_end_it(collect: Collect, tmp_path: Path) -> None:
    (tmp_path / "big").write_bytes(os.urandom(1 << 20))
    got = collect(("files", [tmp_path / "big"]), budget=1000, max_bytes=1 << 30)
    assert (got.outcome, got.files) == (t.ERROR, ())
    assert "budget of 1000" in got.message
    assert collect(("files", [tmp_path / "big"]), seconds=-1.0).outcome == t.TIMEOUT


def test_the_most_volatile_comes_first() -> None:
    made = [t.Artifact(f"a/{tier}{letter}", tier, (), 1.0, 1) for letter in "xy" for tier in (3, 1, 2)]
    assert [each.name for each in in_order(made)] == ["a/1x", "a/1y", "a/2x", "a/2y", "a/3x", "a/3y"]


def test_the_record_is_complete(collect: Collect) -> None:
    record = collect(("command", ["echo", "x"])).to_dict()
    assert (record["artifact"], record["outcome"], record["bytes"], record["rc"]) == ("a/one", t.COLLECTED, 2, 0)
    assert record["files"][0]["path"] == "data/a/one/0001"
    assert record["duration"] > 0
    assert abs(record["began"] - time.time()) < 60
