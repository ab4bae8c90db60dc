# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What users see and what the host says, side by side, through whole runs."""

from __future__ import annotations

import http.server
import json
import socket
import threading
from collections.abc import Iterator
from typing import Any

import pytest

CUT_OFF = (
    "w1/site: passes on the host, refused from the controller: "
    "look at the network, the proxy or the firewall, a restart will not help"
)


@pytest.fixture
def nobody() -> Iterator[str]:
    """An address on which nothing listens, and nothing will."""
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{reserved.getsockname()[1]}/"


@pytest.fixture
def prometheus() -> Iterator[str]:
    """A server that answers every query with one sample of 0.25, to those who show the token."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            sample = {"metric": {"job": "site"}, "value": [0, "0.25"]}
            body = json.dumps({"status": "success", "data": {"resultType": "vector", "result": [sample]}}).encode()
            known = self.headers["Authorization"] == "Bearer token-of-the-monitoring"
            self.send_response(200 if known and self.path.startswith("/api/v1/query?query=errors") else 401)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_args: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def front(fleet: Any, name: str) -> dict[str, Any]:
    """The probe of a host's service."""
    probe = fleet.hosts[name]["incident_services"]["site"]["probes"]["front"]
    assert isinstance(probe, dict)
    return probe


def test_what_users_cannot_see_is_not_healthy_and_not_restarted(fleet: Any, nobody: str) -> None:
    web = fleet(2)
    front(web, "w1").update({"from": "both", "controller": {"url": nobody}})
    front(web, "w2").update({"from": "both"})
    web.write()
    run = web.play("recover.yml")
    assert (run.rc, run.verdict["status"], web.up()) == (2, "not_recovered", ["w1", "w2"])
    assert (run.verdict["red"], run.verdict["changed"]) == (["w1"], ["w1", "w2"])
    (found,) = run.verdict["disagreements"]
    assert (found["host"], found["service"], found["probe"]) == ("w1", "site", "front")
    assert (found["on_the_host"], found["from_the_controller"], found["reason"]) == ("pass", "fail", "refused")
    said = " ".join(run.out.split())
    assert f"Next: {CUT_OFF}" in said
    assert "Notes: w1/site/front: pass on the host, fail from the controller (nothing listens" in said

    # Restarting would not help, so nothing is restarted, however often it is said.
    again = web.play("recover.yml")
    assert (again.rc, again.verdict["status"]) == (2, "not_recovered")
    assert (again.verdict["red"], again.verdict["changed"]) == (["w1"], [])
    assert "changed=0" in again.out

    looked = web.play("triage.yml")
    assert (looked.rc, looked.verdict["status"], looked.verdict["red"]) == (0, "triage", ["w1"])
    assert web.play("triage.yml", "-e", "fail=true").rc == 2

    del front(web, "w1")["controller"]
    web.write()
    well = web.play("recover.yml")
    assert (well.rc, well.verdict["status"], well.verdict["disagreements"]) == (0, "healthy", [])


def test_figures_of_prometheus_count_and_its_token_stays_secret(fleet: Any, prometheus: str) -> None:
    web = fleet(1)
    front(web, "w1")["period"] = "200ms"
    errors = {
        "kind": "prometheus",
        "url": prometheus,
        "query": 'errors{job="site"}',
        "headers": {"Authorization": "Bearer token-of-the-monitoring"},
        "expect": {"max": 0.5},
    }
    web.hosts["w1"]["incident_services"]["site"]["probes"]["errors"] = errors
    web.write()
    run = web.play("recover.yml", "-vvv")
    assert (run.rc, run.verdict["status"], run.verdict["disagreements"]) == (0, "recovered", [])

    errors["expect"]["max"] = 0.1
    web.write()
    bad = web.play("recover.yml", "-vvv")
    assert (bad.rc, bad.verdict["red"], bad.verdict["changed"]) == (2, ["w1"], [])
    (found,) = bad.verdict["disagreements"]
    assert (found["reason"], found["message"]) == ("over_limit", '{job="site"} is 0.25, above 0.1')
    assert "token-of-the-monitoring" not in run.out + run.err + bad.out + bad.err


def test_a_host_that_cannot_be_reached_may_still_serve(fleet: Any) -> None:
    web = fleet(1)
    assert web.play("recover.yml").rc == 0
    front(web, "w1")["from"] = "both"
    web.hosts["w1"].update(ansible_connection="ssh", ansible_host="127.0.0.1", ansible_port=1)
    web.write()
    run = web.play("triage.yml", ANSIBLE_SSH_RETRIES="0", ANSIBLE_TIMEOUT="3")
    assert (run.verdict["status"], run.verdict["red"], run.verdict["disagreements"]) == ("triage", ["w1"], [])
    assert "w1/site/front: pass from the controller (status 200)" in " ".join(run.out.split())


def test_a_view_that_nobody_has_is_refused(fleet: Any) -> None:
    web = fleet(1)
    front(web, "w1")["from"] = "controler"
    web.write()
    run = web.play("recover.yml")
    assert (run.rc, run.verdict["status"], web.up()) == (2, "refused", [])
    (problem,) = run.verdict["problems"]
    assert problem.startswith("w1: site.probes.front.from: 'controler' is nobody who asks (did you mean 'controller'?)")
