# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The procedure under pyinfra, an operation per phase. A fact tells what is red before the first of them."""

from __future__ import annotations

import os

from pyinfra import host
from pyinfra.facts.server import Command
from pyinfra.operations import server

PORTS = {"crm": 8001, "platform": 8002, "main": 8000}
CONTROL = os.environ["SUPERVISORCTL"]


def answers(port: int, path: str) -> str:
    return f"curl --silent --fail --max-time 3 --output /dev/null http://127.0.0.1:{port}{path}"


def wait(port: int, path: str) -> str:
    return f"for i in $(seq 300); do {answers(port, path)} && exit 0; sleep 0.1; done; exit 1"


asked = "; ".join(f"{answers(port, '/health')} || echo {name}" for name, port in PORTS.items())
red = (host.get_fact(Command, f"({asked}); true") or "").split()

if red:
    # It fails for what is down already.
    stop = f"{CONTROL} stop {' '.join(f'toombos:{name}' for name in reversed(red))} || true"
    server.shell(name="Stop what is red", commands=[stop])
    server.shell(name="Clear temporary files", commands=["rm -rf /run/bench/tmp/halcytone-*"])
for name, port in PORTS.items():
    if name in red:
        server.shell(name=f"Start {name}", commands=[f"{CONTROL} start toombos:{name}", wait(port, "/health")])
server.shell(name="Test the work itself", commands=[wait(8000, "/preview")])
