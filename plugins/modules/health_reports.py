#!/usr/bin/python
# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Write health results as files on the controller (documentation; the code is the action plugin of the same name)."""

from __future__ import annotations

DOCUMENTATION = r"""
---
module: health_reports
short_description: Write health results as files on the controller
version_added: "0.1.0"
description:
  - Writes one file per target and format with the last result of that target, as the filter
    P(toombos.incident.render_checks#filter) renders it. A file is replaced at once, nobody reads half of it.
  - Files are written in C(check_mode), too, because a report changes nothing that it reports on.
  - A report that cannot be written is a warning. It never fails the run.
  - Runs on the controller as an action plugin and never connects to a host. Use it with C(run_once).
options:
  results:
    description: Name of the variable in which each host's recovery is registered. Where it is, it has the last word.
    type: str
    required: true
  reports:
    description:
      - Name of the variable that says what each target's reports are, usually C(incident_reports) of the inventory.
      - >-
        It is a mapping: C(directory) on the controller, made when it is missing, and C(formats), a list of V(json),
        V(junit), V(tap), V(nagios), V(openmetrics), by default V(junit) and V(openmetrics). A text is the directory.
      - A target without it gets none.
    type: str
    required: true
  controller_checks:
    description:
      - What M(toombos.incident.controller_probes) returned as C(checks).
      - They are in the report, each with C(@controller) after the name of its probe.
    type: dict
    default: {}
extends_documentation_fragment:
  - toombos.incident.attributes.controller
  - toombos.incident.run
author:
  - toombos.incident authors (@toombos)
seealso:
  - plugin: toombos.incident.render_checks
    plugin_type: filter
"""

EXAMPLES = r"""
- name: Write the reports
  toombos.incident.health_reports:
    targets: "{{ guard_result.targets }}"
    assessments: standard_recovery_assessment
    results: standard_recovery_result
    reports: incident_reports
  run_once: true
"""

RETURN = r"""
files:
  description: What was written.
  returned: success
  type: list
  elements: str
  sample: [/var/lib/node_exporter/web-1.prom]
problems:
  description: Why some files were not written.
  returned: success
  type: list
  elements: str
  sample: []
"""
