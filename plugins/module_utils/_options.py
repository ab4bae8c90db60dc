# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of the modules that run on hosts. They are checked on the controller, before anything is sent."""

from __future__ import annotations

from typing import Any

_STATE_DIR = {"type": "path", "default": "/run/toombos-incident"}
_STORE_DIR = {"type": "path", "default": "/var/lib/toombos-incident"}

_PLACES = {"state_dir": _STATE_DIR, "store_dir": _STORE_DIR}
# Who may change a host, and past which brakes.
_AUTHORITY: dict[str, Any] = {
    "lock_timeout": {"type": "str", "default": "30s"},
    "reason": {"type": "str", "default": ""},
    "owner": {"type": "str", "default": "an unnamed run"},
    "freeze": {"type": "str", "default": ""},
    "takeover": {"type": "bool", "default": False},
    "break_glass": {"type": "bool", "default": False},
}

HEALTH_CHECK: dict[str, Any] = {
    "argument_spec": {
        "services": {"type": "dict"},
        "probes": {"type": "dict"},
        "only": {"type": "list", "elements": "str"},
        "wait": {"type": "str"},
        "stable_for": {"type": "str"},
        "deadline": {"type": "str"},
        "fail_when_unhealthy": {"type": "bool", "default": True},
    },
    "required_one_of": [("services", "probes")],
    "required_by": {"only": ("services",), "stable_for": ("wait",)},
    "supports_check_mode": True,
}

SERVICE_RECOVERY: dict[str, Any] = {
    "argument_spec": {
        "services": {"type": "dict", "required": True},
        "host_probes": {"type": "dict", "default": {}},
        "only": {"type": "list", "elements": "str", "default": []},
        "state": {"type": "str", "choices": ["assessed", "recovered"], "default": "recovered"},
        "force": {"type": "bool", "default": False},
        "stable_for": {"type": "str", "default": "2s"},
        "deadline": {"type": "str", "default": "300s"},
        **_AUTHORITY,
        "approved_plan": {"type": "list", "elements": "dict", "default": []},
        "ladder": {
            "type": "list",
            "elements": "str",
            "choices": ["restart", "config_rollback", "code_rollback"],
            "default": ["restart"],
        },
        "rollback_to": {"type": "str", "default": "best"},
        "confirm": {"type": "str", "default": "600s"},
        "code": {"type": "dict", "default": {}},
        "promote": {"type": "bool", "default": False},
        **_PLACES,
    },
    "supports_check_mode": True,
}

CHANGE_FREEZE: dict[str, Any] = {
    "argument_spec": {
        "state": {"type": "str", "choices": ["frozen", "thawed"], "default": "frozen"},
        "services": {"type": "list", "elements": "str", "default": []},
        "reason": {"type": "str", "default": ""},
        "owner": {"type": "str", "required": True},
        "expires": {"type": "str", "default": "0"},
        "takeover": {"type": "bool", "default": False},
        "state_dir": _STATE_DIR,
    },
    "supports_check_mode": True,
}

CONFIG_SNAPSHOT: dict[str, Any] = {
    "argument_spec": {
        "services": {"type": "dict", "required": True},
        "only": {"type": "list", "elements": "str", "default": []},
        "state": {"type": "str", "choices": ["present", "proven"], "default": "present"},
        "rounds": {"type": "int", "default": 3},
        "interval": {"type": "str", "default": "1s"},
        "label": {"type": "str", "default": ""},
        "backups": {"type": "bool", "default": False},
        "keep": {"type": "int", "default": 30},
        "reason": {"type": "str", "default": ""},
        "deadline": {"type": "str", "default": "120s"},
        **_PLACES,
    },
    "supports_check_mode": True,
}

CONFIG_SNAPSHOT_INFO: dict[str, Any] = {
    "argument_spec": {
        "services": {"type": "dict", "required": True},
        "only": {"type": "list", "elements": "str", "default": []},
        "verify": {"type": "bool", "default": False},
        "store_dir": _STORE_DIR,
    },
    "supports_check_mode": True,
}

