# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A scan as the module makes it, in this process."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any, Callable

import pytest

from ansible_collections.toombos.incident.plugins.module_utils._clock import Clock
from ansible_collections.toombos.incident.plugins.module_utils._logs.patterns import choose, compile_baseline
from ansible_collections.toombos.incident.plugins.module_utils._logs.result import to_result
from ansible_collections.toombos.incident.plugins.module_utils._logs.scan import Log, Scan, Wish


@pytest.fixture
def scan() -> Callable[..., dict[str, Any]]:
    """Called with paths, seconds and what is wished."""
    return _scan


def _scan(*paths: Path, seconds: float = 30, **wish: Any) -> dict[str, Any]:
    """The result for the built-in errors, or for ``own`` patterns."""
    own = wish.pop("own", {})
    baseline = compile_baseline(wish.pop("baseline", ()))
    work = Scan(Wish(choose(() if own else ["errors"], own), **wish), Clock(), time.monotonic() + seconds)
    work.run([Log(str(path), "", baseline) for path in paths])
    return to_result(work, 0.0)
