# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The shape of what readers yield: one JSON object a line, in batches that fit into memory."""

from __future__ import annotations

import json
from typing import Any, Iterable, Iterator, Mapping

_BATCH = 1 << 16


def as_lines(records: Iterable[Mapping[str, Any]]) -> Iterator[bytes]:
    """The records as JSON lines. Names that are no UTF-8 keep their bytes as lone surrogates, escaped by JSON."""
    batch: list[str] = []
    size = 0
    for record in records:
        line = json.dumps(record, separators=(",", ":"))
        batch.append(line)
        size += len(line)
        if size >= _BATCH:
            yield ("\n".join(batch) + "\n").encode("ascii")
            batch, size = [], 0
    if batch:
        yield ("\n".join(batch) + "\n").encode("ascii")
