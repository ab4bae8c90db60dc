# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Against a real supervisord on a socket of its own."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import threading

import pytest

from ansible_collections.toombos.incident.plugins.module_utils._catalogue.types import ManagerSpec
from ansible_collections.toombos.incident.plugins.module_utils._clock import Clock
from ansible_collections.toombos.incident.plugins.module_utils._errors import ManagerError
from ansible_collections.toombos.incident.plugins.module_utils._managers import supervisor as module
from ansible_collections.toombos.incident.plugins.module_utils._managers.supervisor import SupervisorManager
from ansible_collections.toombos.incident.plugins.module_utils._process.stat import read_stat
from ansible_collections.toombos.incident.plugins.module_utils._process.types import ProcessTable

pytest.importorskip("supervisor")
CLOCK = Clock()

CONFIG = """
[unix_http_server]
file={socket}
{password}
[supervisord]
logfile={home}/supervisord.log
pidfile={home}/supervisord.pid
childlogdir={home}
[rpcinterface:supervisor]
supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface
[group:app]
programs=steady,off,stubborn,crashing,brief,broken
[program:steady]
command={sleep} 600
[program:off]
command={sleep} 600
autostart=false
[program:stubborn]
command={python} -c "import signal, time; signal.signal(15, signal.SIG_IGN); open('{home}/deaf', 'w'); time.sleep(600)"
autostart=false
startsecs=0
stopwaitsecs=600
[program:crashing]
command={python} -c "raise SystemExit(7)"
autostart=false
startretries=1
[program:brief]
command={python} -c "raise SystemExit(3)"
autostart=false
autorestart=false
startsecs=0
[program:broken]
command={home}/no-such-program
autostart=false
[program:alone]
command={sleep} 600
autostart=false
"""


