# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Events have what Timesketch asks for, at the microsecond, whatever a file is called and whenever it was changed."""

from __future__ import annotations

import base64
import datetime
import json
import os
import socket
import struct
import time
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.toombos.incident.plugins.module_utils._evidence.readers.lines import as_lines
from ansible_collections.toombos.incident.plugins.module_utils._evidence.readers.registry import READERS
from ansible_collections.toombos.incident.plugins.module_utils._evidence.readers.timeline import (
    file_events,
    login_events,
    moment,
    process_events,
    system_events,
)

NEEDED = {"message", "datetime", "timestamp", "timestamp_desc", "data_type", "host"}
ODD = b"\xff|%0a\r\n\xc3\xa4 .."


def lines(events: Any) -> list[dict[str, Any]]:
    """As they are stored and read again."""
    text = b"".join(as_lines(events))
    text.decode("ascii")
    return [json.loads(line) for line in text.splitlines()]


def of(path: Path) -> dict[str, dict[str, Any]]:
    """The events of one file by what happened."""
    return {event["timestamp_desc"]: event for event in lines(file_events([str(path)])) if event["size"] == 5}


def test_each_time_of_a_file_is_an_event(tmp_path: Path) -> None:
    path = tmp_path / "it"
    path.write_text("12345")
    os.utime(path, ns=(1_700_000_000_123_456_789, 1_600_000_000_000_000_999))
    found = of(path)
    assert set(found) - {"Creation Time"} == {
        "Content Modification Time",
        "Last Access Time",
        "Metadata Modification Time",
    }
    access, content = found["Last Access Time"], found["Content Modification Time"]
    assert (access["datetime"], access["timestamp"]) == ("2023-11-14T22:13:20.123456+00:00", 1_700_000_000_123_456)
    assert (content["datetime"], content["timestamp"]) == ("2020-09-13T12:26:40.000000+00:00", 1_600_000_000_000_000)
    assert found["Metadata Modification Time"]["timestamp"] == path.stat().st_ctime_ns // 1000
    for event in found.values():
        assert set(event) >= NEEDED
        assert event["message"] == f"-rw-r--r-- {path}"
        assert (event["path"], event["data_type"], event["host"]) == (str(path), "fs:stat", os.uname().nodename)
        assert datetime.datetime.fromisoformat(event["datetime"]).timestamp() == pytest.approx(event["timestamp"] / 1e6)
        assert "path_base64" not in event


def test_a_name_of_any_bytes_is_there_to_read_and_to_the_byte(tmp_path: Path) -> None:
    path = os.path.join(os.fsencode(tmp_path), ODD)
    with open(path, "w") as file:
        file.write("12345")
    for event in of(Path(os.fsdecode(path))).values():
        assert event["message"].isprintable()
        assert event["path"].isprintable()
        assert base64.b64decode(event["path_base64"]) == path


