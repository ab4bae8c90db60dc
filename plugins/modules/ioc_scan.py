#!/usr/bin/python
# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Look for signs of a breach on a host."""

from __future__ import annotations

DOCUMENTATION = r"""
---
module: ioc_scan
short_description: Look for signs of a breach on a host
version_added: "0.1.0"
description:
  - Looks in one call at everything that an intruder usually leaves behind, and says what is odd, how severe that is,
    and which artifacts of a capture (M(toombos.incident.evidence_capture)) hold the same thing.
  - Every check ends with exactly one outcome, so that V(clean) is never confused with not having looked.
  - With a baseline of the host (O(state=baseline)) it tells what is new since then. Without one it finds only what is
    odd in itself, and says so.
  - Everything is read natively, from files and C(/proc); of programs only C(rpm) is called, where packages are its.
    Each check is a process of its own that is ended in time, whatever it waits for.
  - A scan changes nothing on the host. What is found is data, and never a failure of the task.
options:
  state:
    description:
      - V(scanned) looks for signs of a breach.
      - V(baseline) looks as well, and records what is there as what belongs there. It is refused without O(reason) when
        findings are high or critical, when another baseline would be replaced, and when the one that should be there is
        gone or damaged. One that is replaced is kept beside it. What could not be looked at to its end is not recorded.
    type: str
    choices: [scanned, baseline]
    default: scanned
  only:
    description:
      - Names of the checks to make. Empty means all.
      - They are V(processes), V(listeners), V(preload), V(logins), V(accounts), V(authorized_keys), V(schedule),
        V(timers), V(logs), V(privileges) and V(packages), and are made in this order.
    type: list
    elements: str
    default: []
  exclude:
    description: Names of checks not to make.
    type: list
    elements: str
    default: []
  services:
    description:
      - The service catalogue of the host, usually C(incident_services) of the inventory. The logs of its services are
        read, and somebody who listens on their TCP ports is expected.
    type: dict
    default: {}
  services_only:
    description: Names of the services that count. Empty means all.
    type: list
    elements: str
    default: []
  expected:
    description:
      - What belongs on the host, by kind. Where a list is declared and no baseline was recorded, what is not on it is
        new.
      - C(listeners) are ports, such as V(22), V(tcp/8443) or V(53/udp). C(users) are names of accounts, C(fingerprints)
        those of public keys as C(ssh-keygen -l) shows them.
      - C(setuid), C(schedule) and C(files) (of packages) are paths, C(timers) paths or names, C(programs) paths of
        running programs, C(libraries) paths of preloaded ones, C(origins) addresses or names from which logins come.
        All of these may have wildcards.
    type: dict
    default: {}
  since:
    description:
      - Logs and logins count only from then on, a duration (V(2h)) or a moment (V(2026-11-23T14:45:54Z)). Empty means
        all.
    type: str
    default: 30d
  budget:
    description: Hard limit for all checks together. Those for which there is no time left have the outcome V(timeout).
    type: str
    default: 120s
  check_timeout:
    description:
      - Hard limit for each check. The default is V(10s), but V(30s) for V(logs), V(60s) for V(privileges) and V(90s)
        for V(packages).
    type: str
    default: ""
  digest:
    description:
      - The digest that the baseline must have, as it was returned when it was recorded. Kept away from the host, it
        shows when somebody has replaced or removed the baseline.
    type: str
    default: ""
  owner:
    description: Who runs it. Kept with a baseline.
    type: str
    default: an unnamed run
  reason:
    description: Why. Kept with a baseline.
    type: str
    default: ""
  store_dir:
    description: Directory on the host for what must last. The baseline is C(ioc/baseline.json) in it.
    type: path
    default: /var/lib/toombos-incident
attributes:
  diff_mode:
    description: Findings say what is new; there is no other difference to show.
    support: none
  idempotent:
    description: A baseline that would be the same is not written again.
    support: full
extends_documentation_fragment:
  - toombos.incident.attributes.host
notes:
  - Needs root to see everything. Without it many checks have the outcome V(denied).
  - Who is root on the host can hide from everything that runs on it. That nothing is found proves nothing.
  - Of keys only fingerprints and comments are shown, of environments only which libraries are preloaded, of passwords
    nothing. What looks like a secret is masked.
author:
  - toombos.incident authors (@toombos)
seealso:
  - module: toombos.incident.log_scan
  - module: toombos.incident.evidence_capture
"""

