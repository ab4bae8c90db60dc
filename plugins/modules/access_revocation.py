#!/usr/bin/python
# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Take accounts and sessions away from an intruder, and give back what can be given back."""

from __future__ import annotations

DOCUMENTATION = r"""
---
module: access_revocation
short_description: Take accounts and sessions away from an intruder, and give accounts back
version_added: "0.1.0"
description:
  - Locks local accounts, ends the sessions of everybody but whoever runs this, and runs commands of the site, in this
    order. Everything is recorded on the host before it is done. A call that is killed at any point is finished by the
    next one, or taken back.
  - An account is locked in its password and expired, for a locked password alone lets ssh keys in.
  - Neither the account nor any session of whoever runs this is touched, whatever is asked for.
options:
  state:
    description:
      - V(revoked) takes away what the other options say. What is taken away already is not changed.
      - V(restored) gives back what is on record, steps in reverse order and then accounts. Sessions do not come back.
        Needs O(incident) and O(reason).
    type: str
    choices: [revoked, restored]
    default: revoked
  incident:
    description: The incident that it is done for. Access is given back for the incident that it was taken away for.
    type: str
    default: ""
  reason:
    description: Why. At least 10 characters for V(restored) and for O(force).
    type: str
    default: ""
  lock_users:
    description: Names of local accounts to lock. One that does not exist is refused, as accounts of a directory are.
    type: list
    elements: str
    default: []
  sessions:
    description:
      - With V(others) the processes of all sessions of ssh and of logind are ended, but those of whoever runs this.
        That is the session of this connection, and every other one of the same user from the same address.
      - The processes of accounts in O(lock_users) are ended as well, with or without a session, but not those of
        services.
    type: str
    choices: [others, none]
    default: none
  services:
    description: End services that run as one of O(lock_users) as well. Those of root are never ended.
    type: bool
    default: false
  steps:
    description:
      - Commands of the site, such as one that replaces a credential. A list of mappings with C(name), C(run) and
        C(undo), the last two lists of words that no shell reads. Without C(undo) a step stays done.
      - A step that fails, or is killed, is run again by the next call, and undone when everything is restored.
      - No secrets in them. What is run can be seen by every user of the host.
    type: list
    elements: dict
    default: []
  step_timeout:
    description: How long each of O(steps) may take, at most an hour.
    type: str
    default: 60s
  grace:
    description: How long processes have to end by themselves before they are killed, at most a minute.
    type: str
    default: 3s
  approve:
    description:
      - The RV(plan_hash) of a plan that was approved. Where the plan is another one by now nothing is changed. Empty
        means that whatever the plan is may be done.
    type: str
    default: ""
  force:
    description:
      - Lock the last account that can become root. With V(restored), give back for another incident, and go on where a
        step cannot be undone. Needs O(reason), and is put on record.
      - The account of whoever runs this is not locked all the same.
    type: bool
    default: false
  owner:
    description: Who runs it. Kept with the reason.
    type: str
    default: an unnamed run
  lock_timeout:
    description: How long to wait for another call that changes access to this host before it is refused.
    type: str
    default: 30s
attributes:
  diff_mode:
    description: Returns accounts, processes and steps before and after; nothing of any password.
    support: full
  idempotent:
    description: What is taken away, or given back, already is not changed.
    support: full
extends_documentation_fragment:
  - toombos.incident.attributes.host
  - toombos.incident.recovery.places
notes:
  - RV(plan_hash) names what was asked for. It does not cover which processes there are, for these change all the time.
author:
  - toombos.incident authors (@toombos)
seealso:
  - module: toombos.incident.containment
"""

