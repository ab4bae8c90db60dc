# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which processes are ended: a table of a host with a responder, intruders, services, and what is in between."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.toombos.incident.plugins.module_utils._access.logins import Asked, choose, is_listener
from ansible_collections.toombos.incident.plugins.module_utils._access.types import Responder, Seen

ROOT, DEPLOY, ALICE = (0, 0, 0), (1001, 1001, 1001), (1000, 1000, 1000)
SSH, APP = "/system.slice/ssh.service", "/system.slice/app.service"
ME = Responder(chain=frozenset({1, 100, 200, 201, 202, 203}), names=frozenset({"alice"}), uid=1000, address="192.0.2.7")
ASKED = Asked(locked={1001: "deploy"}, others=True, services=False, names={0: "root", 1000: "alice", 1001: "deploy"})


def scope(number: int, uid: int) -> str:
    return f"/user.slice/user-{uid}.slice/session-{number}.scope"


def seen(pid: int, ppid: int, uids: tuple[int, ...], title: str, **more: Any) -> Seen:
    program = "sshd" if title.startswith("sshd") else title.split()[0].lstrip("-").rpartition("/")[2]
    return Seen(**{"pid": pid, "ppid": ppid, "start": pid, "uids": uids, "title": title, "program": program, **more})


def host(systemd: bool) -> dict[int, Seen]:
    """With and without systemd and its cgroups."""

    def at(path: str) -> str:
        return path if systemd else "/"

    mine, his, nohup = at(scope(1, 1000)), at(scope(2, 1001)), at(scope(2, 1001))
    rows = [
        seen(1, 0, ROOT, "/sbin/init", cgroup=at("/init.scope")),
        seen(2, 0, ROOT, "kthreadd", kernel=True),
        seen(100, 1, ROOT, "sshd: /usr/sbin/sshd -D [listener] 0 of 10-100 startups", cgroup=at(SSH)),
        seen(200, 100, ROOT, "sshd: alice [priv]", peer="192.0.2.7", cgroup=mine, login=1000, audit=1),
        seen(201, 200, ALICE, "sshd: alice@notty", peer="192.0.2.7", cgroup=mine, login=1000, audit=1),
        seen(202, 201, ALICE, "sh -c sudo python3", cgroup=mine, login=1000, audit=1, sid=202),
        seen(203, 202, ROOT, "python3", cgroup=mine, login=1000, audit=1, sid=202),
        seen(300, 100, ROOT, "sshd: deploy [priv]", peer="203.0.113.9", cgroup=his, login=1001, audit=2),
        seen(301, 300, DEPLOY, "sshd: deploy@pts/0", peer="203.0.113.9", cgroup=his, login=1001, audit=2),
        seen(302, 301, DEPLOY, "-bash", cgroup=his, login=1001, audit=2, sid=302, terminal="pts/0"),
        seen(303, 302, ROOT, "sudo -i", cgroup=his, login=1001, audit=2, sid=302, terminal="pts/0"),
        seen(304, 1, DEPLOY, "./miner --api-key=abcdef", cgroup=nohup, login=1001, audit=2, sid=302),
        seen(400, 1, ROOT, "/usr/sbin/nginx", cgroup=at("/system.slice/nginx.service")),
        seen(401, 1, DEPLOY, "python app.py", cgroup=at(APP)),
    ]
    return {row.pid: row for row in rows}


def ended(table: dict[int, Seen], me: Responder = ME, asked: Asked = ASKED, **begun: Any) -> list[int]:
    return [ending.pid for ending in choose(table, me, asked, **begun).endings]


def with_(table: dict[int, Seen], *rows: Seen) -> dict[int, Seen]:
    return {**table, **{row.pid: row for row in rows}}


@pytest.mark.parametrize("systemd", [True, False])
def test_sessions_of_others_end_and_services_listener_and_responder_stay(systemd: bool) -> None:
    choice = choose(host(systemd), ME, ASKED)
    assert [ending.pid for ending in choice.endings] == [300, 301, 302, 303, 304]
    assert any("app" in note and "runs as deploy, is taken for a service, and stays" in note for note in choice.notes)


def test_each_is_told_with_user_terminal_and_origin_and_without_secrets() -> None:
    endings = {ending.pid: ending for ending in choose(host(True), ME, ASKED).endings}
    assert endings[302].words == "302 deploy pts/0 from 203.0.113.9 (session of deploy): -bash"
    assert "abcdef" not in endings[304].words


