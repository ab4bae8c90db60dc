# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What leads from one state of a set to another, without a disk."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.toombos.incident.plugins.module_utils._errors import IncidentError
from ansible_collections.toombos.incident.plugins.module_utils._generations.types import Entry
from ansible_collections.toombos.incident.plugins.module_utils._rollback.plan import make_switch


def file(path: str, content: str = "x", **more: Any) -> Entry:
    return Entry(path, "file", **{"mode": 0o644, "sha256": content, "size": len(content), **more})


def link(path: str, target: str) -> Entry:
    return Entry(path, "symlink", mode=0o777, target=target)


def folder(path: str, **more: Any) -> Entry:
    return Entry(path, "directory", **{"mode": 0o755, **more})


def absent(path: str) -> Entry:
    return Entry(path, "absent")


def names(*paths: str, content: str = "x") -> tuple[Entry, ...]:
    return tuple(file(path, content, link=1) for path in paths)


TABLE: list[tuple[str, tuple[Entry, ...], tuple[Entry, ...], list[str]]] = [
    ("nothing", (file("/a"),), (file("/a"),), []),
    ("nothing of nothing", (), (), []),
    ("absent on both sides, or not known", (absent("/a"),), (absent("/b"),), []),
    ("content", (file("/a", "1"),), (file("/a", "2"),), ["put /a"]),
    ("mode alone", (file("/a"),), (file("/a", mode=0o600),), ["put /a"]),
    ("owner alone", (file("/a"),), (file("/a", uid=7),), ["put /a"]),
    ("group alone", (file("/a"),), (file("/a", gid=7),), ["put /a"]),
    ("time alone", (file("/a"),), (file("/a", mtime_ns=7),), ["put /a"]),
    ("attribute alone", (file("/a"),), (file("/a", xattrs={"user.x": "eA=="}),), ["put /a"]),
    ("no attributes at all", (file("/a", xattrs=None),), (file("/a", xattrs={}),), []),
    ("a target that knows no attributes", (file("/a", xattrs={"user.x": "eA=="}),), (file("/a", xattrs=None),), []),
    ("a label of the kernel", (file("/a", xattrs={"security.selinux": "eA=="}),), (file("/a"),), []),
    ("another label", (file("/a"),), (file("/a", xattrs={"security.selinux": "eA=="}),), ["put /a"]),
    ("a capability that goes", (file("/a", xattrs={"security.capability": "eA=="}),), (file("/a"),), ["put /a"]),
    ("comes", (absent("/a"),), (file("/a"),), ["put /a"]),
    ("comes, not known before", (), (file("/a"),), ["put /a"]),
    ("goes", (file("/a"),), (absent("/a"),), ["remove /a"]),
    ("goes, not known after", (file("/a"),), (), ["remove /a"]),
    ("file to link", (file("/a"),), (link("/a", "b"),), ["put /a"]),
    ("link to another", (link("/a", "b"),), (link("/a", "c"),), ["put /a"]),
    ("mode of a link", (link("/a", "b"),), (replace(link("/a", "b"), mode=0),), []),
    ("file to directory", (file("/a"),), (folder("/a"), file("/a/b")), ["make /a [/a/b]"]),
    ("directory to file", (folder("/a"), file("/a/b")), (file("/a"),), ["put /a, gone [/a/b]"]),
    ("directory to link", (folder("/a"),), (link("/a", "b"),), ["put /a"]),
    (
        "a tree comes",
        (absent("/t"),),
        (folder("/t"), folder("/t/s"), file("/t/s/a"), file("/t/b")),
        ["make /t [/t/b /t/s /t/s/a]"],
    ),
    ("a tree goes", (folder("/t"), folder("/t/s"), file("/t/s/a")), (), ["remove /t, gone [/t/s /t/s/a]"]),
    ("its own attributes", (folder("/t"),), (folder("/t", mode=0o700),), ["attributes /t"]),
    (
        "what happens in it changes its time",
        (folder("/t"), file("/t/a", "1")),
        (folder("/t"), file("/t/a", "2")),
        ["put /t/a", "attributes /t"],
    ),
    (
        "the order",
        (folder("/t"), folder("/t/d"), file("/t/d/x"), file("/t/gone"), file("/t/p", "1"), folder("/t/stay")),
        (
            folder("/t"),
            file("/t/d"),
            folder("/t/new"),
            file("/t/new/n"),
            file("/t/p", "2"),
            folder("/t/stay"),
            file("/t/stay/s"),
        ),
        [
            "make /t/new [/t/new/n]",
            "put /t/d, gone [/t/d/x]",
            "put /t/p",
            "put /t/stay/s",
            "remove /t/gone",
            "attributes /t/stay",
            "attributes /t",
        ],
    ),
    ("names of one file", names("/a", "/b"), names("/a", "/b"), []),
    (
        "other numbers, same names",
        (*names("/a", "/b"), file("/c", link=2), file("/d", link=2)),
        (file("/a", link=9), file("/b", link=9), file("/c", link=4), file("/d", link=4)),
        [],
    ),
    ("content of both names", names("/a", "/b"), names("/a", "/b", content="2"), ["put /a", "link /b"]),
    ("two files become one", (file("/a"), file("/b")), names("/a", "/b"), ["put /a", "link /b"]),
    ("one file becomes two", names("/a", "/b"), (file("/a"), file("/b")), ["put /a", "put /b"]),
    (
        "a third name",
        (*names("/a", "/b"), absent("/c")),
        names("/a", "/b", "/c"),
        ["put /a", "link /b", "link /c"],
    ),
    (
        "a name in a directory that comes",
        (file("/a"),),
        (*names("/a", "/t/b"), folder("/t")),
        ["make /t [/t/b]", "link /a"],
    ),
    (
        "a link that stays, as the way",
        (link("/l", "d"), file("/l/a", "1")),
        (link("/l", "d"), file("/l/a")),
        ["put /l/a"],
    ),
    ("alike names", (folder("/a"), file("/a-b"), file("/a/c")), (file("/a-b"),), ["remove /a, gone [/a/c]"]),
]


