# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import os

from ansible_collections.toombos.incident.plugins.module_utils._process import protected
from ansible_collections.toombos.incident.plugins.module_utils._process.stat import read_stat
from ansible_collections.toombos.incident.plugins.module_utils._process.table import read_table


def test_this_process_and_all_its_ancestors_are_protected(zoo):
    found = protected.protected_pids()
    assert {0, 1, os.getpid(), os.getppid()} <= found
    grandparent = read_stat(os.getppid()).ppid
    assert grandparent in found


def test_relatives_are_not_protected(zoo):
    child = zoo.run("sleep", "600")
    assert child.pid not in protected.protected_pids()
    strangers = [pid for pid in read_table().processes if pid not in protected.protected_pids()]
    assert child.pid in strangers


def test_the_chain_ends_where_a_parent_cannot_be_seen(monkeypatch):
    monkeypatch.setattr(protected, "read_stat", lambda pid: None)
    assert protected.protected_pids() == {0, 1, os.getpid()}
