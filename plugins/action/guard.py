# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Controller side of the module guard: refuse a run that must not begin, before any host is touched."""

from __future__ import annotations

import getpass
import socket
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ansible import context
from ansible.errors import AnsibleError
from ansible.inventory.manager import InventoryManager, split_host_pattern
from ansible.parsing.dataloader import DataLoader
from ansible.plugins.action import ActionBase
from ansible.utils.vars import load_extra_vars

from ansible_collections.toombos.incident.plugins.module_utils._errors import CatalogueError, IncidentError
from ansible_collections.toombos.incident.plugins.module_utils._values import parse_bool
from ansible_collections.toombos.incident.plugins.plugin_utils._announce import announce
from ansible_collections.toombos.incident.plugins.plugin_utils._controller_view import questions
from ansible_collections.toombos.incident.plugins.plugin_utils._evidence_policy import read_evidence
from ansible_collections.toombos.incident.plugins.plugin_utils._inputs import (
    KNOWN,
    OF_VERBS,
    misspelt,
    read_inputs,
)
from ansible_collections.toombos.incident.plugins.plugin_utils._policy import Refusal, read_policy
from ansible_collections.toombos.incident.plugins.plugin_utils._refusal import refusal
from ansible_collections.toombos.incident.plugins.plugin_utils._targets import (
    blank_limit,
    partial_run,
    refuse_own_groups,
    refuse_too_many,
    resolve_targets,
)

_LAUNCHED_BY = ("awx_user_name", "tower_user_name")


