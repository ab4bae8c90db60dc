# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import json
import os
import pwd
import signal
import subprocess
import sys
import threading
from dataclasses import replace

import pytest

from ansible_collections.toombos.incident.plugins.module_utils._catalogue.types import ManagerSpec
from ansible_collections.toombos.incident.plugins.module_utils._clock import Clock
from ansible_collections.toombos.incident.plugins.module_utils._errors import ManagerError
from ansible_collections.toombos.incident.plugins.module_utils._managers import process as module
from ansible_collections.toombos.incident.plugins.module_utils._managers.process import ProcessManager
from ansible_collections.toombos.incident.plugins.module_utils._managers.record import Record, read_record, write_record
from ansible_collections.toombos.incident.plugins.module_utils._process.stat import read_stat
from ansible_collections.toombos.incident.plugins.module_utils._process.table import read_table
from ansible_collections.toombos.incident.plugins.module_utils._process.types import StopResult

CLOCK = Clock()
APP = "ready(os.environ.get('MODE', ''))\nprint('up', flush=True)\ntime.sleep(600)\n"
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")


class World:
    """A service ``app`` below a directory, its manager and its state directory."""

    def __init__(self, zoo):
        self.zoo = zoo
        self.path = zoo.script("app.py", APP)
        self.state = zoo.home / "state"
        self.spec = ManagerSpec(
            kind="process", command=(sys.executable, "app.py"), cwd=str(zoo.home), log=str(zoo.home / "app.log")
        )

    def manager(self, stop_timeout=15.0):
        return ProcessManager("app", self.spec, CLOCK, str(self.state), stop_timeout)

    def observe(self):
        return self.manager().observe(read_table())

    def start(self):
        self.manager().start(CLOCK.monotonic() + 60)
        self.zoo.until(lambda: os.path.exists(self.path + ".ready"))
        return self.observe().pid

    def stop(self, **options):
        self.manager(**options).stop(CLOCK.monotonic() + 60)

    def by_hand(self):
        """As a person does: nohup python app.py &, in a shell that ends."""
        line = f"nohup {sys.executable} app.py >> app.log 2>&1 & echo $!"
        said = subprocess.run(["sh", "-c", line], cwd=self.zoo.home, stdout=subprocess.PIPE, check=True)
        self.zoo.until(lambda: os.path.exists(self.path + ".ready"))
        return int(said.stdout)

    @property
    def record(self):
        return self.state / "processes" / "app.json"

    def mine(self):
        return [p for p in read_table().processes.values() if p.cwd == str(self.zoo.home) and p.state not in "ZX"]


@pytest.fixture
def world(zoo):
    made = World(zoo)
    yield made
    for process in made.mine():
        os.kill(process.pid, signal.SIGKILL)


def test_what_does_not_run_is_stopped_and_looking_writes_nothing(world):
    state = world.observe()
    assert (state.available, state.state, state.pid, state.detail) == (True, "stopped", None, "not running")
    assert not world.state.exists()


def test_start_runs_it_and_remembers_it(world):
    pid = world.start()
    state = world.observe()
    assert (state.state, state.pid, state.detail) == ("running", pid, f"pid {pid}")
    record = json.loads(world.record.read_text())
    assert (record["pid"], record["start"], record["argv"]) == (pid, read_stat(pid).start, [sys.executable, "app.py"])
    assert read_stat(pid).ppid != os.getpid()


def test_a_second_start_starts_nothing(world):
    pid = world.start()
    world.manager().start(CLOCK.monotonic() + 60)
    assert [process.pid for process in world.mine()] == [pid]


