# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Logs as they are: in many files, hostile, and written while they are read."""

from __future__ import annotations

import bz2
import gzip
import lzma
import os
import threading
import time
from pathlib import Path
from typing import Any, Callable

import pytest

from ansible_collections.toombos.incident.plugins.module_utils._clock import Clock
from ansible_collections.toombos.incident.plugins.module_utils._logs.patterns import choose
from ansible_collections.toombos.incident.plugins.module_utils._logs.scan import Log, Scan, Wish

NOW = time.time()
Run = Callable[..., "dict[str, Any]"]


def stamped(ago: float, text: str) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(NOW - ago)) + f" - app - {text}\n"


def errors(result: dict[str, Any]) -> Any:
    return result["patterns"]["errors"]


def test_counts_places_and_times(tmp_path: Path, scan: Run) -> None:
    log = tmp_path / "app.log"
    log.write_text(
        "2026-11-23T10:00:00Z - app - INFO - up\n"
        "2026-11-23T10:00:01Z - app - ERROR - Request 17 failed\n"
        "Traceback (most recent call last):\n"
        "SomeException: 1\n"
        "2026-11-23T10:00:05Z - app - ERROR - Request 18 failed\n"
        "no end ERROR"
    )
    result = scan(log)
    found = errors(result)
    assert found["count"] == 4
    assert found["files"] == {str(log): 4}
    assert (found["first_seen"], found["last_seen"]) == ("2026-11-23T10:00:01Z", "2026-11-23T10:00:05Z")
    assert [sample["line"] for sample in found["samples"]] == [2, 4, 5, 6]
    assert found["samples"][0]["offset"] == 39
    assert found["samples"][0]["text"] == "2026-11-23T10:00:01Z - app - ERROR - Request 17 failed"
    assert found["signatures"][0] == {"count": 2, "text": "app - ERROR - Request <n> failed"}
    assert result["totals"]["lines"] == 6
    assert result["complete"] is True
    assert result["msg"] == "errors 4 (last 2026-11-23T10:00:05Z); 1 files, 0.0 MiB in 0.0s"


def test_what_is_rotated_is_read_oldest_first(tmp_path: Path, scan: Run) -> None:
    pack: dict[str, Callable[[bytes], bytes]] = {"gz": gzip.compress, "bz2": bz2.compress, "xz": lzma.compress}
    for number, ending in enumerate(pack, 2):
        line = f"2026-11-{20 - number:02d} 10:00:00 ERROR {ending}\n"
        (tmp_path / f"app.log.{number}.{ending}").write_bytes(pack[ending](line.encode()))
    (tmp_path / "app.log").write_text("2026-11-20 10:00:00 ERROR now\n")
    (tmp_path / "app.log.1").write_text("2026-11-19 10:00:00 ERROR before\n")
    (tmp_path / "app.log.5.zst").write_text("x")
    (tmp_path / "app.logic").write_text("ERROR of somebody else\n")
    (tmp_path / "app.log.bak").write_text("ERROR of somebody else\n")
    # Times of files may be those of a copy.
    for path in tmp_path.iterdir():
        os.utime(path, (NOW, NOW))
    result = scan(tmp_path / "app.log", samples=50)
    names = [Path(entry["path"]).name for entry in result["files"]]
    assert names == ["app.log.4.xz", "app.log.3.bz2", "app.log.2.gz", "app.log.1", "app.log"]
    assert errors(result)["count"] == 5
    assert [(skip["reason"], Path(skip["path"]).name) for skip in result["left_out"]] == [
        ("compression", "app.log.5.zst")
    ]
    assert len(scan(tmp_path / "app.log", rotated=False)["files"]) == 1


def test_a_log_that_is_being_compressed_counts_once(tmp_path: Path, scan: Run) -> None:
    (tmp_path / "app.log").write_text("")
    (tmp_path / "app.log.1").write_text("ERROR\n")
    (tmp_path / "app.log.1.gz").write_bytes(gzip.compress(b"ERROR\n"))
    result = scan(tmp_path / "app.log")
    assert errors(result)["count"] == 1
    assert "it is being made of" in result["left_out"][0]["message"]


