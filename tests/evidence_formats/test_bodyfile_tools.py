# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""As many records as went into a bodyfile come out of mactime and of plaso, whatever the files are called."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import subprocess
from pathlib import Path
from typing import Any, Callable

import pytest
from bag_fixture import INCIDENT, make_bag

from ansible_collections.toombos.incident.plugins.module_utils._evidence.readers.bodyfile import bodyfile
from ansible_collections.toombos.incident.plugins.module_utils._evidence.readers.masks import NameMask
from ansible_collections.toombos.incident.plugins.module_utils._evidence.readers.names import exact
from ansible_collections.toombos.incident.plugins.plugin_utils._evidence.export import Incident, export


@pytest.fixture
def exported(tmp_path: Path, hostile: Path) -> Path:
    """The bodyfile of a bag with the hostile names, as it is exported."""
    make_bag(tmp_path / INCIDENT, {"files/hostile": lambda: bodyfile([str(hostile)])})
    (made,) = export(Incident(str(tmp_path / INCIDENT)), [], ["bodyfile"])
    assert (made.read, made.written) == (2501, 2501)
    return Path(made.path)


def mactime(path: Path) -> set[tuple[str, str]]:
    """Inode and name of each record in what mactime prints."""
    done = subprocess.run([os.environ["MACTIME"], "-b", path, "-d", "-y"], capture_output=True, check=True)
    assert not done.stderr
    rows = list(csv.reader(io.StringIO(done.stdout.decode(), newline="")))
    assert rows[0][:3] == ["Date", "Size", "Type"]
    return {(row[6], row[7]) for row in rows[1:]}


def expected(names: list[bytes], hostile: Path) -> set[bytes]:
    folder = os.fsencode(hostile)
    return {folder, *(os.path.join(folder, name) for name in names)}


def test_mactime_returns_every_record_under_its_name(exported: Path, names: list[bytes], hostile: Path) -> None:
    found = mactime(exported)
    assert len(found) == 2501
    assert {exact(name.split(" -> ")[0]) for _inode, name in found} == expected(names, hostile)


def test_mactime_would_lose_records(exported: Path, names: list[bytes], hostile: Path, tmp_path: Path) -> None:
    """The test above means something: names as they are, or encoded the way that mactime decodes."""
    lines = exported.read_bytes().splitlines()
    for number, encode in enumerate((bytes, lambda name: name.replace(b"|", b"%7C").replace(b"\n", b"%0A"))):
        raw = [line.split(b"|") for line in lines]
        for fields in raw:
            fields[1] = encode(exact(fields[1].decode()))
        path = tmp_path / str(number)
        path.write_bytes(b"".join(b"|".join(fields) + b"\n" for fields in raw))
        done = subprocess.run([os.environ["MACTIME"], "-b", path, "-d", "-y"], capture_output=True, check=False)
        inodes = {line.split(b",")[6] for line in done.stdout.splitlines()[1:] if line.count(b",") >= 7}
        assert len(inodes & {fields[2] for fields in raw}) < 2501


def test_masked_names_cost_no_record(hostile: Path, tmp_path: Path) -> None:
    mask = NameMask()
    (tmp_path / "body").write_bytes(b"".join(bodyfile([str(hostile)], mask)))
    assert mask.changed
    assert len({inode for inode, _name in mactime(tmp_path / "body")}) == 2501


def test_plaso_returns_every_record_under_its_name(exported: Path, tmp_path: Path, tool: Callable[..., Any]) -> None:
    store, out = tmp_path / "body.plaso", tmp_path / "body.jsonl"
    options = ("--quiet", "--unattended", "--status-view", "none", "--logfile", tmp_path / "log.gz")
    read = tool(
        "PLASO",
        "log2timeline",
        *options,
        "--single-process",
        "--parsers",
        "bodyfile",
        "--storage-file",
        store,
        exported,
    )
    assert read.returncode == 0, read.stdout
    sort = tool("PLASO", "psort", *options[:-1], tmp_path / "log2.gz", "-o", "json_line", "-w", out, store)
    assert sort.returncode == 0, sort.stdout
    events = [json.loads(line) for line in out.read_text().splitlines()]
    assert {event["data_type"] for event in events} == {"fs:bodyfile:entry"}
    assert len({(event["inode"], event["filename"]) for event in events}) == 2501
    rows = [line.split("|") for line in exported.read_text().splitlines()]
    # It turns escapes of control characters back itself, the others are in its names as they are in the bodyfile.
    control = re.compile(r"\\x([01][0-9a-f]|7f|[89][0-9a-f])")
    shown = {control.sub(lambda found: chr(int(found[1], 16)), row[1].split(" -> ")[0]) for row in rows}
    assert {event["filename"] for event in events} == shown
    assert len(events) == sum(int(time) != 0 for row in rows for time in row[7:])
