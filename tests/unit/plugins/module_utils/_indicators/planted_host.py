# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A host below a directory: a small, clean one, into which signs of a breach are planted."""

from __future__ import annotations

import base64
import hashlib
import os
import socket
import struct
from pathlib import Path
from typing import Any

from ansible_collections.toombos.incident.plugins.module_utils._clock import Clock
from ansible_collections.toombos.incident.plugins.module_utils._indicators import checks
from ansible_collections.toombos.incident.plugins.module_utils._indicators.call import search

NOW = 1_790_000_000.0
_UTMP = struct.Struct("=hxxi32s4s32s256shhiii4I20x")
OPTIONS: dict[str, Any] = {
    "state": "scanned",
    "only": [],
    "exclude": [],
    "services": {},
    "services_only": [],
    "expected": {},
    "since": "",
    "budget": "60s",
    "check_timeout": "",
    "digest": "",
    "owner": "alice",
    "reason": "",
}


class StillClock(Clock):
    """Real but for the time of day."""

    def wall(self) -> float:
        return NOW


class PlantedHost:
    """Writes files of the host, and scans it."""

    def __init__(self, root: Path, store: Path) -> None:
        self.root = root
        self.store = store

    def write(self, path: str, text: str | bytes, mode: int = 0o644) -> Path:
        """A file of the host."""
        full = self.root / path.lstrip("/")
        full.parent.mkdir(parents=True, exist_ok=True)
        full.write_bytes(text if isinstance(text, bytes) else text.encode("utf-8", "surrogateescape"))
        full.chmod(mode)
        return full

    def add(self, path: str, text: str) -> None:
        """More at the end of a file."""
        full = self.root / path.lstrip("/")
        full.parent.mkdir(parents=True, exist_ok=True)
        full.write_text((full.read_text() if full.exists() else "") + text)

    def process(self, pid: int, exe: str, *argv: str, uid: int = 0, **more: str) -> None:
        """A process in /proc."""
        fields = ["S", "1", *["0"] * 17, "100", *["0"] * 20]
        self.write(f"/proc/{pid}/stat", f"{pid} (x) {' '.join(fields)}\n")
        self.write(f"/proc/{pid}/status", f"Name:\tx\nUid:\t{uid}\t{uid}\t{uid}\t{uid}\n")
        self.write(f"/proc/{pid}/cmdline", "\0".join(argv or (exe,)) + "\0")
        self.write(f"/proc/{pid}/environ", more.get("environ", "PATH=/usr/bin\0"))
        os.symlink(exe, self.root / f"proc/{pid}/exe")
        (self.root / f"proc/{pid}/fd").mkdir()
        os.symlink(self.root, self.root / f"proc/{pid}/root")

    def listen(self, address: str, port: int, inode: int, pid: int, protocol: str = "tcp", state: str = "0A") -> None:
        """A socket in /proc/net, held by a process."""
        number = struct.unpack("=I", socket.inet_aton(address))[0]
        row = (
            f"  0: {number:08X}:{port:04X} 00000000:0000 {state} 00000000:00000000 00:00000000 00000000     0 0 {inode}"
        )
        self.add(f"/proc/net/{protocol}", row + " 1 0 100 0 0 10 0\n")
        os.symlink(f"socket:[{inode}]", self.root / f"proc/{pid}/fd/{inode}")

    def login(self, user: str, address: str, when: float = NOW - 60, path: str = "/var/log/wtmp") -> None:
        """A record of a login."""
        words = struct.unpack("=I", socket.inet_aton(address)) + (0, 0, 0)
        name = user.encode("utf-8", "surrogateescape")
        record = _UTMP.pack(7, 1, b"pts/0", b"0", name, address.encode(), 0, 0, 0, int(when), 0, *words)
        with (self.root / path.lstrip("/")).open("ab") as file:
            file.write(record)

    def package(self, name: str, *paths: str) -> None:
        """A package that brought these files as they are now."""
        rows = []
        for path in paths:
            full = self.root / path.lstrip("/")
            rows.append(f"{hashlib.md5(full.read_bytes()).hexdigest()}  {path.lstrip('/')}\n")
        self.write(f"/var/lib/dpkg/info/{name}.list", "".join(f"{path}\n" for path in paths))
        self.write(f"/var/lib/dpkg/info/{name}.md5sums", "".join(rows))

    def scan(self, *checks_: str, **options: Any) -> dict[str, Any]:
        """The result of a call."""
        chosen = {**OPTIONS, "only": list(checks_), "store_dir": str(self.store), **options}
        check_mode = bool(chosen.pop("check_mode", False))
        return search(chosen, StillClock(), check_mode, str(self.root))

    def found(self, check: str, **options: Any) -> list[tuple[str, str]]:
        """Severities and titles of the findings of a check."""
        return [(each["severity"], each["title"]) for each in self.scan(check, **options)["findings"]]

    def outcome(self, check: str, **options: Any) -> str:
        """The one word of a check."""
        return str(self.scan(check, **options)["checks"][check]["outcome"])


