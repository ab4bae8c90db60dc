# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Logs that are being written: their writers are never disturbed, and no line of theirs is ever lost."""

from __future__ import annotations

import fcntl
import os
import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import Any, Callable

import pytest
from log_site import TODAY, YESTERDAY, Site, lines

from ansible_collections.toombos.incident.plugins.module_utils._log_restore import apply as applying, swap
from ansible_collections.toombos.incident.plugins.module_utils._log_restore.apply import apply_step
from ansible_collections.toombos.incident.plugins.module_utils._log_restore.names import staged as staged_name
from ansible_collections.toombos.incident.plugins.module_utils._log_restore.places import identity, opened
from ansible_collections.toombos.incident.plugins.module_utils._log_restore.swap import put_in_place
from ansible_collections.toombos.incident.plugins.module_utils._log_restore.types import Changed, Step
from ansible_collections.toombos.incident.plugins.module_utils._log_restore.writers import find_writers

# Keeps the log open, or opens it for every line, and says when it is done.
WRITER = """
import os, sys
path, count, reopen = {path!r}, {count}, {reopen}
file = None if reopen else open(path, 'a')
{before}
if not reopen:
    ready()
for number in range(count):
    if reopen:
        file = open(path, 'a')
    file.write('2026-11-28 12:00:00 - writer - INFO - line %d\\n' % number)
    file.flush()
    if reopen:
        file.close()
    if number == 20 and reopen:
        ready()
    time.sleep({pause})
open(__file__ + '.done', 'w').close()
time.sleep(60)
"""


def writer(
    zoo: Any, path: Path, count: int = 1000, reopen: bool = False, pause: float = 0.0002, before: str = ""
) -> Any:
    body = WRITER.format(path=str(path), count=count, reopen=reopen, pause=pause, before=before)
    return zoo.start("writer.py", body)


def done(zoo: Any) -> bool:
    return (zoo.home / "writer.py.done").exists()


def written(*paths: Path) -> list[int]:
    """Numbers of the writer's lines in these files, sorted."""
    texts = [line for path in paths for line in path.read_text().splitlines()]
    return sorted(int(line.rsplit(" ", 1)[1]) for line in texts if " - writer - " in line)


@pytest.fixture
def site(zoo: Any, tmp_path: Path) -> Site:
    """Beside the processes."""
    return Site(tmp_path)


@pytest.mark.parametrize("begun", ["", lines(TODAY, hour=3)])
def test_a_log_that_is_open_is_not_touched(site: Site, zoo: Any, begun: str) -> None:
    site.backup(YESTERDAY, lines(YESTERDAY))
    log = site.log(begun)
    number = log.stat().st_ino
    process = writer(zoo, log)
    (entry,) = site.run()["logs"]
    assert (entry["action"], entry["to"]) == ("merge_before", str(site.logs / f"app.log.restored-{YESTERDAY}"))
    assert f"open in pid {process.pid} (" in entry["reason"]
    zoo.until(lambda: done(zoo))
    assert log.stat().st_ino == number
    assert written(log) == list(range(1000))
    assert log.read_text().startswith(begun)
    assert not site.run()["changed"]


def test_a_thousand_lines_of_one_who_opens_the_log_for_each(site: Site, zoo: Any) -> None:
    """Between its lines nobody has it open, and it could be replaced at any of these moments."""
    site.backup(YESTERDAY, lines(YESTERDAY))
    log = site.log(lines(TODAY, hour=3))
    writer(zoo, log, reopen=True, pause=0.001)
    actions = set()
    while not done(zoo):
        result = site.run()
        actions |= {entry["action"] for entry in result["logs"]}
    site.run()
    asides = [site.logs / name for name in site.names() if ".before-" in name]
    assert written(log) == list(range(1000))
    # What is kept aside is the beginning of what the log has.
    for kept in asides:
        assert kept.read_text() in log.read_text()
    assert actions <= {"merge_before", "keep", "refuse"}


def test_a_missing_log_that_its_service_makes_again_meanwhile(site: Site, zoo: Any) -> None:
    site.backup(YESTERDAY, lines(YESTERDAY))
    log = site.logs / "app.log"
    writer(zoo, log, reopen=True, pause=0.0005)
    log.unlink()
    while not done(zoo):
        site.run()
    numbers = written(log)
    assert numbers == list(range(numbers[0], 1000))
    assert numbers[0] < 500


