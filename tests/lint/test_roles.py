# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A role's argument_specs and its defaults are one contract, written twice: the two never drift apart."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

ROLES = sorted(path for path in (Path(__file__).resolve().parent.parent.parent / "roles").glob("*") if path.is_dir())


def load(path: Path) -> dict[str, Any]:
    """A YAML file; an absent one is empty."""
    return (yaml.safe_load(path.read_text()) or {}) if path.exists() else {}


def test_there_are_roles() -> None:
    assert {"guard", "evidence", "standard_recovery"} <= {role.name for role in ROLES}


@pytest.fixture(params=ROLES, ids=lambda role: role.name)
def role(request: pytest.FixtureRequest) -> Path:
    """Every role in turn."""
    return request.param


@pytest.fixture
def options(role: Path) -> dict[str, Any]:
    """The options of its entry point main."""
    specs = load(role / "meta" / "argument_specs.yml")["argument_specs"]["main"]
    assert specs.get("short_description")
    return specs.get("options") or {}


def test_defaults_and_specs_name_the_same_options(role: Path, options: dict[str, Any]) -> None:
    defaults = load(role / "defaults" / "main.yml")
    optional = {name for name, option in options.items() if not option.get("required")}
    required = set(options) - optional
    assert set(defaults) == optional, "defaults/main.yml holds exactly the options that are not required"
    assert not required & set(defaults)


def test_written_defaults_are_the_same(role: Path, options: dict[str, Any]) -> None:
    defaults = load(role / "defaults" / "main.yml")
    for name, option in options.items():
        value = defaults.get(name)
        if "default" in option:
            assert option["default"] == value, name
        elif not option.get("required") and not (isinstance(value, str) and "{{" in value):
            pytest.fail(f"{name}: argument_specs does not say that the default is {value!r}")


def test_options_are_typed_described_and_named_for_the_role(role: Path, options: dict[str, Any]) -> None:
    for name, option in options.items():
        assert option.get("type"), f"{name} has no type"
        assert option.get("description"), f"{name} has no description"
        assert name.startswith(f"{role.name}_"), f"{name} does not begin with {role.name}_"


def test_the_readme_says_what_the_role_is_for(role: Path) -> None:
    assert (role / "README.md").read_text().startswith(f"# Role `{role.name}`\n")
