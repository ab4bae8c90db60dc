# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The proof of an isolation, asked from both sides of a real packet filter."""

from __future__ import annotations

import contextlib
import itertools
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from neighbourhood import ADDRESS, ATTACKER, MANAGEMENT, SSH, VICTIM, Neighbourhood
from victim import FLOWS, Victim

from ansible_collections.toombos.incident.plugins.module_utils._containment import proving
from ansible_collections.toombos.incident.plugins.module_utils._containment.record import Record, Records
from ansible_collections.toombos.incident.plugins.plugin_utils._proof import proof

HTTP, TO_ATTACKER = 8080, 4444


class Site:
    """The victim with an ssh server and another service, seen by a controller in the management network."""

    def __init__(self, victim: Victim, neighbours: Neighbourhood, store: Path) -> None:
        self.victim, self.neighbours, self.store = victim, neighbours, store
        self.number = 0
        self.over = threading.Event()
        self.threads: list[threading.Thread] = []

    def start(self, work: Callable[..., None], *arguments: Any) -> None:
        self.threads.append(threading.Thread(target=work, args=arguments, daemon=True))
        self.threads[-1].start()

    def close(self) -> None:
        self.over.set()
        for each in self.threads:
            each.join(10)

    def host(self, more: Mapping[str, Any]) -> dict[str, Any]:
        """Its half of the module; every connection of the controller is a new one."""
        self.number += 1
        params = {"store_dir": str(self.store), "state_dir": str(self.store), **more}
        with self.victim.space.inside(), pytest.MonkeyPatch.context() as patch:
            session = f"{ADDRESS[MANAGEMENT][4]} {4000 + self.number} {ADDRESS[VICTIM][4]} {SSH}"
            patch.setattr(proving, "connection_of", lambda: session)
            return (proving.take_part if "ask" in more else proving.look)(params)

    def before(self) -> dict[str, Any]:
        with self.neighbours.of[MANAGEMENT].inside():
            return proof.before(self.host, ADDRESS[VICTIM][4])

    def after(self, known: dict[str, Any]) -> dict[str, Any]:
        with self.neighbours.of[MANAGEMENT].inside():
            return proof.after(self.host, known, {}, {})

    def isolate(self) -> None:
        self.victim.isolate()
        listing = self.victim.do("ours")
        told = ("INC-2026-1128-0001", "unknown key of root", "alice", time.time(), "nftables")
        record = Record("1", *told, FLOWS, {}, "", "", "", listing, confirmed=True)
        Records(str(self.store)).write(record)

    def listen(self, who: str, port: int, banner: bytes = b"") -> None:
        with self.neighbours.of[who].inside():
            server = socket.create_server(("::", port), family=socket.AF_INET6, dualstack_ipv6=True)
        self.start(self._serve, server, banner)

    def _serve(self, server: socket.socket, banner: bytes) -> None:
        held = []
        server.settimeout(0.1)
        with server:
            while not self.over.is_set():
                with contextlib.suppress(OSError):
                    link = server.accept()[0]
                    link.sendall(banner)
                    held.append(link)
        for link in held:
            link.close()

    @contextlib.contextmanager
    def shell(self) -> Iterator[None]:
        """The victim is connected to the attacker, and says something all the time."""
        with self.victim.space.inside():
            link = socket.create_connection((ADDRESS[ATTACKER][4], TO_ATTACKER), 5)

        def talk() -> None:
            while not self.over.wait(0.05):
                with contextlib.suppress(OSError):
                    link.send(b"x", socket.MSG_DONTWAIT)

        self.start(talk)
        with link:
            yield


@pytest.fixture
def site(by_nft: Victim, neighbourhood: Neighbourhood, tmp_path: Path) -> Iterator[Site]:
    made = Site(by_nft, neighbourhood, tmp_path)
    made.listen(VICTIM, SSH, b"SSH-2.0-test\r\n")
    made.listen(VICTIM, HTTP)
    made.listen(ATTACKER, TO_ATTACKER)
    with made.shell():
        yield made
    made.close()


def got_through(found: dict[str, Any]) -> set[tuple[str, str, str]]:
    return {
        (each["from"], each["family"], each["protocol"]) for each in found["probes"] if each["verdict"] == "got_through"
    }


def test_an_isolation_is_proved_and_a_hole_in_it_is_found(site: Site) -> None:
    known = site.before()
    found = site.after(known)
    assert found["outcome"] == "disproved"
    families, kinds = ("IPv4", "IPv6"), ("tcp", "udp", "icmp")
    assert got_through(found) == set(itertools.product(("controller", "host"), families, kinds))
    assert [each["remote_port"] for each in found["flows"]["still_moving"]] == [TO_ATTACKER]
    assert any("the rules are not in force" in each for each in found["against"])

    site.isolate()
    found = site.after(known)
    assert (found["outcome"], found["against"]) == ("proved", [])
    assert set(found["cells"].values()) == {"held"}
    told = {(each["what"], each["family"], each["verdict"]) for each in found["probes"]}
    assert {("ssh", "IPv4", "kept"), ("ssh", "IPv6", "kept"), ("a service", "IPv6", "held")} <= told
    assert ("a peer", "IPv4", "held") in told
    assert found["flows"]["before"] >= 1
    assert (found["flows"]["still_moving"], found["flows"]["bytes_known"]) == ([], True)
    assert found["dropped"]["during"] > 0

    hole = "insert rule inet toombos_incident input udp dport 20000-32000 accept"
    site.victim.space.run("nft", *hole.split())
    found = site.after(known)
    assert found["outcome"] == "disproved"
    assert got_through(found) == {("controller", "IPv4", "udp"), ("controller", "IPv6", "udp")}


def test_what_was_silent_before_proves_nothing(site: Site) -> None:
    site.isolate()
    found = site.after(site.before())
    assert (found["outcome"], found["ok"], found["counts"]["got_through"]) == ("not_proved", False, 0)
    assert "it was isolated before the first look" in found["against"]
