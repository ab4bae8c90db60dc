# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One health result in the format of whoever reads it."""

from __future__ import annotations

DOCUMENTATION = r"""
name: render_checks
author:
  - toombos.incident authors (@toombos)
version_added: "0.1.0"
short_description: Render a health result as JSON, JUnit, TAP, Nagios output or OpenMetrics
description:
  - Renders what M(toombos.incident.health_check) or M(toombos.incident.service_recovery) returned for one host. The
    verdict is the same in every format.
  - A recovery appears with one more check per service, C(condition), and with the checks of the host itself. These
    count here although they decide nothing in a recovery.
  - A task that left no verdict (unreachable, failed, skipped) is rendered with one check that says so. It never passes.
  - >-
    C(junit): V(fail) is a failure, V(unknown) an error, V(blocked) is skipped, V(warn) has passed with V(WARN) in its
    output. A blocked check is never the only red one.
  - >-
    C(tap): version 14; V(pass) and V(warn) are C(ok), everything else is C(not ok). No directives are used, since
    harnesses count what is skipped as passed. The status stands in the YAML block.
  - >-
    C(nagios): begins with V(OK), V(WARNING), V(CRITICAL) or V(UNKNOWN), for the exit codes 0 to 3. V(UNKNOWN) means
    that nothing failed, but something was not answered. The performance data are counts and latencies.
  - >-
    C(openmetrics): C(incident_verdict), C(incident_check_status), C(incident_check_reason), C(incident_check_attempts)
    and C(incident_check_latency_seconds), which the text collector of node_exporter reads, too.
positional: format, host
options:
  _input:
    description: The registered result.
    type: dict
    required: true
  format:
    description: The format.
    type: str
    choices: [json, junit, tap, nagios, openmetrics]
    required: true
  host:
    description: The name of the host in the rendering.
    type: str
    default: ""
"""

EXAMPLES = r"""
- name: Ask
  toombos.incident.health_check:
    services: "{{ incident_services }}"
    fail_when_unhealthy: false
  register: health

- name: Keep the answers for the CI server
  ansible.builtin.copy:
    content: "{{ health | toombos.incident.render_checks('junit', host=inventory_hostname) }}"
    dest: "reports/{{ inventory_hostname }}.xml"
    mode: "0644"
  delegate_to: localhost
"""

RETURN = r"""
_value:
  description: The text, ending with a line feed.
  type: str
"""

from collections.abc import Callable, Mapping
from typing import Any

from ansible.errors import AnsibleFilterError

from ansible_collections.toombos.incident.plugins.plugin_utils._render.renderers import RENDERERS
from ansible_collections.toombos.incident.plugins.plugin_utils._render.report import read_report


def render_checks(result: Any, format: str, host: str = "") -> str:  # noqa: A002 - the name that users write
    if not isinstance(result, Mapping):
        raise AnsibleFilterError(f"render_checks needs the registered result of a host, not {type(result).__name__}.")
    if format not in RENDERERS:
        raise AnsibleFilterError(f"render_checks knows no format {format!r}, it is one of {', '.join(RENDERERS)}.")
    return RENDERERS[format].render(read_report(result, host))


class FilterModule:
    """The filters of this file."""

    def filters(self) -> dict[str, Callable[..., str]]:
        return {"render_checks": render_checks}
