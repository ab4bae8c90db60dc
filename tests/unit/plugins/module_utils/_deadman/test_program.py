# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The program of a deadline needs nothing but Python, wherever its sources came from."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.toombos.incident.plugins.module_utils._deadman import program as module
from ansible_collections.toombos.incident.plugins.module_utils._deadman.program import OURS, needed, program_for
from ansible_collections.toombos.incident.plugins.module_utils._errors import IncidentError
from ansible_collections.toombos.incident.plugins.module_utils._lean.bootstrap import Packed


def test_all_that_is_imported_is_in_it_and_nothing_else() -> None:
    found = needed([f"{OURS}_recovery.freeze"])
    assert sorted(name[len(OURS) :] for name in found) == [
        "_atomic",
        "_errors",
        "_recovery.freeze",
        "_recovery.moments",
    ]


def test_imports_within_functions_and_of_names_count(actions: None) -> None:
    source = f"import os\ndef f():\n    from {OURS[:-1]} import _tried\n    import {OURS}_values as v\n"
    packed = Packed({f"{OURS}_late": source})
    sys.meta_path.insert(0, packed)
    try:
        assert {f"{OURS}_late", f"{OURS}_tried", f"{OURS}_values"} <= set(needed([f"{OURS}_late"]))
    finally:
        sys.meta_path.remove(packed)


def test_what_is_not_there_is_not_in_it() -> None:
    assert needed([f"{OURS}_no.such", "os.path", f"{OURS}_deadman", f"{OURS}_values.parse_duration.x"]) == {}


def test_it_runs_without_anything_of_this_checkout(tmp_path: Path, actions: None) -> None:
    path = tmp_path / "program.py"
    path.write_text(program_for(f"{OURS}_tried:write"))
    done = subprocess.run(
        [sys.executable, "-I", "-S", str(path), "check"], cwd="/", capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr.split(":")[0]) == (1, "FileNotFoundError"), "there is no order beside it"


@pytest.mark.parametrize("function", ["", "os:system", f"{OURS}_values", f"{OURS}_values:", f"{OURS}_values:a b"])
def test_only_functions_of_ours(function: str) -> None:
    with pytest.raises(IncidentError, match="is no function of this collection"):
        program_for(function)


def test_where_no_sources_can_be_had_it_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    def none(_name: str) -> Any:
        return None

    monkeypatch.setattr(module, "_source", none)
    with pytest.raises(IncidentError, match="sources of this collection cannot be read"):
        program_for(f"{OURS}_values:parse_bool")


def test_a_loader_without_sources_gives_none(monkeypatch: pytest.MonkeyPatch) -> None:
    class Mute(Packed):
        def get_source(self, name: str) -> str:
            raise ImportError(name)

    mute = Mute({f"{OURS}_mute": "x = 1"})
    monkeypatch.setattr(sys, "meta_path", [mute, *sys.meta_path])
    assert needed([f"{OURS}_mute"]) == {}


def test_sources_may_be_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ansible's own loader of collections gives them so."""

    class Bytes(Packed):
        def get_source(self, name: str) -> Any:
            return super().get_source(name).encode()

    monkeypatch.setattr(sys, "meta_path", [Bytes({f"{OURS}_raw": "x = 'ä'"}), *sys.meta_path])
    assert needed([f"{OURS}_raw"]) == {f"{OURS}_raw": "x = 'ä'"}
