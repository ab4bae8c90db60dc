# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a containment has to know of a host. Changes nothing, and needs no program but those of the packet filters."""

from __future__ import annotations

import ipaddress
import os
import re
from typing import Iterable, Mapping

from ansible_collections.toombos.incident.plugins.module_utils._containment import types as t
from ansible_collections.toombos.incident.plugins.module_utils._containment.backend import Backend
from ansible_collections.toombos.incident.plugins.module_utils._containment.commands import Which, find_program
from ansible_collections.toombos.incident.plugins.module_utils._process.listeners import Ask, read_listeners
from ansible_collections.toombos.incident.plugins.module_utils._process.sock_diag import ask_kernel
from ansible_collections.toombos.incident.plugins.module_utils._process.table import read_table
from ansible_collections.toombos.incident.plugins.module_utils._process.types import Process, ProcessTable
from ansible_collections.toombos.incident.plugins.module_utils._ssh_session import connection_of

_SERVERS = ("sshd", "dropbear")
_UFW_SETTINGS = "/etc/ufw/ufw.conf"
_LOCAL = re.compile(r"\|-- (\S+)\n(?:\s+/\d+ (?!host LOCAL).*\n)*\s+/32 host LOCAL")


def observe(
    backends: Mapping[str, Backend],
    proc: str = "/proc",
    which: Which = find_program,
    ufw_settings: str = _UFW_SETTINGS,
    ask: Ask = ask_kernel,
) -> t.Seen:
    """The host as it is now. ``backends``: those of ``backend.backends()``."""
    unusable = {name: backend.unusable() for name, backend in backends.items()}
    session = session_of(connection_of(proc=proc))
    return t.Seen(
        session=session,
        sshd=_ssh_ports(session, proc, ask),
        addresses=own_addresses(proc),
        backends=tuple(name for name, why in unusable.items() if not why),
        unusable={name: why for name, why in unusable.items() if why},
        families=(4, 6) if os.path.exists(f"{proc}/net/if_inet6") else (4,),
        notes=_notes(which, ufw_settings),
    )


def session_of(connection: str) -> t.Session | None:
    """What SSH_CONNECTION says, read; None where it says nothing that can be relied on."""
    words = connection.split()
    try:
        client, client_port, server, server_port = words
        for address in (client, server):
            ipaddress.ip_address(address.partition("%")[0])
        return t.Session(client, int(client_port), server, int(server_port))
    except ValueError:
        return None


def _ssh_ports(session: t.Session | None, proc: str, ask: Ask) -> tuple[int, ...]:
    """On which ports a server of ssh can be reached from elsewhere, and that of this connection if somebody listens."""
    processes = read_table(proc).processes
    servers = {pid: each for pid, each in processes.items() if _program_of(each) in _SERVERS}
    # What a session listens on is forwarded, perhaps by whom this is about. Its parent is a server itself.
    servers = {pid: each for pid, each in servers.items() if each.ppid not in servers}
    found = read_listeners(range(1, 1 << 16), ProcessTable(servers), proc, ask)
    ports = {each.port for each in found if each.pids and not ipaddress.ip_address(each.address).is_loopback}
    if session is not None:  # systemd may listen in its place
        ports |= {each.port for each in found} & {session.server_port}
    return tuple(sorted(ports))


def _program_of(process: Process) -> str:
    # An update replaces the program of a server that runs.
    path = (process.exe or "".join(process.argv[:1]).partition(" ")[0]).partition(" (deleted)")[0]
    return os.path.basename(path).rstrip(":")


def own_addresses(proc: str = "/proc") -> tuple[str, ...]:
    """Of both families, but those of the loopback device."""
    found = [ipaddress.ip_address(text) for text in _LOCAL.findall(_text(f"{proc}/net/fib_trie"))]
    lines = (line.split() for line in _text(f"{proc}/net/if_inet6").splitlines())
    inet6 = [ipaddress.ip_address(int(words[0], 16).to_bytes(16, "big")) for words in lines if words]
    return _sorted(str(each) for each in (*found, *inet6) if not each.is_loopback)


def _sorted(texts: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(set(texts)))


def _notes(which: Which, ufw_settings: str) -> tuple[str, ...]:
    if not which("ufw"):
        return ()
    if re.search(r"^\s*ENABLED\s*=\s*yes\b", _text(ufw_settings), re.MULTILINE | re.IGNORECASE):
        return ("ufw is active here. It stays as it is: what it lets through is cut all the same.",)
    return ("ufw is installed here, and not active. It stays so.",)


def _text(path: str) -> str:
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read()
    except OSError:
        return ""
