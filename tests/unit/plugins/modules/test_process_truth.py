# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How real processes lie, each told apart and cured in its own way."""

from __future__ import annotations

import contextlib
import ctypes
import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, Callable, Iterator

import pytest

from ansible_collections.toombos.incident.plugins.module_utils._options import SERVICE_RECOVERY
from ansible_collections.toombos.incident.plugins.module_utils._process.table import read_table
from ansible_collections.toombos.incident.plugins.modules.service_recovery import recover

# A parent that keeps the port, and workers that serve it. It neither replaces nor collects the dead.
CREW = """
import os, signal, socket, sys
listener = socket.socket(); listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
if sys.argv[1] != "0":
    listener.bind(("127.0.0.1", int(sys.argv[1]))); listener.listen(50)
for _number in range(2):
    if os.fork() == 0:
        while sys.argv[1] != "0":
            client, _address = listener.accept(); client.recv(4096)
            client.sendall(b'HTTP/1.0 200 OK\\r\\n\\r\\n{"service": "crew"}'); client.close()
        signal.pause()
while True:
    signal.pause()
"""


class Crew:
    """One service with two workers that only exists for one test. ``port`` 0: it serves nothing, as a queue worker."""

    def __init__(self, home: Path, port: int) -> None:
        self.home, self.port = home, port
        self.script = home / "app" / "crew.py"
        self.script.parent.mkdir()
        self.script.write_text(CREW)
        self.command = [sys.executable, "crew.py", str(port)]
        alive = {"kind": "process", "match": f"crew.py {port}", "cwd": str(self.script.parent), "timeout": "5s"}
        url = {"kind": "http", "url": f"http://127.0.0.1:{port}/", "timeout": "1s"}
        self.service: dict[str, Any] = {
            "manager": {"kind": "process", "command": self.command, "cwd": str(self.script.parent)},
            "probes": {"up": {**url, "expect": {"identity": {"service": "crew"}}} if port else alive},
            "workers": {"min": 2},
            "limits": {"attempts": 2, "ready_timeout": "20s", "stop_timeout": "3s"},
        }
        if port:
            self.service["ports"] = [port]

    def becomes(self, command: list[str]) -> None:
        """Another program, one that every user may run; it has no workers."""
        self.command = self.service["manager"]["command"] = command
        self.service["probes"] = {"up": {"kind": "process", "match": " ".join(command), "cwd": str(self.script.parent)}}
        del self.service["workers"]

    def recover(self, check_mode: bool = False, **changes: Any) -> dict[str, Any]:
        params = {name: option.get("default") for name, option in SERVICE_RECOVERY["argument_spec"].items()}
        ours = {"stable_for": "0s", "state_dir": str(self.home / "state"), "services": {"crew": self.service}}
        return recover({**params, **ours, **changes}, check_mode)

    def started(self) -> tuple[int, list[int]]:
        """Healthy: its root and its workers."""
        result = self.recover()
        assert result["recovered"], result["msg"]
        root = self.roots()[0]
        self.until(lambda: len(self.children(root)) == 2)
        return root, self.children(root)

    def roots(self) -> list[int]:
        """By age."""
        mine = {process.pid: process for process in self.processes()}
        return sorted((pid for pid, process in mine.items() if process.ppid not in mine), key=lambda p: mine[p].start)

    def children(self, pid: int) -> list[int]:
        return sorted(process.pid for process in self.processes() if process.ppid == pid)

    def processes(self) -> list[Any]:
        living = (process for process in read_table().processes.values() if process.state != "Z")
        return [process for process in living if (process.cwd or "").startswith(str(self.home))]

    def by_hand(self) -> int:
        """Start a second copy as somebody would who does not know of the first; its pid."""
        before = self.roots()
        line = f"nohup {' '.join(self.command)} >/dev/null 2>&1 &"
        subprocess.run(["sh", "-c", line], cwd=self.script.parent, check=True, stdin=subprocess.DEVNULL)
        self.until(lambda: len(self.roots()) == len(before) + 1)
        return self.roots()[-1]

    @staticmethod
    def until(condition: Callable[[], bool]) -> None:
        for _attempt in range(500):
            if condition():
                return
            time.sleep(0.02)
        raise AssertionError("it never came true")

    def close(self) -> None:
        while self.processes():
            for process in self.processes():
                with contextlib.suppress(ProcessLookupError):
                    os.kill(process.pid, signal.SIGKILL)
            time.sleep(0.02)


@pytest.fixture
def make_crew(free_port: Callable[[], int]) -> Iterator[Callable[[int], Crew]]:
    made = []

    def make(port: int = -1) -> Crew:
        home = Path(tempfile.mkdtemp(prefix="crew-"))
        home.chmod(0o755)  # another user's processes live here as well
        made.append(Crew(home, free_port() if port < 0 else port))
        return made[-1]

    yield make
    for crew in made:
        crew.close()
        shutil.rmtree(crew.home)


def told(result: dict[str, Any]) -> str:
    return str(result["services"][0]["before"]["condition"])


