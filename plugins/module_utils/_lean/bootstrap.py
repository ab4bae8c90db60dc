# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes what was packed on the controller importable, and runs the module. The first thing that runs on a host.

Nothing is written to the host, and nothing is read from an Ansible that is perhaps installed there.
"""

from __future__ import annotations

import base64
import importlib
import json
import sys
import zlib
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

BASIC = "ansible.module_utils.basic"


class Packed:
    """Finds and loads modules out of ``sources``: name → source text. Their packages are there without sources."""

    def __init__(self, sources: dict[str, str]) -> None:
        self._sources = sources
        self._packages = {name.rsplit(".", depth)[0] for name in sources for depth in range(1, name.count(".") + 1)}

    def find_spec(self, name: str, *_where: object) -> ModuleSpec | None:
        """For what was packed, and the packages that it is in."""
        if name not in self._sources and name not in self._packages:
            return None
        return ModuleSpec(name, self, origin=_origin(name), is_package=name in self._packages)  # type: ignore[arg-type]

    def create_module(self, _spec: ModuleSpec) -> None:
        """The usual kind of module will do."""

    def exec_module(self, module: ModuleType) -> None:
        """Compile and run it."""
        name = module.__name__
        exec(compile(self.get_source(name), _origin(name), "exec", dont_inherit=True), module.__dict__)

    def get_source(self, name: str) -> str:
        """For Python's tracebacks, too."""
        return self._sources.get(name, "")


def _origin(name: str) -> str:
    return "<packed>/" + name.replace(".", "/") + ".py"


def run(packed: str, arguments: str, module: str) -> None:
    """``packed``: sources as JSON, compressed; ``arguments``: of the module, as JSON; both in base64."""
    sources: dict[str, str] = json.loads(zlib.decompress(base64.b64decode(packed)))
    sys.meta_path.insert(0, Packed(sources))
    handed_over: dict[str, Any] = json.loads(base64.b64decode(arguments))
    importlib.import_module(BASIC).run(importlib.import_module(module).main, handed_over)
