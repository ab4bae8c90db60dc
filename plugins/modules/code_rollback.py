#!/usr/bin/python
# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Put an earlier release of an application in place, prove it, and go back when it is worse."""

from __future__ import annotations

DOCUMENTATION = r"""
---
module: code_rollback
short_description: Put an earlier release of an application in place, prove it, and go back when it is worse
version_added: "0.2.0"
description:
  - Switches the code of an application to a tag, a branch, a commit or a release directory, runs its deploy hook,
    restarts the services that run on it, and judges them by their probes.
  - Unless the services are healthy, or better than before, the release that was in place is put back, deployed and
    judged likewise.
  - What was not committed is kept in O(store_dir) before it is overwritten. Files that git ignores (settings, logs,
    virtual environments) are never touched. When the wanted release has a file where such a one lies, nothing is done.
  - What is about to be done is on record before it is begun. When the module is killed at any point, its next run for
    the same code puts the release back that was in place, and then does what it was asked for.
  - Everything in the tree is done as its owner, without hooks and without questions.
options:
  code:
    description:
      - Where the releases are, and how one is deployed.
      - With C(kind=git), C(path) is the top of a working tree, C(good) the reference that O(ref=last_known_good) stands
        for (C(last-known-good-tag) unless given), C(remote) where to fetch (C(origin)), and C(submodules) whether they
        are switched too (true).
      - With C(kind=symlink), C(current) is the link to exchange, C(releases) the directory with the releases, C(good)
        the name of a release or the path of a link to one, C(marker) a file without which a release is not complete,
        and C(validate) a command that accepts (rc 0) or rejects a release, run in it within C(validate_timeout)
        (V(60s)). No release is ever deleted.
      - For both kinds, C(deploy) is a command as a list of words, run in the release after each switch and ended after
        C(deploy_timeout) (V(300s)). It finds the name of the release in C(INCIDENT_RELEASE). C(user) is refused unless
        the code belongs to that user.
    type: dict
    required: true
  ref:
    description:
      - A tag, a branch, a commit, or the name of a release directory. V(last_known_good) is what C(good) of O(code)
        names, V(previous) what was in place before the present one.
      - It is looked for on the host. A branch of the remote counts as it was when it was fetched last.
    type: str
    default: last_known_good
  services:
    description: The service catalogue of the host, as for M(toombos.incident.service_recovery).
    type: dict
    required: true
  only:
    description: Names of the services that run on the code. They are restarted and judged. Empty means all.
    type: list
    elements: str
    default: []
  fetch:
    description: Ask the remote when the reference, or a submodule, is not on the host.
    type: bool
    default: false
  fetch_timeout:
    description: How long the remote may take.
    type: str
    default: 60s
  reason:
    description: Why, and by whom. At least ten characters.
    type: str
    required: true
  stable_for:
    description: How long the services must stay healthy with the same processes before they count as healthy.
    type: str
    default: 2s
  deadline:
    description: How long the services may take to become healthy, after each switch.
    type: str
    default: 300s
attributes:
  diff_mode:
    description: Returns both releases, the steps, and how many commits and files lie between.
    support: full
  idempotent:
    description: Where the release is in place already, nothing is done and the deploy hook is not run.
    support: full
extends_documentation_fragment:
  - toombos.incident.attributes.host
  - toombos.incident.recovery
  - toombos.incident.recovery.places
author:
  - toombos.incident authors (@toombos)
seealso:
  - module: toombos.incident.service_recovery
"""

EXAMPLES = r"""
- name: Return to the last known good release
  toombos.incident.code_rollback:
    code:
      kind: git
      path: /opt/app
      deploy: [./scripts/deploy.sh]
    services: "{{ incident_services }}"
    only: [main]
    reason: 500s since the release of 14:00, alice

- name: Return to the release directory before this one
  toombos.incident.code_rollback:
    code:
      kind: symlink
      current: /opt/app/current
      releases: /opt/app/releases
      marker: REVISION
    ref: previous
    services: "{{ incident_services }}"
    reason: 500s since the release of 14:00, alice
"""

