# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who asks a probe, and the kind that only the controller asks."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.toombos.incident.plugins.module_utils._catalogue.parse import (
    parse_catalogue,
    parse_controller_host_probes,
    parse_host_probes,
)
from ansible_collections.toombos.incident.plugins.module_utils._errors import CatalogueError
from ansible_collections.toombos.incident.plugins.module_utils._probe.spec import ProbeSpecError
from ansible_collections.toombos.incident.plugins.module_utils._probe.spec_views import (
    CONTROLLER_KINDS,
    PrometheusExpect,
    PrometheusTarget,
    Views,
    parse_views,
)
from ansible_collections.toombos.incident.plugins.module_utils._probe.targets import HttpTarget, TcpTarget
from ansible_collections.toombos.incident.plugins.module_utils._probe.types import Schedule

WHERE = "main.probes.p"
INSIDE, OUTSIDE = "http://127.0.0.1:8000/live", "https://toombos.example.org/live"
QUERY = {"kind": "prometheus", "url": "http://prometheus:9090", "query": "up", "expect": {"min": 1}}


def parse(raw: Any) -> Views:
    return parse_views("p", raw, service="main", where=WHERE)


def problems(raw: Any) -> list[str]:
    with pytest.raises(ProbeSpecError) as caught:
        parse(raw)
    return caught.value.problems


def test_a_probe_is_asked_by_the_host_unless_it_says_otherwise() -> None:
    views = parse({"kind": "tcp", "port": 80})
    assert views.host is not None
    assert (views.host.target, views.controller) == (TcpTarget("127.0.0.1", 80), None)
    assert parse({"kind": "tcp", "port": 80, "from": "host"}) == views


def test_both_ask_the_same_but_for_what_is_written_for_the_controller() -> None:
    raw = {"kind": "http", "url": INSIDE, "verify": False, "timeout": "5s", "headers": {"Host": "x"}, "from": "both"}
    same = parse(raw)
    assert same.host == same.controller
    other = parse({**raw, "controller": {"url": OUTSIDE, "verify": True, "headers": {}}})
    assert other.host == same.host
    assert other.controller is not None
    assert other.controller.target == HttpTarget(url=OUTSIDE)
    assert (other.controller.schedule, other.controller.service) == (Schedule(timeout=5.0), "main")


def test_the_controller_alone() -> None:
    views = parse({"kind": "tcp", "port": 1, "from": "controller", "controller": {"address": "example.org", "port": 2}})
    assert views.host is None
    assert views.controller is not None
    assert views.controller.target == TcpTarget("example.org", 2)


def test_a_query_is_asked_by_the_controller() -> None:
    views = parse({**QUERY, "headers": {"X-Scope": "a"}, "verify": "false", "timeout": "9s"})
    assert views.host is None
    assert views.controller is not None
    assert views.controller.target == PrometheusTarget(
        "http://prometheus:9090", "up", PrometheusExpect(min=1.0), (("X-Scope", "a"),), False
    )
    assert views.controller.schedule.timeout == 9.0
    assert parse({**QUERY, "from": "controller"}).controller is not None


@pytest.mark.parametrize(
    ("raw", "expect"),
    [
        ({"empty": "yes"}, PrometheusExpect(empty=True)),
        ({"empty": False}, PrometheusExpect(empty=False)),
        ({"equals": "0"}, PrometheusExpect(equals=0.0)),
        ({"min": -1, "max": 1.5}, PrometheusExpect(min=-1.0, max=1.5)),
        ({"max": "Inf", "empty": False}, PrometheusExpect(max=float("inf"), empty=False)),
    ],
)
def test_expectations(raw: dict[str, Any], expect: PrometheusExpect) -> None:
    views = parse({**QUERY, "expect": raw})
    assert views.controller is not None
    assert views.controller.target.expect == expect


