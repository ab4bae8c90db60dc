# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules of one entry of the catalogue: each refused with the path of the entry, and all of them at once."""

from __future__ import annotations

import copy
from typing import Any, Callable

import pytest

from ansible_collections.toombos.incident.plugins.module_utils._catalogue.parse import (
    parse_catalogue,
    parse_host_probes,
)
from ansible_collections.toombos.incident.plugins.module_utils._catalogue.types import (
    ConfigSpec,
    Limits,
    ManagerSpec,
)
from ansible_collections.toombos.incident.plugins.module_utils._errors import CatalogueError

FULL: dict[str, Any] = {
    "web": {
        "manager": {
            "kind": "supervisor",
            "program": "site:web",
            "socket": "/run/supervisor.sock",
            "cwd": "/srv/web/",
            "user": "www",
            "match": "gunicorn .*web",
        },
        "tier": "application",
        "ports": [8080, "8443"],
        "depends_on": ["db", "queue"],
        "restart_with": ["queue"],
        "probes": {
            "live": {"kind": "http", "url": "http://127.0.0.1:8080/", "timeout": "500ms", "failure_threshold": 3},
            "port": {"kind": "tcp", "port": 8080},
        },
        "config": {"files": ["/srv/web/.env"], "validate": {"command": "python -c 'import web'", "timeout": "1m"}},
        "logs": ["/srv/web/logs/web.log"],
        "temp": ["/tmp/web-*", "/srv/web/tmp"],
        "limits": {"attempts": "3", "ready_timeout": "90s", "stop_timeout": 5, "restarts_per_hour": 4},
    },
    "db": {"manager": {"kind": "systemd", "unit": "postgresql@15-main.service"}, "probes": {"p": {"kind": "memory"}}},
    "queue": {
        "manager": {
            "kind": "process",
            "command": ["/srv/queue/run", "--port", "5672"],
            "cwd": "/srv/queue",
            "env_file": "/srv/queue/env",
            "log": "/srv/queue/log",
        },
        "probes": {"p": {"kind": "tcp", "port": 5672}},
    },
}


def edited(change: Callable[[dict[str, Any]], None]) -> dict[str, Any]:
    raw = copy.deepcopy(FULL)
    change(raw)
    return raw


def refused(raw: Any) -> list[str]:
    with pytest.raises(CatalogueError) as caught:
        parse_catalogue(raw)
    return caught.value.problems


def test_every_key_arrives_in_its_field() -> None:
    catalogue = parse_catalogue(FULL)
    web, queue = catalogue.services["web"], catalogue.services["queue"]
    assert catalogue.order == ("db", "queue", "web")
    assert web.manager == ManagerSpec(
        kind="supervisor",
        program="site:web",
        socket="/run/supervisor.sock",
        cwd="/srv/web",
        user="www",
        match="gunicorn .*web",
    )
    assert (web.tier, web.ports) == ("application", (8080, 8443))
    assert (web.depends_on, web.restart_with) == (("db", "queue"), ("queue",))
    assert [(probe.name, probe.kind, probe.service) for probe in web.probes] == [
        ("live", "http", "web"),
        ("port", "tcp", "web"),
    ]
    assert (web.probes[0].schedule.timeout, web.probes[0].schedule.failure_threshold) == (0.5, 3)
    assert web.config == ConfigSpec(("/srv/web/.env",), ("python", "-c", "import web"), "/srv/web", 60.0)
    assert (web.logs, web.temp) == (("/srv/web/logs/web.log",), ("/tmp/web-*", "/srv/web/tmp"))
    assert web.limits == Limits(attempts=3, ready_timeout=90.0, stop_timeout=5.0, restarts_per_hour=4)
    assert queue.manager.command == ("/srv/queue/run", "--port", "5672")
    assert (queue.manager.env_file, queue.manager.log) == ("/srv/queue/env", "/srv/queue/log")


def test_a_service_of_a_compose_project() -> None:
    written = {
        "kind": "compose",
        "project": "monitoring",
        "service": "grafana",
        "socket": "/run/podman/podman.sock",
        "files": ["/opt/app/compose.yml", "/opt/app/override.yml"],
        "project_directory": "/opt/app/",
        "command": "podman compose",
    }
    raw = {"grafana": {"manager": written, "probes": {"memory": {"kind": "memory"}}}}
    spec = parse_catalogue(raw).services["grafana"].manager
    assert spec == ManagerSpec(
        kind="compose",
        project="monitoring",
        service="grafana",
        socket="/run/podman/podman.sock",
        files=("/opt/app/compose.yml", "/opt/app/override.yml"),
        project_directory="/opt/app",
        compose=("podman", "compose"),
    )
    assert (spec.contained, spec.command) == (True, ())  # the program of compose is not the service's
    raw["grafana"]["manager"] = {"kind": "compose", "project": "m", "service": "g"}
    assert parse_catalogue(raw).services["grafana"].manager.socket == "/var/run/docker.sock"


