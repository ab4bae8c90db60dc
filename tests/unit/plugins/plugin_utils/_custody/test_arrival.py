# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A disk that is full on the controller costs the transfer, never the evidence on the host or half a bag here."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.toombos.incident.plugins.module_utils._errors import IncidentError
from ansible_collections.toombos.incident.plugins.plugin_utils._custody import arrival, package as p
from ansible_collections.toombos.incident.plugins.plugin_utils._custody.book import Book
from ansible_collections.toombos.incident.plugins.plugin_utils._custody.capture import Request, capture
from ansible_collections.toombos.incident.plugins.plugin_utils._custody.tarstream import BadPackage

BAG = "INC-2026-1125-0001-web-1-001"
HERE = Path(__file__).resolve()
# Runs in a mount namespace of its own, on a disk of the given size, and tells what is there afterwards.
FULL = """
import json, os, sys
sys.path[:0] = json.loads(sys.argv[1])
import conftest as c
from dataclasses import replace
from pathlib import Path
from ansible_collections.toombos.incident.plugins.plugin_utils._custody import arrival, capture, home, transport
base, filled = Path(sys.argv[2]), int(sys.argv[3])
transport._PAUSE, arrival._SPARE = 0, 0
os.environ["XDG_STATE_HOME"] = str(base / "state")
book = home.book_of("", None, "alice", "full", create_key=True)
book = replace(book, directory=home.open_incident(str(base / "disk" / "home"), "", book, [], c.DAY).directory)
host = c.Host(base / "remote", part=4096)
def fill(result):
    disk = os.statvfs(book.directory)
    free = disk.f_bavail * disk.f_frsize
    package = result["package"]["size"]
    with open(base / "disk" / "filler", "wb") as file:
        file.write(bytes(max(0, free - int(package * filled / 100))))
host.change = fill
arrival._room = lambda *_all: None  # so that it begins all the same
try:
    capture.capture(capture.Request("web-1", str(host.directory), "none", True, {}), {}, book, host)
    said = ""
except Exception as error:
    said = f"{type(error).__name__}: {error}"
os.unlink(base / "disk" / "filler")
events = [record["event"] for record in book.records()]
print(json.dumps({
    "said": said, "events": events, "removed": host.removed, "remote": os.listdir(host.directory),
    "here": sorted(n for n in os.listdir(book.directory) if n.startswith("INC")),
    "again": capture.capture(capture.Request("web-1", str(base / "other"), "none", True, {}), {}, book,
                             c.Host(base / "other"))["bag"],
}))
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount a small disk, in a namespace of its own")
@pytest.mark.parametrize("filled", [0, 10, 40, 80, 110, 150, 190])
def test_a_full_disk_fails_and_leaves_all_on_the_host(tmp_path: Path, filled: int) -> None:
    (tmp_path / "disk").mkdir()
    script = tmp_path / "full.py"
    script.write_text(FULL)
    run = 'mount -t tmpfs -o size=2m none "$0/disk" && exec "$@"'
    paths = json.dumps([str(HERE.parent), *(path for path in sys.path if path)])
    command = ["unshare", "--mount", "sh", "-c", run, tmp_path, sys.executable, script, paths, tmp_path, str(filled)]
    answer = subprocess.run([str(each) for each in command], capture_output=True, text=True, check=False)
    assert answer.returncode == 0, answer.stderr
    told = json.loads(answer.stdout)
    assert told["said"] != ""
    assert told["here"] == []
    assert told["removed"] == []
    assert told["remote"] == [BAG]
    assert told["events"][:2] == ["opened", "requested"]
    assert "verified" not in told["events"]
    assert told["again"] == "INC-2026-1125-0001-web-1-002", "with room again it goes on"


def test_what_has_no_room_is_not_begun(
    book: Book, host: Any, request_of: Callable[..., Request], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(arrival, "_SPARE", 1 << 60)
    with pytest.raises(IncidentError, match=r"needs \d+ MiB on the controller") as caught:
        capture(request_of(), {}, book, host)
    assert "It stays on the host" in caught.value.way_out
    assert host.fetched == host.removed == []


@pytest.mark.parametrize(
    ("method", "content", "good"),
    [
        ("age", b"age-encryption.org/v1\n\x00", True),
        ("age", b"INC-2026-1125-0001-web-1-001/bagit.txt\0", False),
        ("gpg", b"\x85\x01\x0c\x03", True),
        ("gpg", b"INC-2026", False),
        ("gpg", b"", False),
    ],
)
def test_what_was_to_be_sealed_and_is_not_is_refused(
    book: Book, host: Any, tmp_path: Path, method: str, content: bytes, good: bool
) -> None:
    def claim(result: dict[str, Any]) -> None:
        from hashlib import sha256

        part, digest = result["package"]["parts"][0], sha256(content).hexdigest()
        Path(part["path"]).write_bytes(content)
        part.update(size=len(content), sha256=digest)
        result["package"].update(method=method, size=len(content), sha256=digest)

    host.change = claim
    request = Request("web-1", str(host.directory), method, True, {})
    path = Path(book.directory, f"{BAG}.tar.{method}")
    if good:
        assert capture(request, {}, book, host)["path"] == str(path)
        assert path.read_bytes() == content
        assert path.stat().st_mode & 0o077 == 0
    else:
        with pytest.raises(BadPackage):
            capture(request, {}, book, host)
        assert not path.exists()


def test_a_package_that_is_not_sealed_as_asked_is_refused(book: Book, host: Any) -> None:
    with pytest.raises(BadPackage, match="not as it was asked for"):
        capture(Request("web-1", str(host.directory), "age", True, {}), {}, book, host)


@pytest.mark.parametrize("directory", ["", "x", "/", "/a/../b", "/a/", "//a"])
def test_a_place_on_the_host_is_exact(directory: str) -> None:
    with pytest.raises(IncidentError, match="no place"):
        p.host_directory(directory, BAG)


def test_a_bag_that_is_not_whole_is_refused(book: Book, host: Any, request_of: Callable[..., Request]) -> None:
    host.extra = "data/logs/extra"
    with pytest.raises(BadPackage, match="not a whole bag"):
        capture(request_of(), {}, book, host)
    assert not Path(book.directory, BAG).exists()
