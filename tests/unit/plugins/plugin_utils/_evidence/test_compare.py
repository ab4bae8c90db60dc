# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Two bags of a host side by side: what died, what is new, what stayed, and what nobody can tell."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from bag_fixture import INCIDENT, make_bag

from ansible_collections.toombos.incident.plugins.action import evidence_compare
from ansible_collections.toombos.incident.plugins.module_utils._errors import IncidentError
from ansible_collections.toombos.incident.plugins.module_utils._evidence.readers.lines import as_lines
from ansible_collections.toombos.incident.plugins.plugin_utils._evidence.bag_view import BagView
from ansible_collections.toombos.incident.plugins.plugin_utils._evidence.compare import (
    Difference,
    choose,
    compare,
    render,
)
from ansible_collections.toombos.incident.plugins.plugin_utils._evidence.export import Incident
from ansible_collections.toombos.incident.plugins.plugin_utils._evidence.standing import KINDS, Part, standing_of

Record = dict[str, Any]
FIRST, SECOND = f"{INCIDENT}-web-1-001", f"{INCIDENT}-web-1-002"
SHELL: Record = {"pid": 7, "start": 100, "name": "sh", "uids": "0\t0", "arguments": ["/bin/sh", "-i"]}
SSHD: Record = {"pid": 8, "start": 90, "name": "sshd", "uids": "0\t0", "arguments": ["sshd: /usr/sbin/sshd"]}
HELD: Record = {
    "protocol": "tcp",
    "local": "10.0.0.1:4444",
    "remote": "10.9.9.9:5",
    "state": "established",
    "pids": [7],
}
WAITS: Record = {"protocol": "tcp", "local": "0.0.0.0:4444", "remote": "0.0.0.0:0", "state": "listening", "pids": [7]}
UDP: Record = {"protocol": "udp6", "local": "[::]:123", "remote": "[::]:0", "state": "closed", "pids": []}
SHELL_LINE = "7 uid 0 /bin/sh -i"
BOB: Record = {"type": "user", "user": "bob", "line": "pts/0", "host": "10.9.9.9", "pid": 7, "time": 5.0}


def lines(records: Iterable[Record]) -> Callable[[], Iterable[bytes]]:
    return lambda: as_lines(records)


def bag(root: Path, processes: list[Record], sockets: list[Record], sessions: list[Record], **more: Any) -> BagView:
    contents = {
        "processes/list": lines(processes),
        "network/sockets": lines(sockets),
        "sessions/now": lines(sessions),
    }
    return BagView(str(make_bag(root, contents, **more)))


@pytest.fixture
def root(tmp_path: Path) -> Path:
    made = tmp_path / INCIDENT
    made.mkdir()
    return made


def test_what_died_what_is_new_and_what_stayed_is_told_of_each_kind(root: Path) -> None:
    bag(root, [SHELL, SSHD], [HELD, WAITS, UDP], [BOB])
    again = {**SHELL, "start": 200}  # the same once more
    bag(
        root,
        [SSHD, again],
        [UDP, {**WAITS, "local": "[::1]:22", "protocol": "tcp6", "pids": [8]}],
        [{**BOB, "type": "ended"}],
    )
    then, now = (standing_of(BagView(str(root / name))) for name in (FIRST, SECOND))
    found, gone = compare(then, now)
    assert gone == []
    assert found == [
        Difference("processes", (SHELL_LINE,), (SHELL_LINE,), ("8 uid 0 sshd: /usr/sbin/sshd",)),
        Difference("connections", ("tcp 10.0.0.1:4444 to 10.9.9.9:5 by 7 /bin/sh",), (), ()),
        Difference("listeners", ("tcp 0.0.0.0:4444 by 7 /bin/sh",), ("tcp6 [::1]:22 by 8 sshd:",), ("udp6 [::]:123",)),
        Difference("sessions", ("bob on pts/0 from 10.9.9.9 (pid 7)",), (), ()),
    ]  # fmt: skip


