# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Answers whose JMESPath conditions this host cannot judge: it sends what was answered, and the controller completes.

Everything else was judged here and is good, so that such a check passes for the time being: nothing is restarted for
it. What was answered travels below ``observed.pending``, without secrets, and the controller takes it out again.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from ansible_collections.toombos.incident.plugins.module_utils._probe import reasons
from ansible_collections.toombos.incident.plugins.module_utils._probe.types import FAIL, PASS, Outcome
from ansible_collections.toombos.incident.plugins.module_utils._redact import redact_value

KEY = "pending"
MOST_BYTES = 65536  # of one body, as JSON


def deferred(outcome: Outcome, document: Any) -> Outcome:
    """The outcome of an exchange that is good so far, with its body for the controller.

    ``pending`` is ``{body, masked, message}``: masked says that secrets were taken out, message is the outcome's own.
    """
    hidden = redact_value(document)
    if len(json.dumps(hidden)) > MOST_BYTES:
        message = (
            f"jmespath is not installed on this host, and a body of more than {MOST_BYTES} bytes is not sent to the "
            "controller: install python3-jmespath there, or use expect.json"
        )
        return Outcome(FAIL, reasons.CANNOT_RUN, message, outcome.observed, outcome.expected)
    return replace(
        outcome,
        reason=reasons.PENDING if outcome.status == PASS else outcome.reason,
        message=f"{outcome.message}, as far as the host can judge",
        observed={
            **outcome.observed,
            KEY: {"body": hidden, "masked": hidden != document, "message": outcome.message},
        },
    )
