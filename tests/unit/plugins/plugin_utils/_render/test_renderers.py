# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One result, five renderings: each is read back by its own rules, and all say the same of every check."""

from __future__ import annotations

import json
import re
from typing import Any
from xml.etree import ElementTree as ET

import pytest
import yaml
from hypothesis import given, settings, strategies as st

from ansible_collections.toombos.incident.plugins.plugin_utils._render.nagios import WORDS, exit_code
from ansible_collections.toombos.incident.plugins.plugin_utils._render.renderers import RENDERERS
from ansible_collections.toombos.incident.plugins.plugin_utils._render.report import Report, read_report

STATUSES = ("pass", "warn", "fail", "blocked", "unknown")


def verdict_of(statuses: list[str]) -> str:
    """The rule of health_check, said again."""
    if {"fail", "blocked", "unknown"} & set(statuses):
        return "fail"
    return "warn" if "warn" in statuses else "pass"


def read_json(text: str) -> tuple[str, list[str]]:
    content = json.loads(text, parse_constant=lambda name: pytest.fail(f"{name} is not JSON"))
    return content["verdict"]["status"], [check["status"] for check in content["checks"]]


# What the schema of the JUnit publishers allows: attributes, and elements within elements.
COUNTS = {"name", "tests", "failures", "errors", "time"}
JUNIT = {
    "testsuites": COUNTS,
    "testsuite": COUNTS | {"skipped", "hostname"},
    "properties": set(),
    "property": {"name", "value"},
    "testcase": {"name", "classname", "time"},
    "failure": {"message", "type"},
    "error": {"message", "type"},
    "skipped": {"message", "type"},
    "system-out": set(),
}
JUNIT_INSIDE = {
    "testsuites": {"testsuite"},
    "testsuite": {"properties", "testcase"},
    "properties": {"property"},
    "testcase": {"failure", "error", "skipped", "system-out"},
}


def read_junit(text: str) -> tuple[str, list[str]]:
    root = ET.fromstring(text.encode())
    for element in root.iter():
        assert set(element.keys()) <= JUNIT[element.tag], element.tag
        assert {child.tag for child in element} <= JUNIT_INSIDE.get(element.tag, set()), element.tag
    (suite,) = root
    statuses = []
    for case in suite.iter("testcase"):
        assert len(case) <= 1
        child = case[0].tag if len(case) else ""
        warned = child == "system-out" and str(case[0].text).startswith("WARN ")
        words = {"": "pass", "failure": "fail", "error": "unknown", "skipped": "blocked"}
        statuses.append("warn" if warned else words[child])
    figures = {"failures": "fail", "errors": "unknown", "skipped": "blocked"}
    for figure, status in figures.items():
        assert int(suite.get(figure)) == statuses.count(status)
    assert int(suite.get("tests")) == int(root.get("tests")) == len(statuses)
    # What a CI server looks at: without a failure or an error the build is green.
    red = int(root.get("failures")) + int(root.get("errors"))
    return "fail" if red else verdict_of(statuses), statuses


def read_tap(text: str) -> tuple[str, list[str]]:
    lines = text.split("\n")
    assert lines[0] == "TAP version 14"
    count = int(re.match(r"1\.\.(\d+)", lines[1])[1])
    good, statuses = True, []
    rest = iter(lines[2:-1])
    for number, line in enumerate(rest, 1):
        found = re.fullmatch(r"(not )?ok (\d+) - (?:[^\\#]|\\\\|\\#)+", line)
        assert found, line
        assert int(found[2]) == number
        assert next(rest) == "  ---"
        block: list[str] = []
        while (line := next(rest)) != "  ...":
            assert line.startswith("  ")
            block.append(line[2:])
        statuses.append(yaml.safe_load("\n".join(block))["status"])
        good = good and not found[1]
        assert bool(found[1]) == (statuses[-1] not in ("pass", "warn"))
    assert count == len(statuses)
    return ("fail" if not good else verdict_of(statuses)), statuses


def read_nagios(text: str) -> tuple[str, list[str]]:
    first, *lines = text.rstrip("\n").split("\n")
    output, data = first.split("|")
    assert "|" not in "".join(lines)
    items = re.findall(r"'((?:[^'=]|'')+)'=(-?[\d.]+)(s?);;;0;(\d*)(?: |$)", data.strip())
    assert len(items) >= len(STATUSES)
    assert "".join(f"'{i[0]}'={i[1]}{i[2]};;;0;{i[3]} " for i in items).strip() == data.strip()
    code = WORDS.index(output.split(" - ")[0])
    statuses = [re.match(r"\[(\w+)\] ", line)[1] for line in lines]
    return ("pass", "warn", "fail", "fail")[code], statuses


