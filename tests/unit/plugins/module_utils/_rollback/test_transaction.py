# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What goes wrong in the middle of a switch, and what is left of it then."""

from __future__ import annotations

import errno
import json
import os
import shutil
from dataclasses import replace
from typing import Any, Iterator

import pytest
from switching import World, write

from ansible_collections.toombos.incident.plugins.module_utils._errors import IncidentError
from ansible_collections.toombos.incident.plugins.module_utils._generations.types import Entry
from ansible_collections.toombos.incident.plugins.module_utils._rollback import attributes, finish, stage
from ansible_collections.toombos.incident.plugins.module_utils._rollback.plan import make_switch
from ansible_collections.toombos.incident.plugins.module_utils._rollback.steps import COMMITTED, STAGING, SWITCHED
from ansible_collections.toombos.incident.plugins.module_utils._rollback.transaction import Transaction, settle
from ansible_collections.toombos.incident.plugins.module_utils._rollback.types import Refused, SwitchFailed


def old(world: World) -> None:
    write(world / "a", "A=1\n", 0o600)
    write(world / "b", "b")
    write(world / "d/x", "x")
    os.utime(str(world.set), ns=(5, 10**18))


def new(world: World) -> None:
    write(world / "a", "A=2\n", 0o640)
    write(world / "b", "bb")
    write(world / "c", "c")


class States:
    def __init__(self, world: World) -> None:
        self.new = world.state(new)
        self.old = world.state(old)
        self.switch = make_switch(self.old, self.new)


@pytest.fixture
def states(world: World) -> States:
    return States(world)


def crashed(world: World, states: States, state: str = "") -> Transaction:
    """As a process that was killed after staging, or after its journal said ``state``."""
    transaction = world.transaction()
    transaction.prepare(states.switch, world.contents)
    if state:
        transaction._journal.write(replace(transaction._record, state=state))
    transaction._journal.unlock()
    return transaction


def test_nothing_is_new_before_it_is_decided(world: World, states: States) -> None:
    with world.transaction() as transaction:
        transaction.prepare(states.switch, world.contents)
        assert (world / "a").read_text() == "A=1\n"
        assert not (world / "c").exists()
        assert len(world.leftovers()) == 4, "three staged files and the journal"
    assert world.read() == states.old, "what is not committed is undone"
    assert world.leftovers() == []


def test_it_says_what_it_did(world: World, states: States) -> None:
    with world.transaction() as transaction:
        transaction.prepare(states.switch, world.contents)
        settled = transaction.commit()
    assert settled.sentence == "a switch of 5 paths was finished: everything is new"
    assert settled.paths == (str(world.set), *(str(world / name) for name in "abcd"))
    assert world.read() == states.new


def test_settling_is_idempotent(world: World, states: States) -> None:
    crashed(world, states)
    assert [settle(str(world.journal)).outcome for _time in range(2)] == ["undone", "nothing"]
    assert world.read() == states.old
    crashed(world, states, COMMITTED)
    assert [settle(str(world.journal)).outcome for _time in range(2)] == ["finished", "nothing"]
    assert world.read() == states.new
    assert settle(str(world.root / "never/there")).sentence == "no switch was under way"


def test_one_at_a_time(world: World, states: States) -> None:
    with world.transaction() as first:
        first.prepare(states.switch, world.contents)
        with pytest.raises(IncidentError, match=rf"in progress: process {os.getpid()}, since .*Z holds .*/lock"):
            world.transaction().prepare(states.switch, world.contents)
        with pytest.raises(IncidentError, match="Another switch of files is in progress"):
            settle(str(world.journal))
        first.commit()
    assert world.read() == states.new


def test_an_interrupted_one_is_settled_first(world: World, states: States) -> None:
    crashed(world, states)
    with pytest.raises(IncidentError, match="An earlier switch was interrupted"):
        world.transaction().prepare(states.switch, world.contents)
    settle(str(world.journal))
    assert world.switch(states.new).outcome == "finished"


def test_its_steps_have_an_order(world: World, states: States) -> None:
    with pytest.raises(IncidentError, match="Nothing is prepared"):
        world.transaction().commit()
    with world.transaction() as transaction:
        transaction.prepare(states.switch, world.contents)
        with pytest.raises(IncidentError, match="is prepared already"):
            transaction.prepare(states.switch, world.contents)


def test_what_was_prepared_can_be_given_up(world: World, states: States) -> None:
    transaction = world.transaction()
    transaction.prepare(states.switch, world.contents)
    assert transaction.settle().sentence == "a switch of 5 paths was undone: everything is as it was before"
    assert world.read() == states.old


