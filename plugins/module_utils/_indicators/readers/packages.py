# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Programs and libraries that are not as their package brought them."""

from __future__ import annotations

import hashlib
import os
import re
import stat
from typing import Any, Iterator

from ansible_collections.toombos.incident.plugins.module_utils._command import run_command
from ansible_collections.toombos.incident.plugins.module_utils._indicators import texts
from ansible_collections.toombos.incident.plugins.module_utils._indicators.host import (
    Host,
    Odd,
    lines_of,
    opened,
    read_text,
)
from ansible_collections.toombos.incident.plugins.module_utils._indicators.readers.owners import INFO
from ansible_collections.toombos.incident.plugins.module_utils._indicators.types import Item, Mark, Stream

_DIVERSIONS = "/var/lib/dpkg/diversions"
_LARGEST = 64 << 20  # of a list
_BLOCK = 1 << 20
_ENDING = 2.5  # seconds that it takes to end a program that does not want to
_FIRST = re.compile(r"(?:usr/)?s?bin/|(?:usr/)?lib/(?:[\w-]+/)?security/")
_SECOND = re.compile(
    r"(?:usr/)?lib(?:32|64|x32|exec)?/(?:.*\.so(?:\.|\Z)|(?:[^/]+/){1,2}[^./]+\Z)|boot/vmlinuz|opt/.*/s?bin/"
)
_RPM = re.compile(r"(missing|[S.?][M.?][5.?][D.?][L.?][U.?][G.?][T.?][P.?])\s+(?:([a-z])\s+)?(/.*?)(?: \(.*\))?\Z")


def packages(host: Host) -> Stream:
    """One item per file that differs or is missing, programs first, as time may end; configuration does not count."""
    if os.path.isdir(host.at(INFO)):
        yield from _dpkg(host)
    elif host.root == "/" and any(os.access(f"{each}/rpm", os.X_OK) for each in ("/usr/bin", "/bin")):
        yield from _rpm(host)
    else:
        yield Mark("absent", "neither dpkg nor rpm is here")


def _dpkg(host: Host) -> Stream:
    listed: list[tuple[int, str, str, str]] = []
    yield from _listed(host, listed)
    if not listed:
        yield Mark("absent", "dpkg has no digests")
    denied = 0
    for order, path, sum_, package in sorted(listed):
        try:
            yield from _compared(host, path, sum_, package, order)
        except PermissionError:
            denied += 1
    if denied:
        yield Mark("denied", f"{denied} files of packages")


def _listed(host: Host, listed: list[tuple[int, str, str, str]]) -> Stream:
    """Puts order, path, digest and package of what is to be compared into ``listed``."""
    away = _diversions(host)
    without, broken = 0, 0
    for name in sorted(name[: -len(".list")] for name in os.listdir(host.at(INFO)) if name.endswith(".list")):
        package = name.partition(":")[0]
        try:
            text = read_text(host.at(f"{INFO}/{name}.md5sums"), _LARGEST)
        except FileNotFoundError:
            without += 1
            continue
        except OSError:
            broken += 1
            continue
        configuration = _configuration(host, name)
        for row in text.split("\n"):
            sum_, _blanks, path = row.partition("  ")
            order = 0 if _FIRST.match(path) else 1 if _SECOND.match(path) else 2
            if order < 2 and f"/{path}" not in configuration:
                listed.append((order, _diverted(away, f"/{path}", package), sum_, package))
    if without:
        yield Mark("note", f"{without} packages have no digests")
    if broken:
        yield Mark("error", f"the digests of {broken} packages cannot be read")


def _compared(host: Host, path: str, expected: str, package: str, order: int) -> Stream:
    facts: dict[str, Any] = {"path": texts.name(path), "package": package, "program": order == 0}
    try:
        descriptor = opened(host.at(path))
    except (FileNotFoundError, NotADirectoryError):
        yield Item(texts.name(path), "missing", {**facts, "missing": True})
        return
    except Odd as error:
        yield Item(texts.name(path), "odd", {**facts, "odd": error.strerror})
        return
    except PermissionError:
        raise
    except OSError as error:
        yield Mark("error", f"{texts.name(path)}: {error.strerror}")
        return
    try:
        actual = _md5()
        while True:
            data = os.read(descriptor, _BLOCK)
            if not data:
                break
            actual.update(data)
        status = os.fstat(descriptor)
    finally:
        os.close(descriptor)
    if actual.hexdigest() != expected:
        setuid = bool(status.st_mode & (stat.S_ISUID | stat.S_ISGID))
        seen = (status.st_mtime, status.st_ctime)
        yield Item(texts.name(path), actual.hexdigest(), {**facts, "setuid": setuid, "size": status.st_size}, seen)


def _md5() -> Any:
    try:
        return hashlib.new("md5", usedforsecurity=False)
    except TypeError:  # before Python 3.9
        return hashlib.md5()


def _diversions(host: Host) -> dict[str, tuple[str, str]]:
    """Path → where it was moved to, and the package whose own file is the one in its place."""
    try:
        rows = read_text(host.at(_DIVERSIONS), _LARGEST).split("\n")
    except OSError:
        return {}
    return {rows[at]: (rows[at + 1], rows[at + 2]) for at in range(0, len(rows) - 2, 3)}


def _diverted(away: dict[str, tuple[str, str]], path: str, package: str) -> str:
    to, owner = away.get(path, (path, package))
    return path if owner == package else to


def _configuration(host: Host, name: str) -> frozenset[str]:
    try:
        text = read_text(host.at(f"{INFO}/{name}.conffiles"))
    except OSError:
        return frozenset()
    return frozenset(row.split()[-1] for row in lines_of(text))


def _rpm(host: Host) -> Stream:
    # Not what it says about scripts, dependencies and times: those differ on healthy hosts.
    argv = ["rpm", "-Va", "--nodeps", "--noscripts", "--nomtime"]
    # It ends before the check does, so that nothing of it stays.
    if host.seconds <= _ENDING:
        yield Mark("late", "there was no time for rpm")
        return
    ran = run_command(argv, timeout=host.seconds - _ENDING, max_output=4 << 20)
    if ran.error:
        yield Mark("error", texts.line(ran.error))
        return
    yield from rpm_items(ran.stdout)
    if "bytes left out" in ran.stdout:
        yield Mark("error", "rpm had more to say than can be kept")
    if ran.timed_out:
        yield Mark("late", "rpm was ended")


def rpm_items(text: str) -> Iterator[Item]:
    """What ``rpm -Va`` says of files that are no configuration and no documentation."""
    for row in text.split("\n"):
        found = _RPM.match(row)
        if found is None or found[2] in ("c", "d", "g", "l", "r"):
            continue
        path = found[3]
        relative = path.lstrip("/")
        first = bool(_FIRST.match(relative))
        if not first and not _SECOND.match(relative):
            continue
        facts = {"path": texts.name(path), "package": "", "program": first}
        if found[1] == "missing":
            yield Item(texts.name(path), "missing", {**facts, "missing": True})
        elif "5" in found[1] or "L" in found[1]:
            yield Item(texts.name(path), found[1], {**facts, "flags": found[1], "setuid": False})
        elif set("MUGP") & set(found[1]):
            yield Item(texts.name(path), found[1], {**facts, "flags": found[1], "attributes": True})
