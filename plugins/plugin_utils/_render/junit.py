# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""JUnit's XML, in the shape that CI servers agree on: one suite per host, one test case per check.

fail is a failure, unknown an error, blocked is skipped, pass and warn have passed; a warning says so in its output.
A blocked check never stands alone: the check that blocks it is red in the same suite.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from xml.etree import ElementTree as ET

from ansible_collections.toombos.incident.plugins.module_utils._probe.types import BLOCKED, FAIL, PASS, UNKNOWN, WARN
from ansible_collections.toombos.incident.plugins.plugin_utils._render.report import Answer, Report, one_line

_HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n'
_ILLEGAL = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_LONGEST_MESSAGE = 500


def render(report: Report) -> str:
    """A document with the root ``testsuites``."""
    counts = report.counts
    figures = {
        "tests": str(len(report.answers)),
        "failures": str(counts[FAIL]),
        "errors": str(counts[UNKNOWN]),
        "time": _seconds(sum(answer.latency or 0.0 for answer in report.answers)),
    }
    root = ET.Element("testsuites", {"name": "toombos.incident", **figures})
    name = _legal(report.host) or "host"
    suite = ET.SubElement(
        root, "testsuite", {"name": name, "hostname": name, **figures, "skipped": str(counts[BLOCKED])}
    )
    properties = ET.SubElement(suite, "properties")
    ET.SubElement(properties, "property", {"name": "verdict", "value": report.verdict})
    for answer in report.answers:
        _test_case(suite, name, answer)
    return _HEAD + ET.tostring(root, encoding="unicode") + "\n"


def _test_case(suite: ET.Element, host: str, answer: Answer) -> None:
    case = ET.SubElement(
        suite,
        "testcase",
        {
            "classname": f"{host}.{_legal(answer.service)}",
            "name": _legal(answer.probe),
            "time": _seconds(answer.latency or 0.0),
        },
    )
    _RESULTS[answer.status](case, answer)


def _passed(case: ET.Element, answer: Answer) -> None:
    del case, answer


def _warned(case: ET.Element, answer: Answer) -> None:
    ET.SubElement(case, "system-out").text = f"WARN {_details(answer)}"


def _failed(case: ET.Element, answer: Answer) -> None:
    ET.SubElement(case, "failure", _summary(answer)).text = _details(answer)


def _unanswered(case: ET.Element, answer: Answer) -> None:
    ET.SubElement(case, "error", _summary(answer)).text = _details(answer)


def _skipped(case: ET.Element, answer: Answer) -> None:
    ET.SubElement(case, "skipped", {"message": _summary(answer)["message"]}).text = _details(answer)


_RESULTS: Mapping[str, Callable[[ET.Element, Answer], None]] = {
    PASS: _passed,
    WARN: _warned,
    FAIL: _failed,
    BLOCKED: _skipped,
    UNKNOWN: _unanswered,
}


def _summary(answer: Answer) -> dict[str, str]:
    return {"message": _legal(one_line(answer.message, _LONGEST_MESSAGE)), "type": _legal(answer.reason)}


def _details(answer: Answer) -> str:
    lines = [f"{answer.reason}: {answer.message}"]
    for name, value in (("expected", answer.expected), ("observed", answer.observed)):
        if value is not None:
            lines.append(f"{name}: {json.dumps(value, ensure_ascii=False)}")
    return _legal("\n".join(lines))


def _seconds(value: float) -> str:
    return f"{value:.4f}"


def _legal(text: str) -> str:
    """Without the characters that XML 1.0 cannot hold, not even escaped."""
    return _ILLEGAL.sub("", text)
