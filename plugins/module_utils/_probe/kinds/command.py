# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Kind command: a command that ends well, and says the right thing."""

from __future__ import annotations

import re

from ansible_collections.toombos.incident.plugins.module_utils._command import run_command
from ansible_collections.toombos.incident.plugins.module_utils._probe import reasons
from ansible_collections.toombos.incident.plugins.module_utils._probe.context import Context
from ansible_collections.toombos.incident.plugins.module_utils._probe.targets import CommandTarget
from ansible_collections.toombos.incident.plugins.module_utils._probe.types import FAIL, PASS, Outcome

_EXCERPT = 200


def attempt(target: CommandTarget, deadline: float, context: Context) -> Outcome:
    """Run it once."""
    expected = {"rc": list(target.rc), **({"stdout": target.stdout} if target.stdout else {})}
    timeout = deadline - context.clock.monotonic()
    result = run_command(target.command, timeout=timeout, cwd=target.cwd)
    if result.error:
        return Outcome(FAIL, reasons.CANNOT_RUN, result.error, None, expected)
    # The last words say why, wherever they were written.
    output = (result.stderr.strip() or result.stdout.strip())[-_EXCERPT:]
    observed = {"rc": result.rc, "output": output}
    last = f": {output.splitlines()[-1]}" if output else ""
    if result.timed_out or result.rc is None:
        return Outcome(FAIL, reasons.TIMEOUT, f"was ended after {result.duration:.1f}s{last}", observed, expected)
    if result.rc not in target.rc:
        return Outcome(FAIL, reasons.BAD_RC, f"rc {result.rc}{last}", observed, expected)
    if target.stdout and not re.search(target.stdout, result.stdout):
        return Outcome(FAIL, reasons.BAD_OUTPUT, f"rc {result.rc}, but not the expected output", observed, expected)
    return Outcome(PASS, reasons.OK, f"rc {result.rc}", observed, expected)
