# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every process with what ties it to a login, read from /proc."""

from __future__ import annotations

import os
import socket
import struct

from ansible_collections.toombos.incident.plugins.module_utils._access.types import Seen
from ansible_collections.toombos.incident.plugins.module_utils._process.stat import parse_stat
from ansible_collections.toombos.incident.plugins.module_utils._process.table import list_pids

SSHD = frozenset({"sshd", "sshd-session", "sshd-auth", "dropbear"})
_UNSET = 4294967295  # of loginuid and sessionid: nobody has logged in
_TTY, _FLAGS = 4, 6  # fields of stat after the name
_KERNEL_THREAD = 0x00200000
_MOST_TITLE = 4096
_DELETED = " (deleted)"
_ESTABLISHED, _MOST_TABLE = "01", 64 << 20


class _Peers:
    """Who is at the other end of a connection. The tables of the kernel are long, and read once per network."""

    def __init__(self) -> None:
        self._tables: dict[str, dict[str, str]] = {}

    def of(self, base: str) -> str:
        """The address; empty where the process holds no connection."""
        network = _link(f"{base}/ns/net")
        if network not in self._tables:
            self._tables[network] = _established(base)
        remote = self._tables[network]
        held = (link[8:-1] for link in _open_files(base) if link.startswith("socket:["))
        # The connection itself is older than whatever is forwarded through it.
        known = sorted((inode for inode in held if inode in remote), key=int)
        return plain_address(remote[known[0]]) if known else ""


def read_processes(proc: str = "/proc") -> dict[int, Seen]:
    """By pid; what vanishes while it is read, and zombies, are left out. Raises OSError when ``proc`` is not there."""
    own, peers = _link(f"{proc}/self/ns/pid"), _Peers()
    found = (_read(pid, proc, own, peers) for pid in list_pids(proc))
    return {seen.pid: seen for seen in found if seen is not None}


def _read(pid: int, proc: str, own_namespace: str, peers: _Peers) -> Seen | None:
    base = f"{proc}/{pid}"
    try:
        data = _bytes(f"{base}/stat")
        stat = parse_stat(data)
        fields = data[data.rindex(b")") + 1 :].split()
        uids = _uids(_bytes(f"{base}/status"))
        title = _bytes(f"{base}/cmdline")[:_MOST_TITLE].rstrip(b"\0").replace(b"\0", b" ").decode("utf-8", "replace")
        again = parse_stat(_bytes(f"{base}/stat"))
    except (OSError, ValueError):
        return None
    if stat.gone or again.start != stat.start:
        return None
    namespace = _link(f"{base}/ns/pid")
    program = _program(_link(f"{base}/exe"))
    return Seen(
        pid=pid,
        ppid=stat.ppid,
        start=stat.start,
        uids=uids,
        title=title,
        program=program,
        sid=stat.session,
        login=_number(f"{base}/loginuid"),
        audit=_number(f"{base}/sessionid"),
        cgroup=_cgroup(f"{base}/cgroup"),
        terminal=_terminal(int(fields[_TTY])),
        peer=peers.of(base) if program in SSHD else "",
        kernel=bool(int(fields[_FLAGS]) & _KERNEL_THREAD),
        foreign=bool(own_namespace and namespace and namespace != own_namespace),
    )


def _bytes(path: str, most: int = 1 << 20) -> bytes:
    with open(path, "rb") as file:
        return file.read(most)


def _uids(status: bytes) -> tuple[int, ...]:
    for line in status.split(b"\n"):
        if line.startswith(b"Uid:"):
            return tuple(int(part) for part in line.split()[1:4])
    raise ValueError("a status file without Uid")


def _number(path: str) -> int | None:
    try:
        value = int(_bytes(path))
    except (OSError, ValueError):
        return None
    return None if value == _UNSET else value


def _link(path: str) -> str:
    try:
        return os.readlink(os.fsencode(path)).decode("utf-8", "replace")
    except OSError:
        return ""


def _program(exe: str) -> str:
    # After an update what runs is a file that is gone.
    path = exe[: -len(_DELETED)] if exe.endswith(_DELETED) else exe
    return os.path.basename(path)


def _cgroup(path: str) -> str:
    """The path in systemd's own hierarchy, or in the only one."""
    try:
        lines = [line.split(":", 2) for line in _bytes(path).decode("utf-8", "replace").split("\n")]
    except OSError:
        return ""
    paths = {line[1]: line[2] for line in lines if len(line) == 3}
    return paths.get("name=systemd") or paths.get("", "")


def _terminal(number: int) -> str:
    major, minor = (number >> 8) & 0xFFF, (number & 0xFF) | ((number >> 12) & 0xFFF00)
    if 136 <= major <= 143:
        return f"pts/{minor + ((major - 136) << 20)}"
    if major == 4:
        return f"tty{minor}" if minor < 64 else f"ttyS{minor - 64}"
    return f"tty {major}:{minor}" if number else ""


def _open_files(base: str) -> list[str]:
    try:
        return [_link(f"{base}/fd/{name}") for name in os.listdir(f"{base}/fd")]
    except OSError:
        return []


def _established(base: str) -> dict[str, str]:
    """Inode → digits of the remote address."""
    found = {}
    for name in ("tcp", "tcp6"):
        try:
            text = _bytes(f"{base}/net/{name}", _MOST_TABLE).decode("ascii", "replace")
        except OSError:
            continue
        for row in (line.split() for line in text.split("\n")[1:]):
            if len(row) > 9 and row[3] == _ESTABLISHED:
                found[row[9]] = row[2].rpartition(":")[0]
    return found


def plain_address(digits: str) -> str:
    """The kernel's hexadecimal digits as people write them; an IPv4 address in the clothes of IPv6 as IPv4."""
    # The kernel prints each 32 bit word of the network-ordered address as a number of this machine.
    words = [int(digits[at : at + 8], 16) for at in range(0, len(digits), 8)]
    packed = struct.pack(f"={len(words)}I", *words)
    if len(packed) == 16 and packed.startswith(bytes(10) + b"\xff\xff"):
        packed = packed[12:]
    return socket.inet_ntop(socket.AF_INET if len(packed) == 4 else socket.AF_INET6, packed)


def same_address(text: str) -> str:
    """An address as sshd tells it, in the same form; what is none as it is."""
    bare = text.partition("%")[0]
    for family in (socket.AF_INET, socket.AF_INET6):
        try:
            packed = socket.inet_pton(family, bare)
        except OSError:
            continue
        mapped = len(packed) == 16 and packed.startswith(bytes(10) + b"\xff\xff")
        return socket.inet_ntop(socket.AF_INET, packed[12:]) if mapped else socket.inet_ntop(family, packed)
    return text
