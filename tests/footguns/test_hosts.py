# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hosts that cannot be judged: each by its own word, none of them healthy, and no reason to let the others down."""

from __future__ import annotations

import re
from typing import Any


def test_what_cannot_be_judged_is_not_healthy_and_stops_nobody_else(fleet: Any) -> None:
    web = fleet(3)
    web.hosts["w1"].update(ansible_connection="ssh", ansible_host="127.0.0.1", ansible_port=1)
    web.hosts["w2"].update(ansible_python_interpreter="/nonexistent/python3")
    web.write()
    settings = {"ANSIBLE_SSH_RETRIES": "0", "ANSIBLE_TIMEOUT": "3"}
    run = web.play("recover.yml", **settings)
    assert (run.rc, run.verdict["status"], web.up()) == (2, "not_recovered", ["w3"])
    assert (run.verdict["red"], run.verdict["changed"]) == (["w1", "w2"], ["w3"])
    table = run.out.partition("NOT RECOVERED - 1 of 3 hosts healthy")[2]
    assert re.search(r"^w1 +- +unreachable .* nothing +unreachable$", table, re.MULTILINE), table
    assert re.search(r"^w2 +- +failed .* nothing +failed$", table, re.MULTILINE), table
    assert re.search(r"^w3 +site +down +not running +started +healthy +\S+$", table, re.MULTILINE), table
    assert "w1: unreachable is not healthy" in table

    again = web.play("recover.yml", **settings)
    assert (again.rc, again.verdict["status"]) == (2, "not_recovered"), "healthy is not what remains of the fleet"
    assert (again.verdict["red"], again.verdict["changed"]) == (["w1", "w2"], [])


def test_an_undefined_variable_in_a_catalogue_is_refused_by_host(fleet: Any) -> None:
    web = fleet(2)
    web.hosts["w2"]["incident_services"]["site"]["manager"]["cwd"] = "{{ nowhere_defined }}/app"
    web.write()
    run = web.play("recover.yml")
    assert (run.rc, run.verdict["status"], web.up()) == (2, "refused", [])
    (problem,) = run.verdict["problems"]
    assert problem.startswith("w2: ")
    assert "'nowhere_defined' is undefined" in problem
