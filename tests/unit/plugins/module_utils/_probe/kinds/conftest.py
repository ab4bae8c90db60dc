# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the tests of the kinds share."""

from __future__ import annotations

from typing import Any, Callable

import pytest

from ansible_collections.toombos.incident.plugins.module_utils._clock import Clock
from ansible_collections.toombos.incident.plugins.module_utils._probe.attempts import ATTEMPTS
from ansible_collections.toombos.incident.plugins.module_utils._probe.context import Context
from ansible_collections.toombos.incident.plugins.module_utils._probe.spec import parse_probe
from ansible_collections.toombos.incident.plugins.module_utils._probe.types import Outcome

Ask = Callable[..., Outcome]


@pytest.fixture
def ask() -> Ask:
    """Make one attempt of a probe as written in a catalogue; ``seconds`` and ``proc`` are not part of it."""

    def attempt(*, seconds: float = 20.0, proc: str = "/proc", **raw: Any) -> Outcome:
        probe = parse_probe("p", raw, where="p")
        context = Context(Clock(), proc=proc)
        return ATTEMPTS[probe.kind](probe.target, context.clock.monotonic() + seconds, context)

    return attempt