@pytest.mark.parametrize(
    ("key", "value", "problem"),
    [
        ("project", None, "g.manager.project: is missing, a compose manager needs it"),
        ("project", "../x", "g.manager.project: '../x' is not a name as compose has them"),
        ("service", "--all", "g.manager.service: '--all' must be one word that does not begin with '-'"),
        ("service", "a=b", "g.manager.service: 'a=b' is not a name"),
        ("files", "compose.yml", "g.manager.files: must be a list, not text"),
        ("files", ["compose.yml"], "g.manager.files[0]: 'compose.yml' is not an absolute path"),
        ("match", "grafana", "g.manager.match: unknown key"),
        ("user", "grafana", "g.manager.user: unknown key"),
    ],
)
def test_what_a_compose_manager_does_not_take(key: str, value: Any, problem: str) -> None:
    manager = {"kind": "compose", "project": "m", "service": "g", key: value}
    (found,) = refused({"g": {"manager": manager, "probes": {"memory": {"kind": "memory"}}}})
    assert found.startswith(problem)


def test_what_a_compose_manager_needs_is_never_temporary() -> None:
    manager = {"kind": "compose", "project": "m", "service": "g", "files": ["/srv/app/tmp/compose.yml"]}
    (found,) = refused({"g": {"manager": manager, "temp": ["/srv/app/tmp"], "probes": {"m": {"kind": "memory"}}}})
    assert "would take away '/srv/app/tmp/compose.yml' (g.manager.files)" in found


def test_what_is_not_written_has_the_documented_defaults() -> None:
    db = parse_catalogue({"db": FULL["db"]}).services["db"]
    assert (db.tier, db.ports, db.depends_on, db.logs, db.temp) == ("application", (), (), (), ())
    assert db.config == ConfigSpec(files=(), validate=(), cwd=None, timeout=20.0)
    assert db.limits == Limits(attempts=2, ready_timeout=60.0, stop_timeout=15.0, restarts_per_hour=0)


def test_a_null_counts_as_not_written() -> None:
    raw = edited(lambda raw: raw["db"].update(depends_on=None, limits={"attempts": None}, config=None))
    assert parse_catalogue(raw).services["db"].limits.attempts == 2


def test_validation_may_have_a_directory_of_its_own() -> None:
    raw = edited(lambda raw: raw["web"]["config"]["validate"].update(cwd="/srv/check"))
    assert parse_catalogue(raw).services["web"].config.cwd == "/srv/check"


@pytest.mark.parametrize(
    ("raw", "problem"),
    [
        (None, "incident_services: must be a mapping of service names, not nothing"),
        ([], "incident_services: must be a mapping of service names, not a list"),
        ("{{ services }}", "incident_services: must be a mapping of service names, not text"),
        ({}, "incident_services: declares no service"),
    ],
)
def test_a_catalogue_is_a_mapping_that_is_not_empty(raw: Any, problem: str) -> None:
    assert refused(raw) == [problem]


