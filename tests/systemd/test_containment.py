# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Isolations of a host with systemd, over real ssh, with the real nft: confirmed, lost, fought, restarted, released."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from host import Host, until
from isolating import RESPONDER, STORE, THEIRS, VICTIM, Site, boottime

LATE = 2.0  # seconds after the deadline
BACK = 5.0  # seconds until what was removed is back
ASKED = {"incident": "INC-2026-1128-0001", "reason": "a trial of it, alice", "owner": "alice"}
NOBODY = ["203.0.113.0/24"]
# Both moments as the host sees them: a look through the container engine may take longer than what it looks at.
REMOVE = """\
nft {how}
begun=$(cut -d ' ' -f 1 /proc/uptime)
until [ "$(nft list table inet toombos_incident 2>/dev/null | wc -l)" = {lines} ]; do sleep 0.05; done
echo $begun $(cut -d ' ' -f 1 /proc/uptime)
"""


@pytest.fixture
def site(host: Host) -> Iterator[Site]:
    # The path of a socket is short: those of pytest are not.
    with tempfile.TemporaryDirectory() as home:
        made = Site(host, Path(home))
        made.host.run("nft", "-f", "-", text=THEIRS)
        yield made
        made.close()


def test_it_is_isolated_confirmed_over_a_new_connection_and_released(site: Site) -> None:
    before = site.others()
    site.spawn("python3", "/opt/echo.py", "7777")
    until(lambda: site.reaches("attacker", 7777))
    site.spawn("ip", "netns", "exec", "attacker", "python3", "/opt/held.py", VICTIM, "7777", "/tmp/held")
    until(lambda: site.host.run("cat", "/tmp/held", ok=False))

    done = site.play(management=[f"{RESPONDER}/32"], **ASKED)
    assert (done["outcome"], done["changed"], done["failed"]) == ("confirmed", True, False), done
    assert done["proof"]["allowed"].split()[0] == RESPONDER
    assert done["proof"]["flows"] == [f"in from {RESPONDER}/32 tcp/22 (management)"]
    assert (done["token"], done["backend"]) == ("", "nftables")
    assert site.reaches("responder")
    assert not site.reaches("attacker")
    assert not site.reaches("attacker", 7777)
    held = site.host.run("tail", "-n", "1", "/tmp/held")
    until(lambda: boottime() > float(held) + 1.0)
    assert site.host.run("tail", "-n", "1", "/tmp/held") == held, "what was open is cut, too"

    seen = site.info()
    assert (seen["state"], seen["in_force"], seen["problems"]) == ("confirmed", True, [])
    assert seen["kept_by"] == "systemd: It is in force before the network comes up."
    assert seen["cut"] > 0
    assert site.host.run("stat", "-c", "%a", f"{STORE}/containment/state.json") == "600"
    again = site.play(management=[f"{RESPONDER}/32"], **ASKED)
    assert (again["outcome"], again["changed"], again["failed"]) == ("unchanged", False, False)

    free = site.play(state="released", **ASKED)
    assert (free["outcome"], free["changed"], free["restored"]) == ("released", True, True)
    assert any(row["packets"] for row in free["counters"] if row["rule"] == 'counter drop comment "cut"')
    assert (site.others(), site.ours()) == (before, "")
    assert site.reaches("attacker")
    assert site.host.run("find", "/etc/systemd/system", "-name", "toombos-incident-*") == ""
    again = site.play(state="released", **ASKED)
    assert (again["outcome"], again["changed"]) == ("unchanged", False)


def test_a_rehearsal_changes_nothing_and_its_plan_can_be_approved(site: Site) -> None:
    before = site.host.run("nft", "list", "ruleset")
    asked = {"management": [f"{RESPONDER}/32"], **ASKED}
    shown = site.play(check=True, **asked)
    assert (shown["outcome"], shown["changed"]) == ("planned", True)
    assert RESPONDER in shown["diff"]["after"]
    assert site.host.run("nft", "list", "ruleset") == before
    assert site.host.run("ls", f"{STORE}/deadlines", f"{STORE}/containment", ok=False) == ""
    wrong = site.play(approve=shown["plan_hash"], **{**asked, "management": ["10.77.0.0/24"]})
    assert wrong["failed"]
    assert "something is different by now" in wrong["msg"]
    assert site.host.run("nft", "list", "ruleset") == before
    assert site.play(approve=shown["plan_hash"], **asked)["outcome"] == "confirmed"


def test_a_wrong_list_of_management_is_refused_or_the_responder_is_kept(site: Site) -> None:
    refused = site.play(management=NOBODY, keep_responder=False, **ASKED)
    assert refused["failed"]
    assert f"{RESPONDER}, from where this connection comes, is in no management network" in refused["msg"]
    assert site.ours() == ""
    done = site.play(management=NOBODY, **ASKED)
    assert done["outcome"] == "confirmed"
    assert site.reaches("responder")