class Daemon:
    def __init__(self, zoo, home, password=""):
        self.zoo = zoo
        self.home = home
        self.socket = str(home / "s.sock")
        values = {"socket": self.socket, "home": home, "sleep": "/bin/sleep", "python": sys.executable}
        (home / "supervisord.conf").write_text(CONFIG.format(password=password, **values))
        self.process = zoo.run(
            sys.executable, "-m", "supervisor.supervisord", "-n", "-c", str(home / "supervisord.conf"),
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip

    def manager(self, program, stop_timeout=15.0):
        return SupervisorManager(ManagerSpec("supervisor", program=program, socket=self.socket), CLOCK, stop_timeout)

    def observe(self, program):
        return self.manager(program).observe(ProcessTable({}))

    def until(self, program, state):
        self.zoo.until(lambda: self.observe(program).state == state)
        return self.observe(program)

    def close(self):
        # Killed by identity of our own child, then its programs: they are in sessions of their own.
        pids = [self.observe(name).pid for name in ("app:steady", "app:off", "app:stubborn", "alone")]
        os.kill(self.process.pid, signal.SIGKILL)
        for pid in filter(None, pids):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


@pytest.fixture
def daemon(zoo, tmp_path_factory):
    # A short path: the kernel allows 107 bytes for the name of a socket.
    made = Daemon(zoo, tmp_path_factory.mktemp("s"))
    made.until("app:steady", "running")
    yield made
    if os.path.exists(made.socket) and read_stat(made.process.pid).state not in "ZX":
        os.kill(made.process.pid, signal.SIGCONT)
        made.close()


def within(seconds):
    return CLOCK.monotonic() + seconds


def test_a_running_program_has_its_pid_and_supervisords_words(daemon):
    state = daemon.observe("app:steady")
    assert (state.available, state.state) == (True, "running")
    assert read_stat(state.pid).ppid == daemon.process.pid
    assert state.detail.startswith(f"RUNNING (pid {state.pid}, uptime")


def test_a_program_that_was_never_started(daemon):
    state = daemon.observe("app:off")
    assert (state.available, state.state, state.pid) == (True, "stopped", None)
    assert state.detail == "STOPPED (Not started)"


def test_start_and_stop_touch_only_their_program_and_may_be_repeated(daemon):
    steady = daemon.observe("app:steady").pid
    manager = daemon.manager("app:off")
    manager.start(within(30))
    assert daemon.observe("app:off").state in ("starting", "running")
    first = daemon.until("app:off", "running").pid
    manager.start(within(30))
    assert daemon.observe("app:off").pid == first
    manager.stop(within(30))
    assert (daemon.observe("app:off").state, daemon.observe("app:off").pid) == ("stopped", None)
    manager.stop(within(30))
    assert read_stat(first) is None
    assert daemon.observe("app:steady").pid == steady


def test_a_program_outside_of_a_group_goes_by_its_own_name(daemon):
    daemon.manager("alone").start(within(30))
    assert daemon.until("alone", "running").pid
    daemon.manager("alone").stop(within(30))
    assert daemon.observe("alone").state == "stopped"


def test_a_program_that_keeps_crashing_is_in_backoff_and_then_failed(daemon):
    daemon.manager("app:crashing").start(within(30))
    seen = []
    daemon.zoo.until(lambda: seen.append(daemon.observe("app:crashing").state) or seen[-1] == "failed")
    assert "backoff" in seen
    state = daemon.observe("app:crashing")
    assert (state.available, state.pid) == (True, None)
    assert state.detail == "FATAL (Exited too quickly (process log may have details))"
    daemon.manager("app:crashing").stop(within(30))
    assert daemon.observe("app:crashing").state == "failed"


def test_the_lives_of_a_program_that_runs_at_this_moment_are_counted(daemon):
    assert daemon.observe("app:steady").restarts == 0
    for count in (1, 2, 3):
        os.kill(daemon.observe("app:steady").pid, signal.SIGKILL)
        daemon.zoo.until(lambda count=count: daemon.observe("app:steady").restarts == count)
        assert daemon.until("app:steady", "running").pid, "supervisord itself has no word for it"
    daemon.manager("app:off").start(within(30))
    assert daemon.observe("app:off").restarts == 0
    daemon.manager("app:steady").stop(within(30))
    daemon.manager("app:steady").start(within(30))
    assert daemon.observe("app:steady").restarts == 0, "what was before the stop is another story"


def test_a_supervisord_without_a_log_counts_nothing(daemon):
    os.kill(daemon.observe("app:steady").pid, signal.SIGKILL)
    daemon.zoo.until(lambda: daemon.observe("app:steady").restarts == 1)
    os.unlink(daemon.home / "supervisord.log")
    assert (daemon.observe("app:steady").available, daemon.observe("app:steady").restarts) == (True, 0)


def test_a_program_in_backoff_can_be_stopped(daemon):
    daemon.manager("app:crashing").start(within(30))
    daemon.until("app:crashing", "backoff")
    daemon.manager("app:crashing").stop(within(30))
    assert daemon.observe("app:crashing").state in ("stopped", "failed")


def test_a_program_that_ended_is_stopped_with_its_exit_status(daemon):
    daemon.manager("app:brief").start(within(30))
    state = daemon.until("app:brief", "stopped")
    daemon.zoo.until(lambda: "EXITED" in daemon.observe("app:brief").detail)
    state = daemon.observe("app:brief")
    assert state.state == "stopped"
    assert state.detail.startswith("EXITED (exit status 3, ")


def test_a_program_whose_command_is_missing_is_refused_in_words(daemon):
    with pytest.raises(ManagerError, match="to start app:broken: the program's command does not exist") as error:
        daemon.manager("app:broken").start(within(30))
    assert "no-such-program" in error.value.message
    assert "supervisord's configuration" in error.value.way_out


@pytest.mark.parametrize("program", ["app:unknown", "unknown", "none:steady"])
def test_a_program_that_supervisord_does_not_know(daemon, program):
    names = "alone, app:brief, app:broken, app:crashing, app:off, app:steady, app:stubborn"
    state = daemon.observe(program)
    assert (state.available, state.state, state.pid) == (True, "unknown", None)
    assert state.detail == f"supervisord does not know the program {program}; it knows {names}"
    for verb in ("start", "stop"):
        with pytest.raises(ManagerError, match=f"refused to {verb} {program}: it does not know this program") as error:
            getattr(daemon.manager(program), verb)(within(30))
        assert names in error.value.message
        assert error.value.way_out == "Correct manager.program."


def test_a_hung_program_is_continued_so_that_it_stops_at_once(daemon):
    pid = daemon.observe("app:steady").pid
    os.kill(pid, signal.SIGSTOP)
    daemon.zoo.until(lambda: read_stat(pid).state == "T")
    daemon.manager("app:steady", stop_timeout=600).stop(within(600))
    # It ended by the SIGTERM: neither stopwaitsecs nor our stop timeout was waited for.
    assert "terminated by SIGTERM" in (daemon.home / "supervisord.log").read_text()


def test_a_program_that_does_not_stop_is_killed_by_supervisord_after_our_timeout(daemon):
    daemon.manager("app:stubborn").start(within(30))
    daemon.zoo.until((daemon.home / "deaf").exists)
    daemon.manager("app:stubborn", stop_timeout=0.3).stop(within(60))
    assert daemon.observe("app:stubborn").state == "stopped"
    assert "terminated by SIGKILL" in (daemon.home / "supervisord.log").read_text()


def test_a_program_that_has_not_stopped_by_the_deadline_is_an_error(daemon):
    daemon.manager("app:stubborn").start(within(30))
    daemon.zoo.until((daemon.home / "deaf").exists)
    with pytest.raises(ManagerError, match=r"app:stubborn has not stopped in time; supervisord says STOPPING") as error:
        daemon.manager("app:stubborn", stop_timeout=60).stop(within(0.5))
    assert str(daemon.observe("app:stubborn").pid) in error.value.way_out
    assert daemon.observe("app:stubborn").state == "stopping"
    daemon.manager("app:stubborn", stop_timeout=0).stop(within(60))


def test_a_supervisord_that_is_gone_is_not_available(daemon):
    daemon.close()
    daemon.zoo.children[0].wait()
    state = daemon.observe("app:steady")
    assert (state.available, state.state, state.pid) == (False, "unknown", None)
    assert state.detail == f"supervisord does not answer on {daemon.socket} (refused)"
    os.unlink(daemon.socket)
    assert not daemon.observe("app:steady").available
    for verb in ("start", "stop"):
        with pytest.raises(ManagerError, match="supervisord does not answer") as error:
            getattr(daemon.manager("app:steady"), verb)(within(5))
        assert "Start supervisord itself" in error.value.way_out


def test_a_supervisord_that_hangs_is_not_available_after_a_short_while(daemon, monkeypatch):
    monkeypatch.setattr(module, "_ASK_TIMEOUT", 0.3)
    monkeypatch.setattr(module, "_ACT_TIMEOUT", 0.3)
    os.kill(daemon.process.pid, signal.SIGSTOP)
    daemon.zoo.until(lambda: read_stat(daemon.process.pid).state == "T")
    state = daemon.observe("app:steady")
    assert (state.available, state.state) == (False, "unknown")
    assert "(timeout)" in state.detail
    with pytest.raises(ManagerError, match="does not answer"):
        daemon.manager("app:steady").stop(within(600))


def test_a_supervisord_behind_a_password_says_so(zoo, tmp_path_factory):
    daemon = Daemon(zoo, tmp_path_factory.mktemp("s"), password="username=u\npassword=p")
    zoo.until(lambda: os.path.exists(daemon.socket))
    zoo.until(lambda: "wants a user name and password" in daemon.observe("app:steady").detail)
    assert not daemon.observe("app:steady").available
    os.kill(daemon.process.pid, signal.SIGTERM)  # it ends its programs
    zoo.children[0].wait()


class Stranger:
    """Something else on the socket: answers every request with the same bytes."""

    def __init__(self, path, answers):
        self.answers = list(answers)
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.bind(path)
        self.sock.listen()
        self.thread = threading.Thread(target=self.serve)
        self.thread.start()

    def serve(self):
        for answer in self.answers:
            connection, _address = self.sock.accept()
            with connection:
                connection.recv(65536)
                connection.sendall(answer)
        self.sock.close()


def http(body, status="200 OK"):
    return f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n{body}".encode()


def value(text):
    return http(f"<methodResponse><params><param><value>{text}</value></param></params></methodResponse>")


def struct(**members):
    body = "".join(f"<member><name>{name}</name><value>{text}</value></member>" for name, text in members.items())
    return f"<struct>{body}</struct>"


def fault(code, words="WORDS"):
    body = struct(faultCode=f"<int>{code}</int>", faultString=words)
    return http(f"<methodResponse><fault><value>{body}</value></fault></methodResponse>")


def listed(*programs):
    return value(f"<array><data>{''.join(f'<value>{program}</value>' for program in programs)}</data></array>")


NONE = listed()
INFO = struct(statename="RUNNING", pid="<int>0</int>")
STOPPED = struct(statename="STOPPED", pid="<int>0</int>")


@pytest.fixture
def stranger(tmp_path_factory):
    path = str(tmp_path_factory.mktemp("s") / "s.sock")
    made = []

    def answer(*answers, stop_timeout=15.0):
        made.append(Stranger(path, answers))
        return SupervisorManager(ManagerSpec("supervisor", program="app:main", socket=path), CLOCK, stop_timeout)

    yield answer
    for each in made:
        each.thread.join(10)
        assert not each.thread.is_alive(), "a conversation was shorter than expected"


@pytest.mark.parametrize(
    ("answers", "available", "detail"),
    [
        ([http("not found", "404 Not Found")], False, "supervisord answers HTTP 404 on"),
        ([http("hello")], False, "cannot be read: not XML"),
        ([value("hello")], False, "is not supervisord"),
        ([value(struct(name="x"))], False, "is not supervisord"),
        ([fault(6)], True, "supervisord refuses to answer: it is shutting down or restarting"),
        ([NONE, fault(10), http("hello")], True, "it knows none that it would tell"),
        ([fault(99, "ODD")], True, "supervisord refuses to answer: fault 99: ODD"),
        ([NONE, fault(10), fault(6)], True, "it knows none that it would tell"),
        ([NONE, fault(10), NONE], True, "it knows none at all"),
    ],
)
def test_odd_answers(stranger, answers, available, detail):
    state = stranger(*answers).observe(ProcessTable({}))
    assert (state.available, state.state, state.pid) == (available, "unknown", None)
    assert detail in state.detail


def test_words_are_kept_where_there_are_no_better_ones(stranger):
    with pytest.raises(ManagerError, match=r"refused to start app:main: fault 30: WORDS\."):
        stranger(fault(30)).start(within(10))


def test_a_supervisord_that_shuts_down_meanwhile_is_an_error(stranger):
    with pytest.raises(ManagerError, match="refused to stop app:main: it is shutting down or restarting"):
        stranger(value(""), value(INFO), fault(6, "")).stop(within(30))


def test_an_old_supervisord_without_signals_is_left_to_its_own_timeout(stranger):
    running, stopped = value(INFO), value(STOPPED)
    stranger(value(""), running, running, fault(1), stopped, stop_timeout=0).stop(within(30))


def test_a_signal_that_is_refused_is_an_error(stranger):
    running = value(INFO)
    with pytest.raises(ManagerError, match="refused to send SIGKILL to app:main: fault 30: WORDS"):
        stranger(value(""), running, running, fault(30), stop_timeout=0).stop(within(30))


def test_a_state_without_words(stranger):
    program = {"name": "main", "group": "app", "pid": "<int>0</int>"}
    other = struct(name="other", group="app", statename="RUNNING", pid="<int>77</int>")
    stopped = struct(statename="EXITED", exitstatus="<int>4</int>", **program)
    state = stranger(listed(other, stopped)).observe(ProcessTable({}))
    assert state.others == (77,)
    assert (state.state, state.detail) == ("stopped", "EXITED (exit status 4)")