EXAMPLES = r"""
- name: Take access away
  toombos.incident.access_revocation:
    incident: INC-2026-1128-0001
    reason: unknown ssh key of deploy, alice
    lock_users: [deploy]
    sessions: others
    steps:
      - name: deploy key of the registry
        run: [/usr/local/sbin/registry-key, disable]
        undo: [/usr/local/sbin/registry-key, enable]

- name: Show what would be done
  toombos.incident.access_revocation:
    lock_users: [deploy]
    sessions: others
  check_mode: true
  diff: true
  register: planned

- name: Give it back
  toombos.incident.access_revocation:
    state: restored
    incident: INC-2026-1128-0001
    reason: reinstalled and verified, alice
"""

RETURN = r"""
outcome:
  description:
    - V(unchanged), nothing was to be done. V(revoked), it is taken away. V(restored), it is given back. V(incomplete),
      a step failed or a process did not end, and the task fails; what was done stays on record. V(planned) in check
      mode.
  returned: always
  type: str
  sample: revoked
plan:
  description: What is done, line by line.
  returned: always
  type: list
  elements: str
  sample: ["lock deploy: password, never expires → no password, expires on day 1"]
plan_hash:
  description: Names this plan, for O(approve).
  returned: when something is taken away or would be
  type: str
  sample: 5f0c7b1d9a3e4c28
notes:
  description: What people should know about the plan, such as processes that stay.
  returned: always
  type: list
  elements: str
  sample: ["app.service runs as deploy, is taken for a service, and stays"]
refusals:
  description: What speaks against it.
  returned: when it is refused
  type: list
  elements: str
  sample: []
overrides:
  description: What spoke against it and was overridden.
  returned: always
  type: list
  elements: str
  sample: []
sessions:
  description:
    - The processes that the plan ends, at most 200. Commands are shortened, and what looks like a secret is masked.
  returned: when something is taken away or would be
  type: list
  elements: dict
  sample: [{pid: 4242, user: deploy, tty: pts/0, from: 203.0.113.9, command: -bash, why: session of deploy}]
accounts:
  description: The accounts that are on record as locked.
  returned: always
  type: list
  elements: str
  sample: [deploy]
ended:
  description: The processes that were ended, as in RV(sessions).
  returned: always
  type: list
  elements: dict
  sample: []
survivors:
  description: Those that did not end.
  returned: always
  type: list
  elements: dict
  sample: []
steps:
  description:
    - The steps on record. Each is V(begun), V(done), V(failed), V(undoing) or V(undone). C(said) is the end of its
      output.
  returned: always
  type: list
  elements: dict
  sample: [{name: deploy key of the registry, state: done, said: disabled}]
findings:
  description: What could not be given back, and why.
  returned: always
  type: list
  elements: str
  sample: []
archive:
  description: The file on the host that keeps the record.
  returned: when it is given back
  type: str
  sample: /var/lib/toombos-incident/access/history/0f3a9c2b7d1e4f68.json
msg:
  description: One line for people.
  returned: always
  type: str
  sample: "revoked for INC-2026-1128-0001: 1 locked, 4 processes ended"
"""

from typing import Any

from ansible_collections.toombos.incident.plugins.module_utils._access.call import change_access
from ansible_collections.toombos.incident.plugins.module_utils._access.options import ACCESS_REVOCATION
from ansible_collections.toombos.incident.plugins.module_utils._errors import IncidentError
from ansible_collections.toombos.incident.plugins.module_utils._module import CatalogueModule


class _Module(CatalogueModule):
    """Of the steps only their names reach the system log: people put secrets into commands, whatever they are told."""

    @property
    def invocation(self) -> dict[str, Any]:
        steps = [each.get("name") if isinstance(each, dict) else None for each in self.params.get("steps") or ()]
        return {"module_args": {**self.params, "steps": steps}}


def main() -> None:
    """Run the module."""
    module = _Module(**ACCESS_REVOCATION)
    invocation = module.invocation
    try:
        result = change_access(module.params, module.check_mode)
    except IncidentError as error:
        module.fail_json(msg=str(error), invocation=invocation, **error.result)
    if result.pop("failed", False):
        module.fail_json(invocation=invocation, **result)
    module.exit_json(invocation=invocation, **result)


if __name__ == "__main__":
    main()
