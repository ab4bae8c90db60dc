# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Controller side of the module guard: refuse a run that must not begin, before any host is touched."""

from __future__ import annotations

import time
from typing import Any

from ansible import context
from ansible.inventory.manager import InventoryManager, split_host_pattern
from ansible.parsing.dataloader import DataLoader
from ansible.plugins.action import ActionBase
from ansible.utils.vars import load_extra_vars

from ansible_collections.toombos.incident.plugins.module_utils._catalogue.order import select
from ansible_collections.toombos.incident.plugins.module_utils._catalogue.parse import (
    parse_catalogue,
    parse_host_probes,
)
from ansible_collections.toombos.incident.plugins.module_utils._errors import CatalogueError, IncidentError
from ansible_collections.toombos.incident.plugins.plugin_utils._inputs import (
    KNOWN,
    Policy,
    Refusal,
    misspelt,
    read_inputs,
    read_policy,
)
from ansible_collections.toombos.incident.plugins.plugin_utils._refusal import refusal
from ansible_collections.toombos.incident.plugins.plugin_utils._targets import (
    blank_limit,
    refuse_too_many,
    resolve_targets,
)


class ActionModule(ActionBase):
    """Resolves and checks on the controller; never connects."""

    _requires_connection = False
    _supports_check_mode = True
    _VALID_ARGS = frozenset((*KNOWN, "policy"))

    def run(self, tmp: Any = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        try:
            result.update(changed=False, **self._guard(task_vars or {}))
        except IncidentError as error:
            result.update(refusal(error))
        return result

    def _guard(self, task_vars: dict[str, Any]) -> dict[str, Any]:
        limit = context.CLIARGS.get("subset")
        objections = blank_limit(limit) + misspelt(load_extra_vars(self._loader))
        if objections:
            raise Refusal(objections)
        policy = read_policy(self._task.args.get("policy") or {})
        inputs = read_inputs(self._task.args, policy)
        groups = task_vars.get("groups", {})
        inventory = _inventory(groups)
        reach = [host for host in task_vars.get("ansible_play_hosts_all", ()) if host in set(groups.get("all", ()))]
        if limit:
            resolve_targets(limit, split_host_pattern(limit), inventory, groups, groups.get("all", ()))
        hosts = resolve_targets(inputs.target, split_host_pattern(inputs.target), inventory, groups, reach)
        policy = _policy_of(hosts, task_vars["hostvars"], policy)
        inputs = read_inputs(self._task.args, policy)
        refuse_too_many(hosts, inputs.max_hosts)
        _check_catalogues(hosts, task_vars["hostvars"], inputs.services)
        what = ", ".join(inputs.services) or "all services"
        return {
            "inputs": inputs.to_dict(),
            "policy": {**policy.__dict__, "batches": list(policy.batches)},
            "targets": hosts,
            "started": time.time(),
            "msg": f"{len(hosts)} hosts: {', '.join(hosts[:10])}{', …' if len(hosts) > 10 else ''}; {what}",
        }


def _inventory(groups: dict[str, list[str]]) -> Any:
    """A resolver with Ansible's own pattern rules over the groups as they are."""
    manager = InventoryManager(loader=DataLoader(), parse=False)
    for group, hosts in groups.items():
        manager.add_group(group)
        for host in hosts:
            manager.add_host(host, group=group)

    def resolve(pattern: str) -> list[str]:
        return [host.name for host in manager.get_hosts(pattern=pattern)]

    return resolve


def _policy_of(hosts: list[str], hostvars: Any, otherwise: Policy) -> Policy:
    """The policy that the targets have in common: theirs, not that of whichever host happens to come first of all."""
    declared = [hostvars[host].get("incident_policy") for host in hosts]
    other = next((host for host, policy in zip(hosts, declared, strict=True) if policy != declared[0]), None)
    if other is not None:
        differ = f"{hosts[0]} and {other} have different policies (incident_policy)."
        raise Refusal([f"{differ} Recover them one after the other."])
    return otherwise if declared[0] is None else read_policy(declared[0])


def _check_catalogues(hosts: list[str], hostvars: Any, services: tuple[str, ...]) -> None:
    """Every host's catalogue, once per distinct one; the first host that has a bad one is named."""
    seen: list[Any] = []
    for host in hosts:
        known = hostvars[host]
        if "incident_services" not in known:
            raise Refusal(
                [f"{host} has no service catalogue. Declare incident_services for it, or choose another target."]
            )
        declared = (known["incident_services"], known.get("incident_host_probes") or {})
        if declared in seen:
            continue
        try:
            select(parse_catalogue(declared[0]), services)
            parse_host_probes(declared[1])
        except CatalogueError as error:
            raise Refusal([f"{host}: {problem}." for problem in error.problems]) from error
        except IncidentError as error:
            raise Refusal([f"{host}: {error}"]) from error
        seen.append(declared)
