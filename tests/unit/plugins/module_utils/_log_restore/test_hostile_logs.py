# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What was planted, or is not what it should be: refused, with the reason, and nothing outside is ever touched."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any, Callable

import pytest
from log_site import YESTERDAY, Site, lines

from ansible_collections.toombos.incident.plugins.module_utils._errors import IncidentError
from ansible_collections.toombos.incident.plugins.module_utils._log_restore import call
from ansible_collections.toombos.incident.plugins.module_utils._log_restore.apply import apply_step
from ansible_collections.toombos.incident.plugins.module_utils._log_restore.backups import (
    find_backups,
    read_day,
    read_pattern,
)
from ansible_collections.toombos.incident.plugins.module_utils._log_restore.places import Unsafe, opened
from ansible_collections.toombos.incident.plugins.module_utils._log_restore.types import (
    Access,
    Identity,
    Step,
)


@pytest.fixture
def precious(site: Site) -> Path:
    """Something outside that must stay as it is."""
    path = site.home / "precious"
    path.write_text("keep\n")
    return path


def link_in_place_of_the_log(site: Site, precious: Path) -> None:
    (site.logs / "app.log").symlink_to(precious)


def link_to_nothing(site: Site, precious: Path) -> None:
    (site.logs / "app.log").symlink_to(site.home / "would-be-made")


def link_in_place_of_the_directory(site: Site, precious: Path) -> None:
    site.logs.rename(site.home / "elsewhere")
    site.logs.symlink_to(site.home / "elsewhere")


def directory_in_place_of_the_log(site: Site, precious: Path) -> None:
    (site.logs / "app.log").mkdir()


def pipe_in_place_of_the_log(site: Site, precious: Path) -> None:
    os.mkfifo(site.logs / "app.log")


def everybody_may_write(site: Site, precious: Path) -> None:
    site.logs.chmod(0o777)


def directory_is_gone(site: Site, precious: Path) -> None:
    site.logs.rmdir()


@pytest.mark.parametrize(
    ("plant", "reason"),
    [
        (link_in_place_of_the_log, "app.log is a symbolic link"),
        (link_to_nothing, "app.log is a symbolic link"),
        (link_in_place_of_the_directory, "logs is a symbolic link"),
        (directory_in_place_of_the_log, "app.log is not a regular file"),
        (pipe_in_place_of_the_log, "app.log is not a regular file"),
        (everybody_may_write, "everybody may write to logs"),
        (directory_is_gone, "missing, and so is "),
    ],
)
def test_a_place_that_cannot_be_trusted(site: Site, precious: Path, plant: Any, reason: str) -> None:
    site.backup(YESTERDAY, lines(YESTERDAY))
    plant(site, precious)
    before = sorted(map(str, site.home.rglob("*")))
    result = site.run()
    (entry,) = result["logs"]
    assert (entry["action"], entry["changed"]) == ("refuse", False)
    assert reason in entry["reason"]
    assert entry["next"]
    assert result["refused"] == [str(site.logs / "app.log")]
    assert f"NOT {site.logs}/app.log: {entry['reason']}" in result["msg"]
    assert [path for path in sorted(map(str, site.home.rglob("*"))) if "/lib" not in path] == before
    assert precious.read_text() == "keep\n"


def link_to_a_secret(site: Site, copy: Path, precious: Path) -> None:
    copy.unlink()
    copy.symlink_to(precious)


def link_to_another_backup(site: Site, copy: Path, precious: Path) -> None:
    copy.parent.rename(site.home / "moved")
    copy.parent.symlink_to(site.home / "moved")


def writable_copy(site: Site, copy: Path, precious: Path) -> None:
    copy.chmod(0o666)


def writable_backup(site: Site, copy: Path, precious: Path) -> None:
    copy.parent.chmod(0o1777)


def writable_backups(site: Site, copy: Path, precious: Path) -> None:
    copy.parent.parent.chmod(0o777)


