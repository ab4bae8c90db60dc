#!/usr/bin/python
# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Restore lost and damaged logs from backups, and overwrite nothing."""

from __future__ import annotations

DOCUMENTATION = r"""
---
module: log_restore
short_description: Restore lost and damaged logs from backups, and overwrite nothing
version_added: "0.1.0"
description:
  - Finds logs that are missing, empty, damaged or deleted under their writer, and restores what can be restored.
  - Nothing is deleted, and no line that is there is overwritten. A damaged or an empty log that is replaced stays under
    another name. A log that a process has open for writing is not touched, the backup's lines are put beside it. The
    content of a file that was deleted, but is still open, is saved before anything else.
  - Where it cannot be proven that nothing is lost, nothing is done for this log. The result says why and what to do.
  - Also looks at what rotation has made of a log. What was renamed meanwhile is known by its content.
options:
  services:
    description:
      - The service catalogue of the host, usually C(incident_services) of the inventory. The C(logs) of its services
        are looked at.
    type: dict
  only:
    description: Names of the services whose logs to look at. Empty means all.
    type: list
    elements: str
    default: []
  paths:
    description:
      - Absolute paths of logs. The last component may be a wildcard, and then also means what only a backup has.
      - A directory means the files in it whose names end with C(.log).
      - No component may be a symbolic link, or a directory to which everybody may write.
    type: list
    elements: str
  backups:
    description:
      - Where backups are, such as V(/opt/shop/backups/logs-%Y%m%d). The last component holds the date, as C(%Y), C(%m)
        and C(%d), and where there are several a day C(%H), C(%M) and C(%S). Logs lie directly in these directories,
        under their own names.
      - Where a backup has a file C(SHA256SUMS), a copy counts only when its digest stands there.
    type: list
    elements: str
    required: true
  as_of:
    description: Use no backup that is newer than this date, such as V(2026-11-23). Empty means the newest.
    type: str
    default: ""
  owner:
    description: Who logs belong to, a name or a number. Empty means whoever they, or the other logs, belong to.
    type: str
    default: ""
  group:
    description: Their group, likewise.
    type: str
    default: ""
  mode:
    description:
      - Their mode, such as V("0640"). Empty means that a log keeps its own, and that a new file gets that of the log or
        of the other logs, but never more than the backup's copy has, or than V("0644").
    type: str
    default: ""
  fail_when_refused:
    description: Fail when something was refused. Everything else is done before.
    type: bool
    default: true
  deadline:
    description: How long looking at logs and backups may take. Nothing is changed until that is done.
    type: str
    default: 10m
  lock_timeout:
    description: How long to wait for another run on this host.
    type: str
    default: 30s
  who:
    description: Who does this, for the record on the host.
    type: str
    default: an unnamed run
  reason:
    description: Why, for the record on the host.
    type: str
    default: ""
  state_dir:
    description: Directory on the host where a freeze stands. While the host is frozen nothing is changed.
    type: path
    default: /run/toombos-incident
  store_dir:
    description: Directory on the host for the record of what was restored, C(log_restore.jsonl).
    type: path
    default: /var/lib/toombos-incident
attributes:
  diff_mode:
    description: Returns the plan as diff, in the order in which it is applied.
    support: full
  idempotent:
    description: A second run changes nothing, unless a deleted file has grown meanwhile.
    support: full
extends_documentation_fragment:
  - toombos.incident.attributes.host
author:
  - toombos.incident authors (@toombos)
seealso:
  - module: toombos.incident.log_scan
  - module: toombos.incident.evidence_capture
"""

EXAMPLES = r"""
- name: Restore the logs of all services
  toombos.incident.log_restore:
    services: "{{ incident_services }}"
    backups: [/opt/shop/backups/logs-%Y%m%d]
    who: alice
    reason: the disk of web3 was repaired

- name: Restore a directory of logs to the state of a day, and say who they belong to
  toombos.incident.log_restore:
    paths: [/opt/shop/logs]
    backups: [/opt/shop/backups/logs-%Y%m%d]
    as_of: "2026-11-23"
    owner: shop
    group: adm
    mode: "0640"
"""

RETURN = r"""
logs:
  description:
    - What was found and done, one entry for each log, in the order in which it was done.
    - The state is V(missing), V(empty), V(corrupt), V(whole), V(deleted) or V(unknown).
    - The action is V(restore) (the log was put there), V(merge_before) (the backup's lines were put beside it, or
      before its own), V(recover_deleted), V(permit) (owner, group and mode), V(keep) or V(refuse).
    - C(kept) is the name under which the log stays that was replaced. C(next) says what to do where it was refused.
  returned: unless an option is not valid
  type: list
  elements: dict
  sample:
    - path: /opt/shop/logs/shop.log
      state: missing
      action: restore
      from: /opt/shop/backups/logs-20261123/shop.log
      to: /opt/shop/logs/shop.log
      kept: ""
      bytes: 358231
      sha256: 4d1e9fdf1d8e5bb1a6bd0c2d5a5e9a4a3c6fd2b0d8c1bcd6f5c2b7e90a4a1b6e
      changed: true
      reason: missing; the backup of 20261123 is whole
      next: ""
refused:
  description: Paths for which something should have been done and was not.
  returned: unless an option is not valid
  type: list
  elements: str
  sample: []
plan:
  description: What was to be done, for people, one line each.
  returned: unless an option is not valid
  type: str
  sample: |
    restore /srv/logs/shop.log from /srv/old-20261123/shop.log, 349.8 KiB: missing; the backup of 20261123 is whole
leftovers:
  description: How many files were removed that a run had left which was cut off.
  returned: unless an option is not valid
  type: int
  sample: 0
msg:
  description: One line for people.
  returned: always
  type: str
  sample: restore 1; keep 2
"""

from ansible_collections.toombos.incident.plugins.module_utils._errors import IncidentError
from ansible_collections.toombos.incident.plugins.module_utils._log_restore.call import restore_logs
from ansible_collections.toombos.incident.plugins.module_utils._module import CatalogueModule
from ansible_collections.toombos.incident.plugins.module_utils._options import LOG_RESTORE


def main() -> None:
    """Run the module."""
    module = CatalogueModule(**LOG_RESTORE)
    invocation = module.invocation
    try:
        result = restore_logs(module.params, module.check_mode)
    except IncidentError as error:
        module.fail_json(msg=str(error), invocation=invocation, **error.result)
    if result["plan"]:
        result["diff"] = {"prepared": result["plan"]}
    if result["refused"] and module.params["fail_when_refused"] and not module.check_mode:
        module.fail_json(invocation=invocation, **result)
    module.exit_json(invocation=invocation, **result)


if __name__ == "__main__":
    main()
