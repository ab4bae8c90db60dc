# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import contextlib
import os
import socket
import struct

import pytest

from ansible_collections.toombos.incident.plugins.module_utils._process import sock_diag
from ansible_collections.toombos.incident.plugins.module_utils._process.sock_diag import ask_kernel

HOW_MANY = 300  # more than one answer of the kernel holds


def test_the_kernel_names_every_listener_and_no_connection():
    with contextlib.ExitStack() as opened:
        made = [opened.enter_context(socket.create_server(("127.0.0.1", 0))) for _each in range(HOW_MANY)]
        client = opened.enter_context(socket.create_connection(made[0].getsockname()))
        found = {entry.port: entry for entry in ask_kernel(socket.AF_INET)}
        for each in made:
            entry = found[each.getsockname()[1]]
            inode = os.fstat(each.fileno()).st_ino
            assert (entry.address, entry.uid, entry.inode) == ("127.0.0.1", os.geteuid(), inode)
        assert client.getsockname()[1] not in found


def test_a_family_has_its_own_sockets_only():
    with socket.create_server(("::1", 0), family=socket.AF_INET6) as made:
        port = made.getsockname()[1]
        assert [entry.address for entry in ask_kernel(socket.AF_INET6) if entry.port == port] == ["::1"]
        assert not [entry for entry in ask_kernel(socket.AF_INET) if entry.port == port]


def header(kind, flags=0, length=16):
    return struct.pack("=IHHII", length, kind, flags, 1, 0)


@pytest.mark.parametrize(
    "answer",
    [
        header(2) + struct.pack("=i", -2),
        header(20, flags=0x10, length=88) + bytes(72),
        header(20, length=4),
        b"short",
        header(20, length=88) + b"cut",
    ],
    ids=["an error", "a dump that was interrupted", "no length", "no header", "half a socket"],
)
def test_what_is_no_complete_answer_counts_as_none(monkeypatch, answer):
    class Link(socket.socket):
        def __init__(self, *_kind):
            super().__init__(socket.AF_UNIX, socket.SOCK_DGRAM)

        def send(self, _data):
            return 0

        def recv(self, _most):
            return answer

    monkeypatch.setattr(sock_diag.socket, "socket", Link)
    assert ask_kernel(socket.AF_INET) is None


def test_a_kernel_without_it_counts_as_none(monkeypatch):
    monkeypatch.setattr(sock_diag, "_NETLINK_SOCK_DIAG", 31)
    assert ask_kernel(socket.AF_INET) is None