def part(**entries: str) -> Part:
    return Part({(key,): words for key, words in entries.items()})


@pytest.mark.parametrize(
    ("then", "now", "died", "new", "stayed", "notes"),
    [
        (part(), part(), (), (), (), ()),
        (part(a="A"), part(), ("A",), (), (), ()),
        (part(), part(a="A"), (), ("A",), (), ()),
        (part(a="A"), part(a="A"), (), (), ("A",), ()),
        (Part({("a",): "A"}, partial="cut"), part(), ("A",), (), (), ("cut",)),
        (Part(partial="cut"), Part({("a",): "A"}, partial="late"), (), ("A",), (), ("cut", "late")),
    ],
)
def test_entries_are_told_apart_by_what_identifies_them(
    then: Part, now: Part, died: tuple[str, ...], new: tuple[str, ...], stayed: tuple[str, ...], notes: tuple[str, ...]
) -> None:
    found, gone = compare(dict.fromkeys(KINDS, then), dict.fromkeys(KINDS, now))
    assert gone == []
    assert {(each.died, each.new, each.stayed, each.notes) for each in found} == {(died, new, stayed, notes)}


def test_what_goes_by_another_name_has_not_died() -> None:
    found, _gone = compare(dict.fromkeys(KINDS, part(a="sshd: root@notty")), dict.fromkeys(KINDS, part(a="sh")))
    assert {(each.died, each.new, each.stayed) for each in found} == {((), (), ())}
    assert {each.changed for each in found} == {("sshd: root@notty, now sh",)}


def test_what_one_side_does_not_have_is_not_counted_as_gone() -> None:
    then = dict.fromkeys(KINDS, part(a="A"))
    now = {**then, "sessions": Part(gone="there is no such file")}
    found, gone = compare(then, now)
    assert [each.kind for each in found] == ["processes", "connections", "listeners"]
    assert gone == [{"kind": "sessions", "why": "there is no such file"}]
    assert "Not compared: sessions: there is no such file" in render(found, gone, 100)


def test_what_is_missing_cut_or_damaged_is_named(root: Path) -> None:
    broken = [b'{"pid": 1, "arg', b"uments\n[1]\n", json.dumps(SSHD).encode() + b"\n"]
    made = make_bag(root, {"processes/list": lambda: broken, "network/sockets": lines([HELD] * 60)}, most=1000)
    seen = standing_of(BagView(str(made)))
    assert list(seen["processes"].entries.values()) == ["8 uid 0 sshd: /usr/sbin/sshd"]
    assert seen["processes"].partial == f"2 lines of processes/list in {FIRST} are no records"
    assert seen["connections"].entries
    assert f"network/sockets is truncated in {FIRST}" in seen["connections"].partial
    assert seen["sessions"].gone == f"{FIRST} has no sessions/now"


def test_a_payload_that_was_changed_is_not_compared(root: Path) -> None:
    made = bag(root, [SHELL], [], [])
    for path in Path(made.path).glob("data/processes/list/*"):
        path.write_bytes(b"{}")
    seen = standing_of(made)
    assert "is not what was captured" in seen["processes"].gone
    assert seen["sessions"].gone == ""


def test_an_artifact_that_was_denied_says_why(root: Path) -> None:
    def denied() -> Iterable[bytes]:
        raise PermissionError(13, "not for you")
        yield b""

    seen = standing_of(BagView(str(make_bag(root, {"processes/list": denied}))))
    assert seen["processes"].gone.startswith(f"processes/list is denied in {FIRST}: ")


