# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Results of modules as facts: what is kept, what is cleaned, and that nothing malformed is an exception."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, strategies as st

from ansible_collections.toombos.incident.plugins.module_utils._errors import IncidentError
from ansible_collections.toombos.incident.plugins.plugin_utils._investigation.facts import Thresholds
from ansible_collections.toombos.incident.plugins.plugin_utils._investigation.reading import (
    clean,
    read_host,
    read_logs,
    read_thresholds,
)

ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


def test_a_host_with_what_its_catalogue_says(world: Any) -> None:
    web = world.service("web", "hung", listeners=[{"port": 80, "pids": [1]}], next="Read the log.")
    settings = world.about("file", observed={"path": "/etc/web.conf", "age": 60.0})
    other = world.about("file", observed={"path": "/etc/other.conf", "age": 60.0})
    (host,) = world.fleet({"w1": world.assessment(web, about=[settings, other])}).hosts
    (service,) = host.red
    assert (host.state, host.judged, service.advice) == ("refused", True, "Read the log.")
    assert (service.listening, service.ports, service.validated) == ((80,), (80,), True)
    assert service.needs == {"payments", "db"}
    assert [(each.service, each.path, each.age) for each in host.changes] == [("web", "/etc/web.conf", 60.0)]


def test_logs_know_whose_they_are(world: Any) -> None:
    logs = read_logs({**world.logs(errors=3), "left_out": [{"path": "/x", "reason": "denied"}], "unread": ["/y"]})
    (errors,) = logs.named("errors", "network")
    assert (errors.count, errors.services, errors.samples[0].service) == (3, ("web",), "web")
    assert (logs.files, logs.problem) == (1, "/x: denied; /y: no time")


@pytest.mark.parametrize(
    ("scan", "problem"),
    [
        (None, "the logs were not read"),
        ({"skipped": True}, "the logs were not read"),
        ({"failed": True, "msg": "There is no log\nto read."}, "There is no log to read."),
        ({"unreachable": True, "msg": ""}, "the logs could not be read"),
    ],
)
def test_logs_that_are_not_there(scan: Any, problem: str) -> None:
    assert read_logs(scan).problem == problem


@given(found=ANYTHING, scan=ANYTHING)
def test_whatever_a_host_returns_is_read(found: Any, scan: Any) -> None:
    for value in (found, {"verdict": {"status": found}, "services": found, "host_checks": scan, "msg": found}):
        host = read_host("w1", value if isinstance(value, dict) else None, None, None)
        assert host.name == "w1"
    assert read_logs({"patterns": {"errors": scan}, "files": found}).files >= 0


def test_texts_of_hosts_are_one_harmless_line() -> None:
    assert clean("a\x1b[2J\nb\u202e c\r\0") == "a [2J b c"
    assert (len(clean("x" * 1000)), clean("x" * 1000)[-1]) == (400, "…")
    assert clean(None) == ""


def test_thresholds() -> None:
    told = {"slow": "1s", "baseline": "20ms", "tolerated": "100%", "baselines": {"web": "1s", "web/live": "2s"}}
    assert read_thresholds(told) == Thresholds(1.0, 5.0, 0.02, 100.0, 3600.0, {"web": 1.0, "web/live": 2.0})
    assert read_thresholds({}) == Thresholds()


@pytest.mark.parametrize(
    ("told", "problem"),
    [({"fast": "1s"}, "no threshold fast"), ({"slow": "soon"}, "'soon'"), ({"tolerated": "much"}, "no percentage")],
)
def test_thresholds_that_mean_nothing(told: Any, problem: str) -> None:
    with pytest.raises(IncidentError, match=problem):
        read_thresholds(told)


@pytest.mark.parametrize(
    ("probe", "latency", "above"),
    [("live", 2.9, False), ("live", 3.1, True), ("other", 1.4, False), ("other", 1.6, True), ("live", None, False)],
)
def test_baselines_of_a_probe_win_over_those_of_its_service(
    world: Any, probe: str, latency: float | None, above: bool
) -> None:
    thresholds = Thresholds(baselines={"web": 1.0, "web/live": 2.0})
    check = world.check(probe=probe, latency=latency)
    (host,) = world.fleet({"w1": world.assessment(world.service("web", "healthy", check))}).hosts
    (found,) = [each for each in host.checks if each.service == "web"]
    assert thresholds.above_usual(found) is above
