#!/usr/bin/python
# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Search the logs of a host for what responders look for."""

from __future__ import annotations

DOCUMENTATION = r"""
---
module: log_scan
short_description: Search the logs of a host for what responders look for
version_added: "0.1.0"
description:
  - Reads the logs of a host once, with all that rotation has made of them, and counts the lines that match named
    patterns.
  - Says for each pattern how many lines there are in which file, when the first and the last one were written, which
    kinds of lines are the most frequent ones, and shows a few of them.
  - It always answers by its deadline, with what it has found until then.
  - Nothing is changed on the host. What is found is data, and never a failure of the task.
options:
  services:
    description:
      - The service catalogue of the host, usually C(incident_services) of the inventory. The C(logs) of its
        services are read. What the C(baseline) of their probes of kind C(log) calls harmless does not count.
    type: dict
  only:
    description: Names of the services whose logs to read. Empty means all.
    type: list
    elements: str
    default: []
  paths:
    description: Absolute paths of logs. The last component may be a wildcard.
    type: list
    elements: str
  sets:
    description:
      - Sets of patterns that come with the collection.
      - V(errors) is C(ERROR|CRITICAL|Exception). V(failures) finds errors that bear no level, such as C(failed),
        C(error:) and tracebacks, and JSON whose level is C(error), C(critical) or C(fatal).
      - V(publisher), V(database) and V(security) find what they are named for.
      - The default is V([errors]), or none when O(patterns) are given.
    type: list
    elements: str
  patterns:
    description:
      - Further patterns, name → regular expression in the syntax of Python. C(\w), C(\d) and C((?i\)) mean ASCII.
      - One that could take for ever on a line is refused, such as C((a+\)+).
      - A pattern in which a word of three letters or more must occur is much faster than one without.
    type: dict
    default: {}
  baseline:
    description: Regular expressions of lines that are known to be harmless. They are counted apart.
    type: list
    elements: str
    default: []
  since:
    description:
      - Count only what was written since then, a duration (V(15m), V(2h)) or a moment (V(2026-11-23 14:45), or with a
        zone V(2026-11-23T14:45:54Z)). Without a zone it is the local time of the host.
      - A line that does not say when it was written has the time of the one before it.
      - Plain logs are not read from their beginning. It is assumed that times rise, give or take ten seconds.
    type: str
  lines:
    description: Read only so many lines of each log, the last ones.
    type: int
  rotated:
    description:
      - Read older files of a log, too, such as C(app.log.1), C(app.log.2.gz) and C(app.log-20261123.xz).
      - Those compressed with gzip, bzip2 and xz are unpacked while they are read.
    type: bool
    default: true
  follow:
    description: Read a log also when its path is a symbolic link. Otherwise it is skipped.
    type: bool
    default: false
  samples:
    description: How many lines to show for each pattern, half of them the first ones, the others the last ones.
    type: int
    default: 4
  signatures:
    description: How many kinds of lines to show for each pattern.
    type: int
    default: 5
  numbered_mib:
    description:
      - Lines are counted and numbered in files of up to so many MiB. In larger ones a sample has its offset in bytes
        only, because counting takes as long as searching.
    type: int
    default: 64
  largest_mib:
    description:
      - Of each file at most so many MiB are read, of a compressed one at most so many after unpacking. The notes of the
        file say so.
    type: int
    default: 4096
  deadline:
    description: Hard limit for the whole call, such as V(60s).
    type: str
    default: 60s
notes:
  - What looks like a secret is masked in samples and signatures.
  - Only the first 64 KiB of a line are looked at.
extends_documentation_fragment:
  - toombos.incident.attributes.reader
author:
  - toombos.incident authors (@toombos)
seealso:
  - module: toombos.incident.health_check
"""

EXAMPLES = r"""
- name: Count the errors of the last hour in the logs of all services
  toombos.incident.log_scan:
    services: "{{ incident_services }}"
    since: 1h
  register: scan

- name: Look at the last hundred lines of a log, as one would by hand
  toombos.incident.log_scan:
    paths: [/opt/shop/logs/shop.log]
    sets: [errors, failures]
    lines: 100

- name: Look for signs of an attack in everything that is kept
  toombos.incident.log_scan:
    paths: ["/var/log/shop/*.log", /var/log/auth.log]
    sets: [security]
    patterns:
      logins: "Failed password|authentication failure"
    baseline: ["Failed password for invalid user probe"]
    deadline: 5m
"""

