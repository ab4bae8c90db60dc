# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a path leads is found out once, and who is not trusted cannot lead it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from switching import World, write

from ansible_collections.toombos.incident.plugins.module_utils._errors import IncidentError
from ansible_collections.toombos.incident.plugins.module_utils._rollback.plan import make_switch
from ansible_collections.toombos.incident.plugins.module_utils._rollback.types import Refused
from ansible_collections.toombos.incident.plugins.module_utils._rollback.ways import Way, Ways, follow

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
USER, OTHER = 1234, 1235


def test_links_are_followed_as_the_kernel_does(world: World) -> None:
    write(world / "a/b/x", "1")
    for name, target in (("up", "a/../a/b"), ("a/back", "../a/./b//"), ("full", str(world / "a/b")), ("far", "up")):
        os.symlink(target, str(world / name))
    here = str(world / "a/b")
    for way in ("a/b", "up", "a/back", "full", "far"):
        assert follow(str(world / way)) == Way(here, os.stat(here).st_ino), way
    assert follow("/") == Way("/", os.stat("/").st_ino)


def test_what_leads_nowhere(world: World) -> None:
    os.symlink("loop", str(world / "loop"))
    write(world / "file", "")
    before = len(os.listdir("/proc/self/fd"))
    for way in ("loop/x", "none/x", "file/x"):
        with pytest.raises(OSError, match=r"Too many levels|No such file|Not a directory"):
            follow(str(world / way))
        ways = Ways()
        assert ways.of(str(world / way / "y")) == Way(str(world / way))
        with pytest.raises(OSError, match=r"No such file|Not a directory|Too many"), ways.parent(
            str(world / way / "y")
        ):
            pass
    assert len(os.listdir("/proc/self/fd")) == before


@needs_root
@pytest.mark.parametrize(
    ("holder", "mode", "link", "end", "led_by"),
    [
        (0, 0o755, 0, 0, ""),
        (0, 0o755, USER, USER, ""),
        (USER, 0o755, USER, USER, ""),
        (USER, 0o755, 0, USER, ""),
        (USER, 0o755, USER, 0, "user 1234"),
        (USER, 0o755, 0, 0, "user 1234"),
        (0, 0o755, USER, 0, "user 1234"),
        (USER, 0o755, OTHER, OTHER, "user 1234"),
        (0, 0o775, 0, 0, "everybody"),
        (0, 0o1777, 0, 0, ""),
        (0, 0o1777, USER, 0, "user 1234"),
    ],
)
def test_who_may_lead_where(world: World, holder: int, mode: int, link: int, end: int, led_by: str) -> None:
    place, target = world / "holder", world / "end"
    place.mkdir()
    target.mkdir()
    os.symlink("../end", str(place / "link"))
    os.chown(str(place / "link"), link, 0, follow_symlinks=False)
    os.chown(str(place), holder, 0)
    place.chmod(mode)
    os.chown(str(target), end, 0)
    assert follow(str(place / "link")) == Way(str(target), os.stat(str(target)).st_ino, led_by)


@needs_root
def test_a_user_cannot_have_a_new_file_put_into_a_directory_of_root(world: World) -> None:
    """It was theirs when it was kept; since then they have made its directory a link to one of root."""
    write(world / "home/conf/run", "as root")
    victim = world.root / "victim"
    victim.mkdir()
    for name in ("home", "home/conf", "home/conf/run"):
        os.chown(str(world / name), USER, USER)
    world.declare(files=["home/conf/run"])
    target = world.read()
    (world / "home/conf/run").unlink()
    (world / "home/conf").rmdir()
    os.symlink(str(victim), str(world / "home/conf"))
    os.chown(str(world / "home/conf"), USER, USER, follow_symlinks=False)
    current = world.read()
    with pytest.raises(Refused, match=r"reached through a symbolic link that user 1234 can lead elsewhere"):
        world.transaction().prepare(make_switch(current, target), world.contents)
    assert list(victim.iterdir()) == []


def test_a_swap_between_check_and_staging_leads_nowhere(world: World) -> None:
    write(world / "conf/a", "1")
    (world.root / "victim").mkdir()
    world.declare(files=["conf/a", "conf/b"])
    current = world.read()
    write(world / "conf/b", "2")
    target = world.read()
    (world / "conf/b").unlink()

    def contents(sha256: str) -> Any:
        """Read once for the check, which comes after the look at the directories."""
        if (world / "conf").is_symlink() is False:
            (world / "conf").rename(world / "away")
            os.symlink("../victim", str(world / "conf"))
        return world.contents(sha256)

    with pytest.raises(IncidentError), world.transaction() as transaction:
        transaction.prepare(make_switch(current, target), contents)
    assert list(Path(str(world.root / "victim")).iterdir()) == []
    assert sorted(os.listdir(str(world / "away"))) == ["a"]
