# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What runs the program that keeps an isolation in force: systemd, before the network comes up, or two processes."""

from __future__ import annotations

import contextlib
import os
from typing import Any, Iterator, Mapping

from ansible_collections.toombos.incident.plugins.module_utils._deadman.keepers import Keeper
from ansible_collections.toombos.incident.plugins.module_utils._deadman.pair import Pair
from ansible_collections.toombos.incident.plugins.module_utils._deadman.slot import Slot
from ansible_collections.toombos.incident.plugins.module_utils._deadman.systemd import SERVICE, Systemd

_NAME = "watch"
# After those that load rules at boot, which flush what is there, and before anything can come in.
_UNIT = f"""\
# Written by the Ansible collection toombos.incident, which removes it again when the host is released.
[Unit]
Description=Isolation of this host by toombos.incident ({{id}})
DefaultDependencies=no
RequiresMountsFor={{path}}
After=local-fs.target nftables.service netfilter-persistent.service ufw.service
Before=network-pre.target shutdown.target
Wants=network-pre.target
Conflicts=shutdown.target
StartLimitIntervalSec=0

{SERVICE}
[Install]
WantedBy=sysinit.target
"""


class WatchSlot(Slot):
    """Its directory: ``<store_dir>/containment/watch``."""

    kind = "isolation"

    def arguments(self) -> Mapping[str, str]:
        """``store_dir`` and ``state_dir``. Raises OSError or ValueError."""
        given: Mapping[str, str] = self._load("arguments.json")
        return given

    def inode(self) -> int:
        """Of the directory; 0 when it is gone. Another one means that somebody else keeps it now."""
        try:
            return os.stat(self.path).st_ino
        except OSError:
            return 0

    @contextlib.contextmanager
    def pinned(self) -> Iterator[int]:
        """Its inode, which no directory that takes its place can get meanwhile; 0 when it is gone."""
        try:
            handle = os.open(self.path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        except OSError:
            yield 0
            return
        try:
            yield os.fstat(handle).st_ino
        finally:
            os.close(handle)


class WatchUnit(Systemd):
    """A persistent unit, wanted early."""

    reboot = "It is in force before the network comes up."
    unit_text = _UNIT
    wanted_by = "sysinit.target"


class WatchPair(Pair):
    """Two processes, where there is no systemd."""

    reboot = "After a restart of the host it is in force again with the next call of this collection there."


def slot_below(folder: str) -> WatchSlot:
    """The one slot of a host."""
    return WatchSlot(os.path.join(folder, _NAME))


def candidates(**where: Any) -> list[Keeper]:
    """Those that may work here, the best one first. ``where``: of the unit, see ``Systemd``."""
    unit = WatchUnit(**where)
    return [*([unit] if unit.usable() else []), WatchPair()]
