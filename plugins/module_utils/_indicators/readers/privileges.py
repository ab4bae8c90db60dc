# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files that give their caller what he does not have: setuid, setgid, capabilities. From names and inodes alone."""

from __future__ import annotations

import contextlib
import os
import stat
import struct
from typing import Any, Iterator, Tuple

from ansible_collections.toombos.incident.plugins.module_utils._indicators import texts
from ansible_collections.toombos.incident.plugins.module_utils._indicators.host import Host, Mounts, read_mounts
from ansible_collections.toombos.incident.plugins.module_utils._indicators.readers.owners import owners
from ansible_collections.toombos.incident.plugins.module_utils._indicators.types import Item, Mark, Stream

# The files of containers are not the host's, and change with every image.
_NOT_OURS = ("/var/lib/docker", "/var/lib/containers", "/var/lib/containerd", "/var/lib/lxc", "/var/lib/machines")
_Special = Tuple[str, os.stat_result, Tuple[str, ...]]  # path, status, capabilities
_SPECIAL = stat.S_ISUID | stat.S_ISGID
_WORDS = struct.Struct("<I")
_CAPABILITIES = (
    "chown dac_override dac_read_search fowner fsetid kill setgid setuid setpcap linux_immutable net_bind_service "
    "net_broadcast net_admin net_raw ipc_lock ipc_owner sys_module sys_rawio sys_chroot sys_ptrace sys_pacct sys_admin "
    "sys_boot sys_nice sys_resource sys_time sys_tty_config mknod lease audit_write audit_control setfcap mac_override "
    "mac_admin syslog wake_alarm block_suspend audit_read perfmon bpf checkpoint_restore"
).split()


def privileges(host: Host) -> Stream:
    """One item per such file, and whether a package brought it.

    Stays on this machine: file systems of others are told and never touched, not even to ask what they are.
    """
    mounts = read_mounts(host)
    found: list[_Special] = []
    yield from _walk(host, mounts, found)
    if not found:
        return
    known = owners(host, [path for path, _status, _capabilities in found])
    for path, status, capabilities in found:
        mode = stat.S_IMODE(status.st_mode)
        facts: dict[str, Any] = {
            "path": texts.name(path),
            "mode": f"{mode:04o}",
            "uid": status.st_uid,
            "gid": status.st_gid,
            "size": status.st_size,
            "capabilities": list(capabilities),
            "package": known.get(path) if known is not None else None,
            "packages_known": known is not None,
        }
        # Not its size or time: those change with every update of its package.
        value = f"{mode:04o} {status.st_uid}:{status.st_gid} {','.join(capabilities)}".rstrip()
        yield Item(texts.name(path), value, facts, (status.st_mtime, status.st_ctime))


def _walk(host: Host, mounts: Mounts, found: list[_Special]) -> Stream:
    waiting, denied = [host.root], 0
    left_out: list[str] = []
    while waiting:
        folder = waiting.pop()
        inner = host.inner(folder)
        why = "of containers" if inner in _NOT_OURS else mounts.foreign(inner)
        if why:
            if inner in _NOT_OURS or mounts.remote(inner):
                left_out.append(f"{texts.name(inner)} ({why})")
            continue
        try:
            with os.scandir(folder) as entries:
                waiting += [path for path in (_look(host, entry, found) for entry in entries) if path]
        except PermissionError:
            denied += 1
        except OSError:
            continue
    if left_out:
        yield Mark("note", f"left out: {', '.join(sorted(left_out)[:20])}")
    if denied:
        yield Mark("denied", f"{denied} directories")


def _look(host: Host, entry: os.DirEntry[str], found: list[_Special]) -> str:
    """Its path when it is a directory, of which nothing is asked yet: the kind comes with the name."""
    try:
        if entry.is_dir(follow_symlinks=False):
            return entry.path
        if not entry.is_file(follow_symlinks=False):
            return ""
        status = entry.stat(follow_symlinks=False)
    except OSError:
        return ""
    special = status.st_mode & _SPECIAL
    # A setgid bit without the right to execute asks for mandatory locks, and gives nothing.
    if special == stat.S_ISGID and not status.st_mode & stat.S_IXGRP:
        special = 0
    capabilities = tuple(_capabilities(entry.path)) if status.st_mode & 0o111 else ()
    if special or capabilities:
        found.append((host.inner(entry.path), status, capabilities))
    return ""


def _capabilities(path: str) -> Iterator[str]:
    """Those of the file, permitted or inheritable (struct vfs_cap_data)."""
    data = b""
    with contextlib.suppress(OSError):
        data = os.getxattr(path, "security.capability", follow_symlinks=False)
    if len(data) < 20:
        return
    low, low_i, high, high_i = (_WORDS.unpack_from(data, at)[0] for at in (4, 8, 12, 16))
    bits = (low | low_i) | (high | high_i) << 32
    for number in range(64):
        if bits >> number & 1:
            yield _CAPABILITIES[number] if number < len(_CAPABILITIES) else str(number)