SAMPLE = re.compile(r'(\w+)\{((?:\w+="(?:[^"\\\n]|\\["\\n])*",?)*)\} (\S+)')
LABEL = re.compile(r'(\w+)="((?:[^"\\\n]|\\["\\n])*)"')


def read_openmetrics(text: str) -> tuple[str, list[str]]:
    lines = text.split("\n")
    assert lines[-2:] == ["# EOF", ""]
    statuses, verdicts, seen = [], [], set()
    for line in lines[:-2]:
        if line.startswith("# "):
            assert re.match(r"# (?:TYPE \w+ gauge|UNIT \w+_seconds seconds|HELP \w+ .+)$", line), line
            continue
        found = SAMPLE.fullmatch(line)
        assert found, line
        assert (found[1], found[2]) not in seen, "a series stands once"
        seen.add((found[1], found[2]))
        labels = dict(LABEL.findall(found[2]))
        assert float(found[3]) == float(found[3])
        if found[1] == "incident_check_status" and found[3] == "1":
            statuses.append(labels["status"])
        if found[1] == "incident_verdict" and found[3] == "1":
            verdicts.append(labels["status"])
    (verdict,) = verdicts
    return verdict, statuses


READERS = {
    "json": read_json,
    "junit": read_junit,
    "tap": read_tap,
    "nagios": read_nagios,
    "openmetrics": read_openmetrics,
}


def check(status: str, **more: Any) -> dict[str, Any]:
    return {
        "service": "main",
        "probe": "live",
        "kind": "http",
        "status": status,
        "reason": "refused",
        "message": "nothing listens",
        "observed": None,
        "expected": {"status": ["200"]},
        "latency": 0.0123,
        "attempts": 2,
        **more,
    }


def all_agree(report: Report) -> tuple[str, list[str]]:
    """The verdict and the statuses that every rendering says."""
    said = {name: READERS[name](RENDERERS[name].render(report)) for name in RENDERERS}
    expected = (report.verdict, [answer.status for answer in report.answers])
    assert said == dict.fromkeys(RENDERERS, expected)
    return expected


def test_every_format_has_a_reader() -> None:
    assert set(READERS) == set(RENDERERS)


HOSTILE = st.one_of(
    st.text(max_size=40),
    st.sampled_from(
        [
            "line\nfeed\r\nand\rreturn",
            "'single' \"double\" `back`",
            "]]> <!-- </failure> &amp; &#0;",
            "a|b|c='d'",
            "nul\x00 bell\x07 escape\x1b[31m",
            "\U0001f525 and \ud800 alone \u2028 \x85 \ufeff \uffff",
            "# SKIP because \\# not ok 7",
            "  ...\n  ---\nok 9 - gotcha\nBail out!",
            'a\\"b\\nc\\\\',
            "{{ 1 + 1 }} {% raw %}",
            "\n# EOF\nincident_verdict 1",
            "x" * 10_240,
            "",
        ]
    ),
)
NUMBERS = st.one_of(st.none(), st.floats(), st.integers(), st.booleans())
VALUES = st.recursive(
    st.one_of(HOSTILE, NUMBERS),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(HOSTILE, inner, max_size=3)),
    max_leaves=5,
)
CHECKS = st.fixed_dictionaries(
    {
        "service": HOSTILE,
        "probe": HOSTILE,
        "kind": HOSTILE,
        "status": st.sampled_from(STATUSES),
        "reason": HOSTILE,
        "message": HOSTILE,
        "observed": VALUES,
        "expected": VALUES,
        "latency": st.one_of(st.none(), st.floats(0, 1e4)),
        "attempts": st.integers(0, 99),
    }
)


@pytest.mark.no_cover
@settings(max_examples=100)
@given(checks=st.lists(CHECKS, max_size=6), host=HOSTILE, message=HOSTILE)
def test_whatever_the_texts_all_say_the_same(checks: list[dict[str, Any]], host: str, message: str) -> None:
    statuses = [each["status"] for each in checks]
    status = verdict_of(statuses)
    result = {"checks": checks, "verdict": {"status": status}, "failed": status == "fail", "msg": message}
    verdict, said = all_agree(read_report(result, host))
    assert verdict == status
    assert said[: len(statuses)] == statuses


