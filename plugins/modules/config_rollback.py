#!/usr/bin/python
# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Go back to an earlier configuration in one transaction, and stay there only when that is confirmed."""

from __future__ import annotations

DOCUMENTATION = r"""
---
module: config_rollback
short_description: Go back to an earlier configuration in one transaction, and stay there only when that is confirmed
version_added: "0.1.0"
description:
  - Puts all configuration files of services back as they were in a generation that
    M(toombos.incident.config_snapshot) has kept, with everything that belongs to them.
  - The configuration in place is kept as a generation before. The files are staged, validated, and switched as one;
    what interrupts that is finished or undone by the next call. They are the old or the new ones, never something
    between.
  - The services are restarted and judged by their probes. If they do not become healthy, the configuration that was
    there before comes back at once.
  - Before anything is changed, a deadline is set on the host. Unless it is called off over a new connection, with
    probes that pass, the host goes back to what was there before by itself, whatever has become of the controller, the
    connection, or the host's own uptime. The action does that at the end of the same task.
  - Anything but a confirmed rollback fails the task, unless only the application was asked for.
options:
  services:
    description: The service catalogue of the host, usually C(incident_services) of the inventory.
    type: dict
    required: true
  only:
    description: Names of the services whose configuration goes back, at least one.
    type: list
    elements: str
    required: true
  to:
    description:
      - V(last_known_good), a label, an id such as V(main-000007) or V(7), a date or time such as V(2026-11-27) (the
        newest of that moment), V(newest_valid) (the newest that its validators accept), or V(best) (the last known
        good, or where nothing is known good the newest valid one, backups of the catalogue included),
        or V(newest_backup) (the newest valid one of these backups).
      - What is not V(newest_valid) or V(best) is validated as well, and refused where it is rejected.
    type: str
    default: last_known_good
  state:
    description:
      - V(confirmed) goes back and confirms it over a new connection. With O(token) it only confirms.
      - V(applied) goes back and leaves the confirmation to a later call, which needs RV(token) as O(token).
      - V(extended) sets the deadline of O(token) anew to O(confirm) from now.
      - V(cancelled) does not wait for the deadline, what was there before comes back now.
    type: str
    choices: [confirmed, applied, extended, cancelled]
    default: confirmed
  token:
    description: Names a rollback that waits for its confirmation.
    type: str
    default: ""
  confirm:
    description: How long the host waits for the confirmation.
    type: str
    default: 600s
  stable_for:
    description: How long the services must stay healthy before they count as recovered.
    type: str
    default: 2s
  deadline:
    description: Hard limit for the whole call.
    type: str
    default: 300s
attributes:
  diff_mode:
    description:
      - Returns what changes in each file. Values are never shown, nor any text of a format that is not known.
    support: full
  idempotent:
    description: Where everything is as it should be nothing is changed, and nothing restarted.
    support: full
extends_documentation_fragment:
  - toombos.incident.attributes.host
  - toombos.incident.recovery
  - toombos.incident.recovery.places
  - toombos.incident.recovery.reason
author:
  - toombos.incident authors (@toombos)
seealso:
  - module: toombos.incident.config_snapshot
  - module: toombos.incident.service_recovery
"""

EXAMPLES = r"""
- name: Bring the configuration back that is known to be good
  toombos.incident.config_rollback:
    services: "{{ incident_services }}"
    only: [main]
    reason: METRICS_PORT was changed by hand, alice

- name: Show what would change
  toombos.incident.config_rollback:
    services: "{{ incident_services }}"
    only: [main]
    to: "2026-11-27"
  check_mode: true
  diff: true
"""

RETURN = r"""
outcome:
  description:
    - V(unchanged), nothing was to be done. V(applied), in place and waiting for the confirmation until RV(until).
      V(confirmed), it stays. V(rolled_back), it did not help or was not confirmed, and what was there before is back.
      V(rollback_failed), it did not help, and what was there before could not be brought back. V(planned) in check
      mode.
  returned: always
  type: str
  sample: confirmed
generations:
  description: Service, and the generation that it went back to, with the one that holds what was there before.
  returned: always
  type: dict
  sample: {main: {to: main-000007, before: main-000009, source: before 2.4, proven: "2026-11-28T03:40:03Z"}}
token:
  description: Names the rollback while it waits.
  returned: while it waits
  type: str
  sample: 0c1f4b6f7f5c4e6ab0f60dbde6d3e0d7
until:
  description: When the host goes back by itself.
  returned: while it waits
  type: str
  sample: "2026-11-28T03:50:00Z"
recovered:
  description: Whether all services in scope are healthy at the end.
  returned: always
  type: bool
  sample: true
verdict:
  description: As of M(toombos.incident.service_recovery), and so are RV(services), RV(steps) and RV(plan).
  returned: always
  type: dict
  sample: {status: healthy, root_cause: null, root_causes: []}
services:
  description: One entry per service in scope.
  returned: always
  type: list
  elements: dict
  sample: []
steps:
  description: What became of each step.
  returned: always
  type: list
  elements: dict
  sample: []
plan:
  description: What is done, in order.
  returned: always
  type: list
  elements: dict
  sample:
    - {step: roll_back_config, service: main, reason: "to main-000007, proven 2026-11-28T03:40:03Z"}
msg:
  description: One line for people.
  returned: always
  type: str
  sample: "main runs on main-000007 again, confirmed; all 4 services are healthy"
"""

from ansible_collections.toombos.incident.plugins.module_utils._config.call import roll_back
from ansible_collections.toombos.incident.plugins.module_utils._errors import IncidentError
from ansible_collections.toombos.incident.plugins.module_utils._module import CatalogueModule
from ansible_collections.toombos.incident.plugins.module_utils._options import CONFIG_ROLLBACK


def main() -> None:
    """Run the module."""
    module = CatalogueModule(**CONFIG_ROLLBACK)
    invocation = module.invocation
    try:
        result = roll_back(module.params, module.check_mode)
    except IncidentError as error:
        module.fail_json(msg=str(error), invocation=invocation, **error.result)
    if result.pop("failed", False):
        module.fail_json(invocation=invocation, **result)
    module.exit_json(invocation=invocation, **result)


if __name__ == "__main__":
    main()
