# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import os
import socket
import sys

import pytest

from ansible_collections.toombos.incident.plugins.module_utils._process.listeners import read_listeners
from ansible_collections.toombos.incident.plugins.module_utils._process.sock_diag import ask_kernel
from ansible_collections.toombos.incident.plugins.module_utils._process.table import read_table
from ansible_collections.toombos.incident.plugins.module_utils._process.types import Process, ProcessTable

TCP = """  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:1F40 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 777 1 0 100 0 0 10 0
   1: 0100007F:1F40 0100007F:C001 01 00000000:00000000 00:00000000 00000000  1000        0 778 1 0 100 0 0 10 0
   2: 00000000:1F41 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 779 1 0 100 0 0 10 0
cut short
"""


def listen(family, address):
    made = socket.socket(family)
    made.bind((address, 0))
    made.listen()
    return made


@pytest.fixture
def fake(tmp_path):
    (tmp_path / "net").mkdir()
    (tmp_path / "net" / "tcp").write_text(TCP)
    return tmp_path


def no_answer(_family):
    return None


def table_of(*pids):
    return ProcessTable({pid: Process(pid, 1, 1, "S", ("x",), None, None, 0) for pid in pids})


@pytest.mark.parametrize("ask", [ask_kernel, no_answer])
@pytest.mark.parametrize(("family", "address"), [(socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")])
def test_a_real_listener_has_its_address_its_user_and_its_holder(family, address, ask):
    with listen(family, address) as made:
        (found,) = read_listeners([made.getsockname()[1]], read_table(), ask=ask)
        assert (found.port, found.address) == (made.getsockname()[1], address)
        assert (found.pids, found.uid) == ((os.getpid(),), os.geteuid())


def test_a_socket_that_was_inherited_has_two_holders(zoo):
    with listen(socket.AF_INET, "127.0.0.1") as made:
        worker = zoo.run(sys.executable, "-c", "import time; time.sleep(600)", pass_fds=[made.fileno()])
        (found,) = read_listeners([made.getsockname()[1]], read_table())
        assert found.pids == tuple(sorted([os.getpid(), worker.pid]))


def test_connections_and_other_ports_are_no_listeners():
    with listen(socket.AF_INET, "127.0.0.1") as made, listen(socket.AF_INET, "127.0.0.1") as other:
        port = made.getsockname()[1]
        with socket.create_connection(("127.0.0.1", port)) as client:
            client_port = client.getsockname()[1]
            found = read_listeners([port, client_port], read_table())
        assert [entry.port for entry in found] == [port]
        assert other.getsockname()[1] != port


def test_two_sockets_on_one_port_are_two_listeners():
    with listen(socket.AF_INET, "127.0.0.1") as first, socket.socket() as second:
        second.bind(("127.0.0.2", first.getsockname()[1]))
        second.listen()
        found = read_listeners([first.getsockname()[1]], read_table())
        assert [entry.address for entry in found] == ["127.0.0.1", "127.0.0.2"]


def test_holders_that_cannot_be_read_are_empty(fake):
    (found,) = read_listeners([8000], table_of(5), str(fake), no_answer)
    assert (found.port, found.address, found.pids, found.uid) == (8000, "127.0.0.1", (), 1000)


def test_only_the_open_files_of_the_table_are_read_and_vanishing_ones_are_skipped(fake):
    for pid in (5, 6):
        (fake / str(pid) / "fd").mkdir(parents=True)
        os.symlink("socket:[777]", fake / str(pid) / "fd" / "3")
    (fake / "5" / "fd" / "4").write_text("no link: closed while it was read")
    os.symlink("socket:[778]", fake / "5" / "fd" / "5")
    (found,) = read_listeners([8000], table_of(5), str(fake), no_answer)
    assert found.pids == (5,)


def test_without_a_listener_no_open_file_is_looked_at(fake, monkeypatch):
    monkeypatch.setattr(os, "listdir", lambda path: pytest.fail(f"looked at {path}"))
    assert read_listeners([9999], table_of(5), str(fake), no_answer) == ()


def test_a_kernel_without_a_family_has_no_sockets_of_it(tmp_path):
    assert read_listeners([8000], table_of(5), str(tmp_path), no_answer) == ()