# (path of the value in FULL, the wrong value, what the only problem says)
WRONG: list[tuple[str, Any, str]] = [
    ("web", 3, "web: must be a mapping, not a number"),
    ("web", ["x"], "web: must be a mapping, not a list"),
    ("web.manager", None, "web.manager: is missing, a service needs it"),
    ("web.manager", "supervisor", "web.manager: must be a mapping, not text"),
    ("web.probes", None, "web.probes: is missing, a service needs it"),
    ("web.probes", {}, "web.probes: declares no probe, so nothing could be judged"),
    ("web.probes", [], "web.probes: must be a mapping, not a list"),
    ("web.probes.live", "up", "web.probes.live: must be a mapping, not text"),
    ("web.probes.live.kind", "htpp", "web.probes.live.kind: 'htpp' is no kind of probe (did you mean 'http'?)"),
    ("web.probes", {"a/b": {"kind": "memory"}}, "web.probes.a/b: 'a/b' cannot be the name of a probe"),
    ("web.probes", {1: {"kind": "memory"}}, "web.probes.1: 1 cannot be the name of a probe"),
    ("web.tier", "observabilty", "web.tier: 'observabilty' is no tier (did you mean 'observability'?)"),
    ("web.tier", ["application"], "web.tier: ['application'] is no tier"),
    ("web.tier", True, "web.tier: True is no tier"),
    ("web.port", [1], "web.port: unknown key (did you mean 'ports'?), a service has manager, probes, tier"),
    ("web.enabled", "false", "web.enabled: unknown key, a service has"),
    ("web.ports", 8080, "web.ports: must be a list, not a number"),
    ("web.ports", "8080", "web.ports: must be a list, not text"),
    ("web.ports", [0], "web.ports[0]: 0 is out of range, a port is 1 to 65535"),
    ("web.ports", [8080, 65536], "web.ports[1]: 65536 is out of range"),
    ("web.ports", [True], "web.ports[0]: True must be a whole number"),
    ("web.ports", ["true"], "web.ports[0]: 'true' must be a whole number"),
    ("web.ports", [80.5], "web.ports[0]: 80.5 must be a whole number"),
    ("web.ports", [8080, 8080], "web.ports[1]: 8080 is written twice"),
    ("queue.depends_on", "db", "queue.depends_on: must be a list, not text"),
    ("web.depends_on", ["db", "queue", 3], "web.depends_on[2]: 3 must be text"),
    ("web.restart_with", {"db": True}, "web.restart_with: must be a list, not a mapping"),
    ("web.logs", ["logs/web.log"], "web.logs[0]: 'logs/web.log' is not an absolute path"),
    ("web.logs", [""], "web.logs[0]: '' must be one line of text that is not blank"),
    ("web.logs", ["/a\n/b"], "web.logs[0]: '/a\\n/b' must be one line of text"),
    ("web.logs", [False], "web.logs[0]: False must be text"),
    ("web.temp", ["tmp/x"], "web.temp[0]: 'tmp/x' is not an absolute path"),
    ("web.temp", ["/"], "web.temp[0]: '/' is too shallow to be cleared"),
    ("web.config", [], "web.config: must be a mapping, not a list"),
    ("web.config.file", [], "web.config.file: unknown key (did you mean 'files'?), config has files, globs"),
    ("web.config.files", [".env"], "web.config.files[0]: '.env' is not an absolute path"),
    ("web.config.validate", "true", "web.config.validate: must be a mapping, not text"),
    ("web.config.validate.command", None, "web.config.validate.command: is missing"),
    ("web.config.validate.command", "", "web.config.validate.command: '' names no command"),
    ("web.config.validate.cwd", "srv", "web.config.validate.cwd: 'srv' is not an absolute path"),
    ("web.config.validate.timeout", 0, "web.config.validate.timeout: 0 must be longer than zero"),
    ("web.limits", 2, "web.limits: must be a mapping, not a number"),
    ("web.limits.attempt", 2, "web.limits.attempt: unknown key (did you mean 'attempts'?)"),
    ("web.limits.attempts", 0, "web.limits.attempts: 0 must be 1 or more"),
    ("web.limits.attempts", True, "web.limits.attempts: True must be a whole number"),
    ("web.limits.attempts", "yes", "web.limits.attempts: 'yes' must be a whole number"),
    ("web.limits.restarts_per_hour", -1, "web.limits.restarts_per_hour: -1 must be 0 or more"),
    ("web.limits.ready_timeout", "soon", "web.limits.ready_timeout: 'soon' is not a duration"),
    ("web.limits.ready_timeout", False, "web.limits.ready_timeout: False is not a duration"),
    ("web.limits.stop_timeout", "0s", "web.limits.stop_timeout: '0s' must be longer than zero"),
    ("web.manager.kind", None, "web.manager.kind: is missing, it is one of supervisor, systemd, process"),
    ("web.manager.kind", "supervisord", "web.manager.kind: 'supervisord' is no kind of manager (did you mean"),
    ("web.manager.kind", ["systemd"], "web.manager.kind: ['systemd'] is no kind of manager"),
    ("web.manager.program", None, "web.manager.program: is missing, a supervisor manager needs it"),
    ("web.manager.program", True, "web.manager.program: True must be text"),
    ("web.manager.program", "site:*", "web.manager.program: 'site:*' must be one program, as group:name or name"),
    ("web.manager.program", "site: web", "web.manager.program: 'site: web' must be one word"),
    ("web.manager.progam", "x", "web.manager.progam: unknown key (did you mean 'program'?), a supervisor manager has"),
    ("web.manager.unit", "x", "web.manager.unit: unknown key, a supervisor manager has kind, program, socket"),
    ("web.manager.env_file", "/x", "web.manager.env_file: unknown key"),
    ("web.manager.socket", "run/x.sock", "web.manager.socket: 'run/x.sock' is not an absolute path"),
    ("web.manager.cwd", "~/web", "web.manager.cwd: '~/web' is not an absolute path"),
    ("web.manager.user", "-u root", "web.manager.user: '-u root' must be one word"),
    ("web.manager.match", "gunicorn (", "web.manager.match: 'gunicorn (' is not a regular expression"),
    ("web.manager.match", ".*", "web.manager.match: '.*' matches everything"),
    ("db.manager.unit", None, "db.manager.unit: is missing, a systemd manager needs it"),
    ("db.manager.unit", "--now", "db.manager.unit: '--now' must be one word that does not begin with '-'"),
    ("db.manager.unit", "a/b.service", "db.manager.unit: 'a/b.service' is not the name of a unit"),
    ("db.manager.log", "/x", "db.manager.log: unknown key, a systemd manager has kind, unit, cwd, user, match"),
    ("queue.manager.command", None, "queue.manager.command: is missing, a process manager needs it"),
    ("queue.manager.command", [], "queue.manager.command: [] names no command"),
    ("queue.manager.command", [" "], "queue.manager.command: [' '] names no command"),
    ("queue.manager.command", ["x", 1.5], "queue.manager.command: ['x', 1.5] must be a string or a list of strings"),
    ("queue.manager.command", ["run", "a\0b"], "queue.manager.command: an argument must not hold a NUL character"),
    ("queue.manager.command", "run 'x", 'queue.manager.command: "run \'x" cannot be split into arguments'),
    ("queue.manager.cwd", None, "queue.manager.cwd: is missing, a process manager needs it"),
    ("queue.manager.log", "log", "queue.manager.log: 'log' is not an absolute path"),
    ("queue.manager.env_file", "env", "queue.manager.env_file: 'env' is not an absolute path"),
]