@pytest.mark.parametrize(
    ("plant", "reason"),
    [
        (link_to_a_secret, "is a symbolic link"),
        (link_to_another_backup, "is a symbolic link"),
        (writable_copy, "may be written by everybody"),
        (writable_backup, "may be written by everybody"),
        (writable_backups, "everybody may write to backups"),
    ],
)
def test_a_backup_that_cannot_be_believed(
    site: Site, precious: Path, plant: Callable[[Site, Path, Path], None], reason: str
) -> None:
    plant(site, site.backup(YESTERDAY, lines(YESTERDAY)), precious)
    (entry,) = site.run()["logs"]
    assert entry["action"] == "refuse"
    assert reason in entry["reason"]
    assert site.names() == []


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may give files away")
def test_copies_of_strangers_are_not_believed(site: Site) -> None:
    copy = site.backup(YESTERDAY, lines(YESTERDAY))
    os.chown(copy, 4321, 4321)
    assert "belongs neither to root nor" in site.run()["logs"][0]["reason"]
    # In a directory of theirs, it may be a second name for a file of root.
    os.chown(copy.parent, 4321, 4321)
    os.chown(copy, 0, 0)
    os.link(copy, site.home / "shadow")
    assert "is a hard link to a file of somebody else" in site.run()["logs"][0]["reason"]
    assert site.names() == []


def test_a_second_name_of_another_file_is_not_given_away(site: Site, precious: Path) -> None:
    precious.write_text(lines(YESTERDAY))
    precious.chmod(0o600)
    site.backup(YESTERDAY, lines(YESTERDAY))
    os.link(precious, site.logs / "app.log")
    (entry,) = site.run(mode="0644")["logs"]
    assert entry["action"] == "refuse"
    assert "a hard link" in entry["reason"]
    assert precious.stat().st_mode & 0o777 == 0o600


def test_logs_of_the_same_name_are_not_mixed_up(site: Site) -> None:
    site.backup(YESTERDAY, lines(YESTERDAY))
    (site.home / "more").mkdir()
    result = site.run(paths=[str(site.logs / "app.log"), f"{site.home}/more/app.log"])
    assert [entry["action"] for entry in result["logs"]] == ["refuse", "refuse"]
    assert "a backup has one of them" in result["logs"][0]["reason"]


def step(site: Site, copy: Path, **changes: Any) -> Step:
    status = copy.stat()
    found = Identity((status.st_dev, status.st_ino), status.st_size, status.st_mtime_ns)
    values: dict[str, Any] = {
        "path": str(site.logs / "app.log"),
        "state": "missing",
        "action": "restore",
        "reason": "missing",
        "how": "place",
        "source": str(copy),
        "target": "app.log",
        "count": status.st_size,
        "expected": found,
        "access": Access(os.geteuid(), os.getegid(), 0o640),
    }
    return Step(**{**values, **changes})


def test_what_appeared_meanwhile_is_not_overwritten(site: Site) -> None:
    copy = site.backup(YESTERDAY, lines(YESTERDAY))
    log = site.log("appeared\n")
    outcome = apply_step(step(site, copy))
    assert (outcome.action, outcome.changed, outcome.reason) == ("refuse", False, f"{log} appeared meanwhile")
    assert log.read_text() == "appeared\n"
    assert site.names() == ["app.log"]


def test_a_copy_that_changed_meanwhile_is_not_restored(site: Site) -> None:
    copy = site.backup(YESTERDAY, lines(YESTERDAY))
    planned = step(site, copy)
    copy.write_text(copy.read_text().replace("shop", "evil"))
    assert "was changed meanwhile" in apply_step(planned).reason
    assert "changed meanwhile" in apply_step(step(site, copy, digest="0" * 64)).reason
    assert site.names() == []


def test_a_directory_that_became_a_link_meanwhile_is_not_entered(site: Site) -> None:
    planned = step(site, site.backup(YESTERDAY, lines(YESTERDAY)))
    link_in_place_of_the_directory(site, site.home)
    assert "is a symbolic link" in apply_step(planned).reason
    assert os.listdir(site.home / "elsewhere") == []


def test_a_directory_is_entered_without_links(site: Site) -> None:
    with opened(str(site.logs)) as directory:
        assert os.fstat(directory).st_ino == site.logs.stat().st_ino
    with pytest.raises(Unsafe, match=r"app.log is no directory"), opened(str(site.log("x") / "deeper")):
        pass


