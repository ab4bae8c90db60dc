# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Public keys that let somebody in: by fingerprint, comment and options. What else is in such a file is never shown."""

from __future__ import annotations

import base64
import binascii
import hashlib
import os
import re
import stat
from typing import Any, Iterator

from ansible_collections.toombos.incident.plugins.module_utils._indicators import texts
from ansible_collections.toombos.incident.plugins.module_utils._indicators.host import (
    Host,
    Odd,
    read_mounts,
    read_text,
)
from ansible_collections.toombos.incident.plugins.module_utils._indicators.readers.accounts import (
    Account,
    read_accounts,
)
from ansible_collections.toombos.incident.plugins.module_utils._indicators.types import Item, Mark, Stream

_DEFAULT = (".ssh/authorized_keys", ".ssh/authorized_keys2")
_LARGEST = 4 << 20
_KEY = re.compile(r"(?:^|(?<=[ \t]))((?:sk-)?(?:ssh|ecdsa)-[\w@.-]{1,60})[ \t]+([A-Za-z0-9+/]{20,}={0,2})(?=[ \t]|$)")
_SETTING = re.compile(r"(?i)[ \t]*AuthorizedKeysFile[ \t=]+(.+)")


def authorized_keys(host: Host) -> Stream:
    """One item per key of each account of the host, wherever its ssh server looks for them."""
    try:
        owners = read_accounts(host)
    except FileNotFoundError:
        yield Mark("absent", "there is no /etc/passwd")
        return
    mounts = read_mounts(host)
    patterns = _patterns(host)
    read: set[str] = set()
    for owner in owners:
        remote = mounts.remote(owner.home)
        if remote:
            yield Mark("note", f"{texts.name(owner.home)} is left out: it is on another machine ({remote})")
            continue
        for path in _paths(owner, patterns):
            if path not in read:
                read.add(path)
                yield from _file(host, owner, path)


def _patterns(host: Host) -> tuple[str, ...]:
    for row in _settings(host):
        found = _SETTING.match(row)
        if found:
            return tuple(word.strip('"') for word in found[1].split() if word != "none")
    return _DEFAULT


def _settings(host: Host) -> Iterator[str]:
    folder = host.at("/etc/ssh/sshd_config.d")
    names = sorted(os.listdir(folder)) if os.path.isdir(folder) else []
    for path in (*(f"{folder}/{name}" for name in names if name.endswith(".conf")), host.at("/etc/ssh/sshd_config")):
        try:
            yield from read_text(path).split("\n")
        except OSError:
            continue


def _paths(owner: Account, patterns: tuple[str, ...]) -> Iterator[str]:
    for pattern in patterns:
        path = pattern.replace("%%", "\0").replace("%h", owner.home).replace("%u", owner.name).replace("\0", "%")
        full = os.path.normpath(os.path.join(owner.home or "/", path))
        if full.startswith("/"):
            yield full


def _file(host: Host, owner: Account, path: str) -> Stream:
    shown = texts.name(path)
    try:
        text = read_text(host.at(path), _LARGEST)
        status = os.stat(host.at(path))
    except (FileNotFoundError, NotADirectoryError):
        return
    except PermissionError:
        yield Mark("denied", shown)
        return
    except Odd as error:
        yield Item(f"file {shown}", str(error), {"path": shown, "user": texts.name(owner.name), "odd": error.strerror})
        return
    except OSError as error:
        yield Mark("error", f"{shown}: {error.strerror}")
        return
    common = {
        "path": shown,
        "user": texts.name(owner.name),
        "logs_in": owner.may_log_in,
        "uid": int(owner.uid),
        "writable": bool(status.st_mode & (stat.S_IWGRP | stat.S_IWOTH)),
    }
    strange = 0
    for row in text.split("\n"):
        if row.strip() and not row.lstrip().startswith("#"):
            facts = _key(row)
            strange += not facts
            if facts:
                key = f"{shown} {facts['fingerprint']}"
                yield Item(key, texts.digest(row.strip()), {**common, **facts}, (status.st_mtime,))
    if strange:
        yield Mark("note", f"{shown} has {strange} lines that are no keys")


def _key(row: str) -> dict[str, Any]:
    """Fingerprint as ssh shows it, kind, comment and options; empty when it is no key."""
    for found in _KEY.finditer(row):
        try:
            blob = base64.b64decode(found[2], validate=True)
        except (binascii.Error, ValueError):
            continue
        # The kind is in the key itself, too: a text that only looks like one is none.
        if blob[4 : 4 + len(found[1])] == found[1].encode():
            sum_ = base64.b64encode(hashlib.sha256(blob).digest()).decode().rstrip("=")
            options, comment = row[: found.start()].strip(), row[found.end() :].strip()
            return {
                "fingerprint": f"SHA256:{sum_}",
                "kind": found[1],
                "comment": texts.line(comment),
                "options": texts.line(options),
            }
    return {}
