# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The strict reader names what is wrong with a bag, also what the tools that everybody has do not see."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from ansible_collections.toombos.incident.plugins.plugin_utils._custody.bagcheck import check_bag


@pytest.fixture
def bag(tmp_path: Path, make_bag: Callable[[Path], str]) -> Path:
    make_bag(tmp_path / "bag")
    return tmp_path / "bag"


def told(bag: Path) -> str:
    return "\n".join(check_bag(str(bag)).problems)


def test_a_whole_bag_has_no_problem_and_is_counted(bag: Path) -> None:
    read: list[int] = []
    found = check_bag(str(bag), read.append)
    payload = [path for path in (bag / "data").rglob("*") if path.is_file()]
    assert found.problems == ()
    assert (found.files, found.bytes) == (3, sum(path.stat().st_size for path in payload))
    assert sum(read) >= found.bytes


def line(bag: Path, name: str, change: Callable[[str], str]) -> None:
    path = bag / name
    path.write_text(change(path.read_text()))


CHANGES: dict[str, tuple[Callable[[Path], object], str]] = {
    "a byte": (lambda b: (b / "data/logs/0001").write_bytes(b"x"), "data/logs/0001: is not what manifest-sha256.txt"),
    "a file less": (lambda b: (b / "data/logs/0001").unlink(), "is listed in manifest-sha512.txt and missing"),
    "a file more": (lambda b: (b / "data/x").write_text(""), "data/x: is not listed in manifest-sha256.txt"),
    "a tag file more": (lambda b: (b / "x.txt").write_text(""), "x.txt: is not listed in tagmanifest-sha512.txt"),
    "a directory more": (lambda b: (b / "meta").mkdir(), "meta: is a directory"),
    "a link": (lambda b: (b / "data/l").symlink_to("logs/0001"), "data/l: is neither a file nor a directory"),
    "a link to a directory": (lambda b: (b / "data/d").symlink_to("/etc"), "data/d: is neither"),
    "a pipe": (lambda b: os.mkfifo(b / "data/p"), "data/p: is neither"),
    "an odd name": (lambda b: (b / "data/a b").write_text(""), "'data/a b': is no name"),
    "a hidden file": (lambda b: (b / ".x").write_text(""), "'.x': is no name"),
    "no declaration": (lambda b: (b / "bagit.txt").unlink(), "bagit.txt: is missing"),
    "another declaration": (lambda b: (b / "bagit.txt").write_text("BagIt-Version: 0.97\n"), "not the declaration"),
    "no sha512": (lambda b: (b / "manifest-sha512.txt").unlink(), "manifest-sha512.txt: is missing"),
    "capitals": (lambda b: line(b, "manifest-sha256.txt", lambda t: t.replace("a", "A", 1)), "line"),
    "a line twice": (
        lambda b: line(b, "tagmanifest-sha512.txt", lambda t: t + t.splitlines()[0] + "\n"),
        "comes twice",
    ),
    "no last line feed": (lambda b: line(b, "tagmanifest-sha512.txt", lambda t: t[:-1]), "is not one of a manifest"),
    "another count": (lambda b: line(b, "bag-info.txt", lambda t: t.replace(".3\n", ".4\n")), "Payload-Oxum"),
    "a second count": (lambda b: line(b, "bag-info.txt", lambda t: t + "Payload-Oxum: 1.1\n"), "Payload-Oxum"),
}


@pytest.mark.parametrize("kind", CHANGES)
def test_what_is_wrong_is_named(kind: str, bag: Path) -> None:
    change, words = CHANGES[kind]
    change(bag)
    assert words in told(bag)
