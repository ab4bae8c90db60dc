# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Content is stored as it is, digested as it is stored, and never more than there is room for."""

from __future__ import annotations

import gzip
import hashlib
import os
import resource
import subprocess
import sys
from pathlib import Path
from typing import Callable, Iterable, Iterator

import pytest

from ansible_collections.toombos.incident.plugins.module_utils._evidence import compress, store
from ansible_collections.toombos.incident.plugins.module_utils._evidence.store import Full, Limits, Store
from ansible_collections.toombos.incident.plugins.module_utils._evidence.types import Stored

Make = Callable[..., Store]
ZSTD = compress.find_zstd()
KINDS = [None, *([ZSTD] if ZSTD else [])]


@pytest.fixture
def make(tmp_path: Path) -> Make:
    """A store in a directory of its own."""

    def build(zstd: str | None = None, reserve: int = 0, budget: int = 1 << 30) -> Store:
        return Store(str(tmp_path), Limits(reserve, budget), zstd)

    return build


def pieces(content: bytes, length: int = 1000) -> Iterator[bytes]:
    for start in range(0, len(content), length):
        yield content[start : start + length]


def unpacked(root: Path, stored: Stored) -> bytes:
    raw = (root / stored.path).read_bytes()
    assert len(raw) == stored.stored
    assert hashlib.sha256(raw).hexdigest() == stored.sha256
    assert hashlib.sha512(raw).hexdigest() == stored.sha512
    if stored.compression == compress.ZSTD:
        return subprocess.run([str(ZSTD), "-dc"], input=raw, capture_output=True, check=True).stdout
    return gzip.decompress(raw) if stored.compression == compress.GZIP else raw


@pytest.mark.parametrize("zstd", KINDS)
@pytest.mark.parametrize("known", [True, False])
@pytest.mark.parametrize("length", [0, 1, 4095, 99_999, 100_000])
def test_what_fits_is_kept_whole(make: Make, tmp_path: Path, zstd: str | None, known: bool, length: int) -> None:
    content = os.urandom(length)
    (kept,) = make(zstd).put("a/1", "/var/log/x", pieces(content), 100_000, length if known else None)
    assert unpacked(tmp_path, kept) == content
    assert (kept.part, kept.size, kept.origin) == ("whole", length, "/var/log/x")
    assert kept.original_sha256 == hashlib.sha256(content).hexdigest()
    assert os.stat(tmp_path / kept.path).st_mode & 0o777 == 0o600


@pytest.mark.parametrize("zstd", KINDS)
@pytest.mark.parametrize("known", [True, False])
@pytest.mark.parametrize("piece", [1, 777, 1 << 20])
def test_of_what_is_too_large_both_ends_stay(
    make: Make, tmp_path: Path, zstd: str | None, known: bool, piece: int
) -> None:
    content = os.urandom(50_001)
    head, tail = make(zstd).put("a/1", "x", pieces(content, piece), 10_000, len(content) if known else None)
    assert unpacked(tmp_path, head) == content[:5000]
    assert unpacked(tmp_path, tail) == content[-5000:]
    assert [each.part for each in (head, tail)] == ["head", "tail"]
    for each in (head, tail):
        assert (each.size, each.original_sha256) == (50_001, hashlib.sha256(content).hexdigest())


def test_what_is_appended_meanwhile_is_not_read(make: Make, tmp_path: Path) -> None:
    def growing() -> Iterator[bytes]:
        yield b"as it was"
        yield b" and more"
        raise AssertionError("read on")

    (kept,) = make().put("a/1", "x", growing(), 100, len(b"as it was"))
    assert unpacked(tmp_path, kept) == b"as it was"


def test_what_shrinks_meanwhile_is_kept_as_far_as_it_goes(make: Make, tmp_path: Path) -> None:
    head, tail = make().put("a/1", "x", pieces(b"z" * 6000), 5000, 100_000)
    assert unpacked(tmp_path, head) == b"z" * 2500
    assert unpacked(tmp_path, tail) == b""
    assert head.size == 6000


@pytest.mark.parametrize("zstd", KINDS)
def test_the_budget_ends_it_and_leaves_nothing_of_the_last(make: Make, tmp_path: Path, zstd: str | None) -> None:
    kept = make(zstd, budget=1_000_000)
    kept.put("a/1", "x", pieces(b"small"), 100)
    with pytest.raises(Full, match="budget of 1000000"):
        kept.put("a/2", "x", pieces(os.urandom(5_000_000), 1 << 16), 10_000_000, 5_000_000)
    assert [path.name for path in (tmp_path / "data/a").iterdir()] == ["1"]


def test_the_reserve_of_the_disk_is_not_touched(make: Make, tmp_path: Path) -> None:
    disk = os.statvfs(tmp_path)
    with pytest.raises(Full, match="would be left with less"):
        make(reserve=disk.f_bavail * disk.f_frsize).put("a/1", "x", pieces(b"x"), 100)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("zstd", KINDS)
