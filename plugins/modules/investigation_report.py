#!/usr/bin/python
# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rank hypotheses and write a report (documentation; the code is the action plugin of the same name)."""

from __future__ import annotations

DOCUMENTATION = r"""
---
module: investigation_report
short_description: Rank hypotheses about what was gathered, and write a report
version_added: "0.1.0"
description:
  - Reads what M(toombos.incident.service_recovery) with O(toombos.incident.service_recovery#module:state=assessed) and
    M(toombos.incident.log_scan) have registered on every target, and ranks five patterns of failure, and a breach, by
    the signs that speak for and against each of them. Every sign is named, with its points, and with the hosts,
    services, checks and log lines behind it.
  - What only logs say never makes a hypothesis about hosts that probes find healthy, and ranks last elsewhere. Where no
    sign is found, it says so.
  - Writes the report as Markdown on the controller, in C(check_mode), too, because a report changes nothing that it
    reports on. A report that cannot be written is a warning.
  - Runs on the controller as an action plugin and never connects to a host. Use it with C(run_once).
options:
  logs:
    description: Name of the variable in which each target's M(toombos.incident.log_scan) is registered.
    type: str
    required: true
  indicators:
    description:
      - Name of the variable in which each target's M(toombos.incident.ioc_scan) is registered. Where there is none, the
        report says that nobody has looked for signs of a breach.
    type: str
    default: ""
  services:
    description: Name of the variable that holds each target's service catalogue.
    type: str
    default: incident_services
  only:
    description: Names of the services that were looked at. Empty means all.
    type: list
    elements: str
    default: []
  owner:
    description: Who runs the investigation.
    type: str
    default: an unnamed run
  incident:
    description: The number of the incident, such as V(INC-2026-1125-0001). It names the report, otherwise the time.
    type: str
    default: ""
  window:
    description: Which part of the logs was read, in words.
    type: str
    default: all of them
  thresholds:
    description:
      - When an answer is late. C(slow) and C(critical) are durations for all of them; C(baseline) is what an answer
        usually takes, C(baselines) the same for a service (V(web)) or one of its probes (V(web/front)), and
        C(tolerated) how many percent more are no news. C(recent) is for how long a change of a configuration file is.
      - What is not given is V(2s), V(5s), V(100ms), V(50) and V(1h).
    type: dict
    default: {}
  external:
    description:
      - Names of services that stand for somebody else's. When they are red, that speaks for a failure of an external
        dependency. Empty means that any dependency may be one.
    type: list
    elements: str
    default: []
  incident_types:
    description:
      - Incident types, name → C(title), C(severity) (V(P0) to V(P3)) and what one looks like.
      - >-
        Of a service: C(services), C(tier), C(conditions), C(probes) (one of these is red), C(slower_than) (a duration).
        Of a host: C(unreachable), C(patterns) (of its logs), C(findings) (severities of signs of a
        breach). What only logs say suggests no severity by itself.
      - An empty entry takes an incident type away.
    type: dict
    default: {}
  directory:
    description:
      - Where to write the report on the controller. By default where the other reports of the targets go, see
        O(reports), or else C(toombos-incident/investigations) below the user's state directory.
    type: path
    default: ""
  reports:
    description: Name of the variable that says where the targets' other reports go.
    type: str
    default: incident_reports
  controller_checks:
    description: What M(toombos.incident.controller_probes) returned as C(checks).
    type: dict
    default: {}
  verdict:
    description: What M(toombos.incident.fleet_verdict) returned as C(incident_verdict), to be completed.
    type: dict
    default: {}
extends_documentation_fragment:
  - toombos.incident.attributes.controller
  - toombos.incident.run
author:
  - toombos.incident authors (@toombos)
seealso:
  - module: toombos.incident.log_scan
  - module: toombos.incident.ioc_scan
  - module: toombos.incident.fleet_verdict
"""

EXAMPLES = r"""
- name: Assess
  toombos.incident.service_recovery:
    services: "{{ incident_services }}"
    host_probes: {memory: {kind: memory}, disk: {kind: disk, path: /}}
    state: assessed
  register: assessment

- name: Search the logs
  toombos.incident.log_scan:
    services: "{{ incident_services }}"
    sets: [errors, failures]
    since: 1h
  register: scan

- name: Report
  toombos.incident.investigation_report:
    targets: "{{ ansible_play_hosts_all }}"
    assessments: assessment
    logs: scan
    thresholds: {slow: 1s, baselines: {web/front: 200ms}}
    external: [payments]
  run_once: true
"""

RETURN = r"""
report:
  description: Where the report was written; empty when it could not be.
  returned: success
  type: str
  sample: /var/lib/reports/investigation-INC-2026-1125-0001.md
investigation:
  description: The content of the report.
  returned: success
  type: dict
  contains:
    incident:
      description: The number of the incident, or empty.
      returned: always
      type: str
      sample: INC-2026-1125-0001
    severity:
      description: What probes suggest, V(P0) to V(P3), or empty.
      returned: always
      type: str
      sample: P1
    affected:
      description: Hosts that are not healthy, or that a sign of weight was found on.
      returned: always
      type: list
      elements: str
      sample: [web-1]
    hypotheses:
      description:
        - The likely patterns, the best first. C(pattern) is V(service_startup), V(performance), V(network),
          V(configuration), V(external_dependency) or V(security_breach); the confidence is V(high), V(medium) or
          V(low).
        - The score is the sum of what the signs add, each its points on the hosts that show it, as a share of the
          affected ones.
      returned: always
      type: list
      elements: dict
      sample:
        - pattern: configuration
          title: Configuration error
          score: 8.0
          confidence: high
          hosts: [web-1]
          services: [web]
          only_in_logs: false
          supporting:
            - sign: configuration_rejected
              says: a service's own validator rejects its configuration
              points: 6
              hosts: [web-1]
              of: 1
              adds: 6.0
              only_in_logs: false
              evidence: [{host: web-1, service: web, what: condition, text: "is bad_config: PORT is no number"}]
          contradicting: []
          next: {words: "Correct the files.", command: "ansible-playbook recover.yml -e target=web-1 -e plan=only"}
    leads:
      description: The same for what is too weak to be a hypothesis, without C(next).
      returned: always
      type: list
      elements: dict
      sample: []
    symptoms:
      description: The incident types that fit, the most severe first. One that only logs speak of is not confirmed.
      returned: always
      type: list
      elements: dict
      sample: [{name: web_down, title: The shop is down, severity: P1, confirmed: true, evidence: []}]
    timeline:
      description: The first line of each pattern, per host and service, by the clocks of the hosts.
      returned: always
      type: list
      elements: dict
      sample: [{time: "2026-11-23T14:45:54Z", host: web-1, service: web, pattern: errors, text: ERROR no route}]
    differences:
      description: Services that are not in the same condition on all hosts.
      returned: always
      type: list
      elements: dict
      sample: [{service: web, hosts: {healthy: [web-2], hung: [web-1]}}]
    hosts:
      description: State, conditions of services, resources and numbers of log lines, by host.
      returned: always
      type: dict
      sample: {web-1: {state: sick, message: 1 of 1 services are not healthy, services: {web: bad_config}}}
incident_verdict:
  description: The text for the screen and the content of the machine-readable line.
  returned: success
  type: dict
  sample: {text: "INVESTIGATION: configuration error", machine: {status: investigation}, ok: true}
"""