class ActionModule(ActionBase):
    """Resolves and checks on the controller; never connects."""

    _requires_connection = False
    _supports_check_mode = True
    _VALID_ARGS = frozenset((*KNOWN, "policy", "verdict"))

    def run(self, tmp: Any = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        try:
            result.update(changed=False, **self._guard(task_vars or {}))
        except IncidentError as error:
            result.update(refusal(error))
            announce(result["incident_verdict"])
        return result

    def _guard(self, task_vars: dict[str, Any]) -> dict[str, Any]:
        limit, extra = context.CLIARGS.get("subset"), load_extra_vars(self._loader)
        limits = _limit_terms(limit)
        objections = blank_limit(limit, limits) + misspelt(extra) + partial_run(*_tags())
        if objections:
            raise Refusal(objections)
        words = self._words(extra, task_vars)
        policy = read_policy(self._task.args.get("policy") or {})
        groups = task_vars.get("groups", {})
        total = len(groups.get("all", ()))
        inputs = read_inputs(words, policy, total)
        inventory = _inventory(groups)
        reach = [host for host in task_vars.get("ansible_play_hosts_all", ()) if host in set(groups.get("all", ()))]
        if limit:
            resolve_targets(limit, limits, inventory, groups, groups.get("all", ()))
        hosts = resolve_targets(inputs.target, split_host_pattern(inputs.target), inventory, groups, reach)
        declared = _in_common(hosts, task_vars["hostvars"], "incident_policy", "policies")
        policy = policy if declared is None else read_policy(declared)
        inputs = read_inputs(words, policy, total)
        kept = _in_common(hosts, task_vars["hostvars"], "incident_evidence", "ways to keep evidence") or {}
        evidence = read_evidence(kept, inputs.evidence, inputs.reason)
        overrides = refuse_too_many(hosts, inputs.max_hosts, inputs.break_glass)
        refuse_own_groups(groups, hosts)
        seen_from_here = _check_catalogues(hosts, task_vars["hostvars"], inputs.services)
        what = ", ".join(inputs.services) or "all services"
        return {
            "inputs": {**inputs.to_dict(), "owner": _owner(extra)},
            "overrides": overrides,
            # A play that only sets a switch ends without a verdict.
            "verdict_owed": parse_bool(self._task.args.get("verdict", True)),
            "policy": {**policy.__dict__, "batches": list(policy.batches)},
            "evidence": evidence.to_dict(),
            "targets": hosts,
            "controller_targets": seen_from_here,
            "started": time.time(),
            "msg": f"{len(hosts)} hosts: {', '.join(hosts[:10])}{', …' if len(hosts) > 10 else ''}; {what}",
        }

    def _words(self, extra: Mapping[str, Any], task_vars: Mapping[str, Any]) -> dict[str, Any]:
        """What the responder says, else what the play says, else what the task says.

        Extra-vars are taken as they were typed: an alert's text in them must not be executed as a template.
        """
        words = dict(self._task.args)
        words.update(
            {word: self._templar.template(task_vars[word]) for word in KNOWN if word in task_vars.keys() - extra}
        )
        words.update({word: extra[word] for word in (*KNOWN, *OF_VERBS) if word in extra})
        return words


def _owner(extra: Mapping[str, Any]) -> str:
    """Who runs this: AWX says who pressed the button; elsewhere it is the user on this controller."""
    launched = next((str(extra[name]) for name in _LAUNCHED_BY if extra.get(name)), "")
    return f"{launched or getpass.getuser()}@{socket.gethostname()}"


def _tags() -> tuple[Sequence[str], Sequence[str]]:
    return context.CLIARGS.get("tags") or (), context.CLIARGS.get("skip_tags") or ()


def _limit_terms(limit: str | None) -> list[str]:
    """The parts of --limit, with those of an ``@file`` in its place, as Ansible reads it."""
    terms: list[str] = []
    for term in split_host_pattern(limit or ""):
        lines = Path(term[1:]).read_text(encoding="utf-8").splitlines() if term.startswith("@") else [term]
        terms += split_host_pattern([line.strip() for line in lines])
    return terms


def _inventory(groups: dict[str, list[str]]) -> Any:
    """A resolver with Ansible's own pattern rules over the groups as they are."""
    manager = InventoryManager(loader=DataLoader(), parse=False)
    for group, hosts in groups.items():
        manager.add_group(group)
        for host in hosts:
            manager.add_host(host, group=group)

    known = set(groups.get("all", ()))

    def resolve(patterns: Sequence[str]) -> list[str]:
        try:
            found = [host.name for host in manager.get_hosts(pattern=list(patterns))]
        except (AnsibleError, IndexError):  # not a pattern, or a place beyond the end of its group
            return []
        return [name for name in found if name in known]  # not the localhost that Ansible makes up

    return resolve


def _in_common(hosts: list[str], hostvars: Any, variable: str, what: str) -> Any:
    """What the targets say in common: theirs, not that of whichever host happens to come first of all."""
    declared = [hostvars[host].get(variable) for host in hosts]
    other = next((host for host, value in zip(hosts, declared, strict=True) if value != declared[0]), None)
    if other is not None:
        differ = f"{hosts[0]} and {other} have different {what} ({variable})."
        raise Refusal([f"{differ} Take them one after the other."])
    return declared[0]


def _check_catalogues(hosts: list[str], hostvars: Any, services: tuple[str, ...]) -> list[str]:
    """Every host's catalogue, once per distinct one; the first host that has a bad one is named.

    Returns the hosts about which something is to be asked from the controller.
    """
    seen: list[Any] = []
    outside: list[bool] = []  # beside each of those
    found: list[str] = []
    for host in hosts:
        known = hostvars[host]
        if "incident_services" not in known:
            raise Refusal(
                [f"{host} has no service catalogue. Declare incident_services for it, or choose another target."]
            )
        try:
            # Reading them works out their templates.
            declared = (known["incident_services"], known.get("incident_host_probes") or {})
            if declared not in seen:
                outside.append(bool(questions(*declared, services)))
                seen.append(declared)
        except CatalogueError as error:
            raise Refusal([f"{host}: {problem}." for problem in error.problems]) from error
        except (IncidentError, AnsibleError) as error:
            raise Refusal([f"{host}: {error}"]) from error
        if outside[seen.index(declared)]:
            found.append(host)
    return found
