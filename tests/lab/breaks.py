# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ways to break a lab. Each returns when the damage can be seen, and says what it did."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from names import PROGRAM
from processes import Running, kill, tree, until
from supervision import main_state


class Patient(Protocol):
    """What can be broken: a lab, or a host. ``home`` and ``app``: where it lives, and its application in there.

    ``temp``: where the application's temporary files are; ``daemon``: the words of supervisord's command; ``socket``:
    where that is asked.
    """

    home: Path
    app: Path
    temp: Path
    ports: dict[str, int]
    daemon: str
    socket: Path

    def running(self) -> list[Running]:
        """Its processes."""

    def answers(self, name: str) -> int:
        """Status of the service's own question; 0 when nobody answers."""

    def supervisorctl(self, *words: str) -> str:
        """Ask supervisord; its words."""

    def main_command(self) -> list[str]:
        """How supervisord starts main."""

    def launch(self, command: list[str], log: str, cwd: Path | None = None) -> object:
        """Start it as the application's user; output is appended to the log of this name."""


def stop(lab: Patient) -> str:
    """Main is stopped in supervisord."""
    lab.supervisorctl("stop", PROGRAM)
    until(lambda: lab.answers("main") == 0, "main is down")
    return "main was stopped"


def kill_crm(lab: Patient) -> str:
    """Both processes of the mock CRM are killed."""
    kill(_tree(lab, "mocks/crm_service.py"))
    return "the mock CRM was killed"


def kill_worker(lab: Patient) -> str:
    """The worker of the mock CRM is killed; its parent lives and keeps the port."""
    kill([process for process in _tree(lab, "mocks/crm_service.py") if "--worker" in process.command])
    return "the worker of the mock CRM was killed behind its parent"


def kill_main(lab: Patient) -> str:
    """Main is killed; supervisord may bring it back by itself."""
    kill(_tree(lab, "uvicorn"))
    return "main was killed"


def hang(lab: Patient) -> str:
    """Main is frozen; its port still accepts."""
    _freeze(_tree(lab, "uvicorn"))
    return "main was frozen"


def hang_crm(lab: Patient) -> str:
    """The mock CRM is frozen."""
    _freeze(_tree(lab, "mocks/crm_service.py"))
    return "the mock CRM was frozen"


def crash_loop(lab: Patient) -> str:
    """Main dies at every start until somebody repairs it."""
    (lab.app / "missing-dependency").write_text("")
    kill(_tree(lab, "uvicorn"))
    until(lambda: main_state(lab.socket) == "FATAL", "supervisord gives main up")
    return "main dies at every start"


def crash_late(lab: Patient) -> str:
    """Main serves for a moment, dies and is started again by supervisord, for ever."""
    log = lab.app / "logs" / "halcytone.log"
    known = log.read_text().count("MemoryError")
    (lab.app / "runs-out-of-memory").write_text("")
    kill(_tree(lab, "uvicorn"))
    until(lambda: log.read_text().count("MemoryError") > known, "main died of it")
    return "main dies soon after every start"


def bad_env(lab: Patient) -> str:
    """A value in .env has the wrong type, and main was restarted into it."""
    _edit_env(lab, "METRICS_PORT=9100", "METRICS_PORT=abc")
    kill(_tree(lab, "uvicorn"))
    until(lambda: main_state(lab.socket) == "FATAL", "supervisord gives main up")
    return "the configuration of main is broken"


def unknown_setting(lab: Patient) -> str:
    """As the run book had it: a maintenance mode that is no setting is written into .env, and main was restarted."""
    with (lab.app / ".env").open("a") as file:
        file.write("MAINTENANCE_MODE=true\n")
    kill(_tree(lab, "uvicorn"))
    until(lambda: main_state(lab.socket) == "FATAL", "supervisord gives main up")
    return "main is not started by a setting that it does not know"


def empty_env(lab: Patient) -> str:
    """Main was restarted with an empty .env, which is valid: it answers, and works live."""
    (lab.app / ".env").write_text("")
    return _restarted(lab, "main runs on an empty .env")


def missing_env(lab: Patient) -> str:
    """The same without any .env."""
    (lab.app / ".env").unlink()
    return _restarted(lab, "main runs without its .env")


def truncated_env(lab: Patient) -> str:
    """The same with a .env that was cut off between two lines."""
    (lab.app / ".env").write_text("# Settings of the content generator\nENVIRONMENT=production\n")
    return _restarted(lab, "main runs on half of its .env")