@pytest.mark.parametrize("name", ["a", "b", "c", "d/x"])
def test_a_change_right_before_the_switch_stops_it(world: World, states: States, name: str) -> None:
    with world.transaction() as transaction:
        transaction.prepare(states.switch, world.contents)
        write(world / name, "edited")
        with pytest.raises(Refused, match=f"/{name} was changed after it had been read"):
            transaction.commit()
    assert (world / name).read_text() == "edited"
    assert world.leftovers() == []


class Faulty:
    """``os`` as one module sees it, with one call that always fails."""

    def __init__(self, call: str, number: int) -> None:
        self.call, self.number = call, number

    def __getattr__(self, name: str) -> Any:
        return self._fail if name == self.call else getattr(os, name)

    def _fail(self, *_args: Any, **_more: Any) -> None:
        raise OSError(self.number, os.strerror(self.number))


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EIO])
@pytest.mark.parametrize("call", ["open", "write", "fsync", "mkdir", "fchmod", "utime"])
def test_an_error_while_staging_leaves_all_old(
    world: World, states: States, monkeypatch: Any, call: str, number: int
) -> None:
    more = Entry(str(world / "m"), "directory", 0o755, os.geteuid(), os.getegid())
    switch = make_switch(states.old, (*states.new, more))
    monkeypatch.setattr(attributes if call in ("fchmod", "utime") else stage, "os", Faulty(call, number))
    transaction = world.transaction()
    if call == "utime":  # which sets back the time of the directory as well: that comes with the next run
        with pytest.raises(IncidentError):
            transaction.prepare(switch, world.contents)
        monkeypatch.undo()
        settle(str(world.journal))
    else:
        said = "The disk was full before all was staged" if number == errno.ENOSPC else "could not be staged: Input/"
        with pytest.raises(IncidentError, match=f"{said}.*verything is as it was"):
            transaction.prepare(switch, world.contents)
    assert world.read() == states.old
    assert world.leftovers() == []


def test_a_content_that_changes_between_check_and_staging(world: World, states: States) -> None:
    asked: dict[str, int] = {}

    def contents(sha256: str) -> Iterator[bytes]:
        asked[sha256] = asked.get(sha256, 0) + 1
        return world.contents(sha256) if asked[sha256] == 1 else iter([b"something else"])

    with pytest.raises(IncidentError, match="is not what it was when it was kept"), world.transaction() as transaction:
        transaction.prepare(states.switch, contents)
    assert world.read() == states.old
    assert world.leftovers() == []


def test_a_staged_file_that_is_replaced_before_its_second_name_is_made(world: World, states: States) -> None:
    """Whoever may write to a directory could have a file of their own linked into another one."""

    def linked(world: World) -> None:
        write(world / "a", "two names")
        os.link(str(world / "a"), str(world / "z"))
        write(world / "b", "between")

    target = world.state(linked)
    current = world.state(old)
    asked: list[str] = []

    def contents(sha256: str) -> Iterator[bytes]:
        asked.append(sha256)
        staged = sorted(each for each in world.leftovers() if each.endswith(".new"))
        if staged:
            write(world / "mine", "not what was staged")
            os.replace(str(world / "mine"), staged[0])
        return world.contents(sha256)

    with pytest.raises(IncidentError, match="/z was replaced by somebody else"), world.transaction() as transaction:
        transaction.prepare(make_switch(current, target), contents)
    world.declare(files=["a", "b", "z"])
    assert [(world / name).read_text() for name in "ab"] == ["A=1\n", "b"]
    assert world.leftovers() == []


@pytest.mark.parametrize("when", [STAGING, COMMITTED])
def test_a_directory_of_the_set_that_is_gone(world: World, when: str) -> None:
    """Somebody removes it between the crash and the settling: the rest is done, and it is said once."""
    write(world / "d/x", "1")
    write(world.root / "e/y", "1")
    world.declared = replace(world.declared, trees=(str(world / "d"),), files=(str(world.root / "e/y"),))
    current = world.read()
    write(world.root / "e/y", "2")
    (world / "d").chmod(0o700)
    target = world.read()
    write(world.root / "e/y", "1")
    (world / "d").chmod(0o755)
    current = world.read()
    transaction = world.transaction()
    transaction.prepare(make_switch(current, target), world.contents)
    transaction._journal.write(replace(transaction._record, state=when))
    transaction._journal.unlock()
    shutil.rmtree(str(world / "d"))
    if when == STAGING:
        assert settle(str(world.journal)).outcome == "undone"
    else:
        with pytest.raises(SwitchFailed, match="Somebody else has changed these") as caught:
            settle(str(world.journal))
        assert (caught.value.old, caught.value.new) == ((str(world / "d"),), (str(world.root / "e/y"),))
        assert (world.root / "e/y").read_text() == "2"
    assert settle(str(world.journal)).outcome == "nothing"


