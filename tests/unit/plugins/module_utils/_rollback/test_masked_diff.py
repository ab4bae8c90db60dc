# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A diff says what changes, and never a value, whatever looks like one."""

from __future__ import annotations

import hashlib
import json
import os
import sys
from pathlib import Path
from typing import Any, Iterator

import pytest
from switching import World, write

from ansible_collections.toombos.incident.plugins.module_utils._errors import IncidentError
from ansible_collections.toombos.incident.plugins.module_utils._generations.types import Entry
from ansible_collections.toombos.incident.plugins.module_utils._rollback.masked_diff import masked_diff
from ansible_collections.toombos.incident.plugins.module_utils._rollback.plan import make_switch
from ansible_collections.toombos.incident.plugins.module_utils._rollback.settings import HIDDEN, shown_name

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "modules"))
from secret_shapes import SHAPES


def diff(world: World, before: dict[str, Any], after: dict[str, Any]) -> dict[str, tuple[str, str]]:
    """Name → both sides."""

    def fill(files: dict[str, Any]) -> Any:
        def make(world: World) -> None:
            for name, content in files.items():
                os.utime(str(write(world / name, content)), ns=(1, 1))
            os.utime(str(world.set), ns=(1, 1))

        return make

    target, current = world.state(fill(after)), world.state(fill(before))
    found = masked_diff(make_switch(current, target), world.contents)
    assert all(each["before_header"] == each["after_header"] for each in found)
    return {os.path.relpath(each["before_header"], str(world.set)): (each["before"], each["after"]) for each in found}


@pytest.mark.parametrize(
    ("name", "before", "after", "expected"),
    [
        (".env", "A=1\nB=2\nC=3\n", "A=1\nB=9\nD=4\n", ("B=(was)\nC=(was)\n", "B=(changed)\nD=(new)\n")),
        (
            ".env.production",
            "A=1\n",
            "# c\nA=1\n",
            ("comments, order and blanks: (were)\n", "comments, order and blanks: (changed)\n"),
        ),
        ("app.env", "DEBUG=true\n", "DEBUG=false\n", ("DEBUG=(was)\n", "DEBUG=(changed)\n")),
        (
            "x.json",
            '{"a": {"b": 1, "c": [1]}}',
            '{"a": {"b": 2, "c": [1, 2]}}',
            ("a.b=(was)\na.c[]=(was)\n", "a.b=(changed)\na.c[]=(changed)\n"),
        ),
        ("x.ini", "[s]\nuser = 1\n", "[s]\nuser = 2\n", ("s.user=(was)\n", "s.user=(changed)\n")),
        (
            "x.yml",
            "a:\n  b: 1\n  c: |\n    x: 1\nd: 2\n",
            "a:\n  b: 1\n  c: |\n    x: 2\nd: 2\n",
            ("a.c=(was)\n", "a.c=(changed)\n"),
        ),
        (
            "x.yaml",
            "jobs:\n  - name: a\n    host: b\n",
            "jobs:\n  - name: a\n    host: c\n",
            ("jobs.host=(was)\n", "jobs.host=(changed)\n"),
        ),
    ],
)
def test_known_formats(world: World, name: str, before: str, after: str, expected: tuple[str, str]) -> None:
    assert diff(world, {name: before}, {name: after}) == {name: expected}


@pytest.mark.parametrize(
    ("name", "before", "after"),
    [
        ("nginx.conf", "a;\n", "b;\n"),
        (".env", "A=1\n", "no setting\n"),
        ("x.json", "{}", "{"),
        ("x.ini", "[a]\n", "[a]\nno setting\n"),
        (".env", "A=1\n", b"A=\xff\n"),
        (".env", "A=1\n", b"A=\0\n"),
        (".env", "A=1\n", "A=" + "x" * (1 << 20)),
        ("binary", bytes(99), bytes(100)),
    ],
)
def test_of_other_contents_sizes_and_digests(world: World, name: str, before: Any, after: Any) -> None:
    sides = [each.encode() if isinstance(each, str) else each for each in (before, after)]
    expected = tuple(
        f"content: {len(each):,} bytes, sha256 {hashlib.sha256(each).hexdigest()[:12]}…\n" for each in sides
    )
    size = len(sides[0]) != len(sides[1])
    found = diff(world, {name: before}, {name: after})[name]
    assert (found[0], found[1]) == expected, size