@pytest.mark.parametrize(("path", "value", "problem"), WRONG, ids=[f"{row[0]}={row[1]!r}" for row in WRONG])
def test_a_wrong_value_is_refused_under_its_path(path: str, value: Any, problem: str) -> None:
    def change(raw: dict[str, Any]) -> None:
        *parents, last = path.split(".")
        entry = raw
        for parent in parents:
            entry = entry[parent]
        entry[last] = value

    problems = refused(edited(change))
    assert len(problems) == 1, problems
    assert problems[0].startswith(problem)


@pytest.mark.parametrize("name", ["", "1st", "a b", "a/b", "../x", "-rf", "ü", "a" * 64, "a\n"])
def test_names_of_services_are_plain(name: str) -> None:
    problems = refused({name: FULL["db"]})
    assert len(problems) == 1
    assert f"{name!r} cannot be the name of a service" in problems[0]


def test_a_name_that_yaml_read_as_a_number_is_refused() -> None:
    assert refused({8000: FULL["db"]})[0].startswith("8000: 8000 cannot be the name of a service")


def test_all_problems_come_at_once_and_the_message_holds_every_one() -> None:
    raw = edited(lambda raw: raw["web"].update(tier="x", ports=[0], depends_on=["dbb"], restart_with=[]))
    raw["queue"]["manager"]["log"] = "log"
    with pytest.raises(CatalogueError) as caught:
        parse_catalogue(raw)
    paths = [problem.split(": ")[0] for problem in caught.value.problems]
    assert paths == ["web.tier", "web.ports[0]", "queue.manager.log", "web.depends_on"]
    for problem in caught.value.problems:
        assert problem in str(caught.value)


def test_the_raw_catalogue_is_left_as_it_was() -> None:
    raw = copy.deepcopy(FULL)
    parse_catalogue(raw)
    assert raw == FULL


def test_host_probes_belong_to_no_service_and_keep_their_order() -> None:
    probes = parse_host_probes({"load": {"kind": "load"}, "disk": {"kind": "disk", "path": "/srv"}})
    assert [(probe.name, probe.kind, probe.service) for probe in probes] == [("load", "load", ""), ("disk", "disk", "")]


@pytest.mark.parametrize(
    ("raw", "problem"),
    [
        ({"disk": {"kind": "disk"}}, "incident_host_probes.disk.path: is missing"),
        ({"disk": {"kind": "disc"}}, "incident_host_probes.disk.kind: 'disc' is no kind of probe"),
        ([], "incident_host_probes: must be a mapping, not a list"),
    ],
)
def test_host_probes_are_refused_under_their_path(raw: Any, problem: str) -> None:
    with pytest.raises(CatalogueError) as caught:
        parse_host_probes(raw)
    assert len(caught.value.problems) == 1
    assert caught.value.problems[0].startswith(problem)


def test_a_host_may_be_asked_nothing() -> None:
    assert parse_host_probes({}) == ()
