#!/usr/bin/python
# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Save the evidence of a host before anything is changed on it."""

from __future__ import annotations

DOCUMENTATION = r"""
---
module: evidence_capture
short_description: Save the evidence of a host before anything is changed on it
version_added: "0.1.0"
description:
  - Collects a declared list of artifacts, the most volatile first (RFC 3227), into one bag (BagIt 1.0, RFC 8493), and
    brings the bag to the evidence home on the controller.
  - Every artifact ends in time as exactly one outcome. V(collected), V(empty), V(absent), V(denied), V(timeout),
    V(truncated) or V(error). What hangs costs its own timeout, and its whole process group is killed.
  - Nothing is ever overwritten. A second capture of the same incident and host gets the next number.
  - On the host it needs Python alone. Where it has C(zstd) that compresses; without it gzip does.
  - The package on the host is whole and recorded, or there is none and the task fails.
options:
  incident:
    description: The incident that it belongs to, such as V(INC-2026-1124-0001).
    type: str
    required: true
  profile:
    description:
      - V(full) collects all artifacts.
      - V(quick) those of the tiers 1 to 3 (identity, what is volatile, services with their logs and configuration) with
        smaller limits, within 50 seconds, because a recovery waits.
    type: str
    choices: [quick, full]
    default: full
  only:
    description: Collect only these artifacts. Wildcards work, as in V(processes/*). Empty means all of the profile.
    type: list
    elements: str
    default: []
  exclude:
    description: Leave these artifacts out. Wildcards work.
    type: list
    elements: str
    default: []
  artifacts:
    description:
      - Further documents of definitions in the form of the files that come with the collection, C(tier), C(defaults)
        and C(artifacts). A name that is there already is replaced.
    type: list
    elements: dict
    default: []
  services:
    description:
      - The service catalogue of the host, usually C(incident_services) of the inventory. The logs of each service, with
        all that rotation has made of them, become the artifact C(service_logs/NAME), its configuration (C(files),
        C(globs) and C(trees)) C(service_config/NAME).
    type: dict
    default: {}
  keep:
    description:
      - Sensitivity classes of artifacts that are kept; the others are V(denied). What is V(secret) (environments of
        processes, private keys, C(shadow), histories of shells, configuration of services) is only kept in a sealed
        capture.
    type: list
    elements: str
    choices: [open, personal, secret]
    default: [open, personal]
  budget:
    description: The time that all of it may take. What was not reached by then ends as V(timeout).
    type: str
    default: 10m
  max_bytes:
    description: How large the bag may get, compressed.
    type: str
    default: 2GiB
  reserve:
    description: How much room stays free on the file system of O(directory) in any case.
    type: str
    default: 512MiB
  directory:
    description:
      - Where on the host captures are made and wait until they are fetched. Nobody else may be able to write there. It
        needs room for the bag, and for the largest of its files once more.
    type: path
    default: /var/tmp/toombos-incident
  seal:
    description:
      - Seal the package on the host, so that only these recipients can open it. When that does not work for any reason
        there is no package, and the task fails.
    type: dict
    suboptions:
      method:
        description: The tool, which the host must have.
        type: str
        choices: [age, gpg]
        required: true
      recipients:
        description:
          - For age, public keys (C(age1...), C(ssh-ed25519 ...)). For gpg, fingerprints or addresses that are among
            O(seal.keys).
        type: list
        elements: str
        required: true
      keys:
        description: For gpg, the armored public key of each recipient. No key ring of the host is used.
        type: list
        elements: str
        default: []
  redact:
    description:
      - Whether what looks like a secret is masked in texts of the class C(personal), such as logs. V(auto) does so
        unless the capture is sealed. The digest of the original is kept in any case.
      - Where it is masked, what is no text cannot be kept, and compressed logs are unpacked for it.
    type: str
    choices: [auto, always, never]
    default: auto
  transfer:
    description: Whether to bring the bag to the controller. Otherwise it waits on the host.
    type: bool
    default: true
  definitions:
    description: The artifacts. Set by the action.
    type: list
    elements: dict
    default: []
  bag:
    description: The name of the bag. Set by the action, which has reserved it.
    type: str
    default: ""
  requested:
    description: Who wants it from where, for the bag. Set by the action.
    type: dict
    default: {}
notes:
  - Without root's privileges (C(become)) much cannot be read. Those artifacts are V(denied).
  - In check mode nothing is written. The result says for each artifact what would be done.
extends_documentation_fragment:
  - toombos.incident.attributes.host
  - toombos.incident.custody
attributes:
  diff_mode:
    description: Nothing of the host is changed but the directory of captures.
    support: none
  idempotent:
    description: Each capture is another one.
    support: none
author:
  - toombos.incident authors (@toombos)
seealso:
  - module: toombos.incident.evidence_open
  - module: toombos.incident.evidence_verify
"""