def test_a_second_copy_is_ended_and_the_managed_one_stays(make_crew: Any) -> None:
    crew = make_crew(0)
    root, _workers = crew.started()
    copy = crew.by_hand()
    plan = crew.recover(state="assessed")
    assert [step["step"] for step in plan["plan"]] == ["end_processes", "wait_ready", "verify"]
    assert crew.roots() == [root, copy], "looking ends nobody"
    result = crew.recover()
    assert (told(result), result["recovered"], crew.roots()) == ("split_brain", True, [root])
    assert f"pid {copy}" in result["services"][0]["before"]["message"]
    assert crew.recover()["changed"] is False


def test_workers_that_are_all_dead_behind_a_living_parent(make_crew: Any) -> None:
    crew = make_crew()
    root, workers = crew.started()
    for worker in workers:
        os.kill(worker, signal.SIGKILL)
    result = crew.recover()
    assert (told(result), result["recovered"]) == ("worker_dead", True)
    assert "2 of 2 workers are missing" in result["services"][0]["before"]["message"]
    assert crew.roots() != [root]


def test_some_dead_workers_are_not_hidden_by_the_one_that_answers(make_crew: Any) -> None:
    crew = make_crew()
    root, workers = crew.started()
    os.kill(workers[0], signal.SIGKILL)
    result = crew.recover()
    assert (told(result), result["recovered"]) == ("degraded", True)
    new = crew.roots()[0]
    assert (new != root, len(crew.children(new))) == (True, 2)
    assert crew.recover()["changed"] is False


def test_another_service_in_its_place_is_restarted_once_and_then_reported(make_crew: Any) -> None:
    crew = make_crew()
    crew.started()
    crew.service["probes"]["up"]["expect"]["identity"] = {"service": "payments"}
    result = crew.recover()
    entry = result["services"][0]
    assert (told(result), result["recovered"], entry["attempts"]) == ("wrong_service", False, 1)
    assert entry["refusal"].startswith("still wrong_service after a restart")
    assert "what was deployed" in entry["next"]


def test_a_directory_that_was_replaced_under_it(make_crew: Any) -> None:
    crew = make_crew()
    root, workers = crew.started()
    shutil.rmtree(crew.script.parent)
    gone = crew.recover()
    assert (told(gone), gone["changed"]) == ("healthy", False), "what serves is left alone"
    assert "was deleted or replaced" in gone["services"][0]["message"]
    for pid in (root, *workers):
        os.kill(pid, signal.SIGSTOP)
    refused = crew.recover()
    assert (told(refused), refused["changed"], crew.roots()) == ("deleted", False, [root]), "it would not come back"
    assert f"{crew.script.parent} is not there" in refused["services"][0]["refusal"]
    crew.script.parent.mkdir()
    crew.script.write_text(CREW)
    result = crew.recover()
    assert (told(result), result["recovered"]) == ("deleted", True)
    assert root not in crew.roots()


needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root may start a process as somebody else")


@needs_root
def test_a_service_that_runs_as_the_wrong_user_is_restarted_as_the_right_one(make_crew: Any) -> None:
    crew = make_crew(0)
    crew.becomes(["/bin/sleep", "86399"])
    assert crew.recover()["recovered"]
    crew.service["manager"]["user"] = "nobody"
    result = crew.recover()
    assert (told(result), result["recovered"]) == ("wrong_user", True)
    assert {process.uid for process in crew.processes()} == {pwd.getpwnam("nobody").pw_uid}
    assert crew.recover()["changed"] is False


@needs_root
def test_the_wrong_users_processes_are_reported_and_never_ended(make_crew: Any) -> None:
    crew = make_crew(0)
    crew.becomes(["/bin/sleep", "86399"])
    crew.service["manager"]["user"] = "nobody"
    stranger = crew.by_hand()
    result = crew.recover()
    assert (told(result), result["recovered"], crew.roots()) == ("wrong_user", False, [stranger])
    assert f"pid {stranger}" in result["services"][0]["refusal"]
    assert "Stop it by hand" in result["services"][0]["next"]


_PR_SET_CHILD_SUBREAPER = 36


@pytest.fixture
def negligent_parent() -> Iterator[int]:
    """Whatever loses its parent is adopted by this process, which collects nobody; as pid 1 of many a container."""
    adopt = ctypes.CDLL(None, use_errno=True).prctl
    assert adopt(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0
    yield os.getpid()
    adopt(_PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0)


def test_a_process_that_nobody_collects_is_no_service_that_runs(make_crew: Any, negligent_parent: int) -> None:
    crew = make_crew()
    root, workers = crew.started()
    for pid in (root, *workers):
        os.kill(pid, signal.SIGKILL)
    crew.until(lambda: state_of(root) == "Z")
    seen = crew.recover(state="assessed")
    assert told(seen) == "zombie"
    assert f"pid {root} has ended, but pid {negligent_parent} " in seen["services"][0]["message"]
    result = crew.recover()
    assert (told(result), result["recovered"]) == ("zombie", True)
    assert (state_of(root), len(crew.roots())) == ("Z", 1), "it is not ours to collect, and not in the way"
    assert crew.recover()["changed"] is False
    crew.close()
    collect_all()


def state_of(pid: int) -> str:
    return read_table().processes[pid].state


def collect_all() -> None:
    """Of the adopted ones; a child that somebody else started and waits for does not exist at this moment."""
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
