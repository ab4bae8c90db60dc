# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Figures of single calls: the size of a module, its time to the first probe, many probes at once."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from typing import Any

from competitors import ROOT
from hosts import PORTS, PYTHON, Fleet, Host
from payload import CHECK, PING, RECOVERY, payload

CONTROLLER = "10.77.0.1"
_ASK = """
import json, sys, time
from ansible_collections.toombos.incident.plugins.module_utils._clock import Clock
from ansible_collections.toombos.incident.plugins.plugin_utils._controller_view import ask, questions
services = json.load(sys.stdin)
began = time.monotonic()
checks = ask({host: questions(each, {}) for host, each in services.items()}, Clock())
seconds = time.monotonic() - began
answers = [check["status"] for each in checks.values() for check in each]
print(json.dumps({"seconds": seconds, "answers": len(answers), "good": answers.count("pass")}))
"""


@dataclass(frozen=True)
class Singles:
    """Sizes in bytes. Times in seconds, the least of several: what else the machine does can only add to them."""

    sizes: dict[str, int]
    bare_python: float
    ping: float
    first_probe: float
    hundred: float
    two_thousand: float


def singles(fleet: Fleet) -> Singles:
    """On the first host, and the many probes over all of them."""
    host = fleet.hosts[0]
    ping = payload(PING, {})
    sizes = {
        PING: len(ping),
        CHECK: len(payload(CHECK, {"probes": {}})),
        RECOVERY: len(payload(RECOVERY, {"services": {}})),
    }
    times = range(5)
    return Singles(
        sizes,
        bare_python=min(_seconds(host, b"pass") for _time in times),
        ping=min(_seconds(host, ping) for _time in times),
        first_probe=min(_first_probe(host) for _time in times),
        hundred=min(_hundred(host) for _time in range(2)),
        two_thousand=min(_two_thousand(fleet) for _time in times),
    )


def _run(host: Host, script: bytes) -> bytes:
    command = host.nsenter(PYTHON, "-")
    return subprocess.run(command, input=script, stdout=subprocess.PIPE, check=True).stdout


def _seconds(host: Host, script: bytes) -> float:
    began = time.monotonic()
    _run(host, script)
    return time.monotonic() - began


def _first_probe(host: Host) -> float:
    """From the start of the host's Python until the first connection of a probe arrives here."""
    with socket.create_server((CONTROLLER, 0)) as listener:
        probe = {"kind": "tcp", "address": CONTROLLER, "port": listener.getsockname()[1], "failure_threshold": 1}
        script = payload(CHECK, {"probes": {"first": probe}})
        began = time.monotonic()
        call = threading.Thread(target=_run, args=(host, script))
        call.start()
        listener.accept()[0].close()
        seconds = time.monotonic() - began
        call.join()
        return seconds


def _hundred(host: Host) -> float:
    """A call with a hundred probes, one of which hangs for its timeout of 5 s."""
    url = f"http://127.0.0.1:{PORTS['crm']}/health"
    with socket.create_server((CONTROLLER, 0)) as silent:
        probes: dict[str, Any] = {f"p{number}": {"kind": "http", "url": url} for number in range(99)}
        hangs = f"http://{CONTROLLER}:{silent.getsockname()[1]}/"
        probes["hangs"] = {"kind": "http", "url": hangs, "timeout": "5s", "failure_threshold": 1}
        call = payload(CHECK, {"probes": probes, "fail_when_unhealthy": False})
        began = time.monotonic()
        result = json.loads(_run(host, call))
        seconds = time.monotonic() - began
    counts = result["verdict"]["counts"]
    assert (counts["pass"], counts["fail"]) == (99, 1), counts
    return seconds


def _two_thousand(fleet: Fleet) -> float:
    """The controller's own probes of a whole fleet, as recover.yml asks them."""
    each = 2000 // len(fleet.hosts)
    asked = {host.name: _services(host, each) for host in fleet.hosts}
    environment = {**os.environ, "PYTHONPATH": str(ROOT / ".ansible" / "collections")}
    command = [sys.executable, "-c", _ASK]
    text = json.dumps(asked)
    done = subprocess.run(command, input=text, stdout=subprocess.PIPE, text=True, env=environment, check=True)
    result = json.loads(done.stdout)
    assert result["good"] == result["answers"] == each * len(fleet.hosts), result
    return float(result["seconds"])


def _services(host: Host, count: int) -> dict[str, Any]:
    names = list(PORTS)
    services = {}
    for place, name in enumerate(names):
        url = f"http://{host.address}:{PORTS[name]}/health"
        numbers = range(place, count, len(names))
        probes: dict[str, Any] = {
            f"p{number}": {"kind": "http", "url": url, "from": "controller", "timeout": "5s"} for number in numbers
        }
        probes["inside"] = {"kind": "tcp", "port": PORTS[name]}
        services[name] = {"manager": {"kind": "systemd", "unit": f"{name}.service"}, "probes": probes}
    return services