def test_many_starts_at_once_start_it_once(world):
    threads = [threading.Thread(target=world.manager().start, args=(CLOCK.monotonic() + 60,)) for _number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(world.mine()) == 1


def test_starts_of_several_programs_at_once_start_it_once(world):
    """Two recoveries in two processes, as two controllers would start them."""
    code = f"""
import sys
sys.path[:0] = {sys.path!r}
from ansible_collections.toombos.incident.plugins.module_utils._catalogue.types import ManagerSpec
from ansible_collections.toombos.incident.plugins.module_utils._clock import Clock
from ansible_collections.toombos.incident.plugins.module_utils._managers.process import ProcessManager
ManagerSpec({world.spec.kind!r})
spec = ManagerSpec("process", command={world.spec.command!r}, cwd={world.spec.cwd!r}, log={world.spec.log!r})
ProcessManager("app", spec, Clock(), {str(world.state)!r}, 15.0).start(Clock().monotonic() + 60)
"""
    running = [subprocess.Popen([sys.executable, "-c", code], cwd="/") for _number in range(2)]
    assert [starter.wait(120) for starter in running] == [0, 0]
    assert len(world.mine()) == 1


def test_stop_ends_the_whole_tree_and_may_be_repeated(world):
    world.zoo.script("app.py", "os.fork() or time.sleep(600)\n" + APP)
    pid = world.start()
    assert len(world.mine()) == 2
    world.stop()
    assert world.mine() == []
    assert world.observe().state == "stopped"
    world.stop()
    assert read_stat(pid) is None or read_stat(pid).gone


def test_who_does_not_stop_is_killed_after_the_stop_timeout(world):
    world.zoo.script("app.py", "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n" + APP)
    world.start()
    world.stop(stop_timeout=0.2)
    assert world.mine() == []


def test_the_deadline_shortens_the_grace(world, monkeypatch):
    graces = []
    monkeypatch.setattr(
        module, "stop_processes", lambda roots, grace, clock: graces.append(grace) or StopResult((), (), (), False)
    )
    world.start()
    world.manager(stop_timeout=500).stop(CLOCK.monotonic() + 3)
    world.manager(stop_timeout=500).stop(CLOCK.monotonic() - 3)
    assert 0 < graces[0] <= 3
    assert graces[1] == 0


def test_who_survives_is_an_error(world, monkeypatch):
    pid = world.start()
    monkeypatch.setattr(module, "stop_processes", lambda *_, **__: StopResult((pid,), (pid,), (pid,), True))
    with pytest.raises(ManagerError, match=rf"app could not be stopped: Pid {pid} is still there") as error:
        world.stop()
    assert "uninterruptible" in error.value.way_out


def test_a_copy_that_was_started_by_hand_is_adopted_without_a_word_on_disk(world):
    pid = world.by_hand()
    state = world.observe()
    assert (state.state, state.pid, state.detail) == ("running", pid, f"pid {pid}, started by hand")
    assert not world.state.exists()
    world.manager().start(CLOCK.monotonic() + 60)
    assert [process.pid for process in world.mine()] == [pid]
    world.stop()
    assert world.mine() == []


def test_all_copies_are_seen_and_all_are_ended(world):
    first = world.start()
    second = world.by_hand()
    state = world.observe()
    assert (state.pid, state.detail) == (first, f"pid {first}; 2 copies run: pid {first}, {second}")
    world.stop()
    assert world.mine() == []


def test_a_record_of_another_boot_or_of_a_reused_pid_is_worth_nothing(world, zoo):
    stranger = zoo.run("sleep", "600", cwd="/")
    record = Record.of(stranger)
    for wrong in (replace(record, boot_id="before"), replace(record, start=record.start - 1)):
        write_record(str(world.record), wrong)
        assert world.observe().state == "stopped"
        world.stop()
    # The right pid and start time, but it became another program than the one that was recorded.
    write_record(str(world.record), replace(record, argv=("python", "app.py")))
    assert world.observe().state == "stopped"
    world.stop()
    assert read_stat(stranger.pid).state in "SR"


def test_what_we_started_stays_known_when_the_catalogue_changes(world):
    pid = world.start()
    world.spec = replace(world.spec, command=(sys.executable, "app.py", "--new-flag"))
    assert world.observe().pid == pid
    world.manager().start(CLOCK.monotonic() + 60)
    assert [process.pid for process in world.mine()] == [pid]


def test_a_damaged_record_does_not_hide_what_runs(world):
    pid = world.start()
    world.record.write_text("{")
    assert (world.observe().pid, world.observe().detail) == (pid, f"pid {pid}, started by hand")


def test_after_a_crash_it_starts_again_and_the_log_goes_on(world):
    first = world.start()
    os.kill(first, signal.SIGKILL)
    world.zoo.until(lambda: read_stat(first) is None or read_stat(first).gone)
    assert world.observe().state == "stopped"
    os.unlink(world.path + ".ready")
    assert world.start() != first
    log = world.zoo.home / "app.log"
    world.zoo.until(lambda: log.read_text() == "up\nup\n")


def test_the_environment_file_is_read_when_it_starts(world):
    (world.zoo.home / ".env").write_text("# settings\nMODE='dry run' # safe\n")
    world.spec = replace(world.spec, env_file=str(world.zoo.home / ".env"))
    world.start()
    assert world.zoo.said("app.py") == "dry run"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"MODE='s3cret\n", "app could not be started: Line 1 of the environment file has no closing quote"),
        (None, r"app could not be started: .*No such file or directory"),
        (b"\xff\xfe", r"app could not be started: .*env is not UTF-8 text"),
    ],
)
def test_an_environment_file_that_cannot_be_read_starts_nothing(world, content, said):
    if content is not None:
        (world.zoo.home / ".env").write_bytes(content)
    world.spec = replace(world.spec, env_file=str(world.zoo.home / ".env"))
    with pytest.raises(ManagerError, match=said) as error:
        world.start()
    assert "s3cret" not in str(error.value)
    assert world.mine() == []


