# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Bags as the engine makes them, of the readers that a test gives it, and names that break tools."""

from __future__ import annotations

import json
import os
import random
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Callable

from ansible_collections.toombos.incident.plugins.module_utils._clock import Clock
from ansible_collections.toombos.incident.plugins.module_utils._evidence import types as t
from ansible_collections.toombos.incident.plugins.module_utils._evidence.bag import close_bag, new_bag
from ansible_collections.toombos.incident.plugins.module_utils._evidence.capture import Capture, Policy
from ansible_collections.toombos.incident.plugins.module_utils._evidence.store import Limits, Store

INCIDENT = "INC-2026-1125-0001"
Content = Callable[[], Iterable[bytes]]
_ODD = (
    b"%",
    b"|",
    b"\r",
    b"\n",
    b"\\",
    b"\xff",
    b"\xc3\xa4",
    b" -> ",
    b"%0A",
    b"\\x0a",
    b'"',
    b"cookie=",
    b"\x85",
    b"..",
)


def hostile_names(count: int, seed: int = 4) -> list[bytes]:
    """Different names that a file system takes, each with something in it that some tool takes for something else."""
    source = random.Random(seed)
    names = {
        b"x" * 255,
        b"|",
        b"\n",
        b" ",
        b"-",
        b"#",
        b"'\"",
        b"\xed\xa0\x80",
        b"...",
        "ä".encode() * 127,
        b"%7C",
        b"%00",
    }
    while len(names) < count:
        parts = [source.choice(_ODD) if source.random() < 0.6 else b"%c" % source.randrange(1, 256) for _n in range(9)]
        name = b"".join(parts).replace(b"/", b"_")[:255]
        if name not in (b".", b".."):
            names.add(name)
    return sorted(names)


def plant(folder: Path, names: Iterable[bytes]) -> int:
    """A file, a directory or a link of each name, in turn; returns how many entries the folder makes with itself."""
    made = 1
    for number, name in enumerate(names):
        path = os.path.join(os.fsencode(folder), name)
        if number % 5 == 1:
            os.mkdir(path)
        elif number % 5 == 2:
            os.symlink(name, path)
        else:
            with open(path, "wb") as file:
                file.write(b"x" * (number % 7))
        made += 1
    return made


def make_bag(
    incident: Path,
    contents: Mapping[str, Content] | None = None,
    paths: Mapping[str, str] | None = None,
    host: str = "web-1",
    zstd: str | None = None,
    most: int = 1 << 30,
    **more: Any,
) -> Path:
    """A bag in the directory of an incident. ``contents``: artifact → what its reader yields; ``paths``: its files."""
    readers = dict(contents or {})
    sources = {name: t.Source("native", (name,)) for name in readers}
    sources.update({name: t.Source("files", (pattern,)) for name, pattern in (paths or {}).items()})
    number = 1 + sum(path.name.startswith(f"{INCIDENT}-{host}-") for path in incident.glob("*"))
    root = new_bag(str(incident), f"{INCIDENT}-{host}-{number:03d}")
    policy = Policy(time.monotonic() + 300, frozenset((t.OPEN, t.PERSONAL)), root=True)
    capture = Capture(Store(root, Limits(0, 1 << 40), zstd), readers, policy, Clock())
    got = [capture.collect(t.Artifact(name, 5, (source,), 120.0, most)) for name, source in sources.items()]
    told = {"incident": INCIDENT, "host": host, "artifacts": [each.to_dict() for each in got], **more}
    close_bag(root, [file for each in got for file in each.files], told, {"External-Description": "a test"})
    return Path(root)


def custody_log(events: Iterable[Mapping[str, Any]]) -> bytes:
    """A log of custody with these records, whose chain holds; its seal is that of nobody."""
    from ansible_collections.toombos.incident.plugins.plugin_utils._custody.log import Actor, Event, lines_of, seal_line

    actor = Actor("ann", "bastion", "disk is full")
    body = lines_of([Event(**each) for each in events], actor, "2026-11-25T10:00:00.000001Z", None)
    return body + seal_line(body, "SHA256:nobody", "none")


def read_json_lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]
