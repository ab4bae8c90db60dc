#!/usr/bin/python
# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Open the custody log of an incident (documentation; the code is the action plugin of the same name)."""

from __future__ import annotations

DOCUMENTATION = r"""
---
module: evidence_open
short_description: Open the custody log of an incident
version_added: "0.1.0"
description:
  - Makes the directory of the incident in the evidence home, with its custody log, whose first record says who opened
    it, why, and for which hosts. So custody begins on the controller, before a host is touched.
  - The custody log is a chain of records in which each has the digest of the one before it, signed as a whole with
    C(ssh-keygen -Y sign) in the namespace C(custody@toombos.incident).
  - An incident that is open already is joined, which is a record as well.
  - Beside the log it puts C(verify.sh), a script that checks everything with stock tools, and C(allowed_signers).
  - Runs on the controller as an action plugin and never connects to a host. Use it with C(run_once).
options:
  targets:
    description: Names of the hosts that are meant, for the record.
    type: list
    elements: str
    default: []
extends_documentation_fragment:
  - toombos.incident.attributes.custodian
  - toombos.incident.custody
  - toombos.incident.custody.incident
author:
  - toombos.incident authors (@toombos)
seealso:
  - module: toombos.incident.evidence_capture
  - module: toombos.incident.evidence_verify
"""

EXAMPLES = r"""
- name: Open the next incident of today
  toombos.incident.evidence_open:
    home: /srv/evidence
    reason: orders were changed by nobody
    targets: "{{ ansible_play_hosts_all }}"
  run_once: true
  register: evidence_opened

- name: Join one, with a key of the team that is in an agent
  toombos.incident.evidence_open:
    incident: INC-2026-1124-0001
    home: /srv/evidence
    signing_key: ~/.ssh/evidence.pub
  run_once: true
"""

RETURN = r"""
incident:
  description: The number of the incident.
  returned: success
  type: str
  sample: INC-2026-1124-0001
home:
  description: The directory of the incident, for the other modules.
  returned: success
  type: str
  sample: /srv/evidence/INC-2026-1124-0001
opened:
  description: Whether the custody log began with this call. Otherwise the incident was joined.
  returned: success, not in check mode
  type: bool
  sample: true
head:
  description: The digest of the last record. Whoever notes it down can later prove that nothing before it was changed.
  returned: success, not in check mode
  type: str
  sample: 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08
signer:
  description: Who signs.
  returned: success, not in check mode
  type: str
  sample: alice@controller
fingerprint:
  description: The fingerprint of the key that signs.
  returned: success, not in check mode
  type: str
  sample: SHA256:3KODCVvw3wDj6HZpn2yzURXn6yobeLvKDCLB+5Dt1yA
"""
