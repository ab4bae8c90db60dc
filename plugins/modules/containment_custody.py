#!/usr/bin/python
# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Put an isolation on record (documentation; the code is the action plugin of the same name)."""

from __future__ import annotations

DOCUMENTATION = r"""
---
module: containment_custody
short_description: Put the isolation of a host, its proof and its end on record
version_added: "0.1.0"
description:
  - Adds what M(toombos.incident.containment) and M(toombos.incident.containment_proof) have said of a host to the
    custody log of the incident, and puts the whole proof into a file beside it, whose digest is in the log.
  - Where no such incident is open on this controller nothing is recorded, which is no failure.
  - Runs on the controller as an action plugin and never connects to a host.
options:
  result:
    description:
      - What M(toombos.incident.containment) has returned. Only a change is put on record, as C(contained) or
        C(containment_released).
    type: dict
    default: {}
  proof:
    description:
      - What M(toombos.incident.containment_proof) has returned. It is put on record as C(containment_proved),
        C(containment_not_proved) or C(containment_disproved).
    type: dict
    default: {}
extends_documentation_fragment:
  - toombos.incident.attributes.custodian
  - toombos.incident.custody
  - toombos.incident.custody.incident
author:
  - toombos.incident authors (@toombos)
seealso:
  - module: toombos.incident.containment
  - module: toombos.incident.containment_proof
  - module: toombos.incident.evidence_verify
"""

EXAMPLES = r"""
- name: Put on record that the host was isolated
  toombos.incident.containment_custody:
    incident: INC-2026-1128-0001
    reason: unknown ssh key of root
    result: "{{ security_containment_result }}"
    proof: "{{ security_containment_proof }}"
"""

RETURN = r"""
recorded:
  description: Whether anything was added.
  returned: success
  type: bool
  sample: true
events:
  description: What was added.
  returned: when the incident is open, not in check mode
  type: list
  elements: str
  sample: [contained, containment_proved]
head:
  description: The digest of the last record.
  returned: when the incident is open, not in check mode
  type: str
  sample: 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08
path:
  description: The file with the proof; empty when there is none.
  returned: when the incident is open, not in check mode
  type: str
  sample: /srv/evidence/INC-2026-1128-0001/proof-web-1-001.json
msg:
  description: One line for people.
  returned: always
  type: str
  sample: "On record in /srv/evidence/INC-2026-1128-0001: contained, containment_proved"
"""
