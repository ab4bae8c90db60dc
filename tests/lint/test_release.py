# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The description of the release agrees with what is in the tree, and the environment with its pins."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml


def load(path: Path) -> Any:
    """A YAML file."""
    return yaml.safe_load(path.read_text())


def test_the_action_group_holds_every_module_and_action(root: Path) -> None:
    runtime = load(root / "meta" / "runtime.yml")
    names = {path.stem for path in (root / "plugins" / "modules").glob("*.*")}
    assert runtime["requires_ansible"] == ">=2.16.0"
    assert set(runtime["action_groups"]["incident"]) == names


def test_every_action_plugin_is_documented_by_a_module_of_its_name(root: Path) -> None:
    actions = {path.stem for path in (root / "plugins" / "action").glob("[!_]*.py")}
    modules = {path.stem for path in (root / "plugins" / "modules").glob("*.*")}
    assert actions <= modules


def test_the_changelog_knows_the_version(root: Path) -> None:
    version = load(root / "galaxy.yml")["version"]
    assert version in load(root / "changelogs" / "changelog.yaml")["releases"]
    assert f"v{version}" in (root / "CHANGELOG.rst").read_text()


def test_a_plain_checkout_asks_for_nothing_but_itself(root: Path) -> None:
    requirements = load(root / "collections" / "requirements.yml")
    assert requirements == {"collections": [{"name": "./", "type": "dir"}]}
    assert not load(root / "galaxy.yml")["dependencies"]


def wanted_by(path: Path) -> set[str]:
    """The packages that a file of requirements names, with those of the files that it includes."""
    text = path.read_text()
    included = (path.parent / name for name in re.findall(r"^-r (\S+)", text, flags=re.MULTILINE))
    named = {name.lower() for name in re.findall(r"^(\w[\w-]*)", text, flags=re.MULTILINE)}
    return named.union(*map(wanted_by, included))


def test_every_requirement_is_pinned_with_hashes(root: Path) -> None:
    pinned_by = {path.stem: path.with_suffix(".txt") for path in (root / "requirements").glob("*.in")}
    assert {"dev", "unit", "core-2.16"} <= set(pinned_by)
    for name, path in pinned_by.items():
        pins = path.read_text()
        blocks = [block for block in re.split(r"\n(?=\w)", pins) if re.match(r"\w", block)]
        for block in blocks:
            assert re.match(r"[\w.-]+==[\w.+-]+", block), f"{name}: {block.splitlines()[0]}"
            assert "--hash=sha256:" in block, f"{name}: {block.splitlines()[0]}"
        pinned = {re.match(r"[\w.-]+", block)[0].lower() for block in blocks}
        assert wanted_by(path.with_suffix(".in")) <= pinned
        assert "://" not in pins
