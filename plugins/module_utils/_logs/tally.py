# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What was found for one pattern: counted, with a few lines to look at."""

from __future__ import annotations

import time
from collections import deque
from typing import Any, Callable, Optional, Sequence, Tuple

from ansible_collections.toombos.incident.plugins.module_utils._logs.patterns import Pattern
from ansible_collections.toombos.incident.plugins.module_utils._logs.prefilter import Span
from ansible_collections.toombos.incident.plugins.module_utils._logs.signatures import Signatures, printable
from ansible_collections.toombos.incident.plugins.module_utils._logs.stamps import as_text, moment
from ansible_collections.toombos.incident.plugins.module_utils._logs.window import last_in
from ansible_collections.toombos.incident.plugins.module_utils._redact import redact

_SHOWN = 300  # characters of a sample
_KEPT = 8 * 1024  # bytes of a line that are kept for it


# A line that matches: its file, where it begins there in bytes, its number from 1 (None: not counted), its bytes.
Hit = Tuple[str, int, Optional[int], bytes]


class Tally:
    """Counts the lines of one pattern. ``samples``: how many to keep, half of them the first, the others the last."""

    def __init__(self, pattern: Pattern, samples: int) -> None:
        self.pattern = pattern
        self.count = 0
        self.in_file = 0
        self.files: dict[str, int] = {}
        self.signatures = Signatures()
        self._first_seen: float | None = None
        self._last_seen: float | None = None
        self._around: list[bytes] = []  # the first match of a file, and the last one, each with what stands before it
        self._early: list[Hit] = []
        self._late: deque[Hit] = deque(maxlen=samples // 2)
        self._most_early = samples - samples // 2

    def add(
        self, path: str, offset: int, data: bytes, spans: Sequence[Span], number: Callable[[int], int | None]
    ) -> None:
        """Count the lines at these places in ``data``, which begins at ``offset`` of the file.

        ``number``: of the line that begins at such a place.
        """
        self.in_file += len(spans)
        self.signatures.add([data[start : min(end, start + _KEPT)] for start, end in spans])
        early = max(0, self._most_early - len(self._early))
        late = max(min(early, len(spans)), len(spans) - (self._late.maxlen or 0))
        self._early += [_hit(path, offset, data, span, number) for span in spans[:early]]
        self._late.extend(_hit(path, offset, data, span, number) for span in spans[late:])

    def remember(self, around: bytes) -> None:
        """A matching line with what stands before it, which may say when it was written."""
        self._around[1:] = [around]

    def end_file(self, path: str) -> None:
        """All lines of a file were added."""
        if self.in_file:
            self.count += self.in_file
            self.files[path] = self.files.get(path, 0) + self.in_file
        moments = [found for found in map(last_in, self._around) if found is not None]
        known = [*moments, *(seen for seen in (self._first_seen, self._last_seen) if seen is not None)]
        if known:
            self._first_seen, self._last_seen = min(known), max(known)
        self.in_file, self._around = 0, []

    def to_dict(self, signatures: int) -> dict[str, Any]:
        """JSON-ready; the file that is being read counts, too."""
        now = time.time()
        return {
            "pattern": self.pattern.regex.pattern,
            "count": self.count + self.in_file,
            "files": dict(self.files),
            "first_seen": as_text(self._first_seen),
            "last_seen": as_text(self._last_seen),
            "samples": [_shown(hit, now) for hit in (*self._early, *self._late)],
            "signatures": self.signatures.top(signatures),
            "signatures_capped": self.signatures.capped,
        }


def _hit(path: str, offset: int, data: bytes, span: Span, number: Callable[[int], int | None]) -> Hit:
    start, end = span
    return path, offset + start, number(start), data[start : min(end, start + _KEPT)]


def _shown(hit: Hit, now: float) -> dict[str, Any]:
    path, offset, number, line = hit
    text = line.decode("utf-8", "replace")
    return {
        "path": path,
        "line": number,
        "offset": offset,
        "time": as_text(moment(text, now)),
        # Before it is cut: half a secret is not recognised as one.
        "text": printable(redact(text.strip("\0").strip()))[:_SHOWN],
    }
