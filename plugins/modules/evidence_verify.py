#!/usr/bin/python
# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Verify the evidence of an incident (documentation; the code is the action plugin of the same name)."""

from __future__ import annotations

DOCUMENTATION = r"""
---
module: evidence_verify
short_description: Verify the evidence of an incident
version_added: "0.1.0"
description:
  - Checks the custody log (chain, signature, namespace, and that it is not older than what this controller wrote).
  - Checks every byte of every bag (strictly as BagIt 1.0, all manifests, nothing beside, nothing missing) and of every
    sealed package.
  - Fails with the list of all problems when anything is not as it was recorded.
  - That it was verified, by whom and with which result, is recorded in the custody log, unless that cannot be relied
    on.
  - It is offline, and reads bags in small pieces.
  - Runs on the controller as an action plugin and never connects to a host. Use it with C(run_once).
options:
  allowed_signers:
    description:
      - A file of those who may sign, as C(ssh-keygen) reads it. The default is the key of this controller alone.
      - The file of this name beside the custody log is never used by itself. Who can forge a log there can write that,
        too.
    type: str
  head:
    description: The digest of a record that somebody has noted down. The log must contain it.
    type: str
    default: ""
  record:
    description: Whether to record it in the custody log.
    type: bool
    default: true
  released_to:
    description:
      - To whom the evidence is handed over. That is recorded when everything is as it should be, with O(reason), which
        is needed then.
    type: str
    default: ""
extends_documentation_fragment:
  - toombos.incident.attributes.custodian
  - toombos.incident.custody
  - toombos.incident.custody.incident
author:
  - toombos.incident authors (@toombos)
seealso:
  - module: toombos.incident.evidence_capture
"""

EXAMPLES = r"""
- name: Verify an incident
  toombos.incident.evidence_verify:
    incident: INC-2026-1124-0001
    home: /srv/evidence
  run_once: true

- name: Hand the evidence over
  toombos.incident.evidence_verify:
    home: /srv/evidence/INC-2026-1124-0001
    released_to: Jo Doe, forensic team
    reason: case 4711, asked for by the legal department
  run_once: true

- name: Verify a copy that somebody else has made, by the keys that were given on paper
  toombos.incident.evidence_verify:
    home: /mnt/copy/INC-2026-1124-0001
    allowed_signers: /srv/keys/allowed_signers
    head: 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08
    record: false
  run_once: true
"""

RETURN = r"""
incident:
  description: The number of the incident.
  returned: when the incident was found
  type: str
  sample: INC-2026-1124-0001
home:
  description: The directory that was verified.
  returned: when the incident was found
  type: str
  sample: /srv/evidence/INC-2026-1124-0001
problems:
  description: What is not as it was recorded, and where.
  returned: when the incident was found
  type: list
  elements: dict
  sample: [{where: INC-2026-1124-0001-web-1-001, what: "data/logs/0001: is not what manifest-sha256.txt says"}]
bags:
  description: The bags that were checked.
  returned: when the incident was found
  type: list
  elements: str
  sample: [INC-2026-1124-0001-web-1-001]
bytes:
  description: How many bytes were read for it.
  returned: when the incident was found
  type: int
  sample: 24690000
records:
  description: How many records the custody log had. 0 when it cannot be relied on.
  returned: when the incident was found
  type: int
  sample: 14
head:
  description: The digest of the last record, with that of this verification. Note it down.
  returned: when the incident was found
  type: str
  sample: 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08
note:
  description: Why it is not on record.
  returned: when it should be and is not
  type: str
  sample: "It is not on record: the key of this controller is none of the allowed signers."
"""
