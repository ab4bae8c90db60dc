#!/usr/bin/python
# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Export evidence for other tools (documentation; the code is the action plugin of the same name)."""

from __future__ import annotations

DOCUMENTATION = r"""
---
module: evidence_export
short_description: Export the evidence of an incident for other tools
version_added: "0.1.0"
description:
  - Reads the bags of an incident on the controller and writes what they hold in the formats of other tools, into the
    directory C(derived) of the incident. Bags are never changed.
  - The same bags give the same files, byte by byte.
  - As many records are written as were read, else it fails and the old file stays.
  - Of each payload file that is read the digest is checked. Whether a bag as a whole is what was captured is a question
    for its verification.
  - Runs on the controller as an action plugin and never connects to a host. Use it with C(run_once).
options:
  directory:
    description: The directory of the incident in the evidence home.
    type: path
    required: true
  bags:
    description:
      - Names of bags. By default all of the incident that are not sealed, and then also one timeline of all of them.
      - A bag that is named and sealed is a failure.
    type: list
    elements: str
    default: []
  formats:
    description:
      - V(timeline) is C(timeline.jsonl) for Timesketch, all events by their time.
      - V(bodyfile) is C(bodyfile.txt) for mactime and plaso.
      - V(case) is C(case.jsonld), the capture and its chain of custody as CASE/UCO.
    type: list
    elements: str
    choices: [timeline, bodyfile, case]
    default: [timeline, bodyfile, case]
extends_documentation_fragment:
  - toombos.incident.attributes.controller
attributes:
  idempotent:
    description: Changes nothing where the derived files are what the bags give.
    support: full
author:
  - toombos.incident authors (@toombos)
"""

EXAMPLES = r"""
- name: Derive everything from all bags of an incident
  toombos.incident.evidence_export:
    directory: /var/lib/evidence/INC-2026-1125-0001
  run_once: true

- name: Derive the bodyfile of one bag
  toombos.incident.evidence_export:
    directory: /var/lib/evidence/INC-2026-1125-0001
    bags: [INC-2026-1125-0001-web-1-001]
    formats: [bodyfile]
  run_once: true
"""

RETURN = r"""
files:
  description: The derived files. RV(files[].read) and RV(files[].written) are numbers of records, and equal.
  returned: success
  type: list
  elements: dict
  contains:
    bag:
      description: The bag that it comes from; empty where it comes from all.
      type: str
    format:
      description: One of O(formats).
      type: str
    path:
      description: Where it is.
      type: str
    size:
      description: Bytes.
      type: int
    sha256:
      description: Its digest.
      type: str
    read:
      description: Records in the bags. Of V(case), payload files.
      type: int
    written:
      description: Records in the file.
      type: int
    changed:
      description: Whether there was none or another one.
      type: bool
  sample:
    - bag: INC-2026-1125-0001-web-1-001
      format: bodyfile
      path: /var/lib/evidence/INC-2026-1125-0001/derived/INC-2026-1125-0001-web-1-001/bodyfile.txt
      size: 5133420
      sha256: 7ab6f1c0b1d3f0d8a1d2f9d0f4a6a8f5b3f4a7f5d0f9a1b2c3d4e5f60718293a
      read: 41233
      written: 41233
      changed: true
sealed:
  description: Bags that were left out because they are sealed.
  returned: success
  type: list
  elements: str
  sample: []
"""