RETURN = r"""
outcome:
  description:
    - V(applied) when the wanted release is in place and the services are healthy, or better than before. The module
      still fails unless they are healthy.
    - V(unchanged) when it was in place already, V(planned) in check mode.
    - V(rolled_back) when it failed or made things worse, and what was there before is in place again. The module fails.
    - V(rollback_failed) when that could not be reached either, or a service is worse than before. The module fails.
  returned: always
  type: str
  sample: applied
before:
  description:
    - The release that was in place, by C(id) and C(name). With git also C(commit), C(tags), C(branch), C(detached),
      C(changed) and C(untracked) files (the first fifty), C(submodules) and C(locks).
  returned: always
  type: dict
  sample: {id: 5f0c1de2ab34, name: v1.3 (5f0c1de2ab34), branch: main, detached: false, changed: [app.py]}
target:
  description:
    - The release that is wanted; C(fetched) says that it was not on the host when it was looked for in check mode.
  returned: always
  type: dict
  sample: {id: 1a2b3c4d5e6f, name: last-known-good-tag (1a2b3c4d5e6f), fetched: false}
current:
  description: The release that is in place at the end.
  returned: when something may have been changed and the outcome is known
  type: dict
  sample: {commit: 1a2b3c4d5e6f, detached: true}
plan:
  description: The steps in their order.
  returned: always
  type: list
  elements: dict
  sample: [{step: switch, what: from v1.3 to v1.2}]
preserved:
  description:
    - Where what was not committed is kept, with the SHA-256 of the manifest there, which has those of all its files.
      There are C(changes-N.patch) for each tree, and C(files.tar) with the files themselves.
  returned: when something was
  type: dict
  sample: {path: /var/lib/toombos-incident/preserved/20261123T0315Z-app-1a2b, digest: 9f86d08, files: 2, bytes: 1042}
deploys:
  description: What the deploy hook did, in order, with the last lines of its output, without secrets.
  returned: always
  type: list
  elements: dict
  sample: [{release: v1.2, rc: 0, duration: 3.2, output: done}]
notes:
  description:
    - What else happened, such as an unfinished rollback that was undone first, or a dead lock that was removed.
  returned: always
  type: list
  elements: str
  sample: []
healthy_before:
  description: Whether all services were healthy before.
  returned: always
  type: bool
  sample: false
recovered:
  description: Whether all services are healthy at the end.
  returned: always
  type: bool
  sample: true
verdict:
  description: As of M(toombos.incident.service_recovery).
  returned: always
  type: dict
  sample: {status: healthy, root_cause: null, root_causes: []}
services:
  description: As of M(toombos.incident.service_recovery), from the first look to the last one.
  returned: always
  type: list
  elements: dict
  sample: []
worsened:
  description: Services that were healthy, that nobody touched, and that are not healthy any more.
  returned: always
  type: list
  elements: str
  sample: []
overrides:
  description: What the glass was broken for, and what was taken over from whom.
  returned: always
  type: list
  elements: str
  sample: []
msg:
  description: One line for people.
  returned: always
  type: str
  sample: "v1.2 is in place; all 2 services are healthy; brought back: main"
"""

from ansible_collections.toombos.incident.plugins.module_utils._errors import IncidentError
from ansible_collections.toombos.incident.plugins.module_utils._module import CatalogueModule
from ansible_collections.toombos.incident.plugins.module_utils._options import CODE_ROLLBACK
from ansible_collections.toombos.incident.plugins.module_utils._release.call import roll_back


def main() -> None:
    """Run the module."""
    module = CatalogueModule(**CODE_ROLLBACK)
    invocation = module.invocation
    try:
        result = roll_back(module.params, module.check_mode)
    except (IncidentError, OSError) as error:
        module.fail_json(msg=str(error), invocation=invocation, **getattr(error, "result", {}))
    good = module.check_mode or (result["recovered"] and result["outcome"] in ("applied", "unchanged"))
    if not good:
        module.fail_json(invocation=invocation, **result)
    module.exit_json(invocation=invocation, **result)


if __name__ == "__main__":
    main()
