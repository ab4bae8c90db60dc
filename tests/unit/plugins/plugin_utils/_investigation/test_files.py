# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the report is written, and that none is ever overwritten."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from ansible_collections.toombos.incident.plugins.module_utils._errors import IncidentError
from ansible_collections.toombos.incident.plugins.plugin_utils._investigation import files

NOW = 1763909154.0


@pytest.mark.parametrize(
    ("given", "reports", "environment", "directory"),
    [
        ("/a/../b ", ["/c"], {}, "/b"),
        ("", [None, {"directory": "/c"}], {}, "/c"),
        ("", [["wrong"], "/d"], {}, "/d"),
        ("", [], {"XDG_STATE_HOME": "/s"}, "/s/toombos-incident/investigations"),
        ("", [None], {"HOME": "/home/a"}, "/home/a/.local/state/toombos-incident/investigations"),
    ],
)
def test_where(given: str, reports: list[object], environment: dict[str, str], directory: str) -> None:
    assert files.directory_of(given, reports, environment) == directory


def test_names_and_rights(tmp_path: Path) -> None:
    folder = tmp_path / "a" / "b"
    path = Path(files.write(str(folder), "INC-2026-1125-0001", NOW, "text é"))
    assert (path.name, path.read_text("utf-8")) == ("investigation-INC-2026-1125-0001.md", "text é")
    assert (path.stat().st_mode & 0o777, folder.stat().st_mode & 0o777) == (0o600, 0o700)
    assert Path(files.write(str(folder), "", NOW, "x")).name == "investigation-20251123T144554Z.md"


def test_a_report_that_is_there_stays(tmp_path: Path) -> None:
    written = [files.write(str(tmp_path), "INC-2026-1125-0001", NOW, str(number)) for number in range(3)]
    assert len(set(written)) == 3
    assert [Path(path).read_text() for path in written] == ["0", "1", "2"]


def test_a_place_that_cannot_be_written_to(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(IncidentError, match=r"Name another one\."):
        files.write(str(tmp_path / "file" / "below"), "", NOW, "x")


def test_a_dead_mount_costs_its_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    released = threading.Event()
    monkeypatch.setattr(files, "_LONGEST", 0.1)
    monkeypatch.setattr(files, "write_atomic", lambda *_: released.wait(60))
    try:
        with pytest.raises(IncidentError, match="takes longer than"):
            files.write(str(tmp_path), "", NOW, "x")
    finally:
        released.set()