EXAMPLES = r"""
- name: Save everything of a host, with the logs of its services
  toombos.incident.evidence_capture:
    incident: INC-2026-1124-0001
    services: "{{ incident_services }}"
    home: /srv/evidence
    reason: orders were changed by nobody
  become: true

- name: Save what a restart would destroy, in less than a minute
  toombos.incident.evidence_capture:
    incident: INC-2026-1124-0001
    profile: quick
    budget: 45s
    home: /srv/evidence
  become: true

- name: Save also what is secret, so that only the forensic team can read it
  toombos.incident.evidence_capture:
    incident: INC-2026-1124-0001
    keep: [open, personal, secret]
    seal:
      method: age
      recipients: [age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p]
    home: /srv/evidence
  become: true

- name: Look at processes and sockets alone
  toombos.incident.evidence_capture:
    incident: INC-2026-1124-0001
    only: [processes/*, network/sockets*]
    home: /srv/evidence
  become: true
"""

RETURN = r"""
bag:
  description: The name of the bag.
  returned: success
  type: str
  sample: INC-2026-1124-0001-web-1-001
directory:
  description: Where on the host the package was made.
  returned: success, not in check mode
  type: str
  sample: /var/tmp/toombos-incident/INC-2026-1124-0001-web-1-001
package:
  description: The archive of the bag in parts, with size and SHA-256 of each and of the whole, and how it is sealed.
  returned: success, not in check mode
  type: dict
  sample:
    method: none
    size: 12345678
    sha256: 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08
    parts:
      - path: /var/tmp/toombos-incident/INC-2026-1124-0001-web-1-001/parts/0001
        size: 12345678
        sha256: 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08
tagmanifest_sha256:
  description: SHA-256 of C(tagmanifest-sha256.txt), which vouches for the whole bag.
  returned: success, not in check mode
  type: str
  sample: 2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae
payload:
  description: How many files are in the bag, and how many bytes they have there.
  returned: success, not in check mode
  type: dict
  sample: {files: 812, bytes: 12000000}
clock:
  description: When it began and ended by the clock of the host, in seconds since the epoch and of its monotonic clock.
  returned: success, not in check mode
  type: dict
  sample: {began: 1763989200.1, ended: 1763989212.4, began_monotonic: 812.0, ended_monotonic: 824.3}
outcomes:
  description: How many artifacts have ended as what. In check mode also V(planned).
  returned: success
  type: dict
  sample: {collected: 120, empty: 4, absent: 28, denied: 3}
artifacts:
  description: What became of each artifact. The bytes are those of the original, the duration is in seconds.
  returned: success
  type: list
  elements: dict
  sample:
    - {artifact: processes/list, outcome: collected, message: "", bytes: 182733, duration: 0.121}
    - {artifact: users/passwords, outcome: denied, message: what is secret is not kept, bytes: 0, duration: 0.0}
home:
  description: The directory of the incident on the controller.
  returned: success, not in check mode
  type: str
  sample: /srv/evidence/INC-2026-1124-0001
path:
  description: Where the bag is on the controller.
  returned: success, not in check mode, and if it was transferred
  type: str
  sample: /srv/evidence/INC-2026-1124-0001/INC-2026-1124-0001-web-1-001
offset:
  description: By how many seconds the clock of the host is ahead of the controller's, at least and at most.
  returned: success, not in check mode
  type: dict
  sample: {least: -0.21, most: 0.34}
recovered:
  description: Bags of earlier captures that were waiting on the host and have been fetched as well.
  returned: success, not in check mode, and if it was transferred
  type: list
  elements: str
  sample: []
notes:
  description: What should be known about it.
  returned: success
  type: list
  elements: str
  sample: ["It is not sealed: what is personal is kept with what looks like secrets masked."]
leftovers:
  description:
    - Earlier captures on the host that nobody has fetched. Complete ones have their package and can still be fetched.
      None of them is ever removed by this module.
  returned: success
  type: list
  elements: dict
  sample: [{bag: INC-2026-1124-0001-web-1-000, directory: /var/tmp/toombos-incident/x, complete: false}]
msg:
  description: One line for people.
  returned: always
  type: str
  sample: "155 artifacts: 120 collected, 4 empty, 28 absent, 3 denied; 11.8 MiB in 1 part(s), not sealed; 12s"
"""

from ansible_collections.toombos.incident.plugins.module_utils._errors import IncidentError
from ansible_collections.toombos.incident.plugins.module_utils._evidence.call import capture
from ansible_collections.toombos.incident.plugins.module_utils._module import CatalogueModule
from ansible_collections.toombos.incident.plugins.module_utils._options import EVIDENCE_CAPTURE


def main() -> None:
    """Run the module."""
    module = CatalogueModule(**EVIDENCE_CAPTURE)
    try:
        result = capture(module.params, module.check_mode)
    except IncidentError as error:
        module.fail_json(msg=str(error), invocation=module.invocation, **error.result)
    module.exit_json(invocation=module.invocation, **result)


if __name__ == "__main__":
    main()
