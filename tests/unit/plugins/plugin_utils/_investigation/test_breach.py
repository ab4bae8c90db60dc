# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Signs of a breach in an investigation: read as they are, told with what supports them, ranked, and never markup."""

from __future__ import annotations

import re
from typing import Any

import pytest

from ansible_collections.toombos.incident.plugins.module_utils._errors import IncidentError
from ansible_collections.toombos.incident.plugins.plugin_utils._investigation import breach_report, report, screen
from ansible_collections.toombos.incident.plugins.plugin_utils._investigation.breach import NOT_ASKED, Blind
from ansible_collections.toombos.incident.plugins.plugin_utils._investigation.breach_reading import read_breach
from ansible_collections.toombos.incident.plugins.plugin_utils._investigation.investigation import (
    Asked,
    Investigation,
    investigate,
)
from ansible_collections.toombos.incident.plugins.plugin_utils._investigation.symptoms import read_types

ASKED = Asked("", "alice", (), "since 1h", 1763909154.0)
TYPES = {"intrusion": {"title": "Signs of a breach", "severity": "P0", "findings": ["critical"]}}
HOSTILE = "</td><script>x</script> | [a](http://b) `c` {{ 7*7 }} \x1b[31m\n# owned\n- [ ] done \u202e"


def found(world: Any, **searches: Any) -> Investigation:
    """An investigation of hosts whose services are well."""
    hosts = {name: (world.assessment(), world.logs(), search) for name, search in searches.items()}
    return investigate(ASKED, world.fleet(hosts), read_types(TYPES))


def section(text: str) -> str:
    return text.partition(f"\n## {breach_report.TITLE}\n")[2].partition("\n## ")[0]


@pytest.mark.parametrize("result", [None, {}, {"skipped": True, "changed": False}, "what"])
def test_where_nobody_asked_nothing_is_claimed(world: Any, result: Any) -> None:
    if result == {}:
        result = None
    assert read_breach(result) == NOT_ASKED
    told = report.render(found(world, w1=result))
    assert section(told).strip() == breach_report.NOBODY
    assert breach_report.TITLE.upper() not in screen.render(found(world, w1=result), "r.md", 120)


@pytest.mark.parametrize(
    ("result", "problem"),
    [
        ({"failed": True, "msg": "no Python"}, "no Python"),
        ({"failed": True}, "the search failed"),
        ({"unreachable": True, "msg": "Connection timed out"}, "Connection timed out"),
        ({"findings": [], "checks": {}}, "the search returned no result"),
        ({"findings": "none", "checks": {"logs": {"outcome": "clean"}}}, "the search returned no result"),
        ({"checks": {"logs": {"outcome": "clean"}}}, "the search returned no result"),
        ({}, "the search returned no result"),
    ],
)
def test_a_search_without_a_result_is_told_and_never_a_clean_host(world: Any, result: Any, problem: str) -> None:
    assert read_breach(result).problem == problem
    assert not read_breach(result).complete
    both = found(world, w1=result, w2=world.search())
    assert f"- `w1`: not searched, {problem}" in section(report.render(both))
    assert "Nothing found; 1 of 2 hosts were searched." in section(report.render(both))
    assert f"  w1: not searched, {problem}" in screen.render(both, "r.md", 120)
    alone = found(world, w1=result)
    for text in (section(report.render(alone)), screen.render(alone, "r.md", 120)):
        assert "NOT SEARCHED: nobody could look at any of 1 hosts." in text
        assert "Nothing found" not in text


@pytest.mark.parametrize(
    ("check", "blind"),
    [
        ({"outcome": "clean"}, None),
        ({"outcome": "absent"}, None),
        ({"outcome": "no_baseline"}, None),
        ({"outcome": "denied", "message": "/root"}, Blind("logins", "denied", "/root")),
        ({"outcome": "timeout"}, Blind("logins", "timeout")),
        ({"outcome": "error"}, Blind("logins", "error")),
        ({"outcome": "a new word"}, Blind("logins", "a new word")),
        ({}, Blind("logins", "error")),
        (None, Blind("logins", "error")),
    ],
)
def test_a_check_that_could_not_look_is_said(world: Any, check: Any, blind: Blind | None) -> None:
    read = read_breach(world.search(checks={"logins": check}))
    assert read.blind == ((blind,) if blind else ())
    assert read.complete is (blind is None)
    told = found(world, w1=world.search(checks={"logins": check}))
    assert ("`w1`: logins was not looked at to the end" in section(report.render(told))) is (blind is not None)
    assert ("1 of them not completely" in section(report.render(told))) is (blind is not None)
    assert ("w1: not looked at to the end: logins (" in screen.render(told, "r.md", 120)) is (blind is not None)


def test_each_finding_stands_with_its_severity_and_what_holds_it(world: Any) -> None:
    told = found(world, w1=world.search("low", "high"), w2=world.search("critical"))
    text = section(report.render(told))
    rows = re.findall(r"^\| (\w+) \| `(w\d)` \| (\w+) \| (.*?) \| (.*?) \| - \|$", text, re.MULTILINE)
    held = "`processes`, `files/temporary`"
    assert rows == [
        ("critical", "w2", "processes", "critical thing: /tmp/x, uid 0", held),
        ("high", "w1", "processes", "high thing: /tmp/x, uid 0", held),
        ("low", "w1", "processes", "low thing: /tmp/x, uid 0", held),
    ]
    assert "1 critical, 1 high, 1 low found; 2 of 2 hosts were searched." in text
    assert "proves nothing" in text
    shown = screen.render(told, "r.md", 120)
    assert re.search(r"^critical +w2 +processes +critical thing: /tmp/x, uid 0 +processes", shown, re.MULTILINE)
    assert shown.index("critical thing") < shown.index("high thing") < shown.index("low thing")


