# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The place of captures is nobody else's, and its parts go to who has logged in."""

from __future__ import annotations

import builtins
import io
import os
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.toombos.incident.plugins.module_utils._errors import IncidentError
from ansible_collections.toombos.incident.plugins.module_utils._evidence import place
from ansible_collections.toombos.incident.plugins.module_utils._evidence.leftovers import leftovers


@pytest.mark.parametrize(
    ("euid", "environment", "login", "expected"),
    [
        (1000, {"SUDO_UID": "7"}, "7", None),
        (0, {"SUDO_UID": "1000", "SUDO_GID": "100"}, "4294967295", (1000, 100)),
        (0, {"SUDO_UID": "0"}, "4294967295", None),
        (0, {}, "1001", (1001, -1)),
        (0, {}, "4294967295", None),
        (0, {}, "0", None),
        (0, {"SUDO_UID": "many"}, None, None),
    ],
)
def test_who_fetches(
    monkeypatch: pytest.MonkeyPatch,
    euid: int,
    environment: dict[str, str],
    login: str | None,
    expected: tuple[int, int] | None,
) -> None:
    def opened(path: str, *_more: Any, **_options: Any) -> io.StringIO:
        assert path == "/proc/self/loginuid"
        if login is None:
            raise FileNotFoundError(path)
        return io.StringIO(login)

    for name in ("SUDO_UID", "SUDO_GID"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(os, "geteuid", lambda: euid)
    monkeypatch.setattr(builtins, "open", opened)
    assert place.fetcher() == expected


@pytest.mark.parametrize(("shared", "mode"), [(False, 0o700), (True, 0o711)])
def test_nobody_lists_it(tmp_path: Path, shared: bool, mode: int) -> None:
    home = tmp_path / "captures"
    home.mkdir(mode=0o700)
    place.prepare(str(home), shared)
    assert home.stat().st_mode & 0o777 == mode
    with place.claimed(str(home), "b", shared) as path:
        assert os.stat(path).st_mode & 0o777 == mode
        assert os.stat(f"{path}/parts").st_mode & 0o777 == 0o700


def test_a_directory_of_somebody_else_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "open").mkdir()
    (tmp_path / "open").chmod(0o777)
    with pytest.raises(IncidentError, match="Somebody else can write"):
        place.prepare(str(tmp_path / "open" / "captures"), shared=False)
    (tmp_path / "open").chmod(0o1777)
    place.prepare(str(tmp_path / "open" / "captures"), shared=False)
    (tmp_path / "link").symlink_to(tmp_path / "open")
    place.prepare(str(tmp_path / "link" / "captures"), shared=False)
    (tmp_path / "file").write_text("x")
    with pytest.raises(IncidentError, match="is not a directory"):
        place.prepare(str(tmp_path / "file"), shared=False)
    monkeypatch.setattr(os, "geteuid", lambda: 4711)
    if os.getuid():
        with pytest.raises(IncidentError, match="Somebody else can write"):
            place.prepare(str(tmp_path / "open" / "captures"), shared=False)


def test_what_is_worked_on_is_no_leftover(tmp_path: Path) -> None:
    with place.claimed(str(tmp_path), "b", shared=False), place.held(str(tmp_path / "b")) as free:
        assert not free
        assert leftovers(str(tmp_path), but="") == []
    assert [each["bag"] for each in leftovers(str(tmp_path), but="")] == ["b"]
    (tmp_path / "a-file").write_text("x")
    (tmp_path / "a-link").symlink_to("b")
    (tmp_path / "b" / "package.json").write_text("{")
    (left,) = leftovers(str(tmp_path), but="")
    assert left == {"bag": "b", "directory": str(tmp_path / "b"), "complete": False}


def test_parts_are_handed_over_and_links_are_not_followed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    given = []
    monkeypatch.setattr(os, "chown", lambda path, uid, gid, **how: given.append((Path(path).name, uid, gid, how)))
    (tmp_path / "parts").mkdir()
    (tmp_path / "parts" / "0001").write_text("x")
    place.hand_over(str(tmp_path), None)
    assert given == []
    place.hand_over(str(tmp_path), (7, 8))
    never = {"follow_symlinks": False}
    assert given == [("0001", 7, 8, never), ("parts", 7, 8, never)]
