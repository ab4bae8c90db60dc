#!/usr/bin/python
# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Say what died between two captures of a host (documentation; the code is the action plugin of the same name)."""

from __future__ import annotations

DOCUMENTATION = r"""
---
module: evidence_compare
short_description: Say what died on a host between two captures of it
version_added: "0.1.0"
description:
  - Compares two bags of one host, such as those from before and after it was isolated, and says which processes,
    connections, listening sockets and sessions are gone, which are new, and which stayed.
  - A process is its pid and the moment when the kernel started it. One that goes by another name since is the same
    process, changed, as is a socket that others hold. A connection that is established is one that the kernel still
    holds. That no packet passes any more it does not know, so it may have stayed and be cut.
  - What a bag does not hold, or not as a whole, is named, and never counted as gone by itself.
  - Runs on the controller as an action plugin and never connects to a host.
options:
  incident:
    description: The number of the incident. Empty means the one that O(home) is the directory of.
    type: str
    default: ""
  home:
    description:
      - The evidence home on the controller, or the directory of the incident in it.
      - The default is C(toombos-incident/evidence) below C($XDG_DATA_HOME), or C(~/.local/share).
    type: str
  host:
    description: The name of the host in the inventory. The default is the one that the task is for.
    type: str
  before:
    description: The name of a bag. Empty means the first one of the host in this incident.
    type: str
    default: ""
  after:
    description: The name of a later one. Empty means the last one.
    type: str
    default: ""
notes:
  - Bags that are sealed cannot be read, which is a failure. Open and unpack them beside the sealed ones first.
extends_documentation_fragment:
  - toombos.incident.attributes.controller
author:
  - toombos.incident authors (@toombos)
seealso:
  - module: toombos.incident.evidence_capture
  - module: toombos.incident.containment
"""

EXAMPLES = r"""
- name: What has the isolation ended?
  toombos.incident.evidence_compare:
    incident: INC-2026-1128-0001
  register: difference
"""

RETURN = r"""
host:
  description: Whose bags they are.
  returned: success
  type: str
  sample: web-1
before:
  description: The earlier bag.
  returned: success
  type: str
  sample: INC-2026-1128-0001-web-1-001
after:
  description: The later bag.
  returned: success
  type: str
  sample: INC-2026-1128-0001-web-1-002
differences:
  description:
    - C(processes), C(connections), C(listeners) and C(sessions), each with the lists C(died), C(new), C(stayed) and
      C(changed) of at most 1000 lines, their true C(counts), and C(notes) that say why a list may be wrong.
  returned: success
  type: dict
  sample:
    connections:
      died: ["tcp 192.0.2.7:4444 to 198.51.100.3:51844 by 812 /bin/sh"]
      new: []
      stayed: []
      changed: []
      counts: {died: 1, new: 0, stayed: 0, changed: 0}
      notes: []
not_compared:
  description: What could not be compared, and why.
  returned: success
  type: list
  elements: dict
  sample: [{kind: sessions, why: "sessions/now is absent in INC-2026-1128-0001-web-1-001: no such file"}]
text:
  description: The same as one table, for people.
  returned: success
  type: str
  sample: ""
"""