def test_a_link_is_not_accessed(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("x")
    os.utime(tmp_path / "link", (0, 0), follow_symlinks=False)
    (event, *_more) = file_events([str(tmp_path / "link")])
    assert event["message"] == f"lrwxrwxrwx {tmp_path}/link"
    assert (tmp_path / "link").lstat().st_atime_ns == 0


@pytest.mark.parametrize(
    ("microseconds", "text"),
    [
        (0, "1970-01-01T00:00:00.000000+00:00"),
        (-1, "1969-12-31T23:59:59.999999+00:00"),
        (10**30, "9999-12-31T23:59:59.000000+00:00"),
        (-(10**30), "0001-01-01T00:00:00.000000+00:00"),
        (253_402_300_799_999_999, "9999-12-31T23:59:59.999999+00:00"),
    ],
)
def test_any_time_that_a_file_system_knows_can_be_written(microseconds: int, text: str) -> None:
    assert moment(microseconds) == text
    datetime.datetime.fromisoformat(text)


def test_the_same_tree_gives_the_same_events(tmp_path: Path) -> None:
    for number in range(50):
        (tmp_path / f"{number % 7}").mkdir(exist_ok=True)
        (tmp_path / f"{number % 7}" / f"{number}").write_text("x")
    first = b"".join(as_lines(file_events([str(tmp_path)])))
    assert b"".join(as_lines(file_events([str(tmp_path)]))) == first


def entry(kind: int, user: bytes, host: bytes, when: int, address: bytes = b"") -> bytes:
    words = struct.unpack("=4I", address.ljust(16, b"\0"))
    return struct.pack("=hxxi32s4s32s256shhiii4I20x", kind, 42, b"pts/0", b"ts/0", user, host, 0, 0, 7, when, 5, *words)


def test_logins_are_events(tmp_path: Path) -> None:
    path = tmp_path / "wtmp"
    path.write_bytes(
        entry(2, b"reboot", b"6.1", 1000)
        + entry(7, b"me\xff", b"far.example", 2000, socket.inet_aton("192.0.2.7"))
        + entry(8, b"", b"", 3000)
        + entry(6, b"LOGIN", b"", 4000)
        + b"cut"
    )
    found = lines(login_events(str(path)))
    assert [(event["timestamp"], event["timestamp_desc"]) for event in found] == [
        (1_000_000_005, "Boot Time"),
        (2_000_000_005, "Login Time"),
        (3_000_000_005, "Logout Time"),
        (4_000_000_005, "Login Record Time"),
    ]
    assert found[1]["message"] == "me\\xff logged in pts/0 far.example 192.0.2.7"
    assert (found[1]["user"], found[1]["remote_host"], found[1]["source"]) == ("me\\xff", "far.example", str(path))
    assert {event["host"] for event in found} == {os.uname().nodename}
    assert not [event for event in found if not set(event) >= NEEDED]


def test_failed_logins_are_told_as_such(tmp_path: Path) -> None:
    (tmp_path / "btmp").write_bytes(entry(6, b"root", b"far.example", 2000))
    (event,) = login_events(str(tmp_path / "btmp"), failed=True)
    assert (event["timestamp_desc"], event["message"]) == (
        "Failed Login Time",
        "root failed to log in pts/0 far.example",
    )
    with pytest.raises(FileNotFoundError):
        list(login_events(str(tmp_path / "none")))


def test_starts_of_processes_are_events_without_secrets() -> None:
    mine = [event for event in lines(process_events()) if event["pid"] == os.getpid()]
    (event,) = mine
    assert abs(event["timestamp"] / 1e6 - time.time()) < 3600
    assert event["timestamp_desc"] == "Start Time"
    assert event["message"].startswith(f"process {os.getpid()} was started: ")
    assert set(event) >= NEEDED


def test_the_start_of_the_system_its_units_and_timers_are_events(tmp_path: Path) -> None:
    units, timers = tmp_path / "units", tmp_path / "timers"
    units.mkdir()
    timers.mkdir()
    (units / "invocation:ssh.service").symlink_to("0123")
    os.utime(units / "invocation:ssh.service", ns=(0, 1_700_000_000_000_001_000), follow_symlinks=False)
    (units / "log-extra-fields:x.service").symlink_to("y")
    (timers / "stamp-apt-daily.timer").touch()
    os.utime(timers / "stamp-apt-daily.timer", (0, 1_600_000_000))
    boot, unit, timer = lines(system_events(units=str(units), timers=str(timers)))
    uptime = float(Path("/proc/uptime").read_text().split()[0])
    assert boot["timestamp_desc"] == "Boot Time"
    assert abs(time.time() - uptime - boot["timestamp"] / 1e6) < 60
    assert (unit["message"], unit["timestamp"]) == ("ssh.service was started", 1_700_000_000_000_001)
    assert (timer["message"], timer["timestamp"]) == ("apt-daily.timer ran", 1_600_000_000_000_000)
    (boot,) = system_events(units="/nonexistent", timers="/nonexistent")


def test_every_timeline_that_is_known_holds_events() -> None:
    names = [name for name in READERS if name.startswith("timeline_")]
    assert len(names) == 11
    for name in ("timeline_configuration", "timeline_processes", "timeline_system"):
        for line in b"".join(READERS[name]()).splitlines():
            assert set(json.loads(line)) >= NEEDED