@pytest.mark.parametrize(
    ("pattern", "told"),
    [
        ("backups/logs-%Y%m%d", "is not an absolute path"),
        ("/b/logs", "does not say where the date stands"),
        ("/b/logs-%Y%m", "does not say where the date stands"),
        ("/b/%Y/logs-%m%d", "has a date before its last component"),
        ("/b/logs-%Y%m%d%Y", "cannot be read at '%Y'"),
        ("/b/logs-%Y%m%d%q", "cannot be read at '%q'"),
        ("/b/logs-%Y%m%d%", "cannot be read at '%'"),
    ],
)
def test_patterns_that_say_nothing(pattern: str, told: str) -> None:
    with pytest.raises(IncidentError, match=told):
        read_pattern(pattern)


def test_backups_are_found_by_their_dates(site: Site) -> None:
    for name in (
        "logs-20261127",
        "logs-20261101",
        "logs-20261345",
        "logs-2026112",
        "xlogs-20261127",
        "logs-20261127-b",
    ):
        (site.home / "backups" / name).mkdir()
    found, useless = find_backups([read_pattern(f"{site.home}/backups/logs-%Y%m%d"), read_pattern("/no/%Y%m%d")], "3")
    assert [(os.path.basename(each.path), each.day) for each in found] == [
        ("logs-20261127", "20261127"),
        ("logs-20261101", "20261101"),
    ]
    assert useless == ["/no does not exist"]
    hours = read_pattern(f"{site.home}/backups/a%Y-%m-%dT%H%M")
    (site.home / "backups" / "a2026-11-27T0130").mkdir()
    assert find_backups([hours], "3")[0][0].when == "20261127013000"
    with pytest.raises(IncidentError, match="as_of: 'soon' is no date"):
        read_day("soon")


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"paths": [], "services": None}, "There is no log to restore"),
        ({"paths": ["app.log"]}, "is not an absolute path"),
        ({"only": ["shop"]}, "only: names services, and none are given"),
        ({"owner": "nobody-of-that-name"}, "owner: 'nobody-of-that-name' is not known"),
        ({"group": "nobody-of-that-name"}, "group: 'nobody-of-that-name' is not known"),
        ({"mode": "0666"}, "mode: '0666' is no mode for a log"),
        ({"mode": "0755"}, "is no mode for a log"),
        ({"mode": "rw"}, "is no mode for a log"),
    ],
)
def test_options_that_are_not_valid(site: Site, options: dict[str, Any], told: str) -> None:
    with pytest.raises(IncidentError, match=told):
        site.run(**options)


def test_logs_that_cannot_be_read_in_time_are_left_alone(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(call, "find_backups", lambda *_: time.sleep(1))
    with pytest.raises(IncidentError, match="were not read within 0 seconds; nothing was changed"):
        site.run(deadline="0")


def test_a_deleted_log_whose_directory_is_gone_too(site: Site) -> None:
    log = site.log("old\n")
    with log.open("a"):
        log.unlink()
        site.logs.rmdir()
        first, second = site.run()["logs"]
    assert (first["state"], first["action"]) == ("deleted", "refuse")
    assert first["reason"] == f"its directory {site.logs} is missing"
    assert f"Do not restart pid {os.getpid()} before" in first["next"]
    assert second["action"] == "refuse"


def test_a_saved_name_that_is_a_link_is_not_followed(site: Site, precious: Path) -> None:
    log = site.log("old\n")
    with log.open("a"):
        number = log.stat().st_ino
        log.unlink()
        (site.logs / f"app.log.recovered-{number}").symlink_to(precious)
        assert "is a symbolic link" in site.run()["logs"][0]["reason"]
    assert precious.read_text() == "keep\n"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may do all of this")
def test_what_may_not_be_read(site: Site) -> None:
    site.backup(YESTERDAY, lines(YESTERDAY))
    log = site.log("")
    log.chmod(0)
    assert "cannot be read: Permission denied" in site.run()["logs"][0]["reason"]
    log.unlink()
    site.logs.chmod(0o555)
    assert "nothing was changed: Permission denied" in site.run()["logs"][0]["reason"]
    site.logs.chmod(0)
    assert "Permission denied" in site.run()["logs"][0]["reason"]
    site.logs.chmod(0o755)


def test_a_record_that_cannot_be_written_is_told(site: Site) -> None:
    site.backup(YESTERDAY, lines(YESTERDAY))
    (site.home / "lib").mkdir(mode=0o700)
    (site.home / "lib" / "log_restore.jsonl").mkdir()
    result = site.run()
    assert result["changed"]
    assert "log_restore.jsonl could not be written: Is a directory" in result["msg"]
