# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a host says of the definition of a service that lives in containers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ansible_collections.toombos.incident.plugins.module_utils._catalogue.types import ConfigSpec, ManagerSpec
from ansible_collections.toombos.incident.plugins.module_utils._clock import Clock
from ansible_collections.toombos.incident.plugins.module_utils._process.types import Process
from ansible_collections.toombos.incident.plugins.module_utils._recovery import signs
from ansible_collections.toombos.incident.plugins.module_utils._recovery.local_host import LocalHost

CLOCK = Clock()


@pytest.fixture
def rejecting(tmp_path: Path) -> ManagerSpec:
    """A compose program that rejects every file."""
    program = tmp_path / "compose"
    program.write_text("#!/bin/sh\necho 'services must be a mapping' >&2\nexit 15\n")
    program.chmod(0o755)
    file = str(tmp_path / "compose.yml")
    return ManagerSpec("compose", project="p", service="web", socket="/s", files=(file,), compose=(str(program),))


def objection(build: Any, tmp_path: Path, manager: ManagerSpec, config: ConfigSpec) -> str:
    service = build.service("web", manager=manager, config=config)
    return LocalHost(CLOCK, str(tmp_path)).config_error(service, CLOCK.monotonic() + 20)


def test_compose_judges_the_files_of_its_services(build: Any, tmp_path: Path, rejecting: ManagerSpec) -> None:
    assert objection(build, tmp_path, rejecting, ConfigSpec()) == "services must be a mapping"


def test_a_validator_of_the_catalogue_comes_first(build: Any, tmp_path: Path, rejecting: ManagerSpec) -> None:
    assert objection(build, tmp_path, rejecting, ConfigSpec(validate=("true",))) == ""


def test_what_is_not_defined_by_compose_is_not_judged(build: Any, tmp_path: Path) -> None:
    assert objection(build, tmp_path, ManagerSpec("systemd", unit="web.service"), ConfigSpec()) == ""


def test_paths_inside_a_container_are_not_looked_for_on_the_host(rejecting: ManagerSpec) -> None:
    replaced = Process(10, 1, 5, "S", ("serve",), "/app/serve (deleted)", "/app", 0)
    assert signs.needed(rejecting, (replaced,)) == ()
    assert signs.needed(ManagerSpec("systemd", unit="web.service"), (replaced,)) == ("/app/serve",)