@pytest.mark.parametrize(("current", "target", "expected"), [row[1:] for row in TABLE], ids=[row[0] for row in TABLE])
def test_operations(current: tuple[Entry, ...], target: tuple[Entry, ...], expected: list[str]) -> None:
    said = []
    for each in make_switch(current, target).operations:
        gone = f", gone [{' '.join(entry.path for entry in each.inside_before)}]" if each.inside_before else ""
        come = f" [{' '.join(entry.path for entry in each.inside_after)}]" if each.inside_after else ""
        said.append(f"{each.verb} {each.path}{come}{gone}")
    assert said == expected
    assert make_switch(target, target).operations == ()


@pytest.mark.parametrize(
    ("current", "target", "message"),
    [
        ((file("/a"), file("/a")), (), "The current state .* contradicts itself: /a is there twice"),
        ((), (file("a"),), "The target state .* no absolute normal path"),
        ((), (file("/a/../b"),), "no absolute normal path"),
        ((), (file("//a"),), "no absolute normal path"),
        ((), (file("/a/"),), "no absolute normal path"),
        ((), (Entry("/a", "fifo"),), "of no known kind"),
        ((), (file("/a"), file("/a/b")), "/a/b lies in /a, which is no directory"),
        ((absent("/a"), file("/a/b")), (), "/a/b lies in /a, which is no directory"),
        (
            (link("/l", "1"), file("/l/a", "1")),
            (link("/l", "2"), file("/l/a", "2")),
            "/l/a is reached through the symbolic link /l, which is switched as well",
        ),
        ((link("/l", "1"), file("/l/a")), (link("/l", "2"), file("/l/a")), "/l/a is reached through"),
    ],
)
def test_a_contradiction_is_refused(current: tuple[Entry, ...], target: tuple[Entry, ...], message: str) -> None:
    with pytest.raises(IncidentError, match=message):
        make_switch(current, target)


def test_what_stays_is_remembered_and_what_differs_is_listed() -> None:
    stays = file("/b")
    switch = make_switch((folder("/t"), file("/t/x"), stays), (file("/a"), stays))
    assert switch.kept == (stays,)
    assert switch.paths == ("/a", "/t", "/t/x")
