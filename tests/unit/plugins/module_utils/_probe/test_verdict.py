# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the checks of a host add up to."""

from __future__ import annotations

import pytest

from ansible_collections.toombos.incident.plugins.module_utils._catalogue.types import Catalogue, ManagerSpec, Service
from ansible_collections.toombos.incident.plugins.module_utils._probe.types import Check
from ansible_collections.toombos.incident.plugins.module_utils._probe.verdict import RootCause, judge


def catalogue(**depends_on: tuple[str, ...]) -> Catalogue:
    """Services in an order in which dependencies come first."""
    services = {
        name: Service(name, ManagerSpec(kind="systemd"), depends_on=needs) for name, needs in depends_on.items()
    }
    return Catalogue(services, tuple(services))


CHAIN = catalogue(db=(), cache=(), api=("db",), web=("api", "cache"))


def checks(text: str) -> list[Check]:
    """Of "db/port:fail web/live:pass": service/probe:status."""
    found = []
    for word in text.split():
        where, _colon, status = word.partition(":")
        service, _slash, probe = where.partition("/")
        found.append(Check(service, probe, "tcp", status, "why" if status != "pass" else "ok", f"{where} says"))
    return found


@pytest.mark.parametrize(
    ("given", "status", "statuses", "roots"),
    [
        pytest.param("", "pass", "", "", id="nothing"),
        pytest.param("db/p:pass web/p:pass", "pass", "pass pass", "", id="all-well"),
        pytest.param("db/p:warn web/p:pass", "warn", "warn pass", "", id="warning"),
        pytest.param("db/p:fail", "fail", "fail", "db/p", id="one"),
        pytest.param("web/a:fail web/b:fail", "fail", "fail fail", "web/a", id="one-per-service"),
        pytest.param("web/p:fail api/p:fail db/p:fail", "fail", "blocked blocked fail", "db/p", id="chain"),
        pytest.param("web/p:fail api/p:pass db/p:fail", "fail", "blocked pass fail", "db/p", id="transitive"),
        pytest.param("web/a:pass web/b:fail db/p:fail", "fail", "pass blocked fail", "db/p", id="passes-stay"),
        pytest.param("web/p:fail cache/p:fail db/p:fail", "fail", "blocked fail fail", "db/p cache/p", id="two-chains"),
        pytest.param("web/p:fail db/p:warn", "fail", "fail warn", "web/p", id="a-warning-blocks-nothing"),
        pytest.param("db/p:fail api/p:pass", "fail", "fail pass", "db/p", id="dependents-may-be-well"),
        pytest.param("db/a:unknown db/b:fail", "fail", "unknown fail", "db/b", id="failure-tells-more-than-silence"),
        pytest.param("db/p:unknown api/p:fail", "fail", "unknown blocked", "db/p", id="silence-blocks"),
        pytest.param("db/p:fail api/p:unknown", "fail", "fail unknown", "db/p", id="silence-stays-unknown"),
        pytest.param("db/p:fail /disk:fail", "fail", "fail fail", "/disk db/p", id="the-host-first"),
        pytest.param("/load:unknown db/p:pass", "fail", "unknown pass", "/load", id="host-silence"),
        pytest.param("web/p:fail other/p:fail", "fail", "fail fail", "web/p other/p", id="not-in-the-catalogue"),
    ],
)
def test_verdict(given: str, status: str, statuses: str, roots: str) -> None:
    verdict = judge(checks(given), CHAIN)
    assert verdict.status == status
    assert [check.status for check in verdict.checks] == statuses.split()
    assert [f"{cause.service}/{cause.probe}" for cause in verdict.root_causes] == roots.split()
    assert verdict.root_cause == (verdict.root_causes[0] if roots else None)
    assert sum(verdict.counts.values()) == len(verdict.checks)


def test_blocked_names_the_root() -> None:
    verdict = judge(checks("web/p:fail api/p:fail db/p:fail"), CHAIN)
    assert verdict.checks[0].message == "web/p says; blocked by db (why)"


def test_without_a_catalogue_nothing_is_blocked() -> None:
    verdict = judge(checks("web/p:fail db/p:fail"))
    assert [check.status for check in verdict.checks] == ["fail", "fail"]
    assert [cause.service for cause in verdict.root_causes] == ["web", "db"]


def test_to_dict() -> None:
    assert judge(checks("db/p:fail api/p:fail"), CHAIN).to_dict() == {
        "status": "fail",
        "counts": {"pass": 0, "warn": 0, "fail": 1, "blocked": 1, "unknown": 0},
        "root_cause": {"service": "db", "probe": "p", "reason": "why", "message": "db/p says"},
        "root_causes": [{"service": "db", "probe": "p", "reason": "why", "message": "db/p says"}],
    }
    assert judge([], None).to_dict()["root_cause"] is None
    assert judge(checks("db/p:fail")).root_cause == RootCause("db", "p", "why", "db/p says")


@pytest.mark.parametrize(
    ("given", "line"),
    [
        ("db/p:pass", "all 1 checks pass"),
        ("db/p:pass /disk:warn", "all 2 checks pass; with a warning: host/disk"),
        ("db/p:fail", "1 of 1 checks fails; root cause: db/p why: db/p says"),
        ("db/p:fail web/p:fail db/q:pass", "2 of 3 checks fail; root cause: db/p why: db/p says"),
        ("/disk:fail", "1 of 1 checks fails; root cause: host/disk why: /disk says"),
    ],
)
def test_summary(given: str, line: str) -> None:
    assert judge(checks(given), CHAIN).summary == line
