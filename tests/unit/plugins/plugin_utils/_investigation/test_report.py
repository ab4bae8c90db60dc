# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The whole investigation: what its report and the screen tell, and that a host cannot write into them."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from ansible_collections.toombos.incident.plugins.plugin_utils._investigation import report, screen
from ansible_collections.toombos.incident.plugins.plugin_utils._investigation.breach import NOT_ASKED
from ansible_collections.toombos.incident.plugins.plugin_utils._investigation.investigation import (
    Asked,
    Investigation,
    investigate,
)
from ansible_collections.toombos.incident.plugins.plugin_utils._investigation.symptoms import read_types

ASKED = Asked("INC-2026-1125-0001", "alice@desk", (), "since 1h", 1763909154.0)
TYPES = read_types(
    {
        "shop_down": {"title": "The shop is down", "severity": "P0", "services": ["web"], "conditions": ["hung"]},
        "breach": {"severity": "P0", "patterns": ["security"]},
    }
)
HOSTILE = "</td><script>x</script> | [a](http://b) `c` {{ 7*7 }} \x1b[31m\n# owned\n- [ ] done \u202e"


def found(world: Any, hosts: dict[str, Any], external: Any = ()) -> Investigation:
    return investigate(ASKED, world.fleet(hosts, external), TYPES)


def section(text: str, title: str) -> str:
    """What stands below a heading."""
    return text.partition(f"\n## {title}\n")[2].partition("\n## ")[0]


def sick(world: Any) -> dict[str, Any]:
    """Two hosts that agree on nothing, and one that nobody can reach."""
    late = world.check("web", latency=2.5)
    settings = world.about("file", observed={"path": "/etc/web.conf", "age": 60.0})
    first = world.assessment(
        world.service("web", "hung", late, listeners=[{"port": 80}]), about=[world.about("memory", "fail"), settings]
    )
    return {
        "w1": (first, world.logs("ERROR: disk", errors=3, security=1)),
        "w2": (world.assessment(world.service("web", "healthy", late)), None),
        "w3": (world.unreachable, None),
    }


def test_every_section_tells_what_it_is_for(world: Any) -> None:
    text = report.render(found(world, sick(world)))
    assert text.startswith("# Investigation of `INC-2026-1125-0001`\n\n2025-11-23T14:45:54Z, by `alice@desk`. 3 hosts")
    assert "- 1 of 3 hosts are healthy, 1 could not be judged." in section(text, "In short")
    assert "Suggested severity: **P0** (The shop is down)." in section(text, "In short")
    assert "| 1 | Performance degradation |" in section(text, "Hypotheses")
    assert "| a resource of the host is used up | +3 | 1 of 3 | +1.00 |" in section(text, "Hypotheses")
    assert "$ ansible-playbook recover.yml -e target=w1 -e svc=web -e plan=only" in section(text, "Hypotheses")
    assert "**P0**, if it is confirmed: only logs say so: breach" in section(text, "Incident types that fit")
    assert "| `w1` | `web` | hung | web is hung. |" in section(text, "System status")
    assert "| `w3` | - | unreachable | Connection timed out |" in section(text, "System status")
    assert "| `w2` | `web/live` | 2.500s | 0.1s | slow |" in section(text, "Response times").replace("100ms", "0.1s")
    assert r"| `w1` | `memory` | fail | over\_limit\! |" in section(text, "Resources")
    assert "| `w1` | `web` | 80 | - |" in section(text, "Ports")
    assert "| `w2` | `web` | - | 80 |" in section(text, "Ports")
    assert "`web`: hung on `w1`; healthy on `w2`" in section(text, "Where hosts do not agree")
    assert "| 2026-11-23T14:45:54Z | `w1` | `web` | errors | ERROR: disk |" in section(text, "First errors")
    assert "`/etc/web.conf` | 1m00s ago |" in section(text, "Recent changes")
    assert "Deployments are not looked at" in section(text, "Recent changes")
    assert "| `w1` | errors | 3 | 2026-11-23T14:45:54Z |" in section(text, "Logs")
    assert "- `w3`: not judged, Connection timed out" in section(text, "What is missing")
    assert "- `w2`: logs, the logs were not read" in section(text, "What is missing")


def test_a_healthy_fleet_has_no_hypothesis_and_says_so(world: Any) -> None:
    well = found(world, {"w1": world.assessment()})
    assert (well.well, well.severity, well.to_dict()["hypotheses"]) == (True, "", [])
    assert report.NOTHING in section(report.render(well), "Hypotheses")
    assert screen.render(well, "r.md", 100).splitlines()[0] == "INVESTIGATION: no hypothesis"


def test_something_wrong_without_a_sign_is_not_explained_away(world: Any) -> None:
    puzzling = found(world, {"w1": world.assessment(web="failing")})
    assert (puzzling.well, puzzling.ranking.hypotheses) == (False, ())
    assert report.NO_SIGN in section(report.render(puzzling), "Hypotheses")
    assert report.NO_SIGN.partition(",")[0] in screen.render(puzzling, "r.md", 100)


