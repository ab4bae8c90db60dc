# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Kind unix: a unix socket that accepts connections, and answers if it is asked."""

from __future__ import annotations

import os
import re
import socket
import stat

from ansible_collections.toombos.incident.plugins.module_utils._bounded import Overdue, call_by
from ansible_collections.toombos.incident.plugins.module_utils._connect import (
    NetworkProblem,
    connect_unix,
    explain,
    remaining,
)
from ansible_collections.toombos.incident.plugins.module_utils._probe import reasons
from ansible_collections.toombos.incident.plugins.module_utils._probe.context import Context
from ansible_collections.toombos.incident.plugins.module_utils._probe.targets import UnixTarget
from ansible_collections.toombos.incident.plugins.module_utils._probe.types import FAIL, PASS, Outcome
from ansible_collections.toombos.incident.plugins.module_utils._redact import redact

_MOST = 4096  # bytes of an answer
_SHOWN = 200


def attempt(target: UnixTarget, deadline: float, context: Context) -> Outcome:
    """Connect; say and hear what is declared."""
    expected = f"{target.path} accepts connections" + (f" and answers {target.expect}" if target.expect else "")
    try:
        mode = call_by(deadline, context.clock, lambda: os.stat(target.path).st_mode)
    except Overdue:
        return Outcome(FAIL, reasons.TIMEOUT, f"the file system of {target.path} does not answer", None, expected)
    except OSError as error:
        reason = reasons.DENIED if isinstance(error, PermissionError) else reasons.MISSING
        return Outcome(FAIL, reason, f"{target.path}: {error.strerror}", None, expected)
    if not stat.S_ISSOCK(mode):
        return Outcome(FAIL, reasons.MISSING, f"{target.path} is not a socket", None, expected)
    try:
        with connect_unix(target.path, deadline=deadline, clock=context.clock) as sock:
            answer = _talk(sock, target, deadline, context)
    except NetworkProblem as problem:
        return Outcome(FAIL, problem.reason, problem.message, None, expected)
    text = answer.decode("utf-8", "replace")
    if target.expect and not re.search(target.expect, text):
        shown = redact(text)[:_SHOWN]  # before it is cut: half a secret is not recognised as one
        return Outcome(FAIL, reasons.BAD_OUTPUT, "the answer is not as expected", {"answer": shown}, expected)
    return Outcome(PASS, reasons.OK, "connected" if not target.expect else "answers as expected", None, expected)


def _talk(sock: socket.socket, target: UnixTarget, deadline: float, context: Context) -> bytes:
    """What the other side says until it fits, until it stops, or until it is too much."""
    heard = b""
    try:
        if target.send:
            sock.settimeout(remaining(deadline, context.clock, "sending"))
            sock.sendall(target.send.encode())
        while target.expect and len(heard) < _MOST and not re.search(target.expect, heard.decode("utf-8", "replace")):
            sock.settimeout(remaining(deadline, context.clock, "waiting for the answer"))
            data = sock.recv(_MOST - len(heard))
            if not data:
                break
            heard += data
    except OSError as error:
        raise explain(error, "talking") from None
    return heard
