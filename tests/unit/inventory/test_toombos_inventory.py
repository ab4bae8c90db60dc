# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The inventory of Toombos renders without a warning, is valid, asks the right questions, and is made of variables."""

from __future__ import annotations

import json
import re
from typing import Any, Callable

import pytest

from ansible_collections.toombos.incident.plugins.module_utils._catalogue.parse import (
    parse_catalogue,
    parse_host_probes,
)
from ansible_collections.toombos.incident.plugins.module_utils._catalogue.types import (
    OBSERVABILITY,
    Catalogue,
    Service,
)
from ansible_collections.toombos.incident.plugins.module_utils._probe.kinds.logs import count_errors
from ansible_collections.toombos.incident.plugins.module_utils._probe.targets import Condition, HttpTarget
from ansible_collections.toombos.incident.plugins.module_utils._values import parse_duration

Rendered = dict[str, Any]


@pytest.fixture(scope="session")
def catalogue(toombos: Rendered) -> Catalogue:
    return parse_catalogue(toombos["services"])


def http(service: Service, name: str) -> HttpTarget:
    (target,) = [probe.target for probe in service.probes if probe.name == name]
    assert isinstance(target, HttpTarget)
    return target


def test_it_renders_without_a_warning(toombos: Rendered) -> None:
    assert toombos["warnings"] == ""


def test_dependencies_come_before_what_needs_them_and_observability_last(catalogue: Catalogue) -> None:
    assert catalogue.order == (
        "supervisord", "mock_crm", "mock_platform", "main", "prometheus", "alertmanager", "grafana", "loki",
    )  # fmt: skip
    assert catalogue.dependencies("main") == {"supervisord", "mock_crm", "mock_platform"}
    observed = {name for name, service in catalogue.services.items() if service.tier == OBSERVABILITY}
    assert observed == {"prometheus", "alertmanager", "grafana", "loki"}


def test_every_service_has_the_manager_and_the_port_of_the_run_book(catalogue: Catalogue) -> None:
    told = {
        name: (service.manager.kind, service.manager.program or service.manager.unit, service.ports)
        for name, service in catalogue.services.items()
    }
    assert told == {
        "supervisord": ("systemd", "supervisor.service", ()),
        "mock_crm": ("process", None, (8001,)),
        "mock_platform": ("process", None, (8002,)),
        "main": ("supervisor", "halcytone:halcytone-main", (8000,)),
        "prometheus": ("systemd", "prometheus.service", (9090,)),
        "alertmanager": ("systemd", "prometheus-alertmanager.service", (9093,)),
        "grafana": ("systemd", "grafana-server.service", (3000,)),
        "loki": ("systemd", "loki.service", (3100,)),
    }


@pytest.mark.parametrize(
    ("name", "script", "log"),
    [
        ("mock_crm", "mocks/crm_service.py", "/opt/halcytone/logs/crm-mock.log"),
        ("mock_platform", "mocks/platform_service.py", "/opt/halcytone/logs/platform-mock.log"),
    ],
)
def test_the_mocks_run_as_the_run_book_starts_them(catalogue: Catalogue, name: str, script: str, log: str) -> None:
    manager = catalogue.services[name].manager
    assert manager.command == ("/opt/halcytone/venv/bin/python", script)
    assert (manager.cwd, manager.user, manager.log) == ("/opt/halcytone", "halcytone", log)


def test_the_command_lines_of_one_directory_are_told_apart(catalogue: Catalogue) -> None:
    lines = {
        "main": "/opt/halcytone/venv/bin/python -m uvicorn halcytone_content_generator.main:app --port 8000",
        "mock_crm": "python mocks/crm_service.py",
        "mock_platform": "/usr/bin/python3 mocks/platform_service.py",
    }
    for name in lines:
        pattern = re.compile(catalogue.services[name].manager.match or "$^")
        assert [other for other, line in lines.items() if pattern.search(line)] == [name]


