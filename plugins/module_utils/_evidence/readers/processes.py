# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Processes, their open files and the programs that they have in memory, from /proc alone."""

from __future__ import annotations

import contextlib
import os
from typing import Any, Iterator

from ansible_collections.toombos.incident.plugins.module_utils._process.stat import read_stat
from ansible_collections.toombos.incident.plugins.module_utils._process.table import list_pids
from ansible_collections.toombos.incident.plugins.module_utils._redact import redact

_STATUS = {
    "Name": "name",
    "State": "state",
    "PPid": "ppid",
    "TracerPid": "tracer",
    "Uid": "uids",
    "Gid": "gids",
    "Groups": "groups",
    "VmRSS": "resident",
    "VmSize": "virtual",
    "Threads": "threads",
    "CapEff": "capabilities",
    "Seccomp": "seccomp",
    "NoNewPrivs": "no_new_privileges",
}


def processes(proc: str = "/proc") -> Iterator[dict[str, Any]]:
    """One record per process, kernel threads and zombies included; arguments without what looks like a secret.

    ``start`` in clock ticks since boot, ``began`` in seconds since the epoch. What may not be read is missing. One
    that ends meanwhile has what was read until then.
    """
    boot = boot_time(proc)
    ticks = os.sysconf("SC_CLK_TCK")
    for pid in list_pids(proc):
        stat = read_stat(pid, proc)
        if stat is None:
            continue
        record: dict[str, Any] = {"pid": pid, "start": stat.start, "began": round(boot + stat.start / ticks, 2)}
        base = f"{proc}/{pid}"
        for line in _text(f"{base}/status").splitlines():
            key, _colon, value = line.partition(":")
            if key in _STATUS:
                record[_STATUS[key]] = value.strip()
        record["arguments"] = _arguments(_text(f"{base}/cmdline"))
        record["cgroup"] = _text(f"{base}/cgroup").split("\n")[0]
        for name in ("exe", "cwd", "root"):
            with contextlib.suppress(OSError):
                record[name] = os.readlink(f"{base}/{name}")
        with contextlib.suppress(OSError):
            record["namespaces"] = {name: os.readlink(f"{base}/ns/{name}") for name in sorted(os.listdir(f"{base}/ns"))}
        yield record


def open_files(proc: str = "/proc") -> Iterator[dict[str, Any]]:
    """One record per open file of each process: where it leads, its position and flags; deleted ones say so."""
    for pid in list_pids(proc):
        try:
            names = sorted(os.listdir(f"{proc}/{pid}/fd"), key=int)
        except OSError as error:
            yield {"pid": pid, "error": error.strerror}
            continue
        for name in names:
            with contextlib.suppress(OSError):  # closed meanwhile
                record: dict[str, Any] = {"pid": pid, "fd": int(name), "file": os.readlink(f"{proc}/{pid}/fd/{name}")}
                for line in _text(f"{proc}/{pid}/fdinfo/{name}").splitlines():
                    key, _colon, value = line.partition(":")
                    if key in ("pos", "flags"):
                        record[key] = value.strip()
                yield record


def mapped_programs(proc: str = "/proc") -> Iterator[dict[str, Any]]:
    """One record per process and file that it can execute from memory; also memory without a file behind it."""
    for pid in list_pids(proc):
        seen: dict[str, int] = {}
        for line in _text(f"{proc}/{pid}/maps").splitlines():
            fields = line.split(None, 5)
            if len(fields) >= 5 and "x" in fields[1]:
                name = fields[5] if len(fields) > 5 else "(no file)"
                begin, _dash, end = fields[0].partition("-")
                seen[name] = seen.get(name, 0) + int(end, 16) - int(begin, 16)
        for name, size in seen.items():
            yield {"pid": pid, "file": name, "bytes": size}


def _arguments(text: str) -> list[str]:
    # Together, as a secret may stand in the argument after the one that names it.
    words = text.rstrip("\0").replace("\n", "\\n").split("\0")
    return redact("\n".join(words)).split("\n") if text else []


def of_each(name: str, proc: str = "/proc") -> Iterator[dict[str, Any]]:
    """One record per process with what the kernel says in its file ``name``, or why it does not."""
    for pid in list_pids(proc):
        try:
            with open(f"{proc}/{pid}/{name}", "rb") as file:
                yield {"pid": pid, name: os.fsdecode(file.read())}
        except FileNotFoundError:  # it has ended
            continue
        except OSError as error:
            yield {"pid": pid, "error": error.strerror}


def boot_time(proc: str) -> float:
    """When the kernel was started, in seconds since the epoch; 0 where it does not say."""
    for line in _text(f"{proc}/stat").splitlines():
        if line.startswith("btime "):
            return float(line.split()[1])
    return 0.0


def _text(path: str) -> str:
    try:
        with open(path, "rb") as file:
            return os.fsdecode(file.read())
    except OSError:
        return ""
