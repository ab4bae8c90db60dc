# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The reference of the catalogue says what the code does: its examples are read, its keys and defaults are compared."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.toombos.incident.plugins.module_utils._catalogue.parse import (
    parse_catalogue,
    parse_host_probes,
)
from ansible_collections.toombos.incident.plugins.module_utils._catalogue.types import TIERS, Limits
from ansible_collections.toombos.incident.plugins.module_utils._errors import CatalogueError
from ansible_collections.toombos.incident.plugins.module_utils._probe.spec import KINDS
from ansible_collections.toombos.incident.plugins.module_utils._probe.types import Schedule
from ansible_collections.toombos.incident.plugins.module_utils._values import parse_duration

TEXT = (Path(__file__).resolve().parents[3] / "docs" / "catalogue.md").read_text(encoding="utf-8")
BLOCKS = [yaml.safe_load(block) for block in re.findall(r"```yaml\n(.*?)```", TEXT, re.DOTALL)]


def row(key: str) -> list[str]:
    """The cells of the table row whose first cell is ``key``."""
    (found,) = re.findall(rf"^\| `{re.escape(key)}` \| (.*) \|$", TEXT, re.MULTILINE)
    return [cell.strip() for cell in found.split(" | ")]


def keys_told_by_the_code(entry: dict[str, Any]) -> set[str]:
    """What the parser lists as known when it meets a key that is not."""
    with pytest.raises(CatalogueError) as caught:
        parse_catalogue({"x": entry})
    (listed,) = {
        found for problem in caught.value.problems for found in re.findall(r"zzz: unknown key.*? has (.*)", problem)
    }
    return set(listed.split(", "))


def test_the_example_of_a_stranger_is_valid() -> None:
    (example,) = [block for block in BLOCKS if isinstance(block.get("incident_services"), dict)]
    assert parse_catalogue(example["incident_services"]).order == ("database", "web")
    assert [probe.name for probe in parse_host_probes(example["incident_host_probes"])] == ["disk", "memory"]


def test_every_key_of_a_service_is_explained() -> None:
    for key in keys_told_by_the_code({"zzz": 1}):
        assert f"| `{key}`" in TEXT or f"| `{key}." in TEXT
    for tier in TIERS:
        assert f"`{tier}`" in TEXT


def test_the_limits_are_explained_with_their_defaults() -> None:
    defaults = Limits()
    assert row("limits.attempts")[0] == str(defaults.attempts)
    for key in ("ready_timeout", "stop_timeout"):
        assert parse_duration(row(f"limits.{key}")[0]) == getattr(defaults, key)
    assert row("limits.restarts_per_hour")[0].startswith(f"{defaults.restarts_per_hour} ")


@pytest.mark.parametrize("kind", ["supervisor", "systemd", "process", "compose"])
def test_every_key_of_a_manager_is_explained(kind: str) -> None:
    managers = TEXT.partition("### Managers")[2].partition("###")[0]
    (line,) = [found for found in managers.splitlines() if found.startswith(f"| `{kind}` |")]
    told = keys_told_by_the_code({"manager": {"kind": kind, "zzz": 1}, "probes": {}}) - {"kind"}
    assert {key for key in re.findall(r"`(\w+)`", line) if key != kind} == told


@pytest.mark.parametrize("kind", KINDS)
def test_every_key_of_a_probe_is_explained(kind: str) -> None:
    rows = [found for found in TEXT.partition("## Probes")[2].splitlines() if found.startswith(f"| `{kind}` |")]
    assert len(rows) == 1
    with pytest.raises(CatalogueError) as caught:
        parse_host_probes({"p": {"kind": kind, "zzz": 1}})
    (known,) = [
        found for problem in caught.value.problems for found in re.findall(r"zzz: unknown key.* has (.*)", problem)
    ]
    for key in set(known.split(", ")) - {"kind", "safe", *Schedule.__dataclass_fields__}:
        assert f"`{key}`" in rows[0], key


def test_it_says_when_a_probe_must_be_called_safe() -> None:
    assert "`safe: true`" in TEXT


def test_the_schedule_is_explained_with_its_defaults() -> None:
    for key, field in Schedule.__dataclass_fields__.items():
        assert parse_duration(row(key)[0]) == field.default