@pytest.mark.parametrize("number", range(3))
def test_whoever_is_locked_out_is_let_in_again_in_time(site: Site, number: int) -> None:
    """A wrong list, forced. The client is left alone, killed, or hung up with its terminal.

    Each once, for the keeper that systemd runs: the hundred are in tests/containment, without systemd.
    """
    site.lay_out(
        "/opt/contain.py", state="isolated", management=NOBODY, keep_responder=False, force=True, confirm="4s", **ASKED
    )
    # Not at sshd, which takes against those who come and go.
    site.spawn("python3", "/opt/echo.py", "7777")
    until(lambda: site.reaches("responder", 7777))
    site.watch("responder", 7777)
    site.await_deadlines()
    terminal = ["-tt"] if number % 3 == 2 else []
    client = subprocess.Popen(
        site.ssh(*terminal, f"root@{VICTIM}", "python3", "-I", "/opt/contain.py"),
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    site.children.append(client)
    due = until(site.due)
    until(lambda: not all(reached for _at, reached in site.looks()))
    if number % 3:
        client.kill()
    until(lambda: boottime() > due + LATE + 0.5)
    seen = site.looks()
    cut = next(at for at, reached in seen if not reached)
    back = next(at for at, reached in seen if reached and at > cut)
    assert cut < due
    assert back <= due + LATE, f"{back - due:.2f} s after the deadline"
    assert all(reached for at, reached in seen if at > back)
    assert site.reaches("responder")
    until(lambda: site.info()["state"] == "released")
    assert site.ours() == ""
    assert site.host.run("find", "/etc/systemd/system", "-name", "toombos-incident-*") == ""


def test_what_somebody_removes_is_back_and_counted(site: Site) -> None:
    assert site.play(management=[f"{RESPONDER}/32"], **ASKED)["outcome"] == "confirmed"
    lines = len(site.ours().splitlines())
    ways = ("flush ruleset", "delete table inet toombos_incident", "flush chain inet toombos_incident input")
    for number, how in enumerate(ways, 1):
        moments = site.host.run("timeout", "60", "sh", "-ec", REMOVE.format(how=how, lines=lines)).split()
        assert float(moments[1]) - float(moments[0]) < BACK, how
        assert not site.reaches("attacker")
        known = until(lambda count=number: (seen := site.info()["tampering"])["count"] >= count and seen)
        assert (known["count"], len(known["events"])) == (number, number), how
    assert site.play(state="released", **ASKED)["tampering"]["count"] == len(ways)


def test_what_keeps_it_is_started_again_when_it_is_killed(site: Site) -> None:
    assert site.play(management=[f"{RESPONDER}/32"], **ASKED)["outcome"] == "confirmed"
    site.host.run("systemctl", "kill", "--kill-whom=all", "--signal=KILL", "toombos-incident-watch")
    site.host.run("nft", "flush", "ruleset")
    until(site.ours, 3 * BACK)  # it has to start first, on a machine that may be busy


def test_confirmed_it_is_in_force_again_after_a_restart(site: Site) -> None:
    assert site.play(management=[f"{RESPONDER}/32"], **ASKED)["outcome"] == "confirmed"
    rules = site.ours().count("\n")
    site.host.restart()
    assert site.ours().count("\n") == rules
    order = site.host.run("systemctl", "show", "--property=Before", "--value", "toombos-incident-watch").split()
    assert "network-pre.target" in order
    site.wire()
    assert not site.reaches("attacker")
    seen = site.info()
    assert (seen["state"], seen["in_force"], seen["tampering"]["count"]) == ("confirmed", True, 0)
    assert site.play(state="released", **ASKED)["outcome"] == "released"
    assert site.reaches("attacker")


def test_unconfirmed_it_is_gone_after_a_restart(site: Site) -> None:
    done = site.play(state="isolated", management=[f"{RESPONDER}/32"], confirm="600s", **ASKED)
    assert (done["outcome"], done["failed"]) == ("isolated", False)
    assert site.info()["state"] == "isolated"
    site.host.restart()
    until(lambda: site.info()["state"] == "released")
    assert site.ours() == ""
    site.wire()
    assert site.reaches("attacker")


def test_the_connection_that_isolated_cannot_confirm(site: Site) -> None:
    done = site.play(state="isolated", management=[f"{RESPONDER}/32"], **ASKED)
    same = site.play(token=done["token"], **ASKED)  # its connection lives on between two runs
    assert same["failed"]
    assert "that it still works proves nothing" in same["msg"]
    site.hang_up()
    late = site.play(token=done["token"], **ASKED)
    assert late["outcome"] == "confirmed", late