def test_a_deleted_log_is_saved_while_it_is_written(site: Site, zoo: Any) -> None:
    log = site.log(lines(TODAY, hour=3))
    log.chmod(0o640)
    number = log.stat().st_ino
    process = writer(zoo, log, count=1000)
    log.unlink()
    (first, *_others) = site.run()["logs"]
    saved = site.logs / f"app.log.recovered-{number}"
    assert (first["action"], first["state"], first["to"]) == ("recover_deleted", "deleted", str(saved))
    assert f"pid {process.pid} (" in first["reason"]
    zoo.until(lambda: done(zoo))
    site.run()
    assert written(saved) == list(range(1000))
    assert saved.read_text().startswith(lines(TODAY, hour=3))
    assert saved.stat().st_mode & 0o777 == 0o640
    again = site.run()
    assert [entry["action"] for entry in again["logs"]] == ["keep", "refuse"]
    assert not again["changed"]
    assert site.names() == [saved.name]
    # Somebody else's file of that name is not continued.
    saved.write_text("something else\n")
    assert "holds something else" in site.run()["logs"][0]["reason"]
    assert saved.read_text() == "something else\n"


def test_what_a_deleted_log_has_is_not_restored_from_the_backup_too(site: Site, zoo: Any) -> None:
    site.backup(YESTERDAY, lines(YESTERDAY))
    log = site.log(lines(YESTERDAY))
    number = log.stat().st_ino
    writer(zoo, log, count=3)
    zoo.until(lambda: done(zoo))
    log.unlink()
    for _run in range(2):
        result = site.run()
        assert result["logs"][1]["reason"] == f"missing; the backup's lines are in app.log.recovered-{number}"
    assert site.names() == [f"app.log.recovered-{number}"]


def test_who_reads_a_log_does_not_write_it(site: Site, zoo: Any) -> None:
    log = site.log("x\n")
    zoo.start("reader.py", f"file = open({str(log)!r})\nready()\ntime.sleep(60)\n")
    status = log.stat()
    inode = (status.st_dev, status.st_ino)
    assert find_writers({inode}, lambda _path: False).by_inode == {}
    with log.open("a"):
        assert list(find_writers({inode}, lambda _path: False).by_inode) == [inode]


@pytest.fixture
def swapping(site: Site) -> Callable[..., int]:
    """Exchange the log for a new file, with something happening in between."""

    def swap_now(new: str = "new\n", free: Callable[[Any], bool] = lambda _log: True) -> int:
        with opened(str(site.logs)) as directory:
            name = staged_name()
            (site.logs / name).write_text(new)
            found = identity(os.stat(site.logs / "app.log"))
            try:
                return put_in_place(directory, name, "app.log", "app.log.kept", found, "app.log", free)
            finally:
                (site.logs / name).unlink(missing_ok=True)

    return swap_now


def test_an_exchange(site: Site, swapping: Callable[..., int]) -> None:
    log = site.log("old\n")
    assert swapping() == 0
    assert (log.read_text(), (site.logs / "app.log.kept").read_text()) == ("new\n", "old\n")
    assert site.names() == ["app.log", "app.log.kept"]


def test_nothing_is_exchanged_under_a_writer(site: Site, swapping: Callable[..., int]) -> None:
    log = site.log("old\n")
    with log.open("a"), pytest.raises(Changed, match="is open for writing"):
        swapping()
    assert site.names() == ["app.log"]
    assert log.read_text() == "old\n"


