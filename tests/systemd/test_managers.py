# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An isolation beside what else manages the packet filter of a host: ufw, firewalld, docker, the rules of the boot."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from host import Host, until
from isolating import RESPONDER, VICTIM, Site, boottime

BACK = 5.0  # seconds until what was removed is back
SILENCE = 3.0  # seconds for which a login of management may hear nothing: a packet or two that are sent again
SLOW = 60.0  # seconds for a look through the container engine on a busy machine; BACK is judged by clocks in there
ASKED = {"incident": "INC-2026-1128-0001", "reason": "a trial of it, alice", "owner": "alice"}
NFTABLES, IPTABLES = "nftables", "iptables"
_INFO, _PORT, _PUBLISHED = "/opt/info.py", 7777, 8080
# A container that serves, of what this host has: the engine has no images, and no network to get one from. A group of
# processes of its own, for docker on a host that is a container.
DOCKED = """\
systemctl restart docker
tar -C /usr/bin -c busybox | docker import - box
"""
PUBLISH = "docker run -d --restart always --cgroupns private --stop-timeout 1 --publish %d:80 box /busybox httpd -f"
UFW_BUILTINS = "sed -i s/^MANAGE_BUILTINS=.*/MANAGE_BUILTINS=%s/ /etc/default/ufw"
FIREWALLD_BY = "sed -i s/^FirewallBackend=.*/FirewallBackend=%s/ /etc/firewalld/firewalld.conf"


class Event(NamedTuple):
    """``script``: of a shell. ``removes``: from which packet filters that really takes our rules, or moves them."""

    name: str
    script: str
    removes: tuple[str, ...] = ()


EVENTS = [
    Event("ufw enable", "ufw allow ssh; ufw allow 7777/tcp; ufw --force enable"),
    Event("ufw reload", "ufw reload"),
    Event("ufw disable and enable", "ufw disable; ufw --force enable"),
    Event(
        "ufw reload, which owns the chains of the kernel",
        f"{UFW_BUILTINS % 'yes'}; ufw reload; {UFW_BUILTINS % 'no'}",
        (IPTABLES,),
    ),
    Event("docker restart", "systemctl restart docker", (IPTABLES,)),
    Event("docker publishes another port", PUBLISH % 8081),
    Event("docker makes another network", "docker network create other", (IPTABLES,)),
    Event("firewalld restart", "firewall-offline-cmd --add-port=7777/tcp; systemctl restart firewalld"),
    Event("firewalld reload", "firewall-cmd --reload"),
    Event("firewalld complete reload", "firewall-cmd --complete-reload"),
    Event("firewalld restart, by iptables", f"{FIREWALLD_BY % IPTABLES}; systemctl restart firewalld", (IPTABLES,)),
    Event("firewalld stop", f"{FIREWALLD_BY % NFTABLES}; systemctl stop firewalld", (IPTABLES,)),
    Event(
        "rules of the boot",
        "if command -v nft >/dev/null; then systemctl restart nftables; else "
        "for each in iptables ip6tables; do $each -w -F; $each -w -X; done; fi",
        (NFTABLES, IPTABLES),
    ),
]


def _seen(port: int) -> str:
    return f"/tmp/looks-{port}"


class Login:
    """One of management, which says something again and again. ``heard``: boot times at which it was."""

    def __init__(self, site: Site) -> None:
        self.heard: list[float] = []
        self._client = subprocess.Popen(
            site.ssh(f"root@{VICTIM}", "while :; do cut -d ' ' -f 1 /proc/uptime; sleep 0.1; done"),
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        )  # fmt: skip
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self._listener.start()
        until(lambda: self.heard)

    def silence(self, since: float) -> float:
        """The longest one until now, seconds."""
        moments = [since, *(each for each in list(self.heard) if each > since), boottime()]
        return max(later - earlier for earlier, later in zip(moments, moments[1:]))

    def close(self) -> None:
        self._client.kill()
        self._client.wait()
        self._listener.join(10)

    def _listen(self) -> None:
        assert self._client.stdout is not None
        for _line in self._client.stdout:
            self.heard.append(boottime())


