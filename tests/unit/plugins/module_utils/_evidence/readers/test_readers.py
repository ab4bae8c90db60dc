# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is read natively is what the distribution's tools say, and names of any bytes survive it."""

from __future__ import annotations

import json
import os
import shutil
import socket
import struct
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Iterator

import pytest

from ansible_collections.toombos.incident.plugins.module_utils._evidence.readers.lines import as_lines
from ansible_collections.toombos.incident.plugins.module_utils._evidence.readers.logins import logins
from ansible_collections.toombos.incident.plugins.module_utils._evidence.readers.processes import (
    mapped_programs,
    of_each,
    open_files,
    processes,
)
from ansible_collections.toombos.incident.plugins.module_utils._evidence.readers.sockets import sockets

ODD = b"\xff|%0a\r\n\xc3\xa4 .."


@pytest.fixture
def child(tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A process with a secret among its arguments and an odd file open, which was deleted."""
    odd = tmp_path / os.fsdecode(ODD)
    code = f"import time; f = open({os.fsencode(odd)!r}, 'w'); print(1, flush=True); time.sleep(99)"
    process = subprocess.Popen(
        [sys.executable, "-c", code, "--password", "hunter2", "--user=me", "a\nb"], stdout=subprocess.PIPE, cwd=tmp_path
    )
    assert process.stdout is not None
    assert process.stdout.readline() == b"1\n"
    odd.unlink()
    yield process
    process.kill()
    process.wait()
    process.stdout.close()


def test_processes_are_complete_and_hide_secrets(child: subprocess.Popen[bytes], tmp_path: Path) -> None:
    found = {record["pid"]: record for record in processes()}
    record = found[child.pid]
    assert record["arguments"][3:] == ["--password", "***", "--user=me", "a\\nb"]
    assert record["cwd"] == str(tmp_path)
    assert record["ppid"] == str(os.getpid())
    assert abs(record["began"] - time.time()) < 30
    assert {"name", "state", "uids", "exe", "cgroup", "capabilities", "namespaces"} <= set(record)
    assert 1 in found
    json.dumps(list(found.values()))


def test_open_files_tell_what_was_deleted(child: subprocess.Popen[bytes]) -> None:
    mine = {record["fd"]: record for record in open_files() if record["pid"] == child.pid}
    # Perhaps not the only one: what the tests' own output goes to is inherited.
    (deleted,) = [record for record in mine.values() if ODD in os.fsencode(record["file"])]
    assert deleted["file"].endswith(" (deleted)")
    assert deleted["pos"] == "0"
    assert mine[1]["file"].startswith("pipe:")


def test_programs_in_memory_are_named(child: subprocess.Popen[bytes]) -> None:
    mine = {record["file"] for record in mapped_programs() if record["pid"] == child.pid}
    assert os.path.realpath(f"/proc/{child.pid}/exe") in mine


def test_what_the_kernel_says_of_each_process(child: subprocess.Popen[bytes], tmp_path: Path) -> None:
    found = {record["pid"]: record for record in of_each("limits")}
    assert "Max open files" in found[child.pid]["limits"]
    (tmp_path / "7").mkdir()
    (tmp_path / "8" / "limits").mkdir(parents=True)
    assert list(of_each("limits", str(tmp_path))) == [{"pid": 8, "error": "Is a directory"}]


@pytest.mark.parametrize("family", [socket.AF_INET, socket.AF_INET6])
def test_sockets_have_both_ends_and_their_holder(family: socket.AddressFamily) -> None:
    host = "127.0.0.1" if family == socket.AF_INET else "::1"
    shown = host if family == socket.AF_INET else f"[{host}]"
    with socket.create_server((host, 0), family=family) as server:
        port = server.getsockname()[1]
        with socket.create_connection((host, port)) as client:
            mine = [each for each in sockets() if os.getpid() in each["pids"]]
            ends = {(each["local"], each.get("remote"), each.get("state")) for each in mine}
            other = client.getsockname()[1]
            nobody = "0.0.0.0:0" if family == socket.AF_INET else "[::]:0"
            assert (f"{shown}:{port}", nobody, "listening") in ends
            assert (f"{shown}:{other}", f"{shown}:{port}", "established") in ends


def test_unix_sockets_have_their_path_and_holder(tmp_path: Path) -> None:
    path = str(tmp_path / "s")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(path)
        server.listen()
        (mine,) = [each for each in sockets() if each["local"] == path]
        assert mine["pids"] == [os.getpid()]


def entry(kind: int, user: bytes, host: bytes, when: int, address: bytes) -> bytes:
    words = struct.unpack("=4I", address.ljust(16, b"\0"))
    return struct.pack("=hxxi32s4s32s256shhiii4I20x", kind, 42, b"pts/0", b"ts/0", user, host, 0, 0, 7, when, 5, *words)


def test_logins_are_decoded_in_order(tmp_path: Path) -> None:
    path = tmp_path / "wtmp"
    path.write_bytes(
        entry(2, b"reboot", b"6.1", 1000, b"")
        + entry(0, b"", b"", 0, b"")
        + entry(7, b"me\xff", b"far.example", 2000, socket.inet_aton("192.0.2.7"))
        + entry(8, b"", b"", 3000, socket.inet_pton(socket.AF_INET6, "2001:db8::7"))
        + b"cut"
    )
    found = list(logins(str(path)))
    assert [each.get("type") for each in found] == ["boot", "user", "ended", None]
    assert [each.get("address") for each in found] == ["", "192.0.2.7", "2001:db8::7", None]
    assert os.fsencode(found[1]["user"]) == b"me\xff"
    assert (found[1]["time"], found[1]["session"], found[1]["pid"]) == (2000.000005, 7, 42)
    assert found[3] == {"incomplete": 3}


@pytest.mark.skipif(not shutil.which("utmpdump"), reason="utmpdump reads the records the other way, where it is there")
def test_our_records_are_those_of_the_distribution(tmp_path: Path) -> None:
    (tmp_path / "wtmp").write_bytes(entry(7, b"me", b"far.example", 2000, socket.inet_aton("192.0.2.7")))
    shown = subprocess.run(["utmpdump", tmp_path / "wtmp"], capture_output=True, text=True, check=True).stdout
    for word in ("me", "far.example", "192.0.2.7", "pts/0", "00042"):
        assert word in shown


def test_lines_come_in_batches_and_are_json() -> None:
    records: list[dict[str, Any]] = [{"n": number, "name": os.fsdecode(ODD)} for number in range(5000)]
    batches = list(as_lines(iter(records)))
    assert len(batches) > 1
    assert [json.loads(line) for line in b"".join(batches).splitlines()] == records
    assert list(as_lines([])) == []
