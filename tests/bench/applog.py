# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Large logs as the application of the lab writes them: its formats mixed, an hour after the other."""

from __future__ import annotations

import random
from pathlib import Path

_LINES = 40_000  # of an hour
_HOUR = b"<day and hour>"
_MODULES = ("content.generator", "publisher.email", "crm.client", "api.routes", "scheduler", "cache")
_TROUBLES = (
    "{stamp} - {module} - ERROR - Request {number} failed: All connection attempts failed",
    "{stamp} - {module} - ERROR - Enhanced content generation failed for user {number}",
    "{stamp} - {module} - CRITICAL - no answer from 10.0.{byte}.7:{port} after {seconds:.3f} s",
    "{stamp} - {module} - ERROR - Failed to initialize production services",
    """Traceback (most recent call last):
  File "/opt/app/src/{module}.py", line {byte}, in call
    answer = await client.post(url, json=payload)
httpx.ConnectException: All connection attempts failed""",
    "Email publish error: no route to 10.0.{byte}.7",
)
_USUAL = (
    (55, 'INFO:     10.0.{byte}.7:{port} - "GET /health HTTP/1.1" 200 OK'),
    (10, 'INFO:     10.0.{byte}.9:{port} - "POST /api/v2/generate-content HTTP/1.1" 200 OK'),
    (25, "{stamp} - {module} - INFO - Request {number} handled in {seconds:.3f} s"),
    (7, "INFO:mock-crm:stored mail {number} for list {byte}"),
    (2, "{stamp} - {module} - WARNING - slow answer: {seconds:.3f} s"),
    (1, "{stamp} - {module} - DEBUG - cache holds {number} entries, {byte} % used"),
)


def write_log(path: Path, size: int, troubles: float, seed: int = 1) -> None:
    """At least ``size`` bytes; ``troubles``: the share of entries that tell of an error."""
    rng = random.Random(seed)
    hours = [_hour(rng, troubles) for _variant in range(4)]
    with path.open("wb") as stream:
        hour = 0
        while stream.tell() < size:
            moment = b"2026-%02d-%02d %02d" % (1 + hour // 672, 1 + hour // 24 % 28, hour % 24)
            stream.write(hours[hour % len(hours)].replace(_HOUR, moment))
            hour += 1


def _hour(rng: random.Random, troubles: float) -> bytes:
    weights, usual = zip(*_USUAL)
    lines = []
    for number in range(_LINES):
        shape = rng.choice(_TROUBLES) if rng.random() < troubles else rng.choices(usual, weights)[0]
        second = number * 3600 // _LINES
        lines.append(
            shape.format(
                stamp=f"{_HOUR.decode()}:{second // 60:02d}:{second % 60:02d}",
                module=rng.choice(_MODULES),
                number=rng.randint(1, 10**6),
                byte=rng.randint(0, 255),
                port=rng.randint(30_000, 60_000),
                seconds=rng.random(),
            )
        )
    return ("\n".join(lines) + "\n").encode()
