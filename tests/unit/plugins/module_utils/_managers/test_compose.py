# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Against a stand-in that speaks the engine's API; tests/compose asks a real engine."""

from __future__ import annotations

import os
import threading
import time

import pytest

from ansible_collections.toombos.incident.plugins.module_utils._catalogue.types import ManagerSpec
from ansible_collections.toombos.incident.plugins.module_utils._clock import Clock
from ansible_collections.toombos.incident.plugins.module_utils._errors import ManagerError
from ansible_collections.toombos.incident.plugins.module_utils._managers import engine_api, types as t
from ansible_collections.toombos.incident.plugins.module_utils._managers.compose import ComposeManager
from ansible_collections.toombos.incident.plugins.module_utils._process.types import Process, ProcessTable

CLOCK = Clock()
NOBODY = ProcessTable({})
PROGRAM = """#!/bin/sh
echo "$@" >>{log}
case "$*" in
*"config --hash=web") echo "web {hash}" ;;
*up*) printf '%s\\n' 'network p_default found' '{error}' >&2; exit {rc} ;;
esac
"""


def within(seconds):
    return CLOCK.monotonic() + seconds


def manager(engine, stop_timeout=5.0, **more):
    spec = ManagerSpec("compose", project="p", service="web", socket=engine.socket, **more)
    return ComposeManager(spec, CLOCK, stop_timeout)


class Program:
    """A compose program that notes how it was called."""

    def __init__(self, home, *, hash_now="a" * 64, rc=0, error=""):
        self.log = home / "calls"
        self.file = home / "compose.yml"
        self.file.write_text("services: {}\n")
        self.path = home / "compose"
        self.path.write_text(PROGRAM.format(log=self.log, hash=hash_now, rc=rc, error=error))
        self.path.chmod(0o755)

    @property
    def declared(self):
        return {"files": (str(self.file),), "compose": (str(self.path),)}

    @property
    def calls(self):
        """Without project and file, which all of them have."""
        lines = self.log.read_text().splitlines() if self.log.exists() else []
        begin = f"-p p -f {self.file} "
        assert all(line.startswith(begin) for line in lines)
        return [line[len(begin) :] for line in lines]


@pytest.fixture
def program(tmp_path):
    return lambda **how: Program(tmp_path, **how)


def test_a_running_container_has_its_pid_and_the_engines_words(engine, told):
    engine.has(told("p-web-1", RestartCount=1))
    state = manager(engine).observe(NOBODY)
    assert state == t.ManagerState(True, t.RUNNING, 4711, "running (restarted 1 times)", restarts=1)
    assert engine.calls == []


def test_other_services_other_projects_and_one_off_containers_do_not_count(engine, told):
    one_off = told("p-web-7", Labels={"com.docker.compose.oneoff": "True"})
    engine.has(told("p-db-1"), told("q-web-1"), one_off)
    state = manager(engine).observe(NOBODY)
    assert (state.available, state.state, state.pid) == (True, t.STOPPED, None)
    assert state.detail == "there is no container of service web in project p"


@pytest.mark.parametrize(
    ("statuses", "state", "detail"),
    [
        (["running", "running"], t.RUNNING, "2 of 2 containers run"),
        (["running", "exited"], t.PARTIAL, "1 of 2 containers run; p-web-2: exited (exit code 0)"),
        (["paused", "running"], t.PARTIAL, "1 of 2 containers run; p-web-1: paused"),
        (["exited", "paused"], t.FROZEN, "0 of 2 containers run; p-web-1: exited (exit code 0); p-web-2: paused"),
        (["exited", "restarting"], t.BACKOFF, None),
        (["exited", "dead"], t.FAILED, None),
        (["created", "exited"], t.STOPPED, None),
        (["exited", "removing"], t.STOPPING, None),
    ],
)
def test_what_several_replicas_add_up_to(engine, told, statuses, state, detail):
    engine.has(*(told(f"p-web-{number}", status) for number, status in enumerate(statuses, 1)))
    seen = manager(engine).observe(NOBODY)
    assert seen.state == state
    assert detail in (None, seen.detail)


def test_the_first_replica_is_the_root_and_the_others_are_members(engine, told):
    engine.has(
        told("p-web-10", State={"Pid": 10}), told("p-web-2", State={"Pid": 2}), told("p-web-3", "exited")
    )  # the number counts, not the name
    state = manager(engine).observe(NOBODY)
    assert (state.pid, state.members) == (2, (10,))