def test_a_file_that_cannot_grow_is_a_full_disk(make: Make, tmp_path: Path, zstd: str | None) -> None:
    """The kernel's limit of a file's size stands in for the disk: same path through the code, another errno."""
    script = (
        "import resource, signal, sys, os; signal.signal(signal.SIGXFSZ, signal.SIG_IGN);"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000));"
        "from ansible_collections.toombos.incident.plugins.module_utils._evidence.store import Store, Limits;"
        f"kept = Store({str(tmp_path)!r}, Limits(0, 1 << 40), {zstd!r})\n"
        "try: kept.put('a/1', 'x', (os.urandom(1 << 16) for _n in range(20)), 1 << 30, 20 << 16)\n"
        "except OSError as error: print(error.errno)"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, env=environment, check=True)
    assert done.stdout.strip() == "27"  # EFBIG
    assert not list((tmp_path / "data/a").iterdir())


def test_nothing_is_overwritten(make: Make) -> None:
    kept = make()
    kept.put("a/1", "x", [b"one"], 100)
    with pytest.raises(FileExistsError):
        kept.put("a/1", "x", [b"two"], 100)


def test_a_failing_source_leaves_nothing(make: Make, tmp_path: Path) -> None:
    def failing() -> Iterator[bytes]:
        yield b"begun"
        raise OSError(5, "Input/output error")

    with pytest.raises(OSError, match="Input/output"):
        make().put("a/1", "x", failing(), 100)
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


@pytest.mark.parametrize("zstd", KINDS)
@pytest.mark.parametrize("known", [True, False])
def test_memory_is_bounded(make: Make, zstd: str | None, known: bool) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    block, count = bytes(1 << 20), 300
    make(zstd).put("a/1", "x", (block for _number in range(count)), 16 << 20, count << 20 if known else None)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 64 << 10


def test_a_filter_that_dies_is_not_a_result(make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bad = tmp_path / "zstd"
    bad.write_text("#!/bin/sh\nhead -c 100000 >/dev/null; echo half; exit 3\n")
    bad.chmod(0o755)
    with pytest.raises(compress.Broken):
        make(str(bad)).put("a/1", "x", pieces(os.urandom(1 << 22), 1 << 16), 1 << 30, 1 << 22)
    assert not list((tmp_path / "data/a").iterdir())


@pytest.mark.parametrize("known", [True, False])
@pytest.mark.parametrize(
    ("content", "compression"),
    [
        (b"x" * 4096, compress.NONE),
        (b"x" * 4097, compress.GZIP),
        (b"x" * (256 << 10), compress.ZSTD if ZSTD else compress.GZIP),
        (b"\x1f\x8b\x08" + b"x" * 10000, compress.NONE),
    ],
    ids=["small", "larger", "large", "packed"],
)
def test_what_is_small_or_packed_already_is_not_compressed(
    make: Make, tmp_path: Path, known: bool, content: bytes, compression: str
) -> None:
    size = len(content) if known else None
    (kept,) = make(ZSTD).put("a/1", "x", pieces(content), 1 << 20, size)
    assert (kept.compression, kept.path) == (compression, f"data/a/1{compress.SUFFIXES[compression]}")
    assert (tmp_path / kept.path).stat().st_size == kept.stored


def test_what_is_stored_may_differ_from_the_original(make: Make, tmp_path: Path) -> None:
    content = b"".join(b"%05d " % number for number in range(2000))

    def change(blocks: Iterable[bytes], midway: bool) -> Iterator[bytes]:
        yield b"cut:" if midway else b"begun:"
        for block in blocks:
            yield block.replace(b"0", b"oo")

    kept = make()
    for name, size, resized in (("a/1", len(content), False), ("a/2", None, False), ("a/3", len(content), True)):
        (whole,) = kept.put(name, "x", pieces(content, 999), 1 << 20, size, change, resized)
        assert unpacked(tmp_path, whole) == b"begun:" + content.replace(b"0", b"oo")
        assert (whole.size, whole.original_sha256) == (len(content), hashlib.sha256(content).hexdigest())
    head, tail = kept.put("a/4", "x", pieces(content, 999), 2000, len(content), change)
    assert unpacked(tmp_path, head) == b"begun:" + content[:1000].replace(b"0", b"oo")
    assert unpacked(tmp_path, tail) == b"cut:" + content[-1000:].replace(b"0", b"oo")
    assert tail.original_sha256 == hashlib.sha256(content).hexdigest()
    head, tail = kept.put("a/5", "x", pieces(content, 999), 2000, len(content), change, resized=True)
    assert unpacked(tmp_path, tail) == content.replace(b"0", b"oo")[-1000:]


def test_what_is_given_up_is_gone_and_its_neighbour_stays(make: Make, tmp_path: Path) -> None:
    kept = make()

    def slow() -> Iterator[bytes]:
        yield b"x" * (1 << 20)
        kept.abandon("logins/history")
        yield b"more"

    kept.put("logins/history/0001", "x", [b"x"], 100)
    with pytest.raises(store.Abandoned):
        kept.put("logins/history/0002", "x", slow(), 1 << 30)
    kept.put("logins/history_last/0001", "x", [b"x"], 100)
    assert [str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file()] == [
        "data/logins/history_last/0001"
    ]
