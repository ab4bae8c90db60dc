# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import os
import socket

import pytest

from ansible_collections.toombos.incident.plugins.module_utils._containment import types as t
from ansible_collections.toombos.incident.plugins.module_utils._containment.backend import backends
from ansible_collections.toombos.incident.plugins.module_utils._containment.observe import observe, session_of
from ansible_collections.toombos.incident.plugins.module_utils._process.sock_diag import ListeningSocket

FIB_TRIE = """Main:
  +-- 0.0.0.0/0 3 0 5
     |-- 0.0.0.0
        /0 universe UNICAST
     +-- 127.0.0.0/8 2 0 2
           |-- 127.0.0.1
              /32 host LOCAL
     +-- 192.0.2.0/24 2 0 2
        |-- 192.0.2.0
           /24 link UNICAST
        |-- 192.0.2.5
           /32 link UNICAST
           /32 host LOCAL
        |-- 192.0.2.255
           /32 link BROADCAST
Local:
        |-- 192.0.2.5
           /32 host LOCAL
        |-- 198.51.100.5
           /32 host LOCAL
"""
IF_INET6 = """00000000000000000000000000000001 01 80 10 80       lo
20010db8000000000000000000000005 02 40 00 80     eth0
fe800000000000000000000000000005 02 40 20 80     eth0
"""


class Works:
    def __init__(self, why=""):
        self.why = why

    def unusable(self):
        return self.why


class Host:
    """A /proc of which the tests say what is in it."""

    def __init__(self, path):
        self.path, self.sockets = path, []
        (path / "net").mkdir()
        (path / "net/fib_trie").write_text(FIB_TRIE)
        (path / "net/if_inet6").write_text(IF_INET6)

    def process(self, pid, program, parent=1, connection=""):
        base = self.path / str(pid)
        (base / "fd").mkdir(parents=True)
        (base / "stat").write_text(f"{pid} (x) S {parent} {pid} {pid} {' '.join(['0'] * 15)} {pid} 0 0\n" + "0 " * 30)
        (base / "status").write_text("Uid:\t0\t0\t0\t0\n")
        (base / "cmdline").write_bytes(program.encode() + b"\0")
        (base / "environ").write_bytes(f"A=1\0SSH_CONNECTION={connection}\0".encode() if connection else b"")
        (base / "exe").symlink_to(program)

    def listens(self, pid, port, address="0.0.0.0"):
        inode = 1000 + len(self.sockets)
        self.sockets.append(ListeningSocket(port, address, 0, inode))
        (self.path / f"{pid}/fd/{inode}").symlink_to(f"socket:[{inode}]")

    def seen(self, **options):
        options.setdefault("which", lambda name: "")
        found = {"nftables": Works("nft is not installed"), "iptables": Works()}
        return observe(found, str(self.path), ask=self.ask, **options)

    def ask(self, family):
        return self.sockets if family == socket.AF_INET else []


@pytest.fixture
def host(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "getpid", lambda: 900)
    return Host(tmp_path)


def test_what_works_and_why_the_rest_does_not_is_seen(host):
    seen = host.seen()
    assert (seen.backends, dict(seen.unusable)) == (("iptables",), {"nftables": "nft is not installed"})


def test_addresses_of_both_families_are_seen_but_those_of_the_loopback_device(host):
    assert host.seen().addresses == ("192.0.2.5", "198.51.100.5", "2001:db8::5", "fe80::5")
    assert host.seen().families == (4, 6)
    (host.path / "net/if_inet6").unlink()
    assert host.seen().addresses == ("192.0.2.5", "198.51.100.5")
    assert host.seen().families == (4,)


@pytest.mark.parametrize(
    ("text", "session"),
    [
        ("192.0.2.7 40000 198.51.100.5 22", t.Session("192.0.2.7", 40000, "198.51.100.5", 22)),
        ("fe80::7%eth0 40000 fe80::5%eth0 22", t.Session("fe80::7%eth0", 40000, "fe80::5%eth0", 22)),
        ("", None),
        ("192.0.2.7 40000 198.51.100.5", None),
        ("UNKNOWN 65535 UNKNOWN 65535", None),
        ("192.0.2.7 x 198.51.100.5 22", None),
    ],
)
def test_a_connection_that_says_nothing_reliable_is_none(text, session):
    assert session_of(text) == session


def test_the_connection_is_that_of_a_process_above(host):
    host.process(800, "/usr/sbin/sshd", connection="192.0.2.7 40000 198.51.100.5 22")
    host.process(900, "/usr/bin/python3", parent=800)
    assert host.seen().session == t.Session("192.0.2.7", 40000, "198.51.100.5", 22)


def test_without_ssh_there_is_no_session(host):
    host.process(900, "/usr/bin/python3")
    assert host.seen().session is None


def test_ports_of_servers_of_ssh_are_seen(host):
    host.process(10, "/usr/sbin/sshd")
    host.listens(10, 22)
    host.listens(10, 2222)
    host.process(11, "/usr/sbin/sshd (deleted)")  # since an update
    host.listens(11, 2022)
    host.process(12, "/usr/sbin/nginx")
    host.listens(12, 80)
    assert host.seen().sshd == (22, 2022, 2222)


def test_what_a_session_forwards_or_nobody_else_can_reach_is_no_port_of_ssh(host):
    host.process(10, "/usr/sbin/sshd")
    host.listens(10, 22)
    host.listens(10, 2200, "127.0.0.1")
    host.process(20, "/usr/sbin/sshd", parent=10)
    host.listens(20, 4444)
    assert host.seen().sshd == (22,)


def test_the_port_of_this_connection_counts_whoever_listens_on_it(host):
    host.process(10, "/usr/sbin/sshd")
    host.listens(10, 2222)
    host.process(1, "/usr/lib/systemd/systemd", parent=0)
    host.listens(1, 22)
    host.process(900, "/usr/bin/python3", connection="192.0.2.7 40000 198.51.100.5 22")
    assert host.seen().sshd == (22, 2222)
    host.sockets.pop()
    assert host.seen().sshd == (2222,)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ("# no\nENABLED=yes\n", "ufw is active here."),
        ("ENABLED = YES\n", "ufw is active here."),
        ("ENABLED=no\n", "not active. It stays so."),
        ("#ENABLED=yes\n", "not active"),
        (None, "not active"),
    ],
)
def test_ufw_is_noticed_and_whether_it_is_active(host, settings, words):
    path = host.path / "ufw.conf"
    if settings is not None:
        path.write_text(settings)
    (note,) = host.seen(which=lambda name: f"/usr/sbin/{name}", ufw_settings=str(path)).notes
    assert words in note
    assert host.seen(ufw_settings=str(path)).notes == ()


def test_this_very_host_can_be_observed():
    seen = observe(backends(which=lambda name: ""))
    assert seen.backends == ()
    assert set(seen.unusable) == {"nftables", "iptables"}
