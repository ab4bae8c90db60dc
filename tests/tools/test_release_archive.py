# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the release archive may hold: what a user of the installed collection needs, and what ansible-test runs."""

from __future__ import annotations

import re
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent.parent.parent / "tools"))

import mirror

# Each as a pattern of paths inside; whatever else turns up belongs into build_ignore of galaxy.yml.
MAY_HOLD = (
    r"(FILES|MANIFEST)\.json",
    r"(CHANGELOG\.rst|CONTRIBUTING\.md|COPYING|README\.md)",
    r"changelogs/(changelog|config)\.yaml",
    r"docs/\w+\.md",
    r"meta/runtime\.yml",
    r"playbooks/\w+\.yml",
    r"plugins/(action|callback|doc_fragments|filter|modules)/\w+\.(py|yml)",
    r"plugins/(module_utils|plugin_utils)/([\w-]+/)*\w+\.(py|sh|yml)",
    r"roles/\w+/(README\.md|(defaults|meta|tasks|templates|files|handlers|vars)/[\w.-]+)",
    r"tests/config\.yml",
    r"tests/integration/targets/\w+/([\w-]+/)*[\w.-]+",
    r"tests/unit/(conftest\.py|requirements\.txt|plugins/([\w-]+/)*\w+\.\w+)",
)
MUST_HOLD = {
    "MANIFEST.json",
    "README.md",
    "meta/runtime.yml",
    "playbooks/recover.yml",
    "plugins/modules/service_recovery.py",
    "roles/standard_recovery/tasks/main.yml",
    "tests/config.yml",
    "tests/integration/targets/health_check/tasks/main.yml",
    "tests/unit/plugins/modules/test_health_check.py",
}


@pytest.fixture(scope="module")
def contents(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    """The files in an archive that is built from this checkout."""
    checkout, out = tmp_path_factory.mktemp("checkout"), tmp_path_factory.mktemp("release")
    mirror.copy_to(checkout)
    command = ["ansible-galaxy", "collection", "build", "--output-path", str(out), str(checkout)]
    subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=120)
    (archive,) = out.iterdir()
    with tarfile.open(archive) as opened:
        return {member.name for member in opened if not member.isdir()}


def test_it_holds_nothing_that_only_the_checkout_needs(contents: set[str]) -> None:
    allowed = re.compile("|".join(f"(?:{pattern})" for pattern in MAY_HOLD))
    assert sorted(name for name in contents if not allowed.fullmatch(name)) == []


def test_it_holds_what_its_users_and_ansible_test_need(contents: set[str]) -> None:
    assert contents >= MUST_HOLD