def test_a_file_in_place_of_the_staged_name_of_one_file(world: World, states: States) -> None:
    """After a power cut both names can be there: rename does nothing between two names of one file."""
    transaction = crashed(world, states, COMMITTED)
    step = next(each for each in transaction._record.steps if each.name == "c")
    os.link(str(world / step.staged), str(world / "c"))
    assert settle(str(world.journal)).outcome == "finished"
    assert world.leftovers() == []
    assert world.read() == states.new


def failing_rename(monkeypatch: Any, name: str, times: int) -> None:
    real, left = os.rename, [times]

    def rename(source: Any, target: Any, **where: Any) -> None:
        if target == name and left[0]:
            left[0] -= 1
            raise OSError(errno.EIO, "Input/output error")
        real(source, target, **where)

    monkeypatch.setattr(finish.os, "rename", rename)


def test_an_error_after_the_decision_is_tried_again(world: World, states: States, monkeypatch: Any) -> None:
    failing_rename(monkeypatch, "b", 1)
    assert world.switch(states.new).outcome == "finished"
    assert world.read() == states.new


def test_what_cannot_be_finished_is_said_exactly_and_finished_later(
    world: World, states: States, monkeypatch: Any
) -> None:
    failing_rename(monkeypatch, "b", 99)
    with pytest.raises(SwitchFailed, match="decided, but could not be finished") as caught:
        world.switch(states.new)
    failure = caught.value
    assert failure.old == (str(world / "b"),)
    assert set(failure.new) == {str(world / name) for name in ("a", "c", "d")} | {str(world.set)}
    assert failure.result["status"] == "rollback_failed"
    assert failure.reasons == {str(world / "b"): "Input/output error"}
    assert ((world / "a").read_text(), (world / "b").read_text()) == ("A=2\n", "b")
    monkeypatch.undo()
    assert settle(str(world.journal)).outcome == "finished"
    assert world.read() == states.new


def test_an_edit_after_the_crash_is_kept(world: World, states: States) -> None:
    """Somebody mends the file by hand before the next run finishes the switch."""
    crashed(world, states, COMMITTED)
    write(world / "a", "by hand")
    write(world / "d/more", "by hand, too")
    settled = settle(str(world.journal))
    assert "what others put there meanwhile is kept in" in settled.sentence
    assert sorted(os.path.basename(path).rpartition(".")[2] for path in settled.kept) == ["old", "old"]
    texts = {p if os.path.isfile(p) else os.path.join(p, "more") for p in settled.kept}
    assert sorted(open(path).read() for path in texts) == ["by hand", "by hand, too"]  # noqa: SIM115
    world.declare(files=["a", "b", "c", "d"])
    assert [entry for entry in states.new if entry.path != str(world.set)] == [
        entry for entry in world.read() if entry.kind != "absent"
    ]


def test_what_was_staged_is_gone(world: World, states: States) -> None:
    """Then it is said once, and stands in nobody's way."""
    transaction = crashed(world, states, COMMITTED)
    step = next(each for each in transaction._record.steps if each.name == "b")
    os.unlink(str(world / step.staged))
    with pytest.raises(SwitchFailed, match="removed or replaced what was staged") as caught:
        settle(str(world.journal))
    assert caught.value.old == (str(world / "b"),)
    assert (world / "a").read_text() == "A=2\n"
    assert settle(str(world.journal)).outcome == "nothing"
    assert os.listdir(str(world.journal)) != ["lock"], "the journal is kept for a person"


def test_what_was_staged_was_replaced(world: World, states: States) -> None:
    transaction = crashed(world, states, COMMITTED)
    step = next(each for each in transaction._record.steps if each.name == "b")
    write(world / "mine", "not what was staged")
    os.replace(str(world / "mine"), str(world / step.staged))
    with pytest.raises(SwitchFailed):
        settle(str(world.journal))
    assert (world / "b").read_text() == "b"


