# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sets of files of every class, and what damages a store."""

from __future__ import annotations

import os
import struct
import subprocess
import sys
from pathlib import Path
from typing import Callable, Mapping

import pytest

from ansible_collections.toombos.incident.plugins.module_utils._generations.types import (
    ABSENT,
    DIRECTORY,
    FILE,
    SYMLINK,
    Declaration,
    Entry,
    Generation,
    Proof,
)

HERE = Path(__file__).resolve()
ROOT = os.geteuid() == 0
_NOBODY = 0xFFFFFFFF


def acl(*entries: tuple[int, int, int]) -> bytes:
    """What the kernel takes for system.posix_acl_*: (tag, permissions, id)."""
    return struct.pack("<I", 2) + b"".join(struct.pack("<HHI", *entry) for entry in entries)


ACL = acl((1, 6, _NOBODY), (2, 4, 1234), (4, 4, _NOBODY), (0x10, 4, _NOBODY), (0x20, 0, _NOBODY))
CAPABILITY = struct.pack("<IIIII", 0x02000001, 1 << 10, 0, 0, 0)  # cap_net_bind_service=ep


def attribute(path: Path, name: str, value: bytes) -> None:
    """Set an extended attribute, or skip where the file system has none of the kind."""
    try:
        os.setxattr(path, name, value)
    except OSError as error:
        pytest.skip(f"no {name} here: {error.strerror}")


def write(path: Path, content: bytes | str = b"KEY=value\n", mode: int = 0o640, mtime_ns: int = 10**18 + 7) -> Path:
    """A file with a content, mode and time."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    path.chmod(mode)
    os.utime(path, ns=(1, mtime_ns))
    return path


def tree(path: Path, name: str = "main") -> Declaration:
    """The set of everything in a directory."""
    return Declaration(name, trees=(str(path),))


def by_name(entries: tuple[Entry, ...]) -> dict[str, Entry]:
    """Last component → entry."""
    return {os.path.basename(each.path): each for each in entries}


def proof(first: float, rounds: int = 3, services: Mapping[str, float] | None = None) -> Proof:
    """One that says nothing wrong."""
    checks = ({"service": "main", "probe": "live", "status": "pass"},)
    return Proof(rounds, first, first + 60, checks, {"main": 2e9} if services is None else services)


def generation(
    number: int, created: float = 0.0, labels: tuple[str, ...] = (), good: bool = False, name: str = "main"
) -> Generation:
    """One without entries."""
    return Generation(
        number,
        created or float(number),
        Declaration(name),
        (),
        labels=labels,
        proof=proof(created) if good else None,
    )


def python(code: str, *arguments: str) -> list[str]:
    """A command line that runs the code with the collection and these helpers to import."""
    paths = [str(HERE.parent), *(path for path in sys.path if path)]
    return [sys.executable, "-c", f"import sys; sys.path[:0] = {paths!r}\n{code}", *arguments]


def run(code: str, *arguments: str) -> str:
    """What it prints."""
    done = subprocess.run(python(code, *arguments), capture_output=True, check=False)
    assert not done.returncode, done.stderr.decode()
    return done.stdout.decode().strip()


def snapshot(path: Path) -> dict[str, tuple[int, int, bytes]]:
    """Everything below a directory but the lock: name → inode, time, content."""
    found = {}
    for each in sorted(path.rglob("*")):
        if each.name != "lock" and each.is_file():
            status = each.stat()
            found[str(each.relative_to(path))] = (status.st_ino, status.st_mtime_ns, each.read_bytes())
    return found


# Class → what makes it at a path, and what of its entry must be so.
CLASSES: dict[str, tuple[Callable[[Path], object], Mapping[str, object]]] = {
    "plain": (write, {"kind": FILE, "mode": 0o640, "size": 10}),
    "empty": (lambda path: write(path, b""), {"kind": FILE, "size": 0}),
    "binary": (lambda path: write(path, os.urandom(1 << 20)), {"kind": FILE, "size": 1 << 20}),
    "setuid": (lambda path: write(path, mode=0o4755), {"kind": FILE, "mode": 0o4755}),
    "setgid and sticky": (lambda path: (path.mkdir(), path.chmod(0o3770)), {"kind": DIRECTORY, "mode": 0o3770}),
    "time": (lambda path: write(path, mtime_ns=1234567890123456789), {"mtime_ns": 1234567890123456789}),
    "user attribute": (
        lambda path: (write(path), attribute(path, "user.note", b"\0\xff")),
        {"xattrs": {"user.note": "AP8="}},
    ),
    "symlink": (
        lambda path: (write(path.with_name("aim")), path.symlink_to("aim")),
        {"kind": SYMLINK, "target": "aim"},
    ),
    "dangling symlink": (lambda path: path.symlink_to("/nowhere"), {"kind": SYMLINK, "target": "/nowhere", "size": 0}),
    "empty directory": (lambda path: path.mkdir(mode=0o700), {"kind": DIRECTORY, "mode": 0o700}),
    "absent": (lambda path: None, {"kind": ABSENT, "mode": 0}),
}
