# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The last error line of a log, as a hint for people: bounded, redacted, and never through a symbolic link."""

from __future__ import annotations

import os
import re
import stat
from typing import Sequence

from ansible_collections.toombos.incident.plugins.module_utils._redact import redact

_TAIL = 16 * 1024
_ERROR = re.compile(r"\b(ERROR|CRITICAL|FATAL|panic|[A-Z]\w*(?:Error|Exception)\b)")


def last_error(paths: Sequence[str]) -> str:
    """The newest line that looks like an error in the last 16 KiB of a log, the first log first; or empty."""
    for path in paths:
        lines = [line.strip() for line in _tail(path).splitlines()]
        errors = [line for line in lines if _ERROR.search(line)]
        if errors:
            return redact(errors[-1])[:200]
    return ""


def _tail(path: str) -> str:
    try:
        # O_NONBLOCK: a pipe in the place of a log must not hold up a recovery.
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return ""
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            return ""
        return os.pread(descriptor, _TAIL, max(0, status.st_size - _TAIL)).decode("utf-8", "replace")
    except OSError:
        return ""
    finally:
        os.close(descriptor)