CONFIG_ROLLBACK: dict[str, Any] = {
    "argument_spec": {
        "services": {"type": "dict", "required": True},
        "only": {"type": "list", "elements": "str", "required": True},
        "to": {"type": "str", "default": "last_known_good"},
        "state": {"type": "str", "choices": ["confirmed", "applied", "extended", "cancelled"], "default": "confirmed"},
        # It names something, and is no secret worth hiding from who runs the task.
        "token": {"type": "str", "default": "", "no_log": False},
        "confirm": {"type": "str", "default": "600s"},
        "stable_for": {"type": "str", "default": "2s"},
        "deadline": {"type": "str", "default": "300s"},
        **_AUTHORITY,
        **_PLACES,
    },
    "supports_check_mode": True,
}

LOG_SCAN: dict[str, Any] = {
    "argument_spec": {
        "services": {"type": "dict"},
        "only": {"type": "list", "elements": "str", "default": []},
        "paths": {"type": "list", "elements": "str"},
        "sets": {"type": "list", "elements": "str"},
        "patterns": {"type": "dict", "default": {}},
        "baseline": {"type": "list", "elements": "str", "default": []},
        "since": {"type": "str"},
        "lines": {"type": "int"},
        "rotated": {"type": "bool", "default": True},
        "follow": {"type": "bool", "default": False},
        "samples": {"type": "int", "default": 4},
        "signatures": {"type": "int", "default": 5},
        "numbered_mib": {"type": "int", "default": 64},
        "largest_mib": {"type": "int", "default": 4096},
        "deadline": {"type": "str", "default": "60s"},
    },
    "required_one_of": [("services", "paths")],
    "supports_check_mode": True,
}

# ``only`` and ``exclude`` name checks here; services have an option of their own.
IOC_SCAN: dict[str, Any] = {
    "argument_spec": {
        "state": {"type": "str", "choices": ["scanned", "baseline"], "default": "scanned"},
        "only": {"type": "list", "elements": "str", "default": []},
        "exclude": {"type": "list", "elements": "str", "default": []},
        "services": {"type": "dict", "default": {}},
        "services_only": {"type": "list", "elements": "str", "default": []},
        "expected": {"type": "dict", "default": {}},
        "since": {"type": "str", "default": "30d"},
        "budget": {"type": "str", "default": "120s"},
        "check_timeout": {"type": "str", "default": ""},
        "digest": {"type": "str", "default": ""},
        "owner": {"type": "str", "default": "an unnamed run"},
        "reason": {"type": "str", "default": ""},
        "store_dir": _STORE_DIR,
    },
    "supports_check_mode": True,
}

# What the action sets (``definitions``, ``bag``, ``requested``) and what it keeps to itself (``home``, ``transfer``) is
# in here, too: one list of options for both halves.
EVIDENCE_CAPTURE: dict[str, Any] = {
    "argument_spec": {
        "incident": {"type": "str", "required": True},
        "profile": {"type": "str", "choices": ["quick", "full"], "default": "full"},
        "only": {"type": "list", "elements": "str", "default": []},
        "exclude": {"type": "list", "elements": "str", "default": []},
        "artifacts": {"type": "list", "elements": "dict", "default": []},
        "services": {"type": "dict", "default": {}},
        "keep": {
            "type": "list",
            "elements": "str",
            "choices": ["open", "personal", "secret"],
            "default": ["open", "personal"],
        },
        "budget": {"type": "str", "default": "10m"},
        "max_bytes": {"type": "str", "default": "2GiB"},
        "reserve": {"type": "str", "default": "512MiB"},
        "directory": {"type": "path", "default": "/var/tmp/toombos-incident"},
        "seal": {
            "type": "dict",
            "options": {
                "method": {"type": "str", "choices": ["age", "gpg"], "required": True},
                "recipients": {"type": "list", "elements": "str", "required": True},
                # Public keys; the name would make Ansible hide them.
                "keys": {"type": "list", "elements": "str", "default": [], "no_log": False},
            },
        },
        "redact": {"type": "str", "choices": ["auto", "always", "never"], "default": "auto"},
        "reason": {"type": "str", "default": ""},
        "home": {"type": "str"},
        # The name would make Ansible hide the path, and what is equal to it.
        "signing_key": {"type": "str", "no_log": False},
        "who": {"type": "str"},
        "transfer": {"type": "bool", "default": True},
        "definitions": {"type": "list", "elements": "dict", "default": []},
        "bag": {"type": "str", "default": ""},
        "requested": {"type": "dict", "default": {}},
    },
    "supports_check_mode": True,
}