def test_identity_is_asked_for_where_a_foreign_process_could_answer(catalogue: Catalogue) -> None:
    services = catalogue.services
    assert http(services["main"], "identity").expect.identity == (Condition("service", ("content-generator",)),)
    assert http(services["mock_crm"], "health").expect.identity == (Condition("service", ("mock-crm",)),)
    assert http(services["mock_platform"], "health").expect.identity == (Condition("service", ("mock-platform",)),)


def test_a_fresh_main_that_says_unknown_is_well(catalogue: Catalogue) -> None:
    assert http(catalogue.services["main"], "identity").expect.json == (Condition("status", ("unknown", "healthy")),)


def test_the_functional_probe_never_publishes(catalogue: Catalogue) -> None:
    preview = http(catalogue.services["main"], "preview")
    assert (preview.method, preview.url) == ("POST", "http://127.0.0.1:8000/api/v2/generate-content")
    assert json.loads(preview.body) == {"preview_only": True}
    assert ("Content-Type", "application/json") in preview.headers
    assert preview.expect.json == (Condition("status", ("preview",)),)


def test_no_probe_asks_what_harms_or_never_answers(catalogue: Catalogue) -> None:
    urls = [probe.target.url for probe in catalogue.services["main"].probes]
    assert [url.split("8000")[1] for url in urls] == ["/live", "/health", "/api/v2/generate-content"]


def test_observability_endpoints(catalogue: Catalogue) -> None:
    services = catalogue.services
    urls = {
        name: [probe.target.url for probe in services[name].probes]
        for name in services
        if services[name].tier == OBSERVABILITY
    }
    assert urls == {
        "prometheus": ["http://127.0.0.1:9090/-/healthy", "http://127.0.0.1:9090/-/ready"],
        "alertmanager": ["http://127.0.0.1:9093/-/healthy"],
        "grafana": ["http://127.0.0.1:3000/api/health"],
        "loki": ["http://127.0.0.1:3100/ready"],
    }
    assert http(services["grafana"], "health").expect.json == (Condition("database", ("ok",)),)


def test_supervisord_is_asked_for_its_state_over_its_socket(catalogue: Catalogue) -> None:
    question = http(catalogue.services["supervisord"], "rpc")
    assert (question.unix_socket, question.method) == ("/run/supervisor.sock", "POST")
    assert b"<methodName>supervisor.getState</methodName>" in question.body
    assert re.search(question.expect.body or "$^", "<name>statename</name>\n<value><string>RUNNING</string></value>")
    assert not re.search(question.expect.body or "", "<value><string>SHUTDOWN</string></value>")


def test_probes_are_quick_enough_for_the_night(catalogue: Catalogue) -> None:
    for service in catalogue.services.values():
        for probe in service.probes:
            timeout = 5.0 if probe.name == "preview" else 3.0
            assert (probe.schedule.timeout, probe.schedule.period, probe.schedule.failure_threshold) == (
                timeout,
                1.0,
                2,
            )


def test_main_declares_what_a_recovery_may_use(catalogue: Catalogue) -> None:
    main = catalogue.services["main"]
    assert main.config.files == ("/opt/halcytone/.env", "/opt/halcytone/.env.production")
    assert main.config.validate[0] == "/opt/halcytone/venv/bin/python"
    assert main.config.validate[-1].endswith("config import get_settings; get_settings()")
    assert main.config.cwd == "/opt/halcytone"
    assert (main.temp, main.logs) == (("/tmp/halcytone-*",), ("/opt/halcytone/logs/halcytone.log",))
    # supervisord waits 10 seconds before it kills a hung main: a stop must be allowed more.
    assert (main.limits.attempts, main.limits.stop_timeout > 10) == (2, True)


