# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Owner, extended attributes, mode and time, in an order in which nobody gets rights in between.

A change of owner clears setuid and capabilities, and so does a write: the mode comes after the owner, capabilities
after the content. A change of the mode of a file with an ACL changes the mask of that ACL: foreign ACLs go first.
"""

from __future__ import annotations

import base64
import errno
import os
from typing import Mapping

from ansible_collections.toombos.incident.plugins.module_utils._generations.types import DIRECTORY, Entry
from ansible_collections.toombos.incident.plugins.module_utils._rollback.compare import is_label, same_xattrs
from ansible_collections.toombos.incident.plugins.module_utils._rollback.places import path_in

ACCESS_ACL = "system.posix_acl_access"
NO_XATTRS = frozenset({errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS})


def first_mode(entry: Entry) -> int:
    """With which mode it is made, before it has its owner: never wider than in the end."""
    mode = 0o700 if entry.kind == DIRECTORY else 0o600
    # Only root can still write to what has no such bit.
    return entry.mode & mode if os.geteuid() == 0 else mode


def give(descriptor: int, entry: Entry) -> None:
    """Everything, to a new file or directory that has its content already. Raises OSError."""
    status = os.fstat(descriptor)
    if (status.st_uid, status.st_gid) != (entry.uid, entry.gid):
        os.fchown(descriptor, entry.uid, entry.gid)
    write_xattrs(descriptor, entry.xattrs)
    os.fchmod(descriptor, entry.mode)
    os.utime(descriptor, ns=(status.st_atime_ns, entry.mtime_ns))


def give_link(directory: int, name: str, entry: Entry) -> None:
    """The same for a symbolic link, which has no mode."""
    status = os.stat(name, dir_fd=directory, follow_symlinks=False)
    if (status.st_uid, status.st_gid) != (entry.uid, entry.gid):
        os.chown(name, entry.uid, entry.gid, dir_fd=directory, follow_symlinks=False)
    if entry.xattrs:
        write_xattrs(path_in(directory, name), entry.xattrs)
    os.utime(name, ns=(status.st_atime_ns, entry.mtime_ns), dir_fd=directory, follow_symlinks=False)


def change(descriptor: int, entry: Entry) -> None:
    """Everything, to a directory that others use meanwhile; what is right already is left alone. Raises OSError."""
    status = os.fstat(descriptor)
    owner = (status.st_uid, status.st_gid) != (entry.uid, entry.gid)
    present = read_xattrs(descriptor)
    xattrs = not same_xattrs(encoded(present), entry.xattrs)
    mode = status.st_mode & 0o7777
    if owner or xattrs or mode != entry.mode:
        narrow = mode & entry.mode
        if ACCESS_ACL in {*(present or {}), *(entry.xattrs or {})} and (owner or xattrs):
            narrow &= 0o7700  # what a group may do depends on the ACL, which is not there yet
        if narrow != mode:
            os.fchmod(descriptor, narrow)
        if owner:
            os.fchown(descriptor, entry.uid, entry.gid)
        if xattrs:
            write_xattrs(descriptor, entry.xattrs)
        os.fchmod(descriptor, entry.mode)
    set_time(descriptor, entry.mtime_ns)


def set_time(descriptor: int, mtime_ns: int) -> None:
    """Raises OSError."""
    status = os.fstat(descriptor)
    if status.st_mtime_ns != mtime_ns:
        os.utime(descriptor, ns=(status.st_atime_ns, mtime_ns))


def read_xattrs(target: int | str) -> dict[str, bytes] | None:
    """Of a descriptor, or of a path that is not followed; None: the file system has none to give. Raises OSError."""
    follow = isinstance(target, int)
    try:
        names = os.listxattr(target, follow_symlinks=follow)
        return {name: os.getxattr(target, name, follow_symlinks=follow) for name in names}
    except OSError as error:
        if error.errno in NO_XATTRS:
            return None
        raise


def encoded(xattrs: Mapping[str, bytes] | None) -> dict[str, str] | None:
    """As an Entry has them."""
    return None if xattrs is None else {name: base64.b64encode(value).decode() for name, value in xattrs.items()}


def write_xattrs(target: int | str, xattrs: Mapping[str, str] | None) -> None:
    """Make them so; what was inherited and is not among them goes, but for labels of the kernel. Raises OSError."""
    follow = isinstance(target, int)
    present = read_xattrs(target)
    wanted = {name: base64.b64decode(value) for name, value in (xattrs or {}).items()}
    if present is None and not wanted:
        return
    for name in sorted((present or {}).keys() - wanted.keys()):
        # A set that knows nothing of attributes still had no ACL that gives rights.
        if not is_label(name) and (xattrs is not None or name.startswith("system.")):
            os.removexattr(target, name, follow_symlinks=follow)
    for name, value in sorted(wanted.items()):
        if (present or {}).get(name) != value:
            os.setxattr(target, name, value, follow_symlinks=follow)