def test_hostile_text_neither_steers_the_terminal_nor_shows_secrets(root: Path) -> None:
    shown = {**SHELL, "arguments": ["\x1b]0;you\x07", "a\nb", "--password", "hunter22", "\udcff", "x" * 900]}
    odd = [{"protocol": [1], "state": "established"}, {**BOB, "user": "\u202ebob\x1b[2J", "host": None}]
    seen = standing_of(bag(root, [shown, {"pid": {}, "arguments": 3}], [odd[0]], [odd[1]]))
    text = "\n".join(words for each in seen.values() for words in each.entries.values())
    assert all(each.gone == "" for each in seen.values())
    assert not any(letter in text for letter in "\x1b\x07\u202e\udcff")
    assert "hunter22" not in text
    assert max(map(len, text.splitlines())) < 400
    text.encode()


@pytest.mark.parametrize(
    ("host", "before", "after", "expected"),
    [
        ("web-1", "", "", (FIRST, f"{INCIDENT}-web-1-1000")),
        ("web-1", SECOND, "", (SECOND, f"{INCIDENT}-web-1-1000")),
        ("web-1", FIRST, SECOND, (FIRST, SECOND)),
        ("web-1", FIRST, FIRST, "is the same as itself"),
        ("web-1", f"{INCIDENT}-web-2-001", "", "There is no bag"),
        ("web-1", "../../etc", "", "There is no bag"),
        ("web-2", "", "", "has 1 bags"),
        ("web-3", "", "", "is sealed, it cannot be read"),
        ("web", "", "", "has 0 bags"),
    ],
)
def test_bags_are_those_of_the_host_in_their_order(
    root: Path, host: str, before: str, after: str, expected: tuple[str, str] | str
) -> None:
    for name in ("web-1-002", "web-1-1000", "web-1-200", "web-1-001", "web-2-001", "web-3-001"):
        (root / f"{INCIDENT}-{name}").mkdir()
    (root / f"{INCIDENT}-web-3-002.tar.age").write_bytes(b"")
    (root / "derived").mkdir()
    if isinstance(expected, tuple):
        assert choose(Incident(str(root)), host, before, after) == expected
        return
    with pytest.raises(IncidentError, match=expected):
        choose(Incident(str(root)), host, before, after)


def test_a_long_list_is_cut_on_the_screen_and_says_so() -> None:
    text = render([Difference("processes", tuple(f"p{n}" for n in range(30)), (), ("s",))], [], 100)
    assert "p9" in text
    assert "p10" not in text
    assert "... and 20 more" in text


def test_who_is_still_connected_is_shown_and_what_else_stayed_is_counted() -> None:
    found = [Difference(kind, (), (), ("stays as it is",)) for kind in ("connections", "listeners")]
    shown = [line.split() for line in render(found, [], 100).splitlines()[1:]]
    assert shown == [["connections", "stayed", "stays", "as", "it", "is"], ["listeners", "stayed", "1"]]


def test_the_task_changes_nothing_and_says_what_it_has_compared(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bag(root, [SHELL], [HELD], [BOB])
    bag(root, [], [], [])
    task = SimpleNamespace(args={"home": str(root), "incident": INCIDENT}, check_mode=True, async_val=0, action="x")
    connection = SimpleNamespace(_shell=SimpleNamespace(tmpdir="unused"))
    action = evidence_compare.ActionModule(task, connection, SimpleNamespace(), None, None, None)
    before = sorted(os.walk(root))
    done = action.run(None, {"inventory_hostname": "web-1"})
    assert (done["changed"], done["before"], done["after"], done["not_compared"]) == (False, FIRST, SECOND, [])
    assert done["differences"]["processes"]["counts"] == {"died": 1, "new": 0, "stayed": 0, "changed": 0}
    assert done["differences"]["connections"]["died"] == ["tcp 10.0.0.1:4444 to 10.9.9.9:5 by 7 /bin/sh"]
    assert done["msg"] == "web-1: gone are 1 processes, 1 connections, 0 listeners, 1 sessions"
    assert f"DIFFERENCE of web-1, {FIRST} to {SECOND}" in capsys.readouterr().out
    assert sorted(os.walk(root)) == before
    assert action.run(None, {"inventory_hostname": "web-9"})["failed"]
