# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import json
import os
import stat
from dataclasses import replace

import pytest

from ansible_collections.toombos.incident.plugins.module_utils._managers.record import (
    Record,
    boot_id,
    read_record,
    write_record,
)
from ansible_collections.toombos.incident.plugins.module_utils._process.types import Process, ProcessTable

PROCESS = Process(42, 1, 100, "S", ("serve", "--all"), "/usr/bin/serve", "/srv", 1000)


def table(process):
    return ProcessTable({process.pid: process})


def test_a_record_comes_back_as_it_was_written(tmp_path):
    path = str(tmp_path / "processes" / "main.json")
    write_record(path, Record.of(PROCESS))
    assert read_record(path) == Record(42, 100, boot_id(), ("serve", "--all"), 1000)
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o600
    assert stat.S_IMODE(os.stat(tmp_path / "processes").st_mode) == 0o700
    written = json.loads((tmp_path / "processes" / "main.json").read_text())
    assert set(written) == {
        "pid",
        "start",
        "boot_id",
        "argv",
        "uid",
    }


@pytest.mark.parametrize(
    "content",
    ["", "{", "[]", "null", "7", '{"pid": 1}', '{"pid": "x", "start": 1, "boot_id": "", "argv": [], "uid": 0}'],
)
def test_a_damaged_record_is_none(tmp_path, content):
    (tmp_path / "main.json").write_text(content)
    assert read_record(str(tmp_path / "main.json")) is None


def test_a_missing_record_is_none(tmp_path):
    assert read_record(str(tmp_path / "main.json")) is None


def test_only_the_very_same_process_is_found():
    record = Record.of(PROCESS)
    assert record.find(table(PROCESS)) == PROCESS
    assert record.find(table(replace(PROCESS, start=101))) is None
    assert record.find(table(replace(PROCESS, pid=43))) is None
    assert record.find(table(replace(PROCESS, state="Z"))) is None
    assert record.find(ProcessTable({})) is None
    assert replace(record, boot_id="another boot").find(table(PROCESS)) is None