def a_clean_host(root: Path, store: Path) -> PlantedHost:
    """With an account or two, a server, a cron table, a timer, a package, and logins."""
    host = PlantedHost(root, store)
    host.write(
        "/etc/passwd",
        "root:x:0:0:root:/root:/bin/bash\ndaemon:x:1:1::/usr/sbin:/usr/sbin/nologin\nalice:x:1000:1000::/home/alice:/bin/sh\n",
    )
    host.write("/etc/shadow", "root:*:1::::::\ndaemon:*:1::::::\nalice:$y$geheim:1::::::\n", 0o600)
    host.write("/etc/group", "root:x:0:\nsudo:x:27:alice\n")
    host.write("/etc/crontab", "# m h\n17 * * * * root cd / && run-parts --report /etc/cron.hourly\n")
    host.write("/etc/cron.daily/dpkg", "#!/bin/sh\nexec /usr/libexec/dpkg/dpkg-db-backup\n", 0o755)
    host.write("/usr/lib/systemd/system/fstrim.timer", "[Timer]\nOnCalendar=weekly\n")
    host.write("/usr/lib/systemd/system/fstrim.service", "[Service]\nExecStart=/sbin/fstrim --all\n")
    host.write("/home/alice/.ssh/authorized_keys", key("alice@laptop"), 0o600)
    host.write("/usr/bin/su", "the real su", 0o4755)
    host.write("/usr/bin/ls", "the real ls", 0o755)
    host.write("/usr/sbin/sshd", "the real sshd", 0o755)
    host.package("coreutils", "/usr/bin/su", "/usr/bin/ls", "/usr/sbin/sshd")
    host.write("/proc/stat", "btime 1789000000\n")
    host.write("/proc/net/tcp", "  sl  local_address\n")
    host.write("/proc/net/udp", "  sl  local_address\n")
    host.write("/proc/sys/net/ipv4/ip_local_port_range", "32768\t60999\n")
    host.process(10, "/usr/sbin/sshd", "/usr/sbin/sshd", "-D")
    host.listen("0.0.0.0", 22, 1000, 10)
    host.write("/run/utmp", b"")
    host.write("/var/log/wtmp", b"")
    host.write("/var/log/btmp", b"", 0o600)
    host.write("/var/log/auth.log", "2026-09-21T09:00:00Z host sshd[10]: Accepted publickey for alice from 10.0.0.7\n")
    host.login("alice", "10.0.0.7")
    return host


def key(comment: str, kind: str = "ssh-ed25519", options: str = "", seed: str = "") -> str:
    """A line of authorized_keys."""
    body = hashlib.sha256((seed or comment).encode("utf-8", "surrogateescape")).digest()
    blob = struct.pack(">I", len(kind)) + kind.encode() + struct.pack(">I", 32) + body
    return f"{options} {kind} {base64.b64encode(blob).decode()} {comment}\n".lstrip()


def fingerprint(line: str) -> str:
    """As ssh-keygen shows it."""
    blob = base64.b64decode(next(word for word in line.split() if word.startswith("AAAA")))
    return "SHA256:" + base64.b64encode(hashlib.sha256(blob).digest()).decode().rstrip("=")


ALL = tuple(checks.CHECKS)