@pytest.mark.parametrize(
    ("ending", "packed"), [("gz", gzip.compress), ("bz2", lambda data: bz2.compress(data, 1)), ("xz", lzma.compress)]
)
def test_what_is_damaged_is_read_up_to_there(
    tmp_path: Path, ending: str, packed: Callable[[bytes], bytes], scan: Run
) -> None:
    noise = b"".join(b"line %d %s ERROR\n" % (number, os.urandom(20).hex().encode()) for number in range(4_000))
    whole = packed(noise)
    log = tmp_path / f"app.log.{ending}"
    log.write_bytes(whole + whole)
    assert errors(scan(log))["count"] == 8_000
    log.write_bytes(whole[: len(whole) // 2])
    result = scan(log)
    assert 0 < errors(result)["count"] < 4_000
    assert result["files"][0]["notes"] == ["not read to its end: its end is missing"]
    log.write_bytes(b"ERROR " * 1000)
    assert "or damaged" in scan(log)["files"][0]["notes"][0]


def test_since_counts_what_is_newer_and_what_follows_it(tmp_path: Path, scan: Run) -> None:
    log = tmp_path / "app.log"
    old = "".join(stamped(7200 - number // 10, "ERROR old") + "ERROR without a time\n" for number in range(5000))
    log.write_text(old + stamped(60, "INFO new") + "ERROR without a time\n" + stamped(50, "ERROR new"))
    result = scan(log, since=NOW - 3600)
    assert errors(result)["count"] == 2
    assert result["files"][0]["bytes"] < log.stat().st_size
    packed = tmp_path / "app.log.gz"
    packed.write_bytes(gzip.compress(log.read_bytes()))
    assert errors(scan(packed, since=NOW - 3600))["count"] == 2
    os.utime(log, (NOW - 4000, NOW - 4000))
    assert scan(log, since=NOW - 3600, rotated=False)["files"] == []


def test_the_last_lines_reach_into_older_files(tmp_path: Path, scan: Run) -> None:
    (tmp_path / "app.log").write_text("ERROR 4\nERROR 5\nfine")
    (tmp_path / "app.log.1").write_text("ERROR 2\nERROR 3\n")
    (tmp_path / "app.log.2.gz").write_bytes(gzip.compress(b"ERROR 0\nERROR 1\n"))
    for age, name in enumerate(("app.log", "app.log.1", "app.log.2.gz")):
        os.utime(tmp_path / name, (NOW - age, NOW - age))
    for lines, expected in ((1, 0), (2, 1), (3, 2), (4, 3), (6, 5), (7, 6), (100, 6)):
        assert errors(scan(tmp_path / "app.log", lines=lines))["count"] == expected, lines


def test_the_last_lines_of_a_long_log(tmp_path: Path, scan: Run) -> None:
    log = tmp_path / "app.log"
    log.write_text("".join(f"{'x' * 97} {number}\n" for number in range(20_000)))
    for lines in (1, 2, 5000, 19_999, 20_000, 30_000):
        result = scan(log, lines=lines, own={"any": "^x"}, samples=1)
        assert result["patterns"]["any"]["count"] == min(lines, 20_000)


def test_endless_lines_holes_and_bytes_that_are_no_text(tmp_path: Path, scan: Run) -> None:
    log = tmp_path / "app.log"
    log.write_bytes(
        b"\0" * 3_000_000 + b"ERROR after a hole\r\n"
        b"ERROR \xff\xfe\x80 caf\xe9\x1b[31m\n" + b"ERROR" + b"x" * 3_000_000 + b"ERROR\n" + b"ERROR fine\n"
        b"" + b"y" * 100_000 + b"ERROR too far\n"
    )
    result = scan(log, samples=10)
    assert errors(result)["count"] == 4
    assert result["totals"]["long_lines"] == 2
    texts = [sample["text"] for sample in errors(result)["samples"]]
    assert texts[0] == "ERROR after a hole"
    assert texts[1] == "ERROR \ufffd\ufffd\ufffd caf\ufffd?[31m"
    assert len(texts[2]) == 300


def test_no_tricks_with_what_is_no_log(tmp_path: Path, scan: Run) -> None:
    (tmp_path / "real").write_text("ERROR\n")
    (tmp_path / "link.log").symlink_to(tmp_path / "real")
    (tmp_path / "ring.log").symlink_to(tmp_path / "ring.log")
    os.mkfifo(tmp_path / "pipe.log")
    (tmp_path / "folder.log").mkdir()
    names = ("link.log", "ring.log", "pipe.log", "folder.log", "none.log")
    paths = [tmp_path / name for name in names] + [Path("/dev/null")]
    result = scan(*paths)
    assert [skip["reason"] for skip in result["left_out"]] == [
        "link",
        "link",
        "not_a_file",
        "not_a_file",
        "absent",
        "not_a_file",
    ]
    assert errors(scan(tmp_path / "link.log", follow=True))["count"] == 1


def test_wildcards_name_each_file_once(tmp_path: Path, scan: Run) -> None:
    for name in ("a.log", "b.log", "b.log.1"):
        (tmp_path / name).write_text("ERROR\n")
    assert errors(scan(tmp_path / "*.log", tmp_path / "b*", tmp_path / "b.log"))["count"] == 3


def test_secrets_stay_in_the_log(tmp_path: Path, scan: Run) -> None:
    log = tmp_path / "app.log"
    token = "geheim1" * 20
    log.write_text(
        "ERROR config: {'API_KEY_ENCRYPTION_KEY': 'geheim-1'}\n"
        "ERROR postgres://shop:geheim2@db/shop\n"
        f"ERROR {'x' * 270} password={token}\n"
        f"ERROR token {token} Authorization: Bearer geheimgeheim\n"
    )
    assert "geheim" not in str(scan(log, samples=10))


def test_a_baseline_is_counted_apart(tmp_path: Path, scan: Run) -> None:
    log = tmp_path / "app.log"
    log.write_text("ERROR Failed to initialize production services\nERROR real\n")
    result = scan(log, baseline=["initialize production"])
    assert (errors(result)["count"], result["totals"]["harmless"]) == (1, 1)


def test_an_expensive_line_is_given_up(tmp_path: Path, scan: Run) -> None:
    log = tmp_path / "app.log"
    log.write_text("a" * 5000 + "\nab ab ab!\n")
    result = scan(log, own={"slow": "a.*a.*a.*a.*a.*!|ab.*!"})
    assert result["totals"]["costly_lines"] == 1
    assert result["patterns"]["slow"]["count"] == 1


def test_the_deadline_leaves_what_was_found(tmp_path: Path, scan: Run) -> None:
    log, other = tmp_path / "app.log", tmp_path / "other.log"
    log.write_text("ERROR\n")
    other.write_text("ERROR\n")
    result = scan(log, other, seconds=0)
    assert result["complete"] is False
    assert result["unread"] == [str(log), str(other)]
    assert "cut short by the deadline" in result["msg"]


def test_no_more_than_the_largest_part_is_read(tmp_path: Path, scan: Run) -> None:
    log = tmp_path / "app.log"
    log.write_text("ERROR\n" * 100_000)
    assert errors(scan(log, largest=300_000))["count"] == 50_000
    packed = tmp_path / "bomb.gz"
    packed.write_bytes(gzip.compress(b"\n" * 50_000_000))
    result = scan(packed, largest=1_000_000)
    assert result["totals"]["bytes"] < 2_000_000
    assert "unpacked" in result["files"][0]["notes"][0]


def test_nothing_is_lost_or_counted_twice_while_a_writer_rotates(tmp_path: Path, scan: Run) -> None:
    log, stop, written = tmp_path / "app.log", threading.Event(), [0]
    log.write_text("")

    def write() -> None:
        while not stop.is_set():
            for number in (3, 2, 1):
                older = tmp_path / f"app.log.{number}"
                if older.exists():
                    older.rename(tmp_path / f"app.log.{number + 1}")
            log.rename(tmp_path / "app.log.1")
            with log.open("w") as stream:
                for _line in range(50):
                    written[0] += 1
                    stream.write(f"ERROR {written[0]}\n")
            time.sleep(0.002)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        for _turn in range(20):
            result = scan(log, samples=50)
            offsets = [(sample["text"]) for sample in errors(result)["samples"]]
            assert len(set(offsets)) == len(offsets)
            assert errors(result)["count"] <= written[0]
    finally:
        stop.set()
        writer.join()


def test_a_log_that_is_truncated_meanwhile_is_told(tmp_path: Path) -> None:
    log = tmp_path / "app.log"
    log.write_text("ERROR\n" * 100_000)
    calls: list[int] = []

    def tell() -> None:
        calls.append(len(calls))
        if calls[-1] == 3:
            os.truncate(log, 300_000)

    work = Scan(Wish(choose(["errors"], {})), Clock(), time.monotonic() + 30, tell)
    work.run([Log(str(log))])
    assert 0 < work.search.tallies[0].count <= 100_000
    assert "it was truncated while it was read" in work.files[0]["notes"]
