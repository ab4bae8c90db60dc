# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An evidence home with a real key, and a host that makes real bags and answers as the module does."""

from __future__ import annotations

import datetime
import hashlib
import shutil
import tarfile
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.toombos.incident.plugins.module_utils._errors import IncidentError
from ansible_collections.toombos.incident.plugins.module_utils._evidence import bag
from ansible_collections.toombos.incident.plugins.module_utils._evidence.store import Limits, Store
from ansible_collections.toombos.incident.plugins.module_utils._evidence.types import Stored
from ansible_collections.toombos.incident.plugins.plugin_utils._custody import home
from ansible_collections.toombos.incident.plugins.plugin_utils._custody.book import Book
from ansible_collections.toombos.incident.plugins.plugin_utils._custody.capture import Request

DAY = datetime.date(2026, 11, 25)
INCIDENT = "INC-2026-1125-0001"


@pytest.fixture
def book(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Book:
    """The custody log of an open incident."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    begun = home.book_of("", None, "alice@desk", "orders changed by nobody", create_key=True)
    opened = home.open_incident(str(tmp_path / "home"), "", begun, ["web-1", "web-2"], DAY)
    return replace(begun, directory=opened.directory)


class Host:
    """Does what the module does, below a directory of its own, and is a connection as bad as it is told to be."""

    def __init__(self, directory: Path, part: int = 64 << 20) -> None:
        self.directory = directory
        self.part = part
        self.fetched: list[str] = []
        self.removed: list[str] = []
        self.broken: Callable[[str], str | None] = lambda _path: None  # why a part cannot be fetched
        self.change: Callable[[dict[str, Any]], None] = lambda _result: None
        self.complaint = ""
        self.extra = ""  # a file that the bag has beside those that it lists
        self.calls: list[Mapping[str, Any]] = []
        self.time = 1000.0

    def run(self, wire: Mapping[str, Any]) -> dict[str, Any]:
        self.calls.append(wire)
        result = self.pack(str(wire["bag"]))
        self.change(result)
        return result

    def pack(self, name: str) -> dict[str, Any]:
        place = self.directory / name
        (place / "parts").mkdir(parents=True)
        tagmanifest = write_bag(place / name, seed=name)
        if self.extra:
            (place / name / self.extra).write_text("x")
        package = place / "package"
        with tarfile.open(package, "w", format=tarfile.PAX_FORMAT) as tar:
            tar.add(place / name, name)
        shutil.rmtree(place / name)
        whole = package.read_bytes()
        package.unlink()
        parts = []
        for number, begin in enumerate(range(0, len(whole), self.part), 1):
            piece, path = whole[begin : begin + self.part], place / "parts" / f"{number:04d}"
            path.write_bytes(piece)
            parts.append({"path": str(path), "size": len(piece), "sha256": hashlib.sha256(piece).hexdigest()})
        digest = hashlib.sha256(whole).hexdigest()
        return {
            "changed": True,
            "bag": name,
            "directory": str(place),
            "package": {"parts": parts, "size": len(whole), "sha256": digest, "method": "none"},
            "tagmanifest_sha256": tagmanifest,
            "payload": {"files": 3, "bytes": 9},
            "clock": {"began": 1003.0, "ended": 1004.0, "began_monotonic": 5.0, "ended_monotonic": 6.0},
            "outcomes": {"collected": 2, "empty": 1},
            "notes": [],
            "leftovers": [],
            "msg": "3 artifacts",
        }

    def fetch(self, path: str, to: str) -> None:
        self.fetched.append(path.rsplit("/", 1)[-1])
        why = self.broken(path)
        if why:
            raise IncidentError(why)
        shutil.copyfile(path, to)

    def remove(self, path: str) -> str:
        self.removed.append(path)
        if not self.complaint:
            shutil.rmtree(path)
        return self.complaint

    def wall(self) -> float:
        self.time += 1.0
        return self.time


def write_bag(path: Path, seed: str = "", files: int = 3) -> str:
    """A bag by the real engine; the digest of its tagmanifest."""
    (path / "data").mkdir(parents=True)
    store = Store(str(path), Limits(0, 1 << 30), None)
    stored: list[Stored] = []
    for number in range(files):
        content = hashlib.sha256(f"{seed}{number}".encode()).digest() * (number * 40)
        stored += store.put(f"logs/{number:04d}", f"/var/log/{number}", [content], 1 << 20)
    bag.close_bag(str(path), stored, {"host": "web-1"}, {"External-Description": "orders changed"})
    return hashlib.sha256((path / "tagmanifest-sha256.txt").read_bytes()).hexdigest()


@pytest.fixture
def make_bag() -> Callable[[Path], str]:
    """Call it with a path: a bag of three files."""
    return write_bag


@pytest.fixture
def host(tmp_path: Path) -> Host:
    """A host that nobody has touched."""
    return Host(tmp_path / "remote")


@pytest.fixture
def request_of(host: Host) -> Callable[..., Request]:
    """Call it with the name of a host: a request to it."""

    def make(name: str = "web-1", transfer: bool = True) -> Request:
        return Request(name, str(host.directory), "none", transfer, {"artifacts": 3})

    return make