def test_a_lack_of_a_baseline_and_what_is_left_out_are_said(world: Any) -> None:
    search = world.search("info", baseline={"state": "lost"}, findings_left_out=7)
    text = section(report.render(found(world, w1=search)))
    assert "- `w1`: there is no baseline" in text
    assert "- `w1`: 7 more findings are not shown" in text
    assert "and 7 more, in the report" in screen.render(found(world, w1=search), "r.md", 120)
    assert "there is no baseline" not in section(report.render(found(world, w1=world.search("info"))))
    many = world.search(*["info"] * 60)
    assert "- `w1`: 10 more findings are not shown" in section(report.render(found(world, w1=many)))


def test_the_capture_that_holds_it_is_named_where_it_is_known(world: Any) -> None:
    searches = [("w1", read_breach(world.search("high"))), ("w2", read_breach(world.search("low")))]
    text = "\n".join(breach_report.section(searches, bags={"w1": "INC-2026-1128-0001-w1-001", "w2": ""}))
    assert "`files/temporary` | `INC-2026-1128-0001-w1-001` |" in text
    assert "`files/temporary` | - |" in text


def test_a_log_that_speaks_of_an_attack_asks_for_a_search(world: Any) -> None:
    hosts = {"w1": (world.assessment(), world.logs(security=1)), "w2": world.assessment()}
    text = section(report.render(investigate(ASKED, world.fleet(hosts), ())))
    assert "The logs of `w1` speak of an attack." in text


@pytest.mark.parametrize(
    ("severity", "first", "suggested", "well"),
    [("critical", "security_breach", "P0", False), ("high", "", "", True), ("medium", "", "", True)],
)
def test_a_critical_finding_makes_a_healthy_host_an_affected_one(
    world: Any, severity: str, first: str, suggested: str, well: bool
) -> None:
    told = found(world, w1=world.search(severity))
    assert (told.ranking.top.pattern if told.ranking.top else "") == first
    assert (told.severity, told.well) == (suggested, well)
    assert ("security_breach" in [each.pattern for each in told.ranking.leads]) is (severity == "high")
    assert told.to_dict()["hosts"]["w1"]["breach"]["findings"][0]["severity"] == severity


def test_a_service_that_is_down_is_no_sign_of_a_breach(world: Any) -> None:
    hosts = {"w1": (world.assessment(web="down"), world.logs(), world.search("high"))}
    assert investigate(ASKED, world.fleet(hosts), read_types(TYPES)).symptoms == ()


def test_it_comes_before_everything_else_and_restarts_nothing(world: Any) -> None:
    hosts = {"w1": (world.assessment(web="bad_config"), world.logs(configuration=3), world.search("critical"))}
    told = investigate(ASKED, world.fleet(hosts), read_types(TYPES))
    first, second, *_ = told.to_dict()["hypotheses"]
    assert (first["pattern"], first["confidence"], second["pattern"]) == ("security_breach", "high", "configuration")
    assert first["next"]["command"] == ("ansible-playbook security_breach.yml -e target=w1 -e \"reason='why and who'\"")
    assert "Restart nothing" in first["next"]["words"]
    assert first["supporting"][0]["evidence"][0]["text"] == (
        "critical thing: /tmp/x, uid 0 (see processes, files/temporary)"
    )


@pytest.mark.parametrize("severity", [None, "harmless", "", HOSTILE])
def test_a_severity_that_nobody_knows_is_never_a_harmless_one(world: Any, severity: Any) -> None:
    raw = world.search("info")
    raw["findings"][0]["severity"] = severity
    assert read_breach(raw).findings[0].severity == "critical"


def test_hosts_cannot_write_into_it(world: Any) -> None:
    raw = world.search("critical", msg=HOSTILE)
    raw["findings"].append(
        {"severity": "high", "check": HOSTILE, "title": HOSTILE, "detail": HOSTILE, "supports": HOSTILE}
    )
    raw["findings"][0].update(check=HOSTILE, title=HOSTILE, detail=HOSTILE, supports=[HOSTILE, None, {}])
    raw["checks"][HOSTILE] = {"outcome": HOSTILE, "message": HOSTILE}
    told = found(world, w1=raw, w2={"failed": True, "msg": HOSTILE})
    text = report.render(told)
    assert "owned" in section(text)
    assert "<script" not in re.sub(r"\\<", "", text)
    assert not re.search(r"(?<!\\)\]\(", text)
    assert not re.search(r"^\s*(#|- \[ \])\s*(owned|done)", text, re.MULTILINE)
    assert text.replace("\n", "").isprintable()
    rows = [line for line in section(text).splitlines() if line.startswith("| ")]
    assert {len(re.findall(r"(?<!\\)\|", row)) for row in rows} == {7}
    assert screen.render(told, "r.md", 100).replace("\n", "").isprintable()


def test_an_incident_type_of_no_known_severity_is_refused() -> None:
    with pytest.raises(IncidentError, match="knows no finding crit"):
        read_types({"x": {"severity": "P0", "findings": ["crit"]}})
