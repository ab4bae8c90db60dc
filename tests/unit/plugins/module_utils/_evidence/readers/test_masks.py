# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Secrets in names are masked, and nothing else is: a digest is no secret, and a record stays whole."""

from __future__ import annotations

import gzip
import json
import os
import time
from pathlib import Path

import pytest

from ansible_collections.toombos.incident.plugins.module_utils._clock import Clock
from ansible_collections.toombos.incident.plugins.module_utils._evidence import types as t
from ansible_collections.toombos.incident.plugins.module_utils._evidence.capture import Capture, Policy
from ansible_collections.toombos.incident.plugins.module_utils._evidence.readers.bodyfile import bodyfile
from ansible_collections.toombos.incident.plugins.module_utils._evidence.readers.lines import as_lines
from ansible_collections.toombos.incident.plugins.module_utils._evidence.readers.masks import NameMask, OfNames
from ansible_collections.toombos.incident.plugins.module_utils._evidence.readers.timeline import file_events
from ansible_collections.toombos.incident.plugins.module_utils._evidence.store import Limits, Store

SECRETS = ["password=hunter2", "cookie=hunter2|x", 'token: "hunter2" x', "--secret hunter2", "AKIAHUNTER2HUNTER2"]


@pytest.mark.parametrize("name", SECRETS)
def test_a_secret_in_a_name_is_masked(name: str) -> None:
    mask = NameMask()
    masked = mask(f"/srv/{name}/in it")
    assert mask.changed
    assert "hunter2" not in masked.lower()
    assert masked.startswith("/srv/")
    assert masked.endswith("/in it")


@pytest.mark.parametrize(
    "name", ["/etc/passwd", "/srv/.git/objects/ab/0123456789abcdef0123456789abcdef012345", "/tmp/a=b", "/\udcff:1"]
)
def test_nothing_else_is(name: str) -> None:
    mask = NameMask()
    assert (mask(name), mask.path(os.fsencode(name)), mask.changed) == (name, os.fsencode(name), False)


@pytest.mark.parametrize("masked", [True, False])
def test_a_capture_masks_names_and_keeps_every_record(tmp_path: Path, masked: bool) -> None:
    tree = tmp_path / "tree"
    tree.mkdir()
    for name in SECRETS:
        (tree / name).write_text("")
    (tmp_path / "bag").mkdir()
    readers = {
        "body": OfNames(lambda mask: bodyfile([str(tree)], mask)),
        "line": OfNames(lambda mask: as_lines(file_events([str(tree)], mask))),
    }
    classes = frozenset((t.PERSONAL,))
    policy = Policy(time.monotonic() + 60, classes, root=True, mask=classes if masked else frozenset())
    capture = Capture(Store(str(tmp_path / "bag"), Limits(0, 1 << 30), None), readers, policy, Clock())
    texts = []
    for name in readers:
        artifact = t.Artifact(f"a/{name}", 5, (t.Source("native", (name,)),), 10.0, 1 << 20, t.PERSONAL)
        (stored,) = capture.collect(artifact).files
        assert stored.redacted is masked
        raw = (tmp_path / "bag" / stored.path).read_bytes()
        texts.append((gzip.decompress(raw) if stored.path.endswith(".gz") else raw).decode())
    assert ("hunter2" in "".join(texts).lower()) is not masked
    rows = [line.split("|") for line in texts[0].splitlines()]
    assert (len(rows), {len(row) for row in rows}) == (1 + len(SECRETS), {11})
    events = [json.loads(line) for line in texts[1].splitlines()]
    assert len({(event["inode"], event["timestamp_desc"]) for event in events}) == len(events) >= 3 * len(rows)
