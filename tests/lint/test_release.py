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


def test_every_requirement_is_pinned_with_hashes(root: Path) -> None:
    pins = (root / "requirements" / "dev.txt").read_text()
    blocks = [block for block in re.split(r"\n(?=\w)", pins) if re.match(r"\w", block)]
    assert len(blocks) > 50
    for block in blocks:
        assert re.match(r"[\w.-]+==[\w.+-]+", block), block.splitlines()[0]
        assert "--hash=sha256:" in block, block.splitlines()[0]
    pinned = {re.match(r"[\w.-]+", block)[0].lower() for block in blocks}
    wanted = re.findall(r"^([\w-]+)", (root / "requirements" / "dev.in").read_text(), flags=re.MULTILINE)
    assert {name.lower() for name in wanted} <= pinned
    assert "://" not in pins
