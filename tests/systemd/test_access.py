# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Accounts and sessions of a real sshd: an intruder's end and stay out, the responder's go on, accounts come back."""

from __future__ import annotations

import json
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from host import Host, until
from isolating import VICTIM, Site

ASKED = {"incident": "INC-2026-1128-0001", "reason": "a trial of it, alice", "owner": "alice"}
INTRUDERS = {
    "shell": ("-tt", "deploy", "exec sleep 3611"),
    "left behind": ("-T", "deploy", "setsid -f sleep 3612 >/dev/null 2>&1; exec sleep 3613"),
    "of root": ("-tt", "root", "exec sleep 3614"),
}
THEIRS, MINE, SERVICE = range(3611, 3615), 3620, 3630  # what sleeps, by its seconds


@pytest.fixture
def site(host: Host) -> Iterator[Site]:
    with tempfile.TemporaryDirectory() as home:
        made = Site(host, Path(home))
        host.run("sh", "-c", "umask 077; cat >/opt/key", text=(Path(home) / "key").read_text())
        host.run("sh", "-ec", "useradd -m -s /bin/sh deploy; echo deploy:Tr1al-0nly | chpasswd")
        host.run("sh", "-c", "cp -r /root/.ssh /home/deploy/.ssh; chown -R deploy: /home/deploy/.ssh")
        yield made
        host.run("sh", "-c", "systemctl stop app; userdel -rf deploy; rm -f /opt/key", ok=False)
        made.close()


def ssh(site: Site, where: str, user: str, *words: str) -> list[str]:
    """A real client, from a neighbour."""
    options = ["StrictHostKeyChecking=no", "UserKnownHostsFile=/dev/null", "LogLevel=ERROR", "BatchMode=yes"]
    flags = [flag for option in options for flag in ("-o", option)]
    return ["ip", "netns", "exec", where, "ssh", "-i", "/opt/key", *flags, f"{user}@{VICTIM}", *words]


def gets_in(site: Site, where: str, user: str) -> bool:
    return "in" in site.host.run(*ssh(site, where, user, "echo", "in"), ok=False).split()


def asleep(site: Site, *seconds: int) -> list[int]:
    """Those of them that still sleep."""
    running = site.host.run("ps", "-eo", "args=").splitlines()
    return [each for each in seconds if f"sleep {each}" in running]


def call(site: Site, **options: Any) -> dict[str, Any]:
    """The module, over a connection of the responder."""
    site.lay_out("/opt/call.py", "access_revocation", **{**ASKED, **options})
    words = ssh(site, "responder", "root", "python3", "-I", "/opt/call.py")
    done = subprocess.run([*site.host.inside(), *words], capture_output=True, text=True, check=False, timeout=120)
    assert done.stdout.lstrip().startswith("{"), done.stderr
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def test_an_intruder_is_out_the_responder_stays_and_accounts_come_back(site: Site) -> None:
    shadow = site.host.run("cat", "/etc/shadow")
    stat = site.host.run("stat", "-c", "%a %u %g", "/etc/shadow")
    site.host.unit("app", "User=deploy", f"ExecStart=/bin/sleep {SERVICE}")
    for flag, user, words in INTRUDERS.values():
        client = ssh(site, "attacker", user, words)
        site.spawn(*client[:5], flag, *client[5:])
    site.spawn(*ssh(site, "responder", "root", f"exec sleep {MINE}"))
    until(lambda: len(asleep(site, *THEIRS, MINE)) == len(THEIRS) + 1)
    assert gets_in(site, "attacker", "deploy")
    listener = site.host.shown("ssh", "MainPID")
    wish = {"lock_users": ["deploy"], "sessions": "others", "grace": "1s"}

    refused = call(site, **{**wish, "lock_users": ["deploy", "root"]}, force=True)
    assert refused["failed"]
    assert "root is the account with which this connection has logged in" in refused["msg"]
    assert site.host.run("cat", "/etc/shadow") == shadow
    assert asleep(site, *THEIRS) == list(THEIRS)

    planned = call(site, **wish, _ansible_check_mode=True)
    assert (planned["outcome"], planned["changed"]) == ("planned", True), planned
    told = {session["command"]: session for session in planned["sessions"]}
    assert {f"sleep {each}" for each in THEIRS} <= told.keys()
    assert (told["sleep 3611"]["user"], told["sleep 3611"]["from"]) == ("deploy", "10.77.1.2")
    assert told["sleep 3611"]["tty"].startswith("pts/")
    assert asleep(site, *THEIRS) == list(THEIRS)
    assert any("app.service runs as deploy" in note for note in planned["notes"])
    assert any("is the responder's too" in note for note in planned["notes"])

    done = call(site, **wish, approve=planned["plan_hash"])
    assert (done["outcome"], done["changed"], done["survivors"]) == ("revoked", True, []), done
    assert asleep(site, *THEIRS, MINE) == [MINE]
    assert site.host.run("pgrep", "-fc", f"sleep {SERVICE}$") == "1"
    assert site.host.shown("ssh", "MainPID") == listener
    assert not gets_in(site, "attacker", "deploy"), "its key is still there, and lets nobody in"
    assert gets_in(site, "responder", "root")
    assert site.host.run("passwd", "-S", "deploy").split()[1] == "L"
    assert site.host.run("stat", "-c", "%a %u %g", "/etc/shadow") == stat
    assert call(site, **wish)["outcome"] == "unchanged"

    other = call(site, state="restored", incident="INC-2026-1128-0002")
    assert "Not restored: access was taken away for INC-2026-1128-0001" in other["msg"]
    assert not gets_in(site, "attacker", "deploy")
    back = call(site, state="restored")
    assert (back["outcome"], back["changed"]) == ("restored", True), back
    assert site.host.run("cat", "/etc/shadow") == shadow
    assert gets_in(site, "attacker", "deploy")
    assert call(site, state="restored")["outcome"] == "unchanged"