def test_weak_signs_and_long_evidence_are_told_in_short(world: Any) -> None:
    late = world.assessment(world.service("web", "healthy", world.check(latency=0.3)))
    text = report.render(found(world, {"w1": late}))
    assert "- Performance degradation: answers take longer than their baseline (+1)" in section(
        text, "Noticed, but too weak to be a hypothesis"
    )
    hosts = {f"w{number}": world.assessment(web="hung") for number in range(20)}
    assert "  - and 8 more" in report.render(found(world, hosts))


def test_hosts_cannot_write_into_the_report(world: Any) -> None:
    check = world.check("web", "fail", HOSTILE, probe=HOSTILE, message=HOSTILE)
    service = world.service("web", "hung", check, message=HOSTILE, next=HOSTILE, flapping=HOSTILE)
    stray = world.service(HOSTILE, "down", message=HOSTILE)  # the catalogue has no such service
    about = [world.about("memory", "fail", message=HOSTILE, probe=HOSTILE)]
    hostile = world.assessment(service, about=about)
    hostile["services"].append(stray)
    logs = world.logs(HOSTILE, errors=1, network=1)
    logs["files"][0]["path"] = logs["patterns"]["errors"]["samples"][0]["path"] = HOSTILE
    text = report.render(found(world, {"w1": (hostile, logs)}))
    assert "<script" not in re.sub(r"\\<", "", text)
    assert not re.search(r"(?<!\\)\]\(", text)
    assert "owned" in text
    assert not re.search(r"^\s*(#|- \[ \])\s*(owned|done)", text, re.MULTILINE)
    assert re.sub(r"[\n]", "", text).isprintable()
    rows = [line for line in text.splitlines() if line.startswith("|") and not line.startswith("|--")]
    cells = {len(re.findall(r"(?<!\\)\|", line)) for line in rows}
    assert cells <= {4, 5, 6, 7}
    fenced = re.findall(r"```console\n(.*?)\n```", text, re.DOTALL)
    assert fenced
    assert all(command.startswith("$ ansible") and "\n" not in command for command in fenced)
    shown = screen.render(found(world, {"w1": (hostile, logs)}), "\x1b[2Jr.md", 100)
    assert shown.replace("\n", "").isprintable()


def test_commands_name_only_what_the_inventory_has_and_quote_it(world: Any) -> None:
    fleet = {"w1; rm -rf /": world.assessment(web="hung")}
    (step,) = [each["next"] for each in found(world, fleet).to_dict()["hypotheses"]]
    assert step["command"] == "ansible-playbook recover.yml -e target='w1; rm -rf /' -e svc=web -e plan=only"


@pytest.mark.parametrize(
    ("told", "external", "command"),
    [
        ({"web": "blocked", "payments": "down"}, ["payments"], "recover.yml -e target=w1 -e svc=payments -e plan=only"),
        ({"web": "bad_config"}, [], "recover.yml -e target=w1 -e svc=web -e plan=only"),
        ({"web": "crash_loop", "db": "down"}, [], "recover.yml -e target=w1 -e svc=web,db -e plan=only"),
    ],
)
def test_the_next_command(world: Any, told: dict[str, str], external: list[str], command: str) -> None:
    first = found(world, {"w1": world.assessment(**told)}, external).to_dict()["hypotheses"][0]
    assert first["next"]["command"] == f"ansible-playbook {command}"


def test_a_restart_is_not_proposed_where_it_would_not_help(world: Any) -> None:
    (network,) = found(world, {"w1": (world.unreachable, None)}).to_dict()["hypotheses"]
    assert network["next"]["command"] == "ansible w1 -m ansible.builtin.ping"
    full = found(world, {"w1": world.assessment(about=[world.about("disk", "fail")])}).to_dict()["hypotheses"]
    assert full[0]["next"]["command"] == "ansible-playbook triage.yml -e target=w1"


def test_the_screen_fits_and_says_where_the_report_is(world: Any) -> None:
    shown = screen.render(found(world, sick(world)), "/r/investigation.md", 90)
    assert max(map(len, shown.splitlines())) <= 90
    assert shown.splitlines()[0] == "INVESTIGATION: performance degradation; suggested severity P0"
    assert re.search(r"^1  Performance degradation +3\.7 +medium +2 of 3 ", shown, re.MULTILINE)
    assert shown.splitlines()[-1] == "Report: /r/investigation.md"


def test_the_structured_result_is_plain_data(world: Any) -> None:
    told = found(world, sick(world)).to_dict()
    assert json.loads(json.dumps(told)) == told
    assert told["hosts"]["w3"] == {
        "state": "unreachable",
        "message": "Connection timed out",
        "services": {},
        "resources": {},
        "breach": NOT_ASKED.to_dict(),
        "logs": {"files": 0, "problem": "the logs were not read", "counts": {}},
    }