@pytest.mark.parametrize(
    ("raw", "problem"),
    [
        (
            {"kind": "tcp", "port": 1, "from": "controler"},
            "p.from: 'controler' is nobody who asks (did you mean",
        ),
        ({"kind": "tcp", "port": 1, "from": ["host"]}, "p.from: ['host'] is nobody who asks"),
        ({"kind": "tcp", "port": 1, "controller": {"port": 2}}, "p.controller: says nothing unless from is controller"),
        (
            {"kind": "disk", "path": "/", "from": "both"},
            "p.kind: 'disk' looks into the host, the controller can",
        ),
        (
            {"kind": "http", "url": INSIDE, "from": "both", "controller": {"url": "example.org"}},
            "p.controller.url: ",
        ),
        (
            {"kind": "http", "url": INSIDE, "from": "both", "controller": {"method": "POST"}},
            "p.controller.method: unknown key, controller has url, address, port, headers, verify",
        ),
        (
            {"kind": "http", "url": INSIDE, "from": "both", "unix_socket": "/run/x"},
            "p.unix_socket: is on the host, the controller cannot ask it",
        ),
        ({"kind": "tcp", "port": 1, "from": "both", "controller": "x"}, "p.controller: must be a mapping"),
        ({"kind": "tcp", "port": 1, "from": "both", "controller": {"url": OUTSIDE}}, "p.controller.url: unknown key"),
        ({"kind": "nonsense", "from": "both"}, "p.kind: 'nonsense' is no kind of probe"),
        ({**QUERY, "from": "both"}, "p.from: must be controller, a host is not asked what Prometheus knows"),
        ({**QUERY, "query": " "}, "p.query: "),
        ({**QUERY, "expect": {}}, "p.expect: says nothing: a value is told by min, max, equals, empty"),
        ({**QUERY, "expect": {"empty": True, "min": 1}}, "p.expect.empty: contradicts min"),
        ({**QUERY, "expect": {"min": 2, "max": 1}}, "p.expect.min: 2 is above max (1)"),
        ({**QUERY, "expect": {"min": "many"}}, "p.expect.min: 'many' must be a number"),
        ({**QUERY, "expect": {"min": True}}, "p.expect.min: True must be a number"),
        ({**QUERY, "expect": {"empty": "perhaps"}}, "p.expect.empty: must be true or false"),
        ("x", "p: must be a mapping"),
    ],
)
def test_what_makes_no_sense_is_refused(raw: Any, problem: str) -> None:
    found = problems(raw)
    assert any(each.startswith(f"main.probes.{problem}") for each in found), found
    assert len(found) == len(set(found))


def test_an_empty_expectation_is_told() -> None:
    (found,) = problems({**QUERY, "expect": {"max": None}})
    assert found == f"{WHERE}.expect: says nothing: a value is told by min, max, equals, empty"


def test_a_secret_in_a_header_is_never_quoted() -> None:
    found = problems({**QUERY, "headers": {"Authorization": "Bearer s3cret\n"}})
    assert found
    assert "s3cret" not in " ".join(found)


def test_services_keep_the_two_apart() -> None:
    manager = {"kind": "systemd", "unit": "web.service"}
    probes = {"a": {"kind": "tcp", "port": 1}, "b": {"kind": "tcp", "port": 2, "from": "both"}, "c": QUERY}
    service = parse_catalogue({"web": {"manager": manager, "probes": probes}}).services["web"]
    assert [probe.name for probe in service.probes] == ["a", "b"]
    assert [(probe.name, probe.kind) for probe in service.controller_probes] == [("b", "tcp"), ("c", "prometheus")]
    with pytest.raises(CatalogueError) as caught:
        parse_catalogue({"web": {"manager": manager, "probes": {"c": QUERY}}})
    assert caught.value.problems == [
        "web.probes: is asked from the controller only, so a recovery could not judge it on the host"
    ]


def test_so_do_questions_about_hosts() -> None:
    raw = {
        "ssh": {"kind": "tcp", "port": 22, "from": "controller", "controller": {"address": "w1"}},
        "load": {"kind": "load"},
    }
    assert [probe.name for probe in parse_host_probes(raw)] == ["load"]
    assert [probe.name for probe in parse_controller_host_probes(raw)] == ["ssh"]
    assert parse_controller_host_probes({}) == ()


def test_the_controller_asks_nothing_that_is_in_the_host() -> None:
    assert set(CONTROLLER_KINDS) <= {"http", "tcp", "tls", "dns", "prometheus"}
