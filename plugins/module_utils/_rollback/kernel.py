# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the kernel says of paths: flags, mount points, room, and which attributes a file system can hold."""

from __future__ import annotations

import errno
import fcntl
import os
import re
import stat
import struct

from ansible_collections.toombos.incident.plugins.module_utils._rollback.attributes import NO_XATTRS

_IMMUTABLE, _APPEND_ONLY = 0x10, 0x20
# FS_IOC_GETFLAGS is _IOR('f', 1, long); its direction lies elsewhere on a few machines.
_READ = 2 << 29 if os.uname().machine.startswith(("ppc", "mips", "sparc", "alpha")) else 2 << 30
_GET_FLAGS = _READ | struct.calcsize("l") << 16 | ord("f") << 8 | 1
_OCTAL = re.compile(rb"\\([0-7]{3})")
_TAG_USER, _TAG_GROUP_OBJ, _TAG_GROUP, _TAG_MASK = 0x02, 0x04, 0x08, 0x10
_WRITE = 2


def flags_word(directory: int, name: str) -> str:
    """``immutable``, ``append-only`` or nothing, of a file or directory; ``.``: of the directory itself."""
    how = os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        descriptor = os.open(name, how, dir_fd=directory)
    except OSError:  # a link, which has no flags, or what only its owner may read
        return ""
    try:
        if stat.S_IFMT(os.fstat(descriptor).st_mode) not in (stat.S_IFREG, stat.S_IFDIR):
            return ""
        buffer = bytearray(struct.calcsize("l"))
        fcntl.ioctl(descriptor, _GET_FLAGS, buffer)
    except OSError:  # the file system has no flags
        return ""
    finally:
        os.close(descriptor)
    flags = struct.unpack_from("=I", buffer)[0]
    return "immutable" if flags & _IMMUTABLE else "append-only" if flags & _APPEND_ONLY else ""


def mount_points() -> frozenset[str]:
    """Every path that something is mounted on."""
    try:
        with open("/proc/self/mountinfo", "rb") as handle:
            lines = handle.read().splitlines()
    except OSError:
        return frozenset()
    raw = (line.split(b" ")[4] for line in lines if line.count(b" ") > 4)
    return frozenset(os.fsdecode(_OCTAL.sub(lambda found: bytes((int(found[1], 8),)), each)) for each in raw)


def is_read_only(directory: int) -> bool:
    """Whether its mount is."""
    return bool(os.statvfs(directory).f_flag & os.ST_RDONLY)


def can_hold(directory: int, xattr: str) -> bool:
    """Whether files in the directory could have an attribute of this name."""
    try:
        os.getxattr(directory, xattr)
    except OSError as error:
        return error.errno not in NO_XATTRS
    return True


def acl_writers(acl: bytes) -> tuple[set[int], set[int]]:
    """User and group numbers to whom a POSIX ACL, as its attribute has it, lets write; -1: the owning group."""
    entries = [struct.unpack_from("<HHI", acl, at) for at in range(4, len(acl) - 7, 8)]
    mask = next((rights for tag, rights, _who in entries if tag == _TAG_MASK), 7)
    writers = [(tag, who) for tag, rights, who in entries if rights & mask & _WRITE]
    users = {who for tag, who in writers if tag == _TAG_USER}
    groups = {who for tag, who in writers if tag == _TAG_GROUP} | {-1 for tag, _who in writers if tag == _TAG_GROUP_OBJ}
    return users, groups


def reason_of(error: OSError) -> str:
    """For a sentence."""
    return error.strerror or errno.errorcode.get(error.errno or 0, str(error))
