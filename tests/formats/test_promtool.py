# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The OpenMetrics rendering, judged by those who read it: ``promtool check metrics`` (tools/formats.sh names it)."""

from __future__ import annotations

import os
import subprocess
from typing import Any

import pytest

from ansible_collections.toombos.incident.plugins.plugin_utils._render.renderers import RENDERERS
from ansible_collections.toombos.incident.plugins.plugin_utils._render.report import read_report

HOSTILE = ["plain", 'quo"ted', "back\\slash", "line\nfeed", "nul\x00bell\x07", "\U0001f525\ud800", "x" * 10_240, ""]


def lint(text: str) -> tuple[int, str]:
    """Exit code and what promtool says."""
    done = subprocess.run(
        [os.environ["PROMTOOL"], "check", "metrics"],
        input=text.encode(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=60,
        check=False,
    )
    return done.returncode, done.stdout.decode(errors="replace")


def answer(text: str, **more: Any) -> dict[str, Any]:
    """One check in which everything is this text."""
    return {"service": text, "probe": text, "kind": text, "status": "fail", "reason": text, "message": text, **more}


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_promtool_has_no_objection(text: str) -> None:
    checks = [answer(text, latency=0.5, attempts=2), answer(text, status="pass"), answer("other", status="blocked")]
    rendered = RENDERERS["openmetrics"].render(read_report({"checks": checks}, text))
    assert lint(rendered) == (0, "")


def test_promtool_would_object() -> None:
    """The test above means something."""
    rendered = RENDERERS["openmetrics"].render(read_report({"checks": [answer("x")]}, "web-1"))
    assert lint(rendered.replace('host="web-1"', 'host="web-1'))[0] != 0
    assert lint(rendered.replace("# HELP", "# NO"))[0] != 0
