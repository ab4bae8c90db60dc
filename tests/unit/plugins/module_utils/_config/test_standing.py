# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is said of a configuration in place: a fault that a process lives with, what is good, what proves it."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from ansible_collections.toombos.incident.plugins.module_utils._catalogue.types import (
    ConfigSpec,
    FileCheck,
    ManagerSpec,
    Service,
)
from ansible_collections.toombos.incident.plugins.module_utils._config.good import prints, read_good, write_good
from ansible_collections.toombos.incident.plugins.module_utils._config.standing import declared, standing
from ansible_collections.toombos.incident.plugins.module_utils._config.types import Good, Standing
from ansible_collections.toombos.incident.plugins.module_utils._generations.paths import paths_of


class Site:
    """An application with an environment file that must have a key."""

    def __init__(self, home: Path) -> None:
        (home / "app").mkdir()
        self.env = home / "app" / ".env"
        self.env.write_text("KEY=x\n")
        self.store = str(home / "store")
        check = FileCheck((str(self.env),), "env", required=("KEY",))
        self.service = Service("web", ManagerSpec("process"), config=ConfigSpec((str(self.env),), checks=(check,)))

    def standing(self, age: float | None, store: str | None = None) -> Standing:
        return standing(self.service, self.store if store is None else store, age)

    def know_good(self) -> None:
        write_good(self.store, "web", Good("web-000007", 1764300000.0, prints(paths_of(declared(self.service)))))

    def wait(self) -> float:
        """Seconds since now, when time has passed that file systems can tell."""
        began = time.time()
        time.sleep(0.06)
        return began


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path)


def test_nothing_is_said_of_a_service_without_configuration(tmp_path: Path) -> None:
    assert standing(Service("web", ManagerSpec("process")), str(tmp_path), 5.0) == Standing()


def test_what_runs_on_unknown_files_would_prove_them(site: Site) -> None:
    site.wait()
    assert site.standing(0.0) == Standing(unproven=True)
    assert site.standing(60.0) == Standing(), "it was started before they were written: it runs on something else"
    assert site.standing(None) == Standing(), "nothing runs"
    assert site.standing(0.0, store="") == Standing(), "nothing is kept"


def test_what_is_known_good_is_named_where_it_is_not_in_place(site: Site) -> None:
    site.know_good()
    site.wait()
    assert site.standing(0.0) == Standing()
    site.env.write_text("KEY=y\n")
    words = "web-000007, known good since 2025-11-28T03:20:00Z"
    assert site.standing(60.0) == Standing(fallback=words)
    site.wait()
    assert site.standing(0.0) == Standing(fallback=words, unproven=True)


@pytest.mark.parametrize("how", ["empty", "missing", "truncated"])
def test_a_fault_counts_for_what_was_started_on_it(site: Site, how: str) -> None:
    if how == "missing":
        site.env.unlink()
    else:
        site.env.write_text("" if how == "empty" else "K")
    site.wait()
    words = {"truncated": "Line 1 of the environment file is not NAME=value."}
    assert site.standing(0.0).fault == f"{site.env}: {words.get(how, f'it is {how}')}"
    assert not site.standing(0.0).unproven
    assert site.standing(None).fault, "and for the next one"
    assert not site.standing(60.0).fault, "what runs since before is not touched"


@pytest.mark.skipif(os.geteuid() == 0, reason="root can read everything")
def test_what_cannot_be_read_is_not_judged(site: Site) -> None:
    site.env.chmod(0)
    assert site.standing(None).fault == ""


@pytest.mark.parametrize(
    "damage", [b"", b"{", b"[]", b'{"generation": 1}', b'{"generation":"a","proven":"x","prints":{}}']
)
def test_a_damaged_record_is_none(site: Site, damage: bytes) -> None:
    site.know_good()
    assert read_good(site.store, "web")
    Path(site.store, "good", "web.json").write_bytes(damage)
    assert read_good(site.store, "web") is None
    assert site.standing(60.0) == Standing()