def test_without_the_wish_nobody_is_ended() -> None:
    assert ended(host(True), asked=replace(ASKED, others=False)) == []


def test_sessions_of_users_that_are_not_locked_end_as_well() -> None:
    assert ended(host(True), asked=replace(ASKED, locked={})) == [300, 301, 302, 303, 304]


def test_services_of_a_locked_user_end_only_when_that_is_asked_for() -> None:
    assert 401 in ended(host(True), asked=replace(ASKED, services=True))


def test_of_a_locked_root_only_sessions_end_never_its_services() -> None:
    asked = Asked(locked={0: "root"}, others=True, services=True, names={})
    cron = seen(500, 1, ROOT, "backup", cgroup="/system.slice/cron.service", login=0, audit=9)
    assert ended(with_(host(True), cron), asked=asked) == [300, 301, 302, 303, 304]
    assert ended(with_(host(False), replace(cron, cgroup="/")), asked=asked) == [300, 301, 302, 303, 304]


@pytest.mark.parametrize(
    ("peer", "title", "stays"),
    [
        ("192.0.2.7", "sshd: alice [priv]", True),
        ("203.0.113.9", "sshd: alice [priv]", False),
        ("192.0.2.7", "sshd: deploy [priv]", False),
        ("", "sshd: alice [priv]", False),
    ],
)
def test_another_connection_is_the_responders_by_user_and_address_both(peer: str, title: str, stays: bool) -> None:
    uids = ALICE if "alice" in title else DEPLOY
    other = [
        seen(500, 100, ROOT, title, peer=peer, cgroup=scope(5, uids[0]), audit=5),
        seen(501, 500, uids, title.replace(" [priv]", "@pts/3"), peer=peer, cgroup=scope(5, uids[0]), audit=5),
        seen(502, 501, uids, "-bash", cgroup=scope(5, uids[0]), audit=5, sid=502, terminal="pts/3"),
        seen(503, 1, uids, "tmux", cgroup=scope(5, uids[0]), audit=5, sid=503),
    ]
    choice = choose(with_(host(True), *other), ME, ASKED)
    pids = {ending.pid for ending in choice.endings}
    assert pids & {500, 501, 502, 503} == (set() if stays else {500, 501, 502, 503})
    assert any("is the responder's too" in note for note in choice.notes) is stays


def test_a_responder_without_an_address_has_this_session_only() -> None:
    other = seen(500, 100, ROOT, "sshd: alice [priv]", peer="", cgroup=scope(5, 1000))
    assert 500 in ended(with_(host(True), other), me=replace(ME, address=""))


def test_a_connection_that_has_not_logged_in_yet_stays() -> None:
    rows = [
        seen(500, 100, ROOT, "sshd: alice [priv]", peer="192.0.2.8", cgroup=SSH),
        seen(501, 500, (74, 74, 74), "sshd: alice [net]", peer="192.0.2.8", cgroup=SSH),
    ]
    assert not {500, 501} & set(ended(with_(host(True), *rows)))


def test_sessions_end_where_sshd_has_no_scopes_of_logind() -> None:
    table = {pid: replace(p, cgroup=SSH if "session" in p.cgroup else p.cgroup) for pid, p in host(True).items()}
    assert ended(table) == [300, 301, 302, 303, 304]


def test_a_service_that_an_admin_has_started_from_a_session_stays() -> None:
    below = seen(500, 302, ROOT, "nginx", cgroup="/system.slice/nginx.service", login=1001, audit=2)
    assert 500 not in ended(with_(host(True), below))
    daemon = seen(501, 1, ROOT, "nginx: master", cgroup="/", login=1001, audit=2, sid=501)
    choice = choose(with_(host(False), daemon), ME, ASKED)
    assert 501 not in [ending.pid for ending in choice.endings]
    assert any("was started from a session that is ended, and stays" in note for note in choice.notes)


