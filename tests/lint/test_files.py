# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every file is a room: small, headed, and readable by the oldest Python that runs it."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator
from pathlib import Path

Files = Callable[..., list[Path]]

HEADER = """\
# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""
LONGEST = 300
LONGEST_TEST = 450  # a test is read one case at a time
ON_THE_HOST = ("plugins/modules", "plugins/module_utils")
# What several modules, or actions, share of their wiring; they can import it from nowhere else.
WIRING = {
    Path("plugins/module_utils/_module.py"),
    Path("plugins/plugin_utils/_custody/action.py"),
    Path("plugins/plugin_utils/_lean/action.py"),
}
# Each costs more start-up time on the host than a probe does; import them where they are used.
HEAVY = {"asyncio", "email", "http", "requests", "ssl", "urllib.request", "xmlrpc", "yaml"}


def test_python_files_carry_the_licence(root: Path, files: Files) -> None:
    bare = []
    for path in files(suffix=(".py",)):
        text = re.sub(r"\A#!.*\n", "", (root / path).read_text())
        if text and not text.startswith(HEADER):
            bare.append(str(path))
    assert not bare, "the three-line licence header is missing"


def test_files_are_short(root: Path, files: Files) -> None:
    long = {}
    for path in files(suffix=(".py", ".yml", ".sh")):
        lines = len((root / path).read_text().splitlines())
        if lines > (LONGEST_TEST if path.parts[0] == "tests" else LONGEST):
            long[str(path)] = lines
    assert not long, "split these by idea"


def test_what_runs_on_the_host_is_python_3_8(root: Path, files: Files) -> None:
    for path in files(*ON_THE_HOST, suffix=(".py",)):
        ast.parse((root / path).read_text(), filename=str(path), feature_version=(3, 8))


def test_engines_know_neither_ansible_nor_what_lies_above_them(root: Path, files: Files) -> None:
    """Law: data flows one way; an engine never imports upwards and never sees AnsibleModule."""
    wrong = []
    engines = [
        path for path in files("plugins/module_utils", "plugins/plugin_utils", suffix=(".py",)) if path not in WIRING
    ]
    for path in engines:
        above = ("plugins.modules", "plugins.action", "plugins.callback", "plugins.filter", "plugins.lookup")
        if "module_utils" in path.parts:
            above += ("plugins.plugin_utils", "ansible.")
        else:
            above += ("ansible.module_utils.basic", "ansible.plugins")
        for name in imports(ast.parse((root / path).read_text())):
            short = name.removeprefix("ansible_collections.toombos.incident.")
            if f"{short}.".startswith(tuple(f"{one.rstrip('.')}." for one in above)):
                wrong.append(f"{path} imports {name}")
    assert not wrong


def test_imports_on_the_host_are_light(root: Path, files: Files) -> None:
    heavy = [
        f"{path} imports {name} at module level"
        for path in files(*ON_THE_HOST, suffix=(".py",))
        for name in imports(ast.parse((root / path).read_text()), top_level=True)
        if any(f"{name}.".startswith(f"{one}.") for one in HEAVY)
    ]
    assert not heavy


def test_package_markers_are_where_they_belong(root: Path, files: Files) -> None:
    """Packages of engines have an empty one; below tests/unit a marker would shadow the packages under test."""
    for path in files(suffix=(".py",)):
        if path.name == "__init__.py":
            assert path.parts[:2] != ("tests", "unit"), path
            assert (root / path).stat().st_size == 0, f"{path} is not empty"


def imports(tree: ast.Module, top_level: bool = False) -> Iterator[str]:
    """Dotted names that a module imports: all of them, or only those at module level that run (not TYPE_CHECKING)."""
    for node in tree.body if top_level else ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
