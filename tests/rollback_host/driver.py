# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Does one thing with a switch, as a process that can be killed: ``driver.py COLLECTIONS ORDER``, ORDER being JSON.

``do``: ``apply`` (prepare, commit), ``undo`` (prepare, then settle as after a crash), ``finish`` (prepare, decide, then
settle as after a crash), ``settle``. Imports what a module on a host would have imported, and nothing more.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys

sys.path.insert(0, sys.argv[1])

from ansible_collections.toombos.incident.plugins.module_utils._lean import records

sys.modules["dataclasses"] = records

from ansible_collections.toombos.incident.plugins.module_utils._generations.types import Entry
from ansible_collections.toombos.incident.plugins.module_utils._rollback.journal import Journal
from ansible_collections.toombos.incident.plugins.module_utils._rollback.plan import make_switch
from ansible_collections.toombos.incident.plugins.module_utils._rollback.steps import COMMITTED
from ansible_collections.toombos.incident.plugins.module_utils._rollback.transaction import Transaction, settle

MARKER = "/nowhere/here-it-begins"


def read(order: dict, sha256: str) -> object:
    with open(os.path.join(order["contents"], sha256), "rb") as file:
        yield from iter(lambda: file.read(65536), b"")


def mark() -> None:
    with contextlib.suppress(OSError):
        os.mkdir(MARKER)


def main() -> None:
    with open(sys.argv[2]) as file:
        order = json.load(file)
    current, target = ([Entry(**each) for each in order[side]] for side in ("current", "target"))
    transaction = Transaction(order["journal"], reserve=0)
    if order["do"] == "apply":
        mark()
    if order["do"] != "settle":
        transaction.prepare(make_switch(current, target), lambda sha256: read(order, sha256))
    if order["do"] == "apply":
        transaction.commit()
        return
    record = transaction._record
    transaction._journal.unlock()
    if order["do"] == "finish":
        Journal(order["journal"]).write(records.replace(record, state=COMMITTED))
    mark()
    settle(order["journal"])


main()
