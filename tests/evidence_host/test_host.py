# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a capture is on a host: its memory, its traces, who can read what it leaves, and a mount that never answers."""

from __future__ import annotations

import ctypes
import os
import struct
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from capturing import BAG, HOME, capture, contents, files, whole

from ansible_collections.toombos.incident.plugins.module_utils._evidence import types as t
from ansible_collections.toombos.incident.plugins.plugin_utils._evidence.definitions import built_in

_LIBC = ctypes.CDLL(None, use_errno=True)
_WATCH = """
import subprocess, sys
process = subprocess.Popen(sys.argv[2:])
most = 0
while process.poll() is None:
    for line in open(f"/proc/{process.pid}/status"):
        if line.startswith("VmHWM"):
            most = max(most, int(line.split()[1]))
    try:
        process.wait(0.01)
    except subprocess.TimeoutExpired:
        pass
open(sys.argv[1], "w").write(str(most << 10))
sys.exit(process.returncode)
"""


@pytest.mark.parametrize("redact", ["never", "always"])
def test_memory_is_bounded_with_a_large_log(disk: Callable[[int], None], tmp_path: Path, redact: str) -> None:
    disk(1 << 30)
    size = int(os.environ.get("LARGE_LOG_MIB", "300")) << 20
    line = b"2026-11-24 10:00:00 INFO request 123e4567-e89b-12d3-a456-426614174000 took %07d ms\n"
    block = b"".join(line % number for number in range(12_000))
    with (tmp_path / "large.log").open("wb") as log:
        for _number in range(size // len(block)):
            log.write(block)
    measured = tmp_path / "memory"
    watch = ["python3", "-c", _WATCH, str(measured)]
    artifact = files(tmp_path / "large.log", sensitivity=t.PERSONAL, timeout=900.0, max_bytes=8 << 30)
    # Of a command nobody knows how much it prints.
    printed = t.Artifact("a/printed", 2, (t.Source("command", ("cat", str(tmp_path / "large.log"))),), 900.0, 16 << 20)
    done = capture([artifact, printed], before=watch, redact=redact, budget="20m")
    assert done.result["outcomes"] == {"collected": 1, "truncated": 1}
    assert int(measured.read_text()) < 64 << 20


@pytest.fixture
def hung(tmp_path: Path) -> Iterator[Path]:
    """A mount whose server is there and never answers."""
    if not os.path.exists("/dev/fuse"):
        pytest.skip("the kernel has no FUSE")
    server = os.open("/dev/fuse", os.O_RDWR)
    place = tmp_path / "hung"
    place.mkdir()
    options = f"fd={server},rootmode=40000,user_id=0,group_id=0".encode()
    if _LIBC.mount(b"hung", str(place).encode(), b"fuse", 0, options):
        os.close(server)
        pytest.skip(f"FUSE cannot be mounted here: {os.strerror(ctypes.get_errno())}")
    request = os.read(server, 1 << 17)
    unique = struct.unpack_from("=Q", request, 8)[0]
    body = struct.pack("=IIIIHHI", 7, 31, 65536, 0, 16, 12, 65536) + bytes(40)
    os.write(server, struct.pack("=IiQ", 16 + len(body), 0, unique) + body)
    yield place
    os.close(server)
    subprocess.run(["umount", "-l", place], check=False)


def test_a_mount_that_never_answers_costs_its_own_timeout(disk: Callable[[int], None], hung: Path) -> None:
    disk(64 << 20)
    asked = [
        files(hung / "log", name="hung/file", timeout=1.0),
        files(hung / "*" / "log", name="hung/pattern", timeout=1.0),
        t.Artifact(
            "hung/df", 2, (t.Source("command", ("df", str(hung))), t.Source("files", ("/proc/mounts",))), 1.0, 99
        ),
        files("/proc/version", name="z/after"),
    ]
    began = time.monotonic()
    done = capture(asked)
    assert time.monotonic() - began < 15
    outcomes = {each["artifact"]: each["outcome"] for each in done.result["artifacts"]}
    assert outcomes == {"hung/file": "timeout", "hung/pattern": "timeout", "hung/df": "timeout", "z/after": "collected"}
    whole(done.result)


CANARY = b"a canary that nobody may see\n"


@pytest.mark.parametrize(("how", "rc"), [("open", 0), ("sealed", 0), ("failing", 1)])
def test_no_plain_text_is_ever_written_to_a_package(
    disk: Callable[[int], None], tmp_path: Path, how: str, rc: int
) -> None:
    disk(64 << 20)
    for number in range(200):
        (tmp_path / f"{number}.log").write_bytes(CANARY * 20)
    subprocess.run([os.environ["AGE_KEYGEN"], "-o", tmp_path / "key"], capture_output=True, check=True)
    shown = subprocess.run(
        [os.environ["AGE_KEYGEN"], "-y", tmp_path / "key"], capture_output=True, text=True, check=True
    )
    trace = tmp_path / "trace"
    calls = "trace=write,writev,pwrite64,sendto,sendmsg,copy_file_range,sendfile,splice,rename,renameat,link,linkat"
    watch = [os.environ["STRACE"], "-f", "-y", "-qq", "-s", "65536", "-e", calls, "-o", str(trace)]
    seal = None if how == "open" else {"method": "age", "recipients": [shown.stdout.strip()]}
    if how == "failing":
        # It ends as a full disk would make it end.
        watch = ["sh", "-c", 'ulimit -f 64; exec "$@"', "sh", *watch]
        trace = Path("/dev/shm") / "trace"
        watch[watch.index("-o") + 1] = "|cat >/dev/shm/trace"
    done = capture([files(tmp_path / "*.log")], before=watch, seal=seal)
    assert bool(done.result.get("failed")) is bool(rc), done.result
    seen = [line for line in trace.read_bytes().split(b"\n") if CANARY[:-1] in line]
    to_package = [line for line in seen if f"/{BAG}/parts/".encode() in line]
    assert seen, "the canary was not even read"
    assert bool(to_package) is (how == "open")
    # The bag, which goes as soon as it is packed, and the pipe to the tool are the only places of the plain text.
    places = (f"/{BAG}/tree/{BAG}/data/".encode(), b"<pipe:[")
    assert how == "open" or not [line for line in seen if not any(place in line for place in places)]
    left = [path for path in HOME.rglob("*") if path.is_file()]
    assert (left == []) is (how == "failing")
    assert any(CANARY in path.read_bytes() for path in left) is (how == "open")


def test_who_has_logged_in_can_fetch_the_parts_and_nothing_else(disk: Callable[[int], None]) -> None:
    disk(64 << 20)
    done = capture([files("/proc/version")], environment={"SUDO_UID": "65534", "SUDO_GID": "65534"})
    (part,) = done.result["package"]["parts"]

    def as_nobody(*command: str) -> int:
        drop = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"]
        return subprocess.run([*drop, *command], capture_output=True, check=False).returncode

    def as_other(*command: str) -> int:
        drop = ["setpriv", "--reuid", "65533", "--regid", "65533", "--clear-groups"]
        return subprocess.run([*drop, *command], capture_output=True, check=False).returncode

    assert as_nobody("cat", part["path"]) == 0
    assert as_other("cat", part["path"]) != 0
    assert as_nobody("ls", str(HOME)) != 0
    assert as_nobody("cat", f"{done.result['directory']}/package.json") != 0
    assert as_nobody("touch", f"{done.result['directory']}/x") != 0


def _seen(*trees: str) -> dict[str, tuple[int, ...]]:
    """What would change if somebody had been there; of files also when they were read last."""
    found = {}
    for tree in trees:
        for folder, _folders, names in os.walk(tree):
            for path in (folder, *(os.path.join(folder, name) for name in names)):
                status = os.lstat(path)
                read = 0 if path == folder else status.st_atime_ns
                found[path] = (status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns, read)
    return found


def _changed(doing: Callable[[], object]) -> set[str]:
    """What is different afterwards, whoever has done it."""
    trees = ("/etc", "/var", "/run", "/opt", "/srv", "/usr/local", os.path.expanduser("~root/.ssh"))
    before = _seen(*trees)
    doing()
    after = _seen(*trees)
    return {path for path in {*before, *after} if before.get(path) != after.get(path)}


def _traces(number: int) -> set[str]:
    """What is different after a capture, but for what it declares, and what others change all the time."""
    wanted = [each for each in built_in() if not each.name.startswith(("timeline/", "files/homes"))]
    results: list[Any] = []
    began = time.monotonic()
    changed = _changed(lambda: results.append(capture(wanted, bag=f"INC-2026-1124-0001-web-1-{number:03d}")))
    seconds = time.monotonic() - began
    (done,) = results
    assert not done.result.get("failed"), done.result
    changed -= _changed(lambda: time.sleep(seconds))
    package = {str(HOME), done.result["directory"], f"{done.result['directory']}/package.json", "/var/tmp"}
    package |= {f"{done.result['directory']}/parts", *(part["path"] for part in done.result["package"]["parts"])}
    assert {name.split("/")[0] for name, _content in contents(whole(done.result))} >= {"data", "bagit.txt"}
    return changed - package


def test_the_host_is_as_it_was_but_for_the_declared_directory(disk: Callable[[int], None]) -> None:
    disk(1 << 30)
    # Others live on this machine: a trace of the capture is there every time, theirs are not.
    found = _traces(1)
    for number in range(2, 6):
        if not found:
            break
        found &= _traces(number)
    assert found == set()
