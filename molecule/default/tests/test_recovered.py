# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""After the recovery, seen from outside: everything serves, once, as the right user, and stays owned by its manager."""

from __future__ import annotations

import json
from typing import Any

import pytest

PORTS = (8000, 8001, 8002, 9090, 9093, 3000, 3100)


@pytest.mark.parametrize("port", PORTS)
def test_listens(host: Any, port: int) -> None:
    assert host.socket(f"tcp://127.0.0.1:{port}").is_listening


@pytest.mark.parametrize(
    ("url", "key", "value"),
    [
        ("http://127.0.0.1:8000/health", "service", "content-generator"),
        ("http://127.0.0.1:8001/health", "service", "mock-crm"),
        ("http://127.0.0.1:8002/health", "service", "mock-platform"),
    ],
)
def test_answers_with_its_own_identity(host: Any, url: str, key: str, value: str) -> None:
    ask = f"import urllib.request; print(urllib.request.urlopen('{url}', timeout=5).read().decode())"
    assert json.loads(host.check_output("python3 -c %s", ask))[key] == value


@pytest.mark.parametrize(
    ("words", "copies"), [("uvicorn src", 1), ("mocks/crm_service.py", 2), ("mocks/platform_service.py", 2)]
)
def test_runs_once_as_the_user_of_the_application(host: Any, words: str, copies: int) -> None:
    listed = [line.split(None, 2) for line in host.check_output("ps -eo user:32,stat,args").splitlines()]
    found = [(user, state) for user, state, command in listed if words in command and "python3" in command.split()[0]]
    assert len(found) == copies, found
    assert {user for user, state in found} == {"halcytone"}
    assert not any(state.startswith("T") for user, state in found)


def test_main_runs_under_supervisord(host: Any) -> None:
    assert "RUNNING" in host.check_output("supervisorctl status halcytone:halcytone-main")
    assert host.service("supervisor").is_running


@pytest.mark.parametrize("unit", ["prometheus", "prometheus-alertmanager", "grafana-server", "loki"])
def test_monitoring_runs(host: Any, unit: str) -> None:
    assert host.service(unit).is_running


def test_the_lock_is_free_and_the_state_private(host: Any) -> None:
    state = host.file("/run/toombos-incident")
    assert state.is_directory
    assert state.mode == 0o700
    assert host.run("flock --nonblock /run/toombos-incident/recovery.lock true").rc == 0