def test_one_replica_that_is_starting_makes_the_service_start(engine, told):
    health = {"Health": {"Status": "starting"}, "StartedAt": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())}
    engine.has(told("p-web-1"), told("p-web-2", State=health))
    assert manager(engine).observe(NOBODY).state == t.STARTING


def test_an_unwell_container_is_noted_although_it_runs(engine, told):
    health = {"Status": "unhealthy", "Log": [{"Output": "HTTP 503"}]}
    engine.has(told("p-web-1", State={"Health": health}))
    assert manager(engine).observe(NOBODY).notes == ("p-web-1 is running (unhealthy: HTTP 503)",)


def test_start_starts_unpauses_and_leaves_alone(engine, told):
    engine.has(told("p-web-1", "exited"), told("p-web-2", "paused"), told("p-web-3"), told("p-web-4", "created"))
    manager(engine).start(within(5))
    assert engine.calls == ["start p-web-1", "unpause p-web-2", "start p-web-4"]


def test_start_is_fine_with_what_was_started_meanwhile(engine, told):
    engine.has(told("p-web-1", "exited"))
    engine.refusals["start"] = (304, "")
    manager(engine).start(within(5))
    assert engine.calls == ["start p-web-1"]


def test_a_refused_start_has_the_engines_words_without_secrets(engine, told):
    engine.has(told("p-web-1", "exited"))
    engine.refusals["start"] = (
        500,
        "driver failed: Bind for 0.0.0.0:3000 failed: port is already allocated, token=abc",
    )
    with pytest.raises(ManagerError) as refused:
        manager(engine).start(within(5))
    assert refused.value.message == (
        "p-web-1 could not be started: HTTP 500: driver failed: Bind for 0.0.0.0:3000 failed:"
        " port is already allocated, token=***."
    )


def test_without_container_and_files_start_says_what_is_missing(engine):
    with pytest.raises(ManagerError, match="there is no container of service web in project p") as refused:
        manager(engine).start(within(5))
    assert "manager.files" in refused.value.way_out


def test_a_dead_container_is_not_removed(engine, told):
    engine.has(told("p-web-1", "dead"))
    with pytest.raises(ManagerError, match="p-web-1 is dead"):
        manager(engine).start(within(5))
    assert engine.calls == []


def test_what_is_not_there_is_created_by_compose_and_nothing_else(engine, told, program):
    compose = program()
    looks = []

    def appear():
        looks.append(engine.has(told("p-web-1")) if looks else None)

    engine.on_look = appear
    manager(engine, project_directory="/opt/app", **compose.declared).start(within(30))
    assert compose.calls == ["--project-directory /opt/app up -d --no-deps web"]


def test_a_program_that_only_says_that_it_went_well_is_not_believed(engine, program):
    compose = program(error="exit code: 125")
    with pytest.raises(ManagerError) as failed:
        manager(engine, **compose.declared).start(within(30))
    assert failed.value.message == (
        "compose has created no container of p/web: network p_default found / exit code: 125."
    )


def test_a_creation_that_takes_too_long_says_what_may_be_the_reason(engine, program):
    compose = program()
    compose.path.write_text("#!/bin/sh\nsleep 60\n")
    with pytest.raises(ManagerError, match=r"not done after 1 s \(an image that must be pulled\?"):
        manager(engine, **compose.declared).start(within(0.5))


def test_what_is_there_and_defined_as_it_was_is_started_by_the_engine(engine, told, program):
    compose = program()
    engine.has(told("p-web-1", "exited"))
    manager(engine, **compose.declared).start(within(30))
    assert compose.calls == ["config --hash=web"]
    assert engine.calls == ["start p-web-1"]


def test_what_is_defined_differently_by_now_is_created_anew(engine, told, program):
    compose = program(hash_now="b" * 64)
    engine.has(told("p-web-1", "exited"))
    manager(engine, **compose.declared).start(within(30))
    assert compose.calls == ["config --hash=web", "config --format json", "up -d --no-deps web"]
    assert engine.calls == []


@pytest.mark.parametrize("answer", ["", "not-a-hash", "a" * 63, "one two three"])
def test_a_program_that_cannot_tell_the_hash_changes_nothing(engine, told, program, answer):
    compose = program(hash_now=answer)
    engine.has(told("p-web-1", "exited"))
    manager(engine, **compose.declared).start(within(30))
    assert engine.calls == ["start p-web-1"]