def test_who_opens_the_log_during_the_exchange_finds_it(
    site: Site, swapping: Callable[..., int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The kernel lets it wait, and what it writes then is in the log."""
    log, real = site.log("old\n"), swap._exchange
    threads = []

    def write() -> None:
        with log.open("a") as file:
            file.write("from the writer\n")

    def exchange(*arguments: Any) -> None:
        if not threads:
            threads.append(threading.Thread(target=write))
            threads[0].start()
            time.sleep(0.1)
        real(*arguments)

    monkeypatch.setattr(swap, "_exchange", exchange)
    with pytest.raises(Changed, match="was opened or rotated meanwhile"):
        swapping()
    threads[0].join()
    assert log.read_text() == "old\nfrom the writer\n"
    assert site.names() == ["app.log"]


def test_a_rotation_during_the_exchange(
    site: Site, swapping: Callable[..., int], monkeypatch: pytest.MonkeyPatch
) -> None:
    log, real = site.log("old\n"), swap._exchange
    calls = []

    def exchange(*arguments: Any) -> None:
        if not calls:
            log.rename(site.logs / "app.log.1")
            log.write_text("after the rotation\n")
        real(*arguments)
        if not calls:  # before it is noticed, somebody writes to the wrong one
            with log.open("a") as file:
                file.write("in between\n")
        calls.append(1)

    monkeypatch.setattr(swap, "_exchange", exchange)
    with pytest.raises(Changed, match="was opened or rotated meanwhile"):
        swapping()
    assert log.read_text() == "after the rotation\nin between\n"
    assert (site.logs / "app.log.1").read_text() == "old\n"
    assert site.names() == ["app.log", "app.log.1"]


def test_a_rotation_before_the_exchange(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    site.backup(YESTERDAY, lines(YESTERDAY))
    log = site.log(lines(TODAY, hour=3))
    real = applying.put_in_place

    def rotate_first(*arguments: Any) -> int:
        log.rename(site.logs / "app.log.1")
        log.write_text("after the rotation\n")
        return real(*arguments)

    monkeypatch.setattr(applying, "put_in_place", rotate_first)
    (entry,) = site.run()["logs"]
    assert (entry["action"], entry["changed"]) == ("refuse", False)
    assert "was changed meanwhile" in entry["reason"]
    assert site.names() == ["app.log", "app.log.1"]
    assert log.read_text() == "after the rotation\n"


def test_where_the_kernel_gives_no_lease_the_process_table_decides(
    site: Site, swapping: Callable[..., int], monkeypatch: pytest.MonkeyPatch
) -> None:
    log, real = site.log("old\n"), fcntl.fcntl

    def none(descriptor: int, command: int, argument: int = 0) -> int:
        if command == fcntl.F_SETLEASE:
            raise OSError(22, "Invalid argument")
        return real(descriptor, command, argument)

    monkeypatch.setattr(swap.fcntl, "fcntl", none)
    with pytest.raises(Changed, match="nobody can tell"):
        swapping(free=lambda _log: False)
    assert log.read_text() == "old\n"
    answers = iter([True, False])
    with pytest.raises(Changed, match="was opened or rotated meanwhile"):
        swapping(free=lambda _log: next(answers))
    assert (log.read_text(), site.names()) == ("old\n", ["app.log"])
    with log.open("a"):
        assert not applying._nobody_writes(identity(os.stat(log)))
    assert swapping(free=lambda _log: True) == 0
    assert log.read_text() == "new\n"


def test_a_file_system_that_cannot_exchange(
    site: Site, swapping: Callable[..., int], monkeypatch: pytest.MonkeyPatch
) -> None:
    import ctypes
    import errno

    site.log("old\n")

    class Library:
        def __init__(self, *_arguments: Any, **_options: Any) -> None:
            self.renameat2 = lambda *_all: ctypes.set_errno(errno.EINVAL) or -1

    monkeypatch.setattr(ctypes, "CDLL", Library)
    with pytest.raises(swap.CannotExchange, match="its file system cannot exchange files"):
        swapping()
    assert site.names() == ["app.log"]
    monkeypatch.setattr(ctypes, "CDLL", lambda *_all, **_options: object())
    with pytest.raises(swap.CannotExchange, match="the C library of this host cannot"):
        swapping()
    assert site.names() == ["app.log"]


def test_a_deleted_file_that_is_closed_meanwhile(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    log = site.log("old\n")
    with log.open("a"):
        log.unlink()
        plan: list[Any] = []
        monkeypatch.setattr(
            "ansible_collections.toombos.incident.plugins.module_utils._log_restore.call.apply_step",
            lambda step: (plan.append(step), apply_step(step))[1] if not plan else apply_step(step),
        )
        site.run()
    (saved,) = site.logs.iterdir()
    saved.unlink()
    outcome = apply_step(plan[0])
    assert (outcome.action, outcome.changed) == ("refuse", False)
    assert site.names() == []


@pytest.mark.parametrize(("saved", "told"), [("old\n", ""), ("odd\n", "was changed"), ("old\nmore\n", "was changed")])
def test_what_was_saved_is_continued_only_where_it_is_the_same(site: Site, saved: str, told: str) -> None:
    log = site.log("old\nnew\n")
    kept = site.log(saved, "app.log.recovered-1")
    with log.open("a") as file:
        log.unlink()
        found = identity(os.fstat(file.fileno()))
        source = f"/proc/{os.getpid()}/fd/{file.fileno()}"
        step = Step(str(log), "deleted", "recover_deleted", "open", how="extend", source=source, target=kept.name)
        outcome = apply_step(replace(step, skip=4, count=4, expected=found))
        assert told in outcome.reason
        assert kept.read_text() == ("old\nnew\n" if not told else saved)
        other = replace(found, inode=(found.inode[0], found.inode[1] + 1))
        assert "has closed it meanwhile" in apply_step(replace(step, skip=8, expected=other)).reason