@pytest.mark.no_cover
@settings(max_examples=40)
@given(
    services=st.lists(
        st.fixed_dictionaries(
            {
                "name": HOSTILE,
                "condition": st.sampled_from(["healthy", "down", "hung", "blocked", "starting", "unknown"]),
                "message": HOSTILE,
                "next": HOSTILE,
                "checks": st.lists(CHECKS, max_size=2),
            }
        ),
        max_size=3,
    )
)
def test_so_do_the_renderings_of_a_recovery(services: list[dict[str, Any]]) -> None:
    healthy = all(each["condition"] == "healthy" for each in services)
    result = {"services": services, "verdict": {"status": "healthy" if healthy else "unhealthy"}, "msg": "x"}
    verdict, _statuses = all_agree(read_report(result))
    assert healthy or verdict == "fail"


@pytest.mark.parametrize(
    ("result", "verdict", "code", "statuses"),
    [
        ({"checks": [check("pass")], "verdict": {"status": "pass"}}, "pass", 0, ["pass"]),
        ({"checks": [check("pass"), check("warn")], "verdict": {"status": "warn"}}, "warn", 1, ["pass", "warn"]),
        ({"checks": [check("fail"), check("blocked")], "verdict": {"status": "fail"}}, "fail", 2, ["fail", "blocked"]),
        ({"checks": [check("unknown")], "verdict": {"status": "fail"}}, "fail", 3, ["unknown"]),
        # What blocks it is not among the checks: a suite of skipped tests would be a green one.
        ({"checks": [check("blocked")], "verdict": {"status": "fail"}}, "fail", 2, ["blocked", "fail"]),
        # Red for a reason that no check tells.
        ({"checks": [check("pass")], "verdict": {"status": "fail"}}, "fail", 2, ["pass", "fail"]),
        ({"checks": [check("pass")], "verdict": {"status": "healthy"}, "failed": True}, "fail", 2, ["pass", "fail"]),
        # No verdict at all.
        ({"unreachable": True, "msg": "no route to host"}, "fail", 3, ["unknown"]),
        ({"failed": True, "msg": "boom"}, "fail", 3, ["unknown"]),
        ({"skipped": True}, "fail", 3, ["unknown"]),
        ({}, "fail", 3, ["unknown"]),
        # A word that is no status is no pass.
        ({"checks": [check("fine")], "verdict": {"status": "pass"}}, "fail", 3, ["unknown"]),
        ({"checks": [], "verdict": {"status": "pass"}}, "pass", 0, []),
    ],
)
def test_verdicts(result: dict[str, Any], verdict: str, code: int, statuses: list[str]) -> None:
    report = read_report(result, "web-1")
    assert all_agree(report) == (verdict, statuses)
    assert exit_code(report) == code


def test_a_recovery_says_its_conditions_and_the_checks_of_the_host() -> None:
    site = {"name": "site", "condition": "hung", "message": "does not answer", "next": "Read the log.", "refusal": ""}
    result = {
        "verdict": {"status": "unhealthy"},
        "host_checks": [check("warn", service="", probe="disk")],
        "services": [{**site, "checks": [check("fail", service="site")]}],
    }
    answers = read_report(result).answers
    assert [(each.name, each.status) for each in answers] == [
        ("host/disk", "warn"),
        ("site/condition", "fail"),
        ("site/live", "fail"),
    ]
    assert (answers[1].reason, answers[1].message) == ("hung", "does not answer Read the log.")


def test_what_the_controller_sees_stands_beside_it() -> None:
    result = {"verdict": {"status": "healthy"}, "services": [{"name": "main", "condition": "healthy", "checks": []}]}
    report = read_report({**result, "controller_checks": [check("fail")]}, "web-1")
    assert [each.name for each in report.answers] == ["main/condition", "main/live@controller"]
    assert all_agree(report) == ("fail", ["pass", "fail"])


def test_answers_of_one_name_stay_apart() -> None:
    report = read_report(
        {"checks": [check("pass"), check("warn"), check("pass", probe="live-2")], "verdict": {"status": "warn"}}
    )
    assert [answer.probe for answer in report.answers] == ["live", "live-2", "live-2-2"]