def test_a_failed_creation_has_the_last_words_of_compose(engine, program):
    compose = program(rc=1, error="no such image: grafana:9, password=hunter2")
    with pytest.raises(ManagerError) as failed:
        manager(engine, **compose.declared).start(within(30))
    assert failed.value.message == (
        "compose could not create p/web: network p_default found / no such image: grafana:9, password=***."
    )


def test_a_changed_definition_of_a_running_container_is_a_note(engine, told, program):
    compose = program(hash_now="b" * 64)
    engine.has(told("p-web-1"))
    declared = manager(engine, **compose.declared)
    state = declared.observe(NOBODY)
    assert state.state == t.RUNNING
    (note,) = state.notes
    assert note.startswith(f"{compose.file} defines it differently from the container that runs")
    declared.observe(NOBODY)
    # Once for each writing of the file.
    assert compose.calls == ["config --hash=web", "config --format json"]


def test_compose_is_not_asked_while_its_files_are_older_than_the_container(engine, told, program):
    compose = program(hash_now="b" * 64)
    os.utime(compose.file, (1, 1))
    engine.has(told("p-web-1"))
    assert manager(engine, **compose.declared).observe(NOBODY).notes == ()
    assert compose.calls == []


def test_stop_gives_every_replica_its_grace_and_removes_nothing(engine, told):
    engine.has(told("p-web-1"), told("p-web-2"), told("p-web-3", "exited"))
    manager(engine, stop_timeout=7.0).stop(within(30))
    assert sorted(engine.calls) == ["stop p-web-1 t=7", "stop p-web-2 t=7"]
    assert len(engine.containers) == 3
    manager(engine).stop(within(30))
    assert len(engine.calls) == 2


def test_what_is_paused_is_unpaused_before_it_is_stopped(engine, told):
    engine.has(told("p-web-1", "paused"))
    manager(engine).stop(within(30))
    assert engine.calls == ["unpause p-web-1", "stop p-web-1 t=5"]


def test_what_came_back_while_it_was_stopped_is_stopped_again(engine, told):
    engine.has(told("p-web-1", "restarting"))
    engine.deaf = {"p-web-1"}
    manager(engine).stop(within(30))
    assert engine.calls == ["stop p-web-1 t=5", "stop p-web-1 t=5"]


def test_what_is_between_two_lives_is_caught_in_the_next_one(engine, told):
    container = told("p-web-1", "exited", RestartCount=3)
    engine.has(container)
    looks = []

    def revive():
        looks.append(container["State"]["Status"])
        if len(looks) == 3:
            container["State"].update(Status="running", Pid=4712)

    engine.on_look = revive
    manager(engine).stop(within(30))
    assert engine.calls == ["stop p-web-1 t=5"]
    assert looks[-1] == container["State"]["Status"] == "exited"


def test_what_has_ended_for_good_after_some_lives_is_believed(engine, told):
    engine.has(told("p-web-1", "exited", RestartCount=3))
    manager(engine).stop(within(30))
    manager(engine).stop(within(0))
    assert engine.calls == []


def test_what_does_not_stop_is_reported_at_the_deadline(engine, told):
    engine.has(told("p-web-1"))
    engine.refusals["stop"] = (304, "")
    with pytest.raises(ManagerError, match=r"p/web has not stopped in time: p-web-1 is running"):
        manager(engine, stop_timeout=0.1).stop(within(1))


def test_a_refused_stop_has_the_engines_words(engine, told):
    engine.has(told("p-web-1"))
    engine.refusals["stop"] = (500, "cannot kill container: permission denied")
    with pytest.raises(ManagerError, match="p-web-1 could not be stopped: HTTP 500: cannot kill container"):
        manager(engine).stop(within(30))


@pytest.mark.parametrize(("helper", "counts"), [("docker-proxy", True), ("nginx", False)])
def test_a_helper_counts_where_the_engine_says_that_the_container_is_published(engine, told, peers, helper, counts):
    port = peers.tcp(b"").port
    engine.has(told("p-web-1", NetworkSettings={"Ports": {"80/tcp": [{"HostIp": "127.0.0.1", "HostPort": str(port)}]}}))
    ours = Process(os.getpid(), 1, 1, "S", (f"/usr/bin/{helper}", "-container-port", "80"), None, None, 0)
    state = manager(engine).observe(ProcessTable({ours.pid: ours}))
    assert state.proxies == ((os.getpid(),) if counts else ())


def test_a_helper_at_another_address_is_somebody_elses(engine, told, peers):
    port = peers.tcp(b"").port
    engine.has(told("p-web-1", NetworkSettings={"Ports": {"80/tcp": [{"HostIp": "127.0.0.2", "HostPort": str(port)}]}}))
    other = Process(os.getpid(), 1, 1, "S", ("docker-proxy",), None, None, 0)
    assert manager(engine).observe(ProcessTable({other.pid: other})).proxies == ()