def errors(lab: Patient) -> str:
    """Main answers 500 to everything until it is restarted."""
    for process in _tree(lab, "uvicorn"):
        os.kill(process.pid, signal.SIGUSR2)
    until(lambda: lab.answers("main") == 500, "main answers 500")
    return "main answers 500"


def foreign(lab: Patient) -> str:
    """A process that is not main sits on main's port."""
    stop(lab)
    command = [sys.executable, "-m", "http.server", str(lab.ports["main"]), "--bind", "127.0.0.1"]
    lab.launch(command, "foreign.log", cwd=lab.home / "foreign")
    until(lambda: lab.answers("main") == 404, "the foreign process answers")
    return "a foreign process took main's port"


def orphan(lab: Patient) -> str:
    """Main runs, but not under supervisord."""
    stop(lab)
    lab.launch(lab.main_command(), "halcytone.out.log")
    until(lambda: lab.answers("main") == 200, "the orphan answers")
    return "main runs outside supervisord"


def supervisord_gone(lab: Patient) -> str:
    """supervisord is killed; main lives on without it."""
    kill([process for process in lab.running() if lab.daemon in process.command])
    return "supervisord was killed, main lives on"


def supervisord_and_main_gone(lab: Patient) -> str:
    """supervisord and main are killed."""
    supervisord_gone(lab)
    kill(_tree(lab, "uvicorn"))
    return "supervisord and main were killed"


def all_down(lab: Patient) -> str:
    """Nothing of the application runs; monitoring does."""
    supervisord_and_main_gone(lab)
    kill(_tree(lab, "mocks/"))
    return "supervisord, main and both mocks were killed"


def stale_temp(lab: Patient) -> str:
    """Main is stopped and left things in its temp path, among them a link that leads elsewhere."""
    stop(lab)
    work = lab.temp / "halcytone-work"
    (work / "deep").mkdir(parents=True, exist_ok=True)
    (work / "deep" / "half-written").write_text("x" * 1000)
    (lab.home / "precious").mkdir(exist_ok=True)
    (lab.home / "precious" / "keep").write_text("keep")
    if not (work / "link").is_symlink():
        (work / "link").symlink_to(lab.home / "precious")
    return "main was stopped and left temporary files"


BREAKS: dict[str, Callable[[Patient], str]] = {
    "stop": stop,
    "kill": kill_crm,
    "kill-worker": kill_worker,
    "kill-main": kill_main,
    "hang": hang,
    "hang-crm": hang_crm,
    "crash-loop": crash_loop,
    "crash-late": crash_late,
    "bad-env": bad_env,
    "unknown-setting": unknown_setting,
    "empty-env": empty_env,
    "missing-env": missing_env,
    "truncated-env": truncated_env,
    "errors": errors,
    "foreign": foreign,
    "orphan": orphan,
    "supervisord-gone": supervisord_gone,
    "supervisord-and-main-gone": supervisord_and_main_gone,
    "all-down": all_down,
    "stale-temp": stale_temp,
}


def fix(lab: Patient) -> str:
    """Take back what only a person can: the broken value, the missing dependency, the foreign process."""
    for marker in ("missing-dependency", "runs-out-of-memory"):
        (lab.app / marker).unlink(missing_ok=True)
    _mend_env(lab)
    kill([process for process in lab.running() if "http.server" in process.command])
    return "what a recovery cannot mend is mended; run the recovery for the rest"


def _tree(lab: Patient, words: str) -> list[Running]:
    running = lab.running()
    found = {process.pid: process for root in running if words in root.command for process in tree(root.pid, running)}
    return list(found.values())


def _mend_env(lab: Patient) -> None:
    """From its backup, where there is one."""
    file, good = lab.app / ".env", lab.app / "backups" / "config-last-good" / ".env"
    if not good.exists():
        _edit_env(lab, "METRICS_PORT=abc", "METRICS_PORT=9100")
    elif not file.exists() or file.read_text() != good.read_text():
        file.write_text(good.read_text())
        file.chmod(0o600)


def _restarted(lab: Patient, what: str) -> str:
    old = [process.pid for process in _tree(lab, "uvicorn")]
    lab.supervisorctl("restart", PROGRAM)
    until(lambda: lab.answers("main") == 200, "main answers again")
    until(lambda: main_state(lab.socket) == "RUNNING", "supervisord trusts main")
    assert old != [process.pid for process in _tree(lab, "uvicorn")]
    return what


def _freeze(processes: list[Running]) -> None:
    for process in processes:
        os.kill(process.pid, signal.SIGSTOP)


def _edit_env(lab: Patient, old: str, new: str) -> None:
    file = lab.app / ".env"
    file.write_text(file.read_text().replace(old, new))
