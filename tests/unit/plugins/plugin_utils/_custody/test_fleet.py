# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The manifest knows every host that was meant, and why some have no bag."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.toombos.incident.plugins.plugin_utils._custody import fleet
from ansible_collections.toombos.incident.plugins.plugin_utils._custody.book import Book
from ansible_collections.toombos.incident.plugins.plugin_utils._custody.log import digest

GOOD = {
    "bag": "INC-2026-1125-0001-a-001",
    "path": "/x",
    "package": {"method": "none", "sha256": "ab", "size": 3},
    "tagmanifest_sha256": "cd",
    "outcomes": {"collected": 3},
    "offset": {"least": 0.1, "most": 0.2},
}


@pytest.mark.parametrize(
    ("result", "state", "reason"),
    [
        (None, "missing", "did not run"),
        ({}, "missing", "did not run"),
        ({"unreachable": True, "msg": "No route to host"}, "missing", "unreachable: No route to host"),
        ({"skipped": True, "skip_reason": "Conditional result was False"}, "missing", "skipped: Conditional"),
        ({"failed": True, "msg": "age: token=s3cr3tvalue\nis\tmissing"}, "failed", "age: token=*** is missing"),
        ({"changed": False}, "failed", "no reason was given"),
        (GOOD, "captured", ""),
        ({**GOOD, "path": None, "failed": True, "msg": "cut"}, "failed", "cut"),
    ],
)
def test_a_host_is_in_one_state(result: dict[str, Any] | None, state: str, reason: str) -> None:
    made = fleet.entry(result)
    assert made["state"] == state
    assert reason in made["reason"]


def test_the_digests_and_outcomes_of_a_bag_are_in_it() -> None:
    made = fleet.entry(GOOD)
    assert {key: made[key] for key in ("bag", "method", "sha256", "tagmanifest_sha256", "outcomes")} == {
        "bag": GOOD["bag"],
        "method": "none",
        "sha256": "ab",
        "tagmanifest_sha256": "cd",
        "outcomes": {"collected": 3},
    }
    left = {key: value for key, value in GOOD.items() if key != "path"}
    assert "left on the host" in fleet.entry(left)["reason"]


def test_missing_hosts_come_first_and_cannot_steer_a_terminal() -> None:
    hosts = fleet.manifest({"a": GOOD, "b": None, "c": {"unreachable": True, "msg": "\x1b[2J gone"}})
    assert fleet.counts(hosts) == {"captured": 1, "missing": 2, "failed": 0}
    lines = fleet.lines(hosts)
    assert [line.split(":")[0] for line in lines] == ["b", "c", "a"]
    assert lines[2] == "a: captured: INC-2026-1125-0001-a-001"
    assert "\x1b" not in "".join(lines)


def test_it_is_written_and_on_record_with_every_missing_host(book: Book) -> None:
    hosts = fleet.manifest({"web-2": {"unreachable": True, "msg": "no route"}, "web-1": GOOD})
    path = fleet.write_manifest(book, hosts)
    written = json.loads(Path(path).read_text())
    assert (written["incident"], written["counts"]["missing"]) == (book.incident, 1)
    assert list(written["hosts"]) == ["web-1", "web-2"]
    *_before, missing, manifest = book.records()
    assert (missing["event"], missing["host"], missing["detail"]) == (
        "missing",
        "web-2",
        {"reason": "unreachable: no route"},
    )
    assert manifest["detail"]["beside"] == {"fleet.json": digest(Path(path).read_bytes())}
