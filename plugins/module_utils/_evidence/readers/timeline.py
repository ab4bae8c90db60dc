# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What has happened on a host and when, as events that Timesketch imports as they are: one JSON object a line.

An event has ``message``, ``datetime`` (ISO 8601, UTC, microseconds), ``timestamp_desc``, and beside these ``timestamp``
(microseconds since the epoch), ``data_type``, ``host``, and what is known of its subject.
"""

from __future__ import annotations

import base64
import contextlib
import os
import time
from typing import Any, Dict, Iterator, Sequence

from ansible_collections.toombos.incident.plugins.module_utils._evidence.readers.logins import logins
from ansible_collections.toombos.incident.plugins.module_utils._evidence.readers.masks import NO_MASK, NameMask
from ansible_collections.toombos.incident.plugins.module_utils._evidence.readers.names import shown
from ansible_collections.toombos.incident.plugins.module_utils._evidence.readers.processes import boot_time, processes
from ansible_collections.toombos.incident.plugins.module_utils._evidence.readers.tree import Entry, walk

Event = Dict[str, Any]
_MILLION = 1_000_000
_EARLIEST, _LATEST = -62_135_596_800, 253_402_300_799  # seconds: the years 1 to 9999, all that ISO 8601 can say
_FILE_TIMES = (
    ("st_mtime_ns", "Content Modification Time"),
    ("st_atime_ns", "Last Access Time"),
    ("st_ctime_ns", "Metadata Modification Time"),
)
_BIRTH = "Creation Time"
# What an entry of wtmp and utmp tells, by its type; the rest is bookkeeping of login programs.
_LOGINS = {
    "boot": ("Boot Time", "the system was started"),
    "run-level": ("Run Level Change Time", "the run level was changed"),
    "new-time": ("Clock Change Time", "the clock was set to this"),
    "old-time": ("Clock Change Time", "the clock was set from this"),
    "user": ("Login Time", "logged in"),
    "ended": ("Logout Time", "the session was ended"),
}
_FAILED = ("Failed Login Time", "failed to log in")
_UNITS, _TIMERS = "/run/systemd/units", "/var/lib/systemd/timers"


def file_events(trees: Sequence[str], mask: NameMask = NO_MASK) -> Iterator[Event]:
    """Up to four events of each thing in the trees: content, access, metadata, and birth where the host knows it.

    Where links lead is in the bodyfile: to ask would make an access of it.
    """
    host = _host()
    for entry in walk(trees):
        about = _about(entry, mask.path(entry.path))
        message = f"{entry.mode} {about['path']}"
        for name, meaning in _FILE_TIMES:
            yield _event(getattr(entry.status, name) // 1000, meaning, "fs:stat", host, message, about)
        if entry.birth is not None:
            yield _event(entry.birth // 1000, _BIRTH, "fs:stat", host, message, about)


def login_events(path: str, failed: bool = False, mask: NameMask = NO_MASK) -> Iterator[Event]:
    """One event per entry of a file of login records. Raises OSError. What is cut off at its end has no time."""
    host = _host()
    for record in logins(path):
        if "incomplete" in record:
            continue
        other = ("Login Record Time", f"a record of the type {record['type']}")
        meaning, what = _FAILED if failed else _LOGINS.get(record["type"], other)
        known = {key: _text(mask(record[key])) for key in ("user", "line", "host", "address") if record[key]}
        words = [known.get("user", ""), what, *(known[key] for key in ("line", "host", "address") if key in known)]
        about = {"pid": record["pid"], "source": path, **known}
        about["remote_host"] = about.pop("host", "")
        stamp = round(record["time"] * _MILLION)
        yield _event(stamp, meaning, "linux:utmp:event", host, " ".join(filter(None, words)), about)


def process_events(proc: str = "/proc", mask: NameMask = NO_MASK) -> Iterator[Event]:
    """One event per process: its start, with its arguments as the list of processes has them."""
    host = _host()
    for record in processes(proc):
        arguments = " ".join(_text(each) for each in record["arguments"]) or f"[{_text(record.get('name', ''))}]"
        about = {"pid": record["pid"], "parent": record.get("ppid", ""), "uids": record.get("uids", "")}
        about.update({key: _text(mask(record[key])) for key in ("exe", "cwd", "cgroup") if record.get(key)})
        message = f"process {record['pid']} was started: {arguments}"
        yield _event(round(record["began"] * _MILLION), "Start Time", "linux:process", host, message, about)


def system_events(
    proc: str = "/proc", units: str = _UNITS, timers: str = _TIMERS, mask: NameMask = NO_MASK
) -> Iterator[Event]:
    """The start of the kernel, of each unit that systemd has running, and the last run of each of its timers."""
    host = _host()
    release = os.uname().release
    boot = round(boot_time(proc) * _MILLION)
    yield _event(boot, "Boot Time", "linux:kernel", host, f"the kernel {release} was started", {"release": release})
    for folder, prefix, meaning, what in (
        (units, "invocation:", "Start Time", "was started"),
        (timers, "stamp-", "Last Run Time", "ran"),
    ):
        for path in _names(folder, prefix):
            with contextlib.suppress(OSError):  # ended meanwhile
                stamp = os.lstat(path).st_mtime_ns // 1000
                unit = _text(mask(os.path.basename(path)[len(prefix) :]))
                yield _event(stamp, meaning, "linux:systemd:unit", host, f"{unit} {what}", {"unit": unit})


def moment(microseconds: int) -> str:
    """ISO 8601 in UTC; what lies beyond the years 1 to 9999 is their first or last second."""
    seconds, rest = divmod(microseconds, _MILLION)
    parts = time.gmtime(min(max(seconds, _EARLIEST), _LATEST))
    return "%04d-%02d-%02dT%02d:%02d:%02d.%06d+00:00" % (*parts[:6], rest)  # noqa: UP031 - twice as fast, and done often


def _event(stamp: int, meaning: str, kind: str, host: str, message: str, about: Event) -> Event:
    return {
        "message": message,
        "datetime": moment(stamp),
        "timestamp": stamp,
        "timestamp_desc": meaning,
        "data_type": kind,
        "host": host,
        **about,
    }


def _about(entry: Entry, path: bytes) -> Event:
    status = entry.status
    about: Event = {"path": shown(path)}
    if about["path"].encode() != path:
        about["path_base64"] = base64.b64encode(path).decode()
    about.update(inode=status.st_ino, mode=entry.mode, uid=status.st_uid, gid=status.st_gid, size=status.st_size)
    return about


def _host() -> str:
    return _text(os.uname().nodename)


def _text(value: str) -> str:
    return shown(os.fsencode(value))


def _names(folder: str, prefix: str) -> list[str]:
    try:
        return sorted(os.path.join(folder, name) for name in os.listdir(folder) if name.startswith(prefix))
    except OSError:  # no systemd, or none of its timers has run
        return []