@pytest.mark.parametrize(
    ("row", "ends"),
    [
        (seen(500, 1, DEPLOY, "nc -l", cgroup="/user.slice/user-1001.slice/user@1001.service/app.slice/x.scope"), True),
        (seen(500, 1, DEPLOY, "job", cgroup="/system.slice/cron.service", login=1001), True),
        (seen(500, 1, DEPLOY, "x", cgroup="/", terminal="pts/9"), True),
        (seen(500, 1, (1001, 0, 0), "x", cgroup="/", terminal="pts/9"), True),
        (seen(500, 1, DEPLOY, "x", cgroup="/"), False),
        (seen(500, 1, DEPLOY, "x", cgroup="/machine.slice/libpod-1.scope", foreign=True, terminal="pts/0"), False),
        (seen(500, 2, DEPLOY, "x", kernel=True, login=1001), False),
        (seen(500, 1, ROOT, "agetty tty1", cgroup="/system.slice/system-getty.slice/getty@tty1.service"), False),
        (seen(500, 1, ALICE, "-sh", cgroup=scope(7, 1000), terminal="tty1"), True),
    ],
)
def test_what_is_tied_to_a_login_ends(row: Seen, ends: bool) -> None:
    assert (500 in ended(with_(host(True), row))) is ends


@pytest.mark.parametrize(
    ("row", "listens"),
    [
        (seen(5, 1, ROOT, "sshd: /usr/sbin/sshd [listener] 1 of 10-100 startups"), True),
        (seen(5, 1, ROOT, "/usr/sbin/sshd -D", program="sshd"), True),
        (seen(5, 1, ROOT, "/usr/sbin/dropbear", program="dropbear"), True),
        (seen(5, 1, ROOT, "sshd: eve [priv]"), False),
        (seen(5, 1, DEPLOY, "/tmp/sshd -D", program="sshd"), False),
        (seen(5, 100, ROOT, "/usr/sbin/sshd -D -R", program="sshd"), False),
        (seen(5, 1, ROOT, "sshd-session: eve [priv]", program="sshd-session"), False),
        (seen(5, 1, ROOT, "nginx: sshd", program="nginx"), False),
    ],
)
def test_the_sshd_that_waits_is_told_from_those_that_serve(row: Seen, listens: bool) -> None:
    assert is_listener(row, with_(host(True), row)) is listens


def test_an_sshd_that_waits_stays_wherever_it_was_started_and_is_told() -> None:
    other = seen(500, 302, ROOT, "sshd: /usr/sbin/sshd -p 2222 [listener] 0 of 10-100", cgroup=scope(2, 1001), audit=2)
    intruder = seen(501, 500, ROOT, "sshd: eve [priv]", peer="203.0.113.9", cgroup=scope(9, 1002), audit=9)
    choice = choose(with_(host(True), other, intruder), ME, ASKED)
    assert {500, 501} & {ending.pid for ending in choice.endings} == {501}
    assert [note for note in choice.notes if note.startswith("pid 500 (sshd: /usr/sbin/sshd -p 2222")]


def test_the_newer_sshd_with_a_program_for_each_session_is_known() -> None:
    table = {
        pid: replace(p, program="sshd-session", title=p.title.replace("sshd:", "sshd-session:"))
        if p.program == "sshd" and pid != 100
        else p
        for pid, p in host(True).items()
    }
    assert ended(table) == [300, 301, 302, 303, 304]


def test_what_has_lost_its_session_while_it_is_ended_is_ended_with_all_below_it() -> None:
    table = {pid: p for pid, p in host(False).items() if pid not in (300, 301)}
    orphans = [replace(table[302], ppid=1), seen(305, 302, ALICE, "child", cgroup="/", sid=305)]
    asked = replace(ASKED, locked={})
    assert ended(with_(table, *orphans), asked=asked) == []
    assert ended(with_(table, *orphans), asked=asked, begun=[(302, 302)]) == [302, 303, 304, 305]
    without = {pid: p for pid, p in with_(table, *orphans).items() if pid != 302}
    unit = seen(306, 1, ROOT, "nginx", cgroup="/system.slice/nginx.service", sid=302)
    assert ended(with_(without, unit), asked=asked, begun=[(302, 302)]) == [303, 304]
    assert ended(with_(table, *orphans), asked=asked, begun=[(302, 999)]) == []


def test_whatever_leads_to_us_stays_even_below_a_session_of_somebody_else() -> None:
    nested = [
        replace(host(True)[200], ppid=304),
        replace(host(True)[304], pid=304, program="sshd", title="/usr/sbin/sshd -D", uids=ROOT),
    ]
    assert not {200, 201, 202, 203} & set(ended(with_(host(False), *nested)))
