# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Controller side of the module evidence_manifest: which hosts were captured, and which were not."""

from __future__ import annotations

from typing import Any

from ansible_collections.toombos.incident.plugins.plugin_utils._custody.action import CustodyAction
from ansible_collections.toombos.incident.plugins.plugin_utils._custody.fleet import (
    IN_PLACE,
    counts,
    lines,
    manifest,
    write_manifest,
)
from ansible_collections.toombos.incident.plugins.plugin_utils._custody.home import book_of, find_incident
from ansible_collections.toombos.incident.plugins.plugin_utils._evidence_policy import default_home
from ansible_collections.toombos.incident.plugins.plugin_utils._results import registered


class ActionModule(CustodyAction):
    """See the module's documentation."""

    options = {
        "targets": {"type": "list", "elements": "str", "required": True},
        "results": {"type": "str", "required": True},
    }

    def perform(self, args: dict[str, Any]) -> dict[str, Any]:
        directory = find_incident(args["home"] or default_home(), args["incident"])
        hosts = manifest(registered(self._vars["hostvars"], args["targets"], args["results"]))
        captured = [host for host, each in hosts.items() if each["state"] == IN_PLACE]
        result = {
            "changed": True,
            "counts": counts(hosts),
            "captured": captured,
            "missing": {host: each["reason"] for host, each in hosts.items() if host not in captured},
            "lines": lines(hosts),
            "msg": _summary(hosts, captured),
        }
        if not self._task.check_mode:
            book = book_of(directory, args["signing_key"], args["who"], args["reason"])
            result["path"] = write_manifest(book, hosts)
        return result


def _summary(hosts: dict[str, dict[str, Any]], captured: list[str]) -> str:
    gone = "; ".join(f"{host}: {each['reason']}" for host, each in hosts.items() if host not in captured)
    return f"{len(captured)} of {len(hosts)} hosts are captured" + (f"; missing are {gone}" if gone else "")