def test_a_program_that_cannot_be_started_is_an_error_with_its_reason_and_leaves_no_record(world):
    world.spec = replace(world.spec, command=("no-such-program",))
    with pytest.raises(ManagerError, match="app could not be started: no-such-program cannot be executed") as error:
        world.start()
    assert error.value.way_out.startswith("Correct manager.command")
    assert not world.record.exists()


def test_a_full_disk_keeps_nobody_from_starting_or_stopping(world, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(module, "write_record", full)
    pid = world.start()
    assert world.observe().detail == f"pid {pid}, started by hand"
    world.stop()
    assert world.mine() == []


def test_a_busy_lock_is_an_error_by_the_deadline(world):
    with module.service_lock(str(world.state / "processes" / "app.lock"), deadline=CLOCK.monotonic(), clock=CLOCK):
        for verb in ("start", "stop"):
            with pytest.raises(ManagerError, match="Another run is starting or stopping this service"):
                getattr(world.manager(), verb)(CLOCK.monotonic() + 0.1)
    assert world.mine() == []


@as_root
@pytest.mark.skipif(not os.path.exists("/usr/bin/python3"), reason="needs an interpreter that everybody may execute")
def test_a_service_without_a_declared_user_keeps_the_one_it_had(world):
    nobody = pwd.getpwnam("nobody")
    world.zoo.open_to_all()
    os.chown(world.zoo.home, nobody.pw_uid, nobody.pw_gid)
    world.spec = replace(world.spec, command=("/usr/bin/python3", "app.py"), user="nobody")
    world.start()
    world.spec = replace(world.spec, user=None)
    world.stop()
    assert world.mine() == []
    os.unlink(world.path + ".ready")
    world.start()
    assert [process.uid for process in world.mine()] == [nobody.pw_uid]


@as_root
def test_a_former_user_that_is_no_more_is_not_taken_on(world):
    pid = world.start()
    os.kill(pid, signal.SIGKILL)
    record = read_record(str(world.record))
    write_record(str(world.record), replace(record, uid=54321))
    world.zoo.until(lambda: not world.mine())
    os.unlink(world.path + ".ready")
    world.start()
    assert [process.uid for process in world.mine()] == [0]