def test_conmon_is_known_by_the_container_that_it_watches(engine, told):
    container = told("p-web-1", "exited")
    engine.has(container)
    mine = Process(50, 1, 1, "S", ("/usr/bin/conmon", "-c", container["Id"]), None, None, 0)
    other = Process(51, 1, 1, "S", ("/usr/bin/conmon", "-c", "f" * 64), None, None, 0)
    assert manager(engine).observe(ProcessTable({50: mine, 51: other})).proxies == (50,)


# Hostile or absent engines.


class Nowhere:
    def __init__(self, path):
        self.socket = str(path)


def gone(socket):
    state = manager(Nowhere(socket)).observe(NOBODY)
    assert (state.available, state.state, state.pid) == (False, t.UNKNOWN, None)
    return state.detail


def test_without_a_socket_the_engine_is_not_there(tmp_path):
    assert gone(tmp_path / "none") == (
        f"there is no container engine: {tmp_path}/none does not exist."
        " Start the container engine, or correct manager.socket"
    )
    with pytest.raises(ManagerError, match="there is no container engine"):
        manager(Nowhere(tmp_path / "none")).start(within(5))


def test_a_socket_that_nobody_listens_on_is_a_dead_engine(engine):
    engine.close()
    assert "does not answer" in gone(engine.socket)


def test_what_a_socket_of_others_asks_for(engine, monkeypatch):
    # Root may use every socket, so that the kernel's word is put into its mouth.
    engine.close()
    monkeypatch.setattr(engine_api.os, "access", lambda path, mode: mode != os.W_OK)
    assert gone(engine.socket).endswith("may not be used by this user. Run with become: true")


def test_a_directory_that_is_closed_asks_for_become(engine, monkeypatch):
    def closed(_path):
        raise PermissionError(13, "Permission denied")

    engine.close()
    monkeypatch.setattr(engine_api.os, "stat", closed)
    assert gone(engine.socket) == f"{engine.socket} cannot be reached: Permission denied. Run with become: true"


def test_a_hung_engine_costs_its_own_timeout(peers, tmp_path, monkeypatch):
    monkeypatch.setattr(engine_api, "_ASK_TIMEOUT", 0.6)
    hung = threading.Event()
    peers.unix(lambda _connection: hung.wait(10), tmp_path / "s")
    detail = gone(tmp_path / "s")
    hung.set()
    assert detail.startswith(f"the container engine does not answer on {tmp_path}/s: timed out")


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"SSH-2.0-OpenSSH\r\n", "the answer is not HTTP/1"),
        (b"HTTP/1.1 500 no\r\nContent-Length: 22\r\n\r\n" + b'{"message": "overlay"}', "answers HTTP 500: overlay"),
        (b"HTTP/1.1 403 no\r\nContent-Length: 0\r\n\r\n", "answers HTTP 403"),
        (b"HTTP/1.1 404 no\r\nContent-Length: 2\r\n\r\nno", "answers HTTP 404"),
        (b"HTTP/1.1 200 ok\r\nContent-Length: 6\r\n\r\n<html>", "is not a container engine"),
        (b"HTTP/1.1 200 ok\r\nContent-Length: 2\r\n\r\n{}", "is not a container engine"),
        (b"HTTP/1.1 200 ok\r\nContent-Length: 6\r\n\r\n[null]", "is not a container engine"),
        (b'HTTP/1.1 200 ok\r\nContent-Length: 20\r\n\r\n[{"Id": "../../etc"}]', "is not a container engine"),
        (b"HTTP/1.1 200 ok\r\nContent-Length: 900\r\n\r\n[]", "ended after"),
        (b'HTTP/1.1 200 ok\r\nContent-Length: 24\r\n\r\n[{"Id": "aaaaaaaaaaaa"}]', "is not a container engine"),
    ],
)
def test_what_is_no_engine_is_told_apart(peers, tmp_path, body, words):
    peers.unix(body, tmp_path / "s")
    assert words in gone(tmp_path / "s")


def test_a_container_that_is_removed_while_it_is_asked_for_does_not_count(engine, told):
    first, second = told("p-web-1"), told("p-web-2")
    engine.has(first, second)
    engine.containers[second["Id"]]["Id"] = "f" * 64
    assert manager(engine).observe(NOBODY).detail == "running"