class Isolated(NamedTuple):
    site: Site
    backend: str
    login: Login

    def info(self) -> dict[str, Any]:
        known: dict[str, Any] = json.loads(self.site.host.run("python3", "-I", _INFO))
        return known

    def stands(self, before: int, removed: bool) -> dict[str, Any] | None:
        """What is known, when it is in force, and was put back if there was reason to.

        More than once, too: who takes IPv4 first and IPv6 later, or both twice, may be seen in between.
        """
        known = self.info()
        count = known["tampering"]["count"]
        return known if known["in_force"] and (count > before if removed else count == before) else None


@pytest.fixture(scope="module", params=[NFTABLES, IPTABLES])
def isolated(request: pytest.FixtureRequest) -> Iterator[Isolated]:
    """A host that is isolated by this packet filter, for all tests. By iptables: there is no nft.

    An attacker tries all the time to reach two ports that whoever else filters would let through: one of the host, and
    one that docker sends on to a container.
    """
    host = Host(os.environ["INCIDENT_ENGINE"], os.environ["INCIDENT_IMAGE_FILTERS"])
    try:
        host.run("systemctl", "disable", "--now", "firewalld", "ufw")
        if request.param == IPTABLES:
            host.run("rm", "/usr/sbin/nft")
        host.run("sh", "-ec", f"{DOCKED}{PUBLISH % _PUBLISHED}")
        with tempfile.TemporaryDirectory() as home:
            site = Site(host, Path(home))
            site.lay_out(_INFO, "containment_info")
            login = Login(site)
            site.spawn("python3", "/opt/echo.py", str(_PORT))
            for port in (_PORT, _PUBLISHED):
                until(lambda port=port: site.reaches("attacker", port))
                site.watch("attacker", port, _seen(port))
            done = site.play(management=[f"{RESPONDER}/32"], **ASKED)
            assert (done["outcome"], done["backend"]) == ("confirmed", request.param), done
            yield Isolated(site, request.param, login)
            login.close()
            site.hang_up()
            for child in site.children:
                child.kill()
                child.wait()
    finally:
        host.close()


@pytest.mark.parametrize("event", EVENTS, ids=[each.name for each in EVENTS])
def test_it_holds_whatever_others_do_to_the_packet_filter(isolated: Isolated, event: Event) -> None:
    site, backend, login = isolated
    removed = backend in event.removes
    before = isolated.info()
    assert before["in_force"], before
    count = before["tampering"]["count"]
    begun = boottime()
    site.host.run("sh", "-ec", event.script)
    done, clock = boottime(), time.time()
    until(lambda: isolated.stands(count, removed), SLOW)
    # What has to be put right, or would be counted, is by then.
    until(lambda: boottime() > done + BACK)
    known = isolated.stands(count, removed)
    assert known, isolated.info()
    if removed:  # the moment is given in whole seconds
        assert datetime.fromisoformat(known["tampering"]["last"]).timestamp() <= clock + BACK
    for port in (_PORT, _PUBLISHED):
        got_in = [at for at, reached in site.looks(_seen(port)) if reached and at > begun]
        assert got_in == [] or (removed and got_in[-1] <= done + BACK), [port, *(at - done for at in got_in)]
    assert site.reaches("responder")
    assert login.silence(begun) < SILENCE


def test_it_is_in_force_again_after_a_restart_beside_what_is_loaded_at_boot(isolated: Isolated) -> None:
    site, backend, login = isolated
    site.host.run("sh", "-ec", "ufw allow ssh; ufw --force enable; systemctl enable ufw firewalld")
    before = isolated.info()
    assert before["in_force"], before
    login.close()
    site.host.restart()
    site.wire()
    assert site.host.run("systemctl", "is-active", "ufw", "firewalld").split() == ["active", "active"]
    # Of those that start later, docker puts its rules before all others of its own packet filter.
    after = until(lambda: isolated.stands(before["tampering"]["count"], backend == IPTABLES), SLOW)
    assert (after["state"], after["isolation"]["backend"]) == ("confirmed", backend), after
    assert not any(site.reaches("attacker", port) for port in (22, _PUBLISHED))
    assert site.play(state="released", **ASKED)["outcome"] == "released"
    left = "{ nft list ruleset || { iptables-save; ip6tables-save; }; } 2>/dev/null | grep -i incident; true"
    assert site.host.run("sh", "-c", left) == ""
    until(lambda: all(site.reaches("attacker", port) for port in (22, _PUBLISHED)))
