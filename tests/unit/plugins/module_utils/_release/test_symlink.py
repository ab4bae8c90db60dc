# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Releases as directories: the link is exchanged, only to what is complete, and nothing is deleted."""

from __future__ import annotations

import os
import threading
from pathlib import Path
from typing import Any, Callable

import pytest
from release_world import World

from ansible_collections.toombos.incident.plugins.module_utils._errors import IncidentError

Make = Callable[..., World]


@pytest.fixture
def app(tmp_path: Path) -> Path:
    """Three releases, of which v10 is in place."""
    for name in ("v2", "v9", "v10"):
        folder = tmp_path / "releases" / name
        folder.mkdir(parents=True)
        (folder / "REVISION").write_text(name)
    os.symlink("releases/v10", tmp_path / "current")
    return tmp_path


@pytest.fixture
def make(app: Path) -> Make:
    def made(**code: Any) -> World:
        return World(
            app, {"kind": "symlink", "current": str(app / "current"), "releases": str(app / "releases"), **code}
        )

    return made


def test_previous_is_the_one_before_by_number(app: Path, make: Make) -> None:
    result = make().run("previous")
    assert (result["outcome"], os.readlink(app / "current")) == ("applied", "releases/v9")
    assert result["before"]["release"] == "v10"
    assert make().run("v9")["outcome"] == "unchanged"
    assert sorted(os.listdir(app / "releases")) == ["v10", "v2", "v9"]


@pytest.mark.parametrize("good", ["v2", "good"])
def test_last_known_good_is_a_name_or_a_link(app: Path, make: Make, good: str) -> None:
    os.symlink(app / "releases" / "v2", app / "good")
    made = make(good=str(app / good) if good == "good" else good)
    assert made.run()["target"]["name"] == "v2"
    with pytest.raises(IncidentError, match="declares no last known good"):
        make().run()


def test_only_what_is_complete(app: Path, make: Make) -> None:
    (app / "releases" / "v9" / "REVISION").unlink()
    made = make(marker="REVISION")
    with pytest.raises(IncidentError, match="v9 is not complete"):
        made.run("v9")
    assert made.run("previous")["target"]["name"] == "v2"
    with pytest.raises(IncidentError, match="does not accept v9: no REVISION"):
        make(validate=["sh", "-c", "test -e REVISION || { echo no REVISION >&2; exit 3; }"]).run("v9")
    assert os.readlink(app / "current") == "releases/v2"


def test_worse_after_means_the_old_link(app: Path, make: Make) -> None:
    os.unlink(app / "current")
    os.symlink(app / "releases" / "v10", app / "current")
    made = make(deploy=["sh", "-c", "cat REVISION"])
    made.services.healthy = lambda: os.readlink(app / "current").endswith("v10")
    result = made.run("v9")
    assert (result["outcome"], os.readlink(app / "current")) == ("rolled_back", str(app / "releases" / "v10"))
    assert [hook["output"] for hook in result["deploys"]] == ["v9", "v10"]


def test_there_is_always_a_link(app: Path, make: Make) -> None:
    gone: list[BaseException] = []
    stop = threading.Event()

    def look() -> None:
        while not stop.is_set():
            try:
                (app / "current" / "REVISION").read_text()
            except OSError as error:
                gone.append(error)

    watcher = threading.Thread(target=look)
    watcher.start()
    for ref in ("v9", "v10", "v2", "v10"):
        assert make().run(ref)["outcome"] == "applied"
    stop.set()
    watcher.join()
    assert gone == []


def test_what_is_not_as_declared_is_refused(app: Path, make: Make, tmp_path: Path) -> None:
    with pytest.raises(IncidentError, match="Releases that are here: v2, v9, v10"):
        make().run("v11")
    os.unlink(app / "current")
    os.symlink("/tmp", app / "current")
    with pytest.raises(IncidentError, match="which is not in"):
        make().run("v9")
    os.unlink(app / "current")
    (app / "current").mkdir()
    with pytest.raises(IncidentError, match="not a symbolic link"):
        make().run("v9")
    (app / "current").rmdir()
    os.symlink("releases/v10", app / "current")
    os.symlink(app / "v2", app / "good")
    with pytest.raises(IncidentError, match="leads out of"):
        make().run(str(app / "good"))


def test_a_dangling_link_is_what_a_rollback_is_for(app: Path, make: Make) -> None:
    os.unlink(app / "current")
    os.symlink("releases/v11", app / "current")
    assert make().run("previous")["target"]["name"] == "v10"


def test_a_half_made_link_is_removed(app: Path, make: Make) -> None:
    os.symlink("x", app / ".current.incident.0123")
    result = make().run("v9")
    assert not os.path.lexists(app / ".current.incident.0123")
    assert result["notes"] == [f"removed {app}/.current.incident.0123"]
