# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Controller side of the module fleet_verdict: what the whole run added up to."""

from __future__ import annotations

import time
from typing import Any

from ansible.plugins.action import ActionBase

from ansible_collections.toombos.incident.plugins.module_utils._values import parse_bool
from ansible_collections.toombos.incident.plugins.plugin_utils._announce import announce
from ansible_collections.toombos.incident.plugins.plugin_utils._fleet import CHECK_MODE, PLAN_ONLY, TRIAGE, judge
from ansible_collections.toombos.incident.plugins.plugin_utils._preserved import with_evidence
from ansible_collections.toombos.incident.plugins.plugin_utils._results import (
    last_words,
    preserved_of,
    registered,
    rollout_of,
    terminal_width,
)
from ansible_collections.toombos.incident.plugins.plugin_utils._rollout import gate
from ansible_collections.toombos.incident.plugins.plugin_utils._screen import render
from ansible_collections.toombos.incident.plugins.plugin_utils._views import with_views


class ActionModule(ActionBase):
    """Reads registered results only; never connects."""

    _requires_connection = False
    _supports_check_mode = True
    _VALID_ARGS = frozenset(
        (
            "targets",
            "assessments",
            "results",
            "inputs",
            "policy",
            "started",
            "triage",
            "overrides",
            "controller_checks",
            "evidence",
            "opened",
            "captures",
        )
    )

    def run(self, tmp: Any = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        args, hostvars = self._task.args, (task_vars or {})["hostvars"]
        assessments = registered(hostvars, args["targets"], args["assessments"])
        rollout = rollout_of(args, assessments)
        results = registered(hostvars, rollout.hosts, args["results"])
        treated = {host: done for host, done in results.items() if done is not None}
        opened, reason = gate(treated)
        kept = preserved_of(args, hostvars, rollout.hosts)
        verdict = judge(
            rollout,
            results,
            mode=self._mode(args),
            gate_reason=kept.objection or ("" if opened else reason),
            duration=time.time() - float(args["started"]),
            overrides=args.get("overrides") or (),
        )
        verdict = with_views(
            verdict, last_words(assessments, results), args.get("controller_checks") or {}, self._mode(args)
        )
        if rollout.hosts and self._mode(args) == "recover":
            verdict = with_evidence(verdict, kept)
        machine = verdict.machine()
        shown = {"text": render(verdict, terminal_width()), "machine": machine, "ok": verdict.ok}
        announce(shown)
        result.update(
            changed=False,
            status=verdict.status,
            red=verdict.red,
            msg=f"{verdict.status}: {len(verdict.hosts) - len(verdict.red)} of {len(verdict.hosts)} hosts are healthy",
            incident_verdict=shown,
            ansible_stats={"data": {"incident_verdict": machine}, "per_host": False, "aggregate": False},
        )
        result["fail_hosts"] = verdict.red if not verdict.ok or args["inputs"].get("fail") else {}
        return result

    def _mode(self, args: dict[str, Any]) -> str:
        if parse_bool(args.get("triage") or False):
            return TRIAGE
        if args["inputs"].get("plan_only"):
            return PLAN_ONLY
        return CHECK_MODE if self._task.check_mode else "recover"