RETURN = r"""
patterns:
  description: What was found, by the name of the pattern. Times are in UTC, null where no line tells one.
  returned: unless an option is not valid
  type: dict
  contains:
    pattern:
      description: The regular expression.
      returned: always
      type: str
      sample: ERROR|CRITICAL|Exception
    count:
      description: How many lines match.
      returned: always
      type: int
      sample: 12
    files:
      description: How many of them are in which file.
      returned: always
      type: dict
      sample: {/opt/shop/logs/shop.log.1: 2, /opt/shop/logs/shop.log: 10}
    first_seen:
      description: When the first of them was written.
      returned: always
      type: str
      sample: "2026-11-23T14:45:54Z"
    last_seen:
      description: When the last of them was written.
      returned: always
      type: str
      sample: "2026-11-23T15:02:11Z"
    samples:
      description:
        - The first and the last of them. The line is its number within the (unpacked) file, null where lines are not
          counted. The offset is where it begins, in bytes.
      returned: always
      type: list
      elements: dict
      sample:
        - path: /opt/shop/logs/shop.log
          line: 4711
          offset: 358231
          time: "2026-11-23T15:02:11Z"
          text: "2026-11-23 15:02:11 - shop.crm - ERROR - Request 17 failed: no route to 10.0.0.7"
    signatures:
      description:
        - The most frequent kinds of lines; what differs within a kind is folded.
        - Of a line of JSON its logger, level and message count.
      returned: always
      type: list
      elements: dict
      sample:
        - count: 9
          text: "shop.crm - ERROR - Request <n> failed: no route to <address>"
    signatures_capped:
      description: There were more kinds of lines than can be kept, so that rare ones may be missing.
      returned: always
      type: bool
      sample: false
files:
  description:
    - What was read, oldest first within a log. The notes say when a file was truncated, rotated or removed meanwhile,
      is damaged, or was not read to its end. The lines are null where they are not counted.
  returned: unless an option is not valid
  type: list
  elements: dict
  sample:
    - {path: /opt/shop/logs/shop.log, service: shop, size: 358400, bytes: 358400, lines: 4713, notes: []}
left_out:
  description:
    - What was not read, and why. The reason is V(absent), V(denied), V(link), V(not_a_file), V(compression),
      V(too_many) or V(failed).
  returned: unless an option is not valid
  type: list
  elements: dict
  sample:
    - {path: /opt/shop/logs/shop.log.3.zst, reason: compression, message: Python's standard library cannot unpack it}
unread:
  description: Logs that the deadline left out, or cut short.
  returned: unless an option is not valid
  type: list
  elements: str
  sample: []
complete:
  description: Whether everything was read before the deadline.
  returned: unless an option is not valid
  type: bool
  sample: true
totals:
  description:
    - Files read and skipped, bytes (unpacked) and lines read, the duration in seconds.
    - C(harmless) is how many lines matched a pattern and the baseline. C(long_lines) were looked at in part,
      C(costly_lines) given up because a pattern took too long.
  returned: unless an option is not valid
  type: dict
  sample:
    {files: 2, skipped: 1, bytes: 409600, lines: 5383, harmless: 1, long_lines: 0, costly_lines: 0, duration: 0.02}
msg:
  description: One line for people.
  returned: always
  type: str
  sample: "errors 12 (last 2026-11-23T15:02:11Z); 2 files, 0.4 MiB in 0.0s; 1 skipped"
"""

from typing import Any

from ansible_collections.toombos.incident.plugins.module_utils._clock import Clock
from ansible_collections.toombos.incident.plugins.module_utils._errors import IncidentError
from ansible_collections.toombos.incident.plugins.module_utils._logs.child import scan
from ansible_collections.toombos.incident.plugins.module_utils._logs.wish import read_logs, read_wish
from ansible_collections.toombos.incident.plugins.module_utils._module import CatalogueModule
from ansible_collections.toombos.incident.plugins.module_utils._options import LOG_SCAN
from ansible_collections.toombos.incident.plugins.module_utils._values import parse_duration


def look(params: dict[str, Any]) -> dict[str, Any]:
    """The module's result. Raises IncidentError for options that are not valid."""
    clock = Clock()
    wish = read_wish(params, clock.wall())
    result = scan(wish, read_logs(params), parse_duration(params["deadline"]), clock)
    return {"changed": False, **result}


def main() -> None:
    """Run the module."""
    module = CatalogueModule(**LOG_SCAN)
    try:
        result = look(module.params)
    except IncidentError as error:
        module.fail_json(msg=str(error), invocation=module.invocation)
    module.exit_json(invocation=module.invocation, **result)


if __name__ == "__main__":
    main()