def test_host_probes_have_the_thresholds_of_the_run_book(toombos: Rendered) -> None:
    probes = {probe.name: probe for probe in parse_host_probes(toombos["host_probes"])}
    assert list(probes) == ["disk_root", "disk_app", "memory", "load", "errors"]
    for name in ("disk_root", "disk_app"):
        target = probes[name].target
        assert [(levels.warn, levels.fail) for levels in (target.bytes, target.inodes)] == [(80.0, 90.0)] * 2
    assert (probes["memory"].target.levels.warn, probes["memory"].target.levels.fail) == (80.0, 90.0)


def test_errors_in_the_log_of_main_are_a_hint_unless_they_are_harmless(toombos: Rendered) -> None:
    (target,) = [probe.target for probe in parse_host_probes(toombos["host_probes"]) if probe.name == "errors"]
    assert (target.path, target.since) == ("/opt/halcytone/logs/halcytone.log", 900.0)
    assert (target.levels.warn, target.levels.fail) == (1.0, float("inf"))
    start = "2026-11-23 14:45:54 - app - ERROR - Failed to initialize production services: mock publishers"
    lines = [start, "2026-11-23 14:46:00 - app - ERROR - Enhanced content generation failed"]
    assert count_errors(lines, target.match, target.baseline, None).last == lines[1]
    assert count_errors(lines[:1], target.match, target.baseline, None).count == 0


def test_the_policy_begins_with_one_host(toombos: Rendered) -> None:
    policy = toombos["policy"]
    assert (policy["canary"], policy["batches"], policy["max_hosts"]) == (1, [1, "10%", "50%", "100%"], 50)
    assert (parse_duration(policy["stable_for"]), parse_duration(policy["deadline"])) == (2.0, 300.0)


def test_the_default_target_is_a_group_with_hosts(toombos: Rendered) -> None:
    assert toombos["groups"][toombos["target"]] == ["toombos-1"]
    assert toombos["state_dir"] == "/run/toombos-incident"


def test_everything_moves_with_its_variable(render_inventory: Callable[..., Rendered]) -> None:
    ports = {"main": 1, "crm": 2, "platform": 3, "prometheus": 4, "alertmanager": 5, "grafana": 6, "loki": 7}
    rendered = render_inventory(
        **{f"toombos_{name}_port": 20000 + number for name, number in ports.items()},
        toombos_app_dir="/srv/other",
        toombos_user="operator",
        toombos_address="127.0.0.9",
        toombos_supervisor_socket="/srv/other/s.sock",
        toombos_supervisor_config="/srv/other/s.conf",
        toombos_supervisor_log="/srv/other/s.log",
        toombos_temp=[],
        toombos_preview_timeout="9s",
    )
    catalogue = parse_catalogue(rendered["services"])
    assert sorted(port for service in catalogue.services.values() for port in service.ports) == list(
        range(20001, 20008)
    )
    text = json.dumps([rendered["services"], rendered["host_probes"]])
    stale = re.findall(
        r"127\.0\.0\.1|/opt/[\w/]*|/run/[\w/]*|/etc/[\w/]*|/var/[\w/]*|/tmp/[\w/]*|:(?:8|9|3)\d{3}\b", text
    )
    assert stale == []
    assert {service.manager.user for service in catalogue.services.values()} == {None, "operator"}


def test_parts_can_be_left_out_and_managers_replaced(render_inventory: Callable[..., Rendered]) -> None:
    supervisord = {"kind": "process", "command": ["supervisord", "-n"], "cwd": "/srv/lab"}
    rendered = render_inventory(
        toombos_observability_services={},
        toombos_supervisord_manager=supervisord,
        toombos_main_manager={"kind": "systemd", "unit": "main.service"},
        toombos_main_depends_on=["mock_crm"],
    )
    services = parse_catalogue(rendered["services"]).services
    assert list(services) == ["supervisord", "mock_crm", "mock_platform", "main"]
    assert services["supervisord"].manager.command == ("supervisord", "-n")
    assert (services["main"].manager.unit, services["main"].depends_on) == ("main.service", ("mock_crm",))