def entry(**values: Any) -> Entry:
    return Entry("/srv/x", **{"kind": "file", "mode": 0o600, "sha256": "s", "size": 1, **values})


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        (entry(), entry(mode=0o4755), ("mode: 0600\n", "mode: 4755\n")),
        (entry(), entry(uid=54321, gid=54322), ("owner: root\ngroup: root\n", "owner: 54321\ngroup: 54322\n")),
        (entry(mtime_ns=1_000_000_001), entry(), ("time: 1.000000001\n", "time: 0.000000000\n")),
        (
            entry(kind="symlink", target="a"),
            entry(kind="symlink", target="postgres://a:hunter2@b"),
            ("target: a\n", "target: postgres://a:***@b\n"),
        ),
        (
            entry(kind="absent"),
            entry(kind="directory", mode=0o755),
            ("kind: absent\n", "kind: directory\nmode: 0755\nowner: root\ngroup: root\n"),
        ),
        (
            entry(xattrs={"user.hunter2": "aHVudGVyMg=="}),
            entry(xattrs={"security.capability": "aHVudGVyMg=="}),
            ("attribute of a user: (was)\n", "attribute security.capability: (new)\n"),
        ),
        (
            entry(),
            entry(kind="absent"),
            ("kind: file\nmode: 0600\nowner: root\ngroup: root\ncontent: 1 bytes, sha256 s…\n", "kind: absent\n"),
        ),
    ],
)
def test_attributes(before: Entry, after: Entry, expected: tuple[str, str]) -> None:
    def contents(_sha256: str) -> Iterator[bytes]:
        raise IncidentError("It is not there.", "")

    (found,) = masked_diff(make_switch([before], [after]), contents)
    assert (found["before"], found["after"]) == expected


def test_nothing_without_a_difference(world: World) -> None:
    assert diff(world, {".env": "A=1\n"}, {".env": "A=1\n"}) == {}


def secret(number: int) -> str:
    """Every second one of the letters that every shape may have."""
    return f"HUNTERX{number:03d}Z77Q" if number % 2 else f"Kx{number:03d}qhunTer2Zw"


PLACES = {
    "env value": (".env", "A=1\nB='{}'\n"),
    "env line": (".env", "A=1\n{}\n"),
    "env comment": (".env", "A=1\n# {}\n"),
    "ini value": ("x.ini", "[a]\nb = {}\n"),
    "ini line": ("x.ini", "[a]\n{}\n"),
    "ini section": ("x.ini", "[{}]\nb = 1\n"),
    "yaml value": ("x.yml", "a:\n  b: {}\n"),
    "yaml line": ("x.yml", "a:\n  b: 1\n{}\n"),
    "yaml block": ("x.yml", "a: |\n  {}\nb: 1\n"),
    "yaml comment": ("x.yml", "a: 1\n# {}\n"),
    "json value": ("x.json", None),
    "json name": ("x.json", None),
    "plain": ("x.txt", "{}\n"),
    "link": ("link", None),
}


def with_secret(place: str, shape: str, number: int) -> Any:
    name, template = PLACES[place]
    text = shape.format(secret(number))
    if place == "json value":
        return name, json.dumps({"a": {"b": text}})
    if place == "json name":
        return name, json.dumps({"a": {text: 1}})
    return name, (template or "").replace("{}", text)


def test_these_are_two_hundred() -> None:
    assert len(SHAPES) * len(PLACES) >= 200


@pytest.mark.parametrize("place", [place for place in PLACES if place != "link"])
def test_no_secret_of_any_shape_in_any_place(place: str) -> None:
    for number, shape in enumerate([*SHAPES, *SHAPES[1:]]):
        name, before = with_secret(place, shape, number)
        _name, after = with_secret(place, shape, number + 500)
        contents = {hashlib.sha256(text.encode()).hexdigest(): text.encode() for text in (before, after)}
        one, other = (Entry(f"/srv/{name}", "file", sha256=sha256, size=len(data)) for sha256, data in contents.items())
        for sides in (([one], [other]), ([], [other]), ([one], [])):
            found = masked_diff(make_switch(*sides), lambda sha256, known=contents: iter([known[sha256]]))
            shown = json.dumps(found)
            assert name in shown
            assert secret(number) not in shown, (place, shape, shown)
            assert secret(number + 500) not in shown, (place, shape, shown)


def test_no_secret_in_where_a_link_leads() -> None:
    for number, shape in enumerate(SHAPES):
        number = 2 * number + 1
        sides = [entry(kind="symlink", target=shape.format(secret(number + more))) for more in (0, 500)]
        (found,) = masked_diff(make_switch(sides[:1], sides[1:]), lambda _sha256: iter(()))
        assert secret(number) not in found["before"], shape
        assert secret(number + 500) not in found["after"], shape


@pytest.mark.parametrize(
    "name", ["API_KEY", "apiKey", "DbPassword", "db.pool_size", "jobs[].name", "tls13", "x-request-id", "HTTP2_PORT"]
)
def test_names_that_are_shown(name: str) -> None:
    assert shown_name(name) == name


@pytest.mark.parametrize(
    "name",
    [
        "",
        "Tr0ub4dor",
        "c2VjcmV0cGFzcw",
        "AKIAIOSFODNN7EXAMPLE",
        "a" * 33,
        "ghp_abcdefghijklmnop",
        "sk-abcdefghijklm",
        "$x",
        "é",
    ],
)
def test_names_that_could_be_secrets(name: str) -> None:
    assert shown_name(name) == HIDDEN


def test_the_end_of_base64_is_no_name(world: World) -> None:
    (found,) = diff(world, {".env": "A=1\n"}, {".env": "A=1\nabcdefgh==\n"}).values()
    assert "abcdefgh" not in "".join(found)
