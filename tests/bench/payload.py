# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What Ansible sends to a host for one call of a module, as with pipelining."""

from __future__ import annotations

import base64
import functools
import io
import re
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ansible.executor.module_common import modify_module
from ansible.parsing.dataloader import DataLoader
from ansible.plugins.loader import init_plugin_loader, module_loader
from ansible.template import Templar
from hosts import PYTHON

PING, CHECK, RECOVERY = (
    "ansible.builtin.ping",
    "toombos.incident.health_check",
    "toombos.incident.service_recovery",
)
OURS = "ansible_collections/toombos/"


@dataclass(frozen=True)
class Payload:
    """``script`` goes to the standard input of the host's Python. ``files``: name → bytes in the archive within it."""

    script: bytes
    files: dict[str, int]

    @property
    def ours(self) -> int:
        """Bytes in the archive that are not Ansible's own."""
        return sum(size for name, size in self.files.items() if name.startswith(OURS))

    def unpack(self, folder: Path) -> None:
        """As a host would import it."""
        _archive(self.script).extractall(folder)


def payload(module: str, arguments: dict[str, Any]) -> Payload:
    """Build it as a task does."""
    _load_collections()
    built = modify_module(
        module_name=module,
        module_path=module_loader.find_plugin_with_context(module).plugin_resolved_path,
        module_args=arguments,
        templar=Templar(loader=DataLoader()),
        task_vars={"ansible_python_interpreter": PYTHON},
        module_compression="ZIP_DEFLATED",
    )
    script = bytes(built.b_module_data)
    return Payload(script, {info.filename: info.compress_size for info in _archive(script).infolist()})


@functools.cache
def _load_collections() -> None:
    init_plugin_loader()


def _archive(script: bytes) -> zipfile.ZipFile:
    longest = max(re.findall(rb"[A-Za-z0-9+/=]{1000,}", script), key=len)
    return zipfile.ZipFile(io.BytesIO(base64.b64decode(longest)))