EXAMPLES = r"""
- name: Record what a host is like while it is well
  toombos.incident.ioc_scan:
    state: baseline
    services: "{{ incident_services }}"
    owner: alice
  register: baseline

- name: Look for signs of a breach
  toombos.incident.ioc_scan:
    services: "{{ incident_services }}"
    expected:
      listeners: [22, 9100]
      users: [deploy]
      timers: [backup-*.timer]
  register: scan

- name: Look at what takes no time
  toombos.incident.ioc_scan:
    exclude: [privileges, packages]
    budget: 20s
"""

RETURN = r"""
findings:
  description:
    - What is odd or new, the worst first, at most 500. The C(id) is the same in every run, as long as it is the same
      thing that is odd. Times are in UTC. C(supports) names the artifacts of a capture that hold the same thing.
    - Further keys depend on the check, such as C(path), C(pid), C(user), C(fingerprint).
  returned: unless an option is not valid
  type: list
  elements: dict
  sample:
    - id: privileges-3f9a1c2b7d
      check: privileges
      severity: critical
      title: /tmp/.x/bash gives root's rights to whoever calls it
      detail: mode 4755, owner 0:0, no package
      path: /tmp/.x/bash
      mode: "4755"
      seen: ["2026-11-27T03:12:44Z", "2026-11-27T03:12:44Z"]
      supports: [files/programs, files/local, files/temporary, files/homes, files/services]
findings_left_out:
  description: How many more there are.
  returned: unless an option is not valid
  type: int
  sample: 0
counts:
  description: How many findings there are of each severity.
  returned: unless an option is not valid
  type: dict
  sample: {critical: 1, high: 0, medium: 0, low: 0, info: 0}
checks:
  description:
    - How each check ended. The outcome is V(clean), V(found), V(no_baseline) (nothing is odd in itself, and what is new
      cannot be said), V(absent) (there is no such thing on this host), or what keeps it from being any of these,
      V(denied), V(timeout) or V(error); C(findings) then says how many were found all the same.
    - C(compared) is V(baseline), V(declared) or V(heuristics). C(looked_at) is how many things were looked at, C(known)
      how many of them the baseline or a declaration knows.
  returned: unless an option is not valid
  type: dict
  sample:
    privileges:
      outcome: found
      findings: 1
      compared: baseline
      message: "left out: /mnt/share (nfs4)"
      looked_at: 24
      known: 23
      duration: 3.1
baseline:
  description:
    - The baseline. The state is V(present), V(none), or V(lost), V(damaged), V(exposed) (others could have changed
      it) or V(other) (not the one of O(digest)), which are findings, too. Only one that is V(present) is compared with.
  returned: unless an option is not valid
  type: dict
  sample:
    state: present
    path: /var/lib/toombos-incident/ioc/baseline.json
    message: the baseline is there
    digest: 2b1c7a7d1b1f0d4a0f3d7c0e6f3b4a5d6c7e8f90123456789abcdef012345678
    created: "2026-11-20T09:00:00Z"
    who: alice
    why: ""
    checks: [accounts, listeners]
not_recorded:
  description: Checks that could not be looked at to their end, so that the baseline does not have them anew.
  returned: with O(state=baseline)
  type: list
  elements: str
  sample: []
kept:
  description: Where the baseline is that was replaced, if any.
  returned: when a baseline was written
  type: str
  sample: ""
sessions:
  description: Who is and was logged in from where, at most 20, those that are there now first.
  returned: unless an option is not valid
  type: list
  elements: dict
  sample: [{user: alice, origin: 10.0.0.7, now: true, logins: 12, last: "2026-11-28T02:58:11Z"}]
complete:
  description: Whether every check could look at everything.
  returned: unless an option is not valid
  type: bool
  sample: true
duration:
  description: Seconds.
  returned: unless an option is not valid
  type: float
  sample: 6.4
msg:
  description: One line for people.
  returned: always
  type: str
  sample: "1 critical: /tmp/.x/bash gives root's rights to whoever calls it; 11 checks in 6.4s"
"""

from ansible_collections.toombos.incident.plugins.module_utils._clock import Clock
from ansible_collections.toombos.incident.plugins.module_utils._errors import IncidentError
from ansible_collections.toombos.incident.plugins.module_utils._indicators.call import search
from ansible_collections.toombos.incident.plugins.module_utils._module import CatalogueModule
from ansible_collections.toombos.incident.plugins.module_utils._options import IOC_SCAN


def main() -> None:
    """Run the module."""
    module = CatalogueModule(**IOC_SCAN)
    invocation = module.invocation
    try:
        result = search(module.params, Clock(), module.check_mode)
    except IncidentError as error:
        known = {key: value for key, value in error.result.items() if key != "msg"}
        module.fail_json(msg=str(error), invocation=invocation, **known)
    module.exit_json(invocation=invocation, **result)


if __name__ == "__main__":
    main()
