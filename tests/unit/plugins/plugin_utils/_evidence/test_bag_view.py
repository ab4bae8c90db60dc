# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What was captured comes back as it was, or the bag is said to be none."""

from __future__ import annotations

import glob
import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from bag_fixture import INCIDENT, hostile_names, make_bag, plant

from ansible_collections.toombos.incident.plugins.module_utils._evidence import compress
from ansible_collections.toombos.incident.plugins.plugin_utils._evidence import bag_view
from ansible_collections.toombos.incident.plugins.plugin_utils._evidence.bag_view import BagError, BagView

LINES = [b"line %d" % number for number in range(100_000)]
KINDS = ["gzip", *(["zstd"] if compress.find_zstd() else [])]


def long() -> Iterator[bytes]:
    yield b"\n".join(LINES) + b"\n"


@pytest.fixture(params=KINDS)
def view(request: pytest.FixtureRequest, tmp_path: Path) -> BagView:
    contents = {"a/long": long, "a/short": lambda: iter([b"no end"]), "ab/other": lambda: iter([])}
    zstd = compress.find_zstd() if request.param == "zstd" else None
    return BagView(str(make_bag(tmp_path / INCIDENT, contents, zstd=zstd)))


def test_the_content_of_each_file_comes_back(view: BagView) -> None:
    found = {name: b"".join(view.content(stored)) for name, stored in view.files()}
    assert found == {"a/long": b"\n".join(LINES) + b"\n", "a/short": b"no end", "ab/other": b""}
    assert [name for name, _stored in view.files("a")] == ["a/long", "a/short"]
    assert [name for name, _stored in view.files("a/short")] == ["a/short"]
    assert [list(view.lines(stored)) for _name, stored in view.files("a")] == [LINES, [b"no end"]]
    assert (view.host, view.name) == ("web-1", f"{INCIDENT}-web-1-001")


def test_a_line_that_was_cut_is_none(tmp_path: Path) -> None:
    view = BagView(str(make_bag(tmp_path, {"a/long": long}, most=10_000)))
    head, tail = (list(view.lines(stored)) for _name, stored in view.files())
    assert head == LINES[: len(head)]
    assert tail == LINES[-len(tail) :]
    assert len(head) > 400 < len(tail)


def test_a_name_of_any_bytes_comes_back(tmp_path: Path) -> None:
    (tmp_path / "tree").mkdir()
    names = hostile_names(100)
    plant(tmp_path / "tree", names)
    view = BagView(str(make_bag(tmp_path / "incident", paths={"a/files": f"{glob.escape(str(tmp_path))}/tree/*"})))
    entries = os.scandir(os.fsencode(tmp_path / "tree"))
    files = {each.path for each in entries if each.is_file(follow_symlinks=False)}
    assert {os.fsencode(stored.origin) for _name, stored in view.files()} == files


@pytest.mark.parametrize("part", ["content", "digest", "path", "missing"])
def test_what_was_changed_is_refused(view: BagView, part: str) -> None:
    (stored,) = [stored for name, stored in view.files() if name == "a/long"]
    path = Path(view.path) / stored.path
    if part == "content":
        changed = bytearray(path.read_bytes())
        changed[1000] ^= 1
        path.write_bytes(changed)
    elif part == "missing":
        path.unlink()
    else:
        entry = view.artifacts[0]["files"][0]
        entry.update({"sha256": "0" * 64} if part == "digest" else {"path": "data/../../../etc/passwd"})
    (stored,) = [stored for name, stored in view.files() if name == "a/long"]
    with pytest.raises(BagError, match=r"Verify the bag first\."):
        list(view.content(stored))


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"artifacts": [1]}'])
def test_what_is_no_capture_is_refused(view: BagView, text: str) -> None:
    (Path(view.path) / "capture.json").write_text(text)
    with pytest.raises(BagError, match="is no bag of a capture"):
        BagView(view.path)


def test_a_cut_stream_is_not_taken_for_a_whole_one(view: BagView) -> None:
    (stored,) = [stored for name, stored in view.files() if name == "a/long"]
    path = Path(view.path) / stored.path
    path.write_bytes(path.read_bytes()[:-100])
    with path.open("rb") as file, pytest.raises(Exception, match=r"too early|[Pp]remature|truncated|zstd has failed"):
        list(bag_view._READERS[stored.compression](file))


def test_without_zstd_it_says_what_to_install(view: BagView, monkeypatch: pytest.MonkeyPatch) -> None:
    (stored,) = [stored for name, stored in view.files() if name == "a/long"]
    if stored.compression != compress.ZSTD:
        pytest.skip("this bag needs no zstd")
    monkeypatch.setattr(compress, "find_zstd", lambda: None)
    for module in ("compression", "zstandard"):
        monkeypatch.setitem(__import__("sys").modules, module, None)
    with pytest.raises(BagError, match="Install the package zstd"):
        list(view.content(stored))


def test_the_host_of_a_bag_is_that_of_the_inventory(view: BagView) -> None:
    told = json.loads((Path(view.path) / "capture.json").read_text())
    (Path(view.path) / "capture.json").write_text(json.dumps({**told, "host": "node-7"}))
    assert BagView(view.path).host == "web-1"
    other = Path(view.path).rename(Path(view.path).with_name("renamed"))
    assert BagView(str(other)).host == "node-7"
