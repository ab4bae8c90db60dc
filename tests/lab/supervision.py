# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What supervisord says of main, asked without starting a supervisorctl, which is dear for what is asked often."""

from __future__ import annotations

import http.client
import xmlrpc.client
from pathlib import Path

from names import PROGRAM
from supervisor.xmlrpc import SupervisorTransport


def main_state(socket: Path) -> str:
    """The word of supervisord, as RUNNING or FATAL; empty when it does not answer."""
    transport = SupervisorTransport("", "", f"unix://{socket}")
    try:
        found = xmlrpc.client.ServerProxy("http://127.0.0.1", transport).supervisor.getProcessInfo(PROGRAM)
    except (OSError, http.client.HTTPException, xmlrpc.client.Error):
        return ""
    finally:
        transport.close()
    assert isinstance(found, dict)
    return str(found["statename"])