def test_a_name_that_was_made_anew_after_it_was_removed(world: World, states: States) -> None:
    world.switch(states.new)
    target = world.state(old)
    current = world.state(new)
    transaction = world.transaction()
    transaction.prepare(make_switch(current, target), world.contents)
    transaction._journal.write(replace(transaction._record, state=SWITCHED))
    transaction._journal.unlock()
    step = next(each for each in transaction._record.steps if each.name == "c")
    os.rename(str(world / "c"), str(world / step.aside))
    write(world / "c", "made anew")
    assert settle(str(world.journal)).outcome == "finished"
    assert (world / "c").read_text() == "made anew"


def test_a_parent_that_was_swapped_leads_nowhere(world: World, states: States) -> None:
    """The directory becomes a link to another one between staging and switch."""
    write(world.root / "victim/a", "not ours")
    before = sorted(os.listdir(str(world.root / "victim")))
    crashed(world, states, COMMITTED)
    world.set.rename(world.root / "moved")
    os.symlink("victim", str(world.set))
    with pytest.raises(SwitchFailed):
        settle(str(world.journal))
    assert sorted(os.listdir(str(world.root / "victim"))) == before
    assert (world.root / "victim/a").read_text() == "not ours"
    world.set.unlink()
    (world.root / "moved").rename(world.set)
    assert settle(str(world.journal)).outcome == "finished", "put back, it goes on"
    assert world.read() == states.new


def test_another_directory_in_its_place_is_not_touched(world: World, states: States) -> None:
    crashed(world, states, COMMITTED)
    world.set.rename(world.root / "moved")
    write(world / "a", "of another directory")
    with pytest.raises(SwitchFailed, match="another directory has taken its place"):
        settle(str(world.journal))
    assert os.listdir(str(world.set)) == ["a"]


@pytest.mark.parametrize("spoil", [b"{}", b"not JSON", b""])
def test_a_damaged_journal_is_not_believed(world: World, states: States, spoil: bytes) -> None:
    crashed(world, states, COMMITTED)
    write(world.journal / "switch.json", spoil)
    with pytest.raises(IncidentError, match="cannot be read"):
        settle(str(world.journal))
    assert (world / "a").read_text() == "A=1\n"


def test_one_changed_sign_of_the_journal_is_noticed(world: World, states: States) -> None:
    crashed(world, states)
    path = world.journal / "switch.json"
    path.write_text(path.read_text().replace('"state": "staging"', '"state": "committed"'))
    assert json.loads(path.read_text())["record"]["state"] == "committed"
    with pytest.raises(IncidentError, match="cannot be read"):
        settle(str(world.journal))


@pytest.mark.parametrize("mode", [0o755, 0o770])
def test_a_journal_that_others_can_read_is_refused(world: World, states: States, mode: int) -> None:
    world.journal.mkdir()
    world.journal.chmod(mode)
    with pytest.raises(IncidentError, match=r"is not ours alone.*chmod 0700"):
        world.transaction().prepare(states.switch, world.contents)
    world.journal.rmdir()
    (world.root / "elsewhere").mkdir(mode=0o700)
    os.symlink("elsewhere", str(world.journal))
    with pytest.raises(IncidentError, match="is not ours alone"):
        world.transaction().prepare(states.switch, world.contents)


def test_a_decision_that_cannot_be_written_is_none(world: World, states: States, monkeypatch: Any) -> None:
    with world.transaction() as transaction:
        transaction.prepare(states.switch, world.contents)
        real = transaction._journal.write

        def write_(record: Any) -> None:
            if record.state == COMMITTED:
                real(record)
                raise OSError(errno.EIO, "Input/output error")
            real(record)

        monkeypatch.setattr(transaction._journal, "write", write_)
        with pytest.raises(IncidentError, match="verything is as it was"):
            transaction.commit()
    assert world.read() == states.old
    assert settle(str(world.journal)).outcome == "nothing"


def test_an_undo_that_fails_is_said_and_done_later(world: World, states: States, monkeypatch: Any) -> None:
    crashed(world, states)

    def refuse(*_args: Any, **_more: Any) -> None:
        raise OSError(errno.EROFS, "Read-only file system")

    with monkeypatch.context() as patch:
        patch.setattr(finish, "remove_tree", refuse)
        with pytest.raises(IncidentError, match="Nothing was switched, but what was staged could not be removed"):
            settle(str(world.journal))
    assert settle(str(world.journal)).outcome == "undone"
    assert world.read() == states.old


def test_a_directory_that_is_gone_took_its_staged_files_along(world: World, states: States) -> None:
    crashed(world, states)
    shutil.rmtree(str(world.set))
    assert settle(str(world.journal)).outcome == "undone"
