# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of the module access_revocation. They are checked on the controller, before anything is sent."""

from __future__ import annotations

from typing import Any

ACCESS_REVOCATION: dict[str, Any] = {
    "argument_spec": {
        "state": {"type": "str", "choices": ["revoked", "restored"], "default": "revoked"},
        "incident": {"type": "str", "default": ""},
        "reason": {"type": "str", "default": ""},
        "lock_users": {"type": "list", "elements": "str", "default": []},
        "sessions": {"type": "str", "choices": ["others", "none"], "default": "none"},
        "services": {"type": "bool", "default": False},
        "steps": {"type": "list", "elements": "dict", "default": []},
        "step_timeout": {"type": "str", "default": "60s"},
        "grace": {"type": "str", "default": "3s"},
        "approve": {"type": "str", "default": ""},
        "force": {"type": "bool", "default": False},
        "owner": {"type": "str", "default": "an unnamed run"},
        "lock_timeout": {"type": "str", "default": "30s"},
        "state_dir": {"type": "path", "default": "/run/toombos-incident"},
        "store_dir": {"type": "path", "default": "/var/lib/toombos-incident"},
    },
    "supports_check_mode": True,
}
