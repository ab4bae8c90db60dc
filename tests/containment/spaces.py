# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hosts that are network namespaces of one process: a socket stays in the one in which it was made."""

from __future__ import annotations

import contextlib
import ctypes
import os
import subprocess
from collections.abc import Iterator

_NEW_NETWORK = 0x40000000
_libc = ctypes.CDLL(None, use_errno=True)


def _checked(result: int) -> None:
    if result:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


class Space:
    """One host. It is gone with its last socket and ``close``."""

    def __init__(self, name: str) -> None:
        self.name = name
        home = _here()
        _checked(_libc.unshare(_NEW_NETWORK))
        self.fd = _here()
        _checked(_libc.setns(home, _NEW_NETWORK))
        os.close(home)
        self.ip("link set lo up")
        self.set("ipv6/conf/default/accept_dad", 0)
        self.set("ipv6/conf/all/accept_dad", 0)

    @contextlib.contextmanager
    def inside(self) -> Iterator[None]:
        """What is done within is done on this host."""
        home = _here()
        _checked(_libc.setns(self.fd, _NEW_NETWORK))
        try:
            yield
        finally:
            _checked(_libc.setns(home, _NEW_NETWORK))
            os.close(home)

    def run(self, *argv: str, text: str = "", ok: bool = True) -> subprocess.CompletedProcess[str]:
        """A command on this host."""
        with self.inside():
            done = subprocess.run(argv, input=text, capture_output=True, text=True, check=False, timeout=60)
        assert done.returncode == 0 or not ok, f"{argv} on {self.name}: {done.stderr}{done.stdout}"
        return done

    def ip(self, words: str) -> None:
        """A command of ip(8)."""
        self.run("ip", *words.split())

    def set(self, name: str, value: int) -> None:
        """A setting below /proc/sys/net."""
        with self.inside(), open(f"/proc/sys/net/{name}", "w", encoding="ascii") as file:
            file.write(str(value))

    def join(self, other: Space, mine: str, theirs: str) -> None:
        """A cable between the two, plugged in."""
        self.ip(f"link add {mine} type veth peer name {theirs} netns /proc/{os.getpid()}/fd/{other.fd}")
        self.ip(f"link set {mine} up")
        other.ip(f"link set {theirs} up")

    def address(self, device: str, *addresses: str) -> None:
        """More addresses, usable at once."""
        for each in addresses:
            self.ip(f"addr add {each} dev {device}{' nodad' if ':' in each else ''}")

    def close(self) -> None:
        os.close(self.fd)


def _here() -> int:
    return os.open("/proc/thread-self/ns/net", os.O_RDONLY)
