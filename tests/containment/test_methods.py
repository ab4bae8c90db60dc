# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The table of docs/containment.md is what happens."""

from __future__ import annotations

from pathlib import Path

from methods import compare, table
from neighbourhood import Neighbourhood

DOCS = Path(__file__).resolve().parents[2] / "docs/containment.md"


def test_the_table_that_people_read_is_what_each_method_leaves_open(neighbourhood: Neighbourhood) -> None:
    left = compare(neighbourhood)
    print(table(left))
    assert table(left) in DOCS.read_text(encoding="utf-8")
    assert left["ssh of others, new"]["nftables"] == (0, 2)  # of both families
