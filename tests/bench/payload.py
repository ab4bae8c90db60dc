# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is sent to a host for one call of a module, as with pipelining."""

from __future__ import annotations

import functools
import json
import sys
from typing import Any

from ansible.executor.module_common import modify_module
from ansible.parsing.dataloader import DataLoader
from ansible.plugins.loader import init_plugin_loader, module_loader
from ansible.template import Templar
from hosts import HERE, PYTHON

sys.path.insert(0, str(HERE.parent.parent / ".ansible" / "collections"))
from ansible_collections.toombos.incident.plugins.plugin_utils._lean.script import arguments, script
from ansible_collections.toombos.incident.plugins.plugin_utils._lean.sources import needed

__all__ = ["CHECK", "PING", "RECOVERY", "needed", "payload"]

PING, CHECK, RECOVERY = (
    "ansible.builtin.ping",
    "toombos.incident.health_check",
    "toombos.incident.service_recovery",
)


def payload(module: str, values: dict[str, Any]) -> bytes:
    """What goes to the standard input of the host's Python, built as a task does."""
    if module != PING:
        packed = json.dumps(arguments(values))
        return script(module.rsplit(".", 1)[-1]).replace("<<INCLUDE_ANSIBLE_MODULE_JSON_ARGS>>", packed).encode()
    _load_collections()
    built = modify_module(
        module_name=module,
        module_path=module_loader.find_plugin_with_context(module).plugin_resolved_path,
        module_args=values,
        templar=Templar(loader=DataLoader()),
        task_vars={"ansible_python_interpreter": PYTHON},
        module_compression="ZIP_DEFLATED",
    )
    return bytes(built.b_module_data)


@functools.cache
def _load_collections() -> None:
    init_plugin_loader()
