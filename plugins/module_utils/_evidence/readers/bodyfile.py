# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The mactime bodyfile of declared trees: name, inode, mode, owner, size and four times of everything in them."""

from __future__ import annotations

from typing import Iterator, Sequence

from ansible_collections.toombos.incident.plugins.module_utils._evidence.readers.masks import NO_MASK, NameMask
from ansible_collections.toombos.incident.plugins.module_utils._evidence.readers.names import shown
from ansible_collections.toombos.incident.plugins.module_utils._evidence.readers.tree import Entry, walk

_BATCH = 500
_SECOND = 1_000_000_000


def bodyfile(trees: Sequence[str], mask: NameMask = NO_MASK) -> Iterator[bytes]:
    r"""Lines ``MD5|name|inode|mode|UID|GID|size|atime|mtime|ctime|crtime`` of each tree and all in it, sorted.

    In names ``|``, ``%``, the backslash, what is not printable and what is no UTF-8 are ``\xNN``: mactime splits at
    every bar, decodes ``%NN``, and drops what it then does not understand without a word. Times in whole seconds, 0
    where one is not known.
    """
    batch: list[str] = []
    for entry in walk(trees):
        batch.append(_line(entry, mask))
        if len(batch) >= _BATCH:
            yield "".join(batch).encode()
            batch = []
    if batch:
        yield "".join(batch).encode()


def _line(entry: Entry, mask: NameMask) -> str:
    status = entry.status
    # An arrow within a name would be taken for the one between a link and its target.
    names = (mask.path(each) for each in (entry.path, entry.target()) if each)
    name = " -> ".join(shown(each, "|%").replace("->", r"-\x3e") for each in names)
    times = (status.st_atime_ns, status.st_mtime_ns, status.st_ctime_ns, entry.birth or 0)
    seconds = "|".join(str(time // _SECOND) for time in times)
    owner = f"{status.st_uid}|{status.st_gid}"
    return f"0|{name}|{status.st_ino}|{entry.mode}|{owner}|{status.st_size}|{seconds}\n"