LOG_RESTORE: dict[str, Any] = {
    "argument_spec": {
        "services": {"type": "dict"},
        "only": {"type": "list", "elements": "str", "default": []},
        "paths": {"type": "list", "elements": "str"},
        "backups": {"type": "list", "elements": "str", "required": True},
        "as_of": {"type": "str", "default": ""},
        "owner": {"type": "str", "default": ""},
        "group": {"type": "str", "default": ""},
        "mode": {"type": "str", "default": ""},
        "fail_when_refused": {"type": "bool", "default": True},
        "deadline": {"type": "str", "default": "10m"},
        "lock_timeout": {"type": "str", "default": "30s"},
        "who": {"type": "str", "default": "an unnamed run"},
        "reason": {"type": "str", "default": ""},
        "state_dir": _STATE_DIR,
        "store_dir": _STORE_DIR,
    },
    "required_one_of": [("services", "paths")],
    "supports_check_mode": True,
}

CODE_ROLLBACK: dict[str, Any] = {
    "argument_spec": {
        "code": {"type": "dict", "required": True},
        "ref": {"type": "str", "default": "last_known_good"},
        "services": {"type": "dict", "required": True},
        "only": {"type": "list", "elements": "str", "default": []},
        "fetch": {"type": "bool", "default": False},
        "fetch_timeout": {"type": "str", "default": "60s"},
        **_AUTHORITY,
        "reason": {"type": "str", "required": True},
        "stable_for": {"type": "str", "default": "2s"},
        "deadline": {"type": "str", "default": "300s"},
        **_PLACES,
    },
    "supports_check_mode": True,
}

MAINTENANCE_MODE: dict[str, Any] = {
    "argument_spec": {
        "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
        "switch": {"type": "dict", "default": {}},
        "expires": {"type": "str", "default": "0"},
        "reason": {"type": "str", "default": ""},
        "owner": {"type": "str", "required": True},
        "services": {"type": "dict", "default": {}},
        "store_dir": _STORE_DIR,
    },
    "supports_check_mode": True,
}

CONTAINMENT: dict[str, Any] = {
    "argument_spec": {
        "state": {"type": "str", "choices": ["isolated", "confirmed", "released"], "default": "confirmed"},
        "incident": {"type": "str", "default": ""},
        "reason": {"type": "str", "default": ""},
        "management": {"type": "list", "elements": "str", "default": []},
        "ssh_port": {"type": "int", "default": 0},
        "allow": {"type": "list", "elements": "dict", "default": []},
        "protected": {"type": "list", "elements": "str", "default": []},
        "backend": {"type": "str", "choices": ["", "nftables", "iptables"], "default": ""},
        "keep_responder": {"type": "bool", "default": True},
        "confirm": {"type": "str", "default": "60s"},
        # It names something, and is no secret worth hiding from who runs the task.
        "token": {"type": "str", "default": "", "no_log": False},
        "approve": {"type": "str", "default": ""},
        "force": {"type": "bool", "default": False},
        "owner": {"type": "str", "default": "an unnamed run"},
        "lock_timeout": {"type": "str", "default": "30s"},
        **_PLACES,
    },
    "supports_check_mode": True,
}

CONTAINMENT_INFO: dict[str, Any] = {"argument_spec": {**_PLACES}, "supports_check_mode": True}

CONTAINMENT_PROOF: dict[str, Any] = {
    "argument_spec": {
        "phase": {"type": "str", "choices": ["before", "after", "witness"], "default": "after"},
        "before": {"type": "dict", "default": {}},
        "witnessed": {"type": "dict", "default": {}},
        "targets": {"type": "list", "elements": "dict", "default": []},
        "ask": {"type": "dict", "default": {}},
        **_PLACES,
    },
    "supports_check_mode": True,
}
