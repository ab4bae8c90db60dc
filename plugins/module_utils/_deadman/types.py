# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a deadline is, and how it stands: frozen values, no logic."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Mapping

# How a deadline stands. The first one is not in force yet, the last three are over.
ARMING = "arming"
ARMED = "armed"
FIRING = "firing"  # its function is at work, or was when its process was ended
FIRED = "fired"
FAILED = "failed"  # it has come, and its function has failed as often as it was tried
CALLED_OFF = "called_off"
DAMAGED = "damaged"  # what is on the disk cannot be read
OVER = (FIRED, FAILED, CALLED_OFF)


@dataclass(frozen=True)
class Order:
    """What is to happen on this host unless it is called off in time.

    ``purpose``: one word (``config_rollback``). ``function``: ``<dotted name of a module below module_utils>:<name>``,
    called with ``arguments`` (JSON-ready) by name. It must be idempotent, because it runs at least once: what was ended
    in the middle runs again. It raises when it has failed; text that it returns is kept as its outcome.
    ``seconds``: until the deadline. ``who`` and ``why``: for people. ``attempts``: how often it is tried when it fails.
    ``limit``: seconds for one attempt.
    """

    purpose: str
    function: str
    arguments: Mapping[str, Any]
    seconds: float
    who: str = ""
    why: str = ""
    attempts: int = 5
    limit: float = 600.0


@dataclass(frozen=True)
class Outcome:
    """What has come of the function. ``at``: seconds since the epoch."""

    ok: bool
    message: str
    attempts: int
    at: float


@dataclass(frozen=True)
class Status:
    """One deadline as it stands now.

    ``deadline`` and ``armed``: seconds since the epoch; ``left``: seconds until the deadline, 0 when it has come or is
    over. ``keeper``: what keeps the time; ``reboot``: what happens when the host is restarted before the deadline.
    ``outcome``: None until there is one, and where a full disk has kept it from being written.
    """

    id: str
    state: str
    purpose: str = ""
    who: str = ""
    why: str = ""
    armed: float = 0.0
    deadline: float = 0.0
    left: float = 0.0
    keeper: str = ""
    reboot: str = ""
    outcome: Outcome | None = None


@dataclass(frozen=True)
class Record:
    """What is kept of an order on the disk, its arguments apart. ``digest``: SHA-256 (hex) of its token."""

    order: Order
    digest: str
    boot: str
    armed: float
    python: str
    keeper: str
    notes: Mapping[str, str] = field(default_factory=dict)
