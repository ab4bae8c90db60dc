# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What must hold between entries: dependencies, restarts, ports, temp paths."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.toombos.incident.plugins.module_utils._catalogue.parse import parse_catalogue
from ansible_collections.toombos.incident.plugins.module_utils._errors import CatalogueError


def service(**keys: Any) -> dict[str, Any]:
    return {"manager": {"kind": "systemd", "unit": "x"}, "probes": {"p": {"kind": "memory"}}, **keys}


def refused(raw: dict[str, Any]) -> list[str]:
    with pytest.raises(CatalogueError) as caught:
        parse_catalogue(raw)
    return caught.value.problems


def test_a_dependency_that_is_not_there_is_named_with_the_likely_one() -> None:
    assert refused({"main": service(depends_on=["databse", "zzz"]), "database": service()}) == [
        "main.depends_on: 'databse' is not in the catalogue (did you mean 'database'?)",
        "main.depends_on: 'zzz' is not in the catalogue",
    ]


def test_a_service_does_not_depend_on_itself() -> None:
    assert refused({"main": service(depends_on=["main"])}) == ["main.depends_on: a service cannot depend on itself"]


def test_a_cycle_is_printed_from_its_first_service_on() -> None:
    raw = {
        "outside": service(depends_on=["a"]),
        "a": service(depends_on=["b"]),
        "b": service(depends_on=["c", "leaf"]),
        "c": service(depends_on=["a"]),
        "leaf": service(),
    }
    assert refused(raw) == ["a.depends_on: a cycle: a → b → c → a"]


def test_two_cycles_are_two_problems() -> None:
    raw = {
        "a": service(depends_on=["b"]),
        "b": service(depends_on=["a"]),
        "c": service(depends_on=["d", "a"]),
        "d": service(depends_on=["c"]),
    }
    assert refused(raw) == ["a.depends_on: a cycle: a → b → a", "c.depends_on: a cycle: c → d → c"]


def test_restart_with_names_dependencies_only() -> None:
    raw = {"main": service(depends_on=["db"], restart_with=["db", "web"]), "db": service(), "web": service()}
    assert refused(raw) == ["main.restart_with: 'web' is not in its depends_on"]


def test_an_observability_service_is_never_restarted_with_another() -> None:
    raw = {"graphs": service(tier="observability", depends_on=["db"], restart_with=["db"]), "db": service()}
    assert refused(raw) == ["graphs.restart_with: an observability service is never stopped by a recovery"]


def test_a_port_has_one_owner() -> None:
    raw = {"a": service(ports=[80, 81]), "b": service(ports=[82, 81]), "c": service(ports=["81"])}
    assert refused(raw) == ["b.ports: 81 is already a port of a", "c.ports: 81 is already a port of a"]


@pytest.mark.parametrize(
    ("temp", "keys", "taken"),
    [
        ("/srv/app/web", {"manager": {"kind": "systemd", "unit": "x", "cwd": "/srv/app/web"}}, "other.manager.cwd"),
        ("/srv/app/web", {"manager": {"kind": "systemd", "unit": "x", "cwd": "/srv/app/web/a/b"}}, "other.manager.cwd"),
        ("/srv/app/w*", {"manager": {"kind": "systemd", "unit": "x", "cwd": "/srv/app/web/a"}}, "other.manager.cwd"),
        ("/srv/app/w?b", {"manager": {"kind": "systemd", "unit": "x", "cwd": "/srv/app/web"}}, "other.manager.cwd"),
        (
            "/tmp/sv-*",
            {"manager": {"kind": "supervisor", "program": "a:b", "socket": "/tmp/sv-1/s"}},
            "other.manager.socket",
        ),
        (
            "/srv/app/run",
            {"manager": {"kind": "process", "command": "x", "cwd": "/srv/app", "log": "/srv/app/run/log"}},
            "other.manager.log",
        ),
        (
            "/srv/app/run",
            {"manager": {"kind": "process", "command": "x", "cwd": "/srv/app", "env_file": "/srv/app/run/env"}},
            "other.manager.env_file",
        ),
        ("/srv/app/tmp", {"config": {"files": ["/srv/app/tmp/.env"]}}, "other.config.files"),
        (
            "/srv/app/tmp",
            {"config": {"validate": {"command": "x", "cwd": "/srv/app/tmp"}}},
            "other.config.validate.cwd",
        ),
        ("/srv/app/logs", {"logs": ["/srv/app/logs/app.log"]}, "other.logs"),
        ("/srv/app/*.log", {"logs": ["/srv/app/app.log"]}, "other.logs"),
    ],
)
def test_clearing_never_takes_away_what_a_service_needs(temp: str, keys: dict[str, Any], taken: str) -> None:
    (problem,) = refused({"main": service(temp=[temp]), "other": service(**keys)})
    assert problem.startswith(f"main.temp: {temp!r} would take away '/")
    assert problem.endswith(f" ({taken})")


def test_its_own_directory_is_protected_too() -> None:
    manager = {"kind": "process", "command": "x", "cwd": "/srv/app/work"}
    assert refused({"main": service(manager=manager, temp=["/srv/app/work"])}) == [
        "main.temp: '/srv/app/work' would take away '/srv/app/work' (main.manager.cwd)"
    ]


@pytest.mark.parametrize("temp", ["/srv/app/web/tmp", "/srv/app/we", "/srv/app/web-*", "/srv/other/web"])
def test_temp_beside_or_below_is_fine(temp: str) -> None:
    manager = {"kind": "process", "command": "x", "cwd": "/srv/app/web"}
    assert parse_catalogue({"main": service(manager=manager, temp=[temp])}).services["main"].temp == (temp,)
