# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A program under supervisord, through supervisord's own XML-RPC socket: only this program is ever touched.

States and faults: http://supervisord.org/subprocess.html and http://supervisord.org/api.html.
"""

from __future__ import annotations

from typing import Any

from ansible_collections.toombos.incident.plugins.module_utils._catalogue.types import ManagerSpec
from ansible_collections.toombos.incident.plugins.module_utils._clock import Clock
from ansible_collections.toombos.incident.plugins.module_utils._errors import ManagerError
from ansible_collections.toombos.incident.plugins.module_utils._http import HttpProblem, request
from ansible_collections.toombos.incident.plugins.module_utils._managers import types as t
from ansible_collections.toombos.incident.plugins.module_utils._managers.supervisor_log import TAIL, WINDOW, restarts
from ansible_collections.toombos.incident.plugins.module_utils._managers.xmlrpc import Fault, dump_call, load_answer
from ansible_collections.toombos.incident.plugins.module_utils._process.stat import read_stat
from ansible_collections.toombos.incident.plugins.module_utils._process.types import ProcessTable

_ASK_TIMEOUT = 2.0  # a supervisord that does not answer in this time hangs
_ACT_TIMEOUT = 5.0
_POLL = 0.1

_UNKNOWN_METHOD, _SHUTDOWN_STATE, _BAD_NAME = 1, 6, 10
_NO_FILE, _NOT_EXECUTABLE, _SPAWN_ERROR = 20, 21, 50
_ALREADY_STARTED, _NOT_RUNNING = 60, 70

_STATES = {
    "RUNNING": t.RUNNING,
    "STARTING": t.STARTING,
    "BACKOFF": t.BACKOFF,
    "STOPPING": t.STOPPING,
    "STOPPED": t.STOPPED,
    "EXITED": t.STOPPED,
    "FATAL": t.FAILED,
}
_REASONS = {
    _SHUTDOWN_STATE: "it is shutting down or restarting",
    _BAD_NAME: "it does not know this program",
    _NO_FILE: "the program's command does not exist",
    _NOT_EXECUTABLE: "the program's command may not be executed",
    _SPAWN_ERROR: "the program could not be spawned (directory, user or log of the program; see supervisord's log)",
}


class _Gone(ManagerError):
    """No usable answer from supervisord."""


class SupervisorManager:
    """One program of one supervisord. After ``stop_timeout`` seconds a program that does not stop is killed."""

    def __init__(self, spec: ManagerSpec, clock: Clock, stop_timeout: float) -> None:
        self._program = spec.program or ""
        self._socket = spec.socket or ""
        self._clock = clock
        self._stop_timeout = stop_timeout

    def observe(self, table: ProcessTable) -> t.ManagerState:  # noqa: ARG002 - the protocol's
        """Ask supervisord; the table is not needed."""
        try:
            info, others, known = self._info_and_others()
        except _Gone as gone:
            return t.ManagerState(False, t.UNKNOWN, detail=gone.message)
        except Fault as fault:
            return t.ManagerState(True, t.UNKNOWN, detail=self._explain_observation(fault))
        return t.ManagerState(
            available=True,
            state=_STATES.get(info["statename"], t.UNKNOWN),
            pid=info["pid"] or None,
            detail=describe(info),
            others=others,
            restarts=self._restarts(info) if known else 0,
        )

    def start(self, deadline: float) -> None:
        """Without waiting for supervisord's startsecs: they prove less than the probes do."""
        self._act("start", "startProcess", False, deadline=deadline, fine=(_ALREADY_STARTED,))

    def stop(self, deadline: float) -> None:
        """TERM by supervisord; KILL by supervisord when its own stopwaitsecs or our stop timeout have passed."""
        self._act("stop", "stopProcess", False, deadline=deadline, fine=(_NOT_RUNNING,))
        try:
            self._wake()
            self._until_stopped(deadline)
        except Fault as fault:
            raise self._refusal("stop", fault) from fault

    def _until_stopped(self, deadline: float) -> None:
        kill_at = self._clock.monotonic() + self._stop_timeout
        while True:
            info = self._info(deadline)
            if _STATES.get(info["statename"]) in (t.STOPPED, t.FAILED):
                return
            now = self._clock.monotonic()
            if now >= deadline:
                raise ManagerError(
                    f"{self._program} has not stopped in time; supervisord says {describe(info)}.",
                    f"Look at pid {info['pid']}: a process in uninterruptible sleep cannot be ended.",
                )
            if now >= kill_at:
                kill_at = deadline
                self._signal("KILL")
            self._clock.sleep(_POLL)

    def _wake(self) -> None:
        """A program that was stopped by a signal (hung) cannot act on its SIGTERM before it is continued."""
        stat = read_stat(self._info()["pid"])
        if stat is not None and stat.state in "Tt":
            self._signal("CONT")

    def _signal(self, name: str) -> None:
        # Ended meanwhile; or older than 3.2 and without signals: its own stopwaitsecs must do.
        self._act(f"send SIG{name} to", "signalProcess", name, fine=(_NOT_RUNNING, _UNKNOWN_METHOD))

    def _act(
        self, verb: str, method: str, argument: str | bool, *, fine: tuple[int, ...], deadline: float | None = None
    ) -> None:
        try:
            self._call(method, self._program, argument, deadline=deadline, timeout=_ACT_TIMEOUT)
        except Fault as fault:
            if fault.code not in fine:
                raise self._refusal(verb, fault) from fault

    def _restarts(self, info: dict[str, Any]) -> int:
        """Its log is asked only for a young process: what runs for long has stopped dying."""
        age = _number(info.get("now")) - _number(info.get("start"))
        if not info["pid"] or not 0 <= age < WINDOW:
            return 0
        try:
            log = self._call("readLog", -TAIL, 0)
        except (_Gone, Fault):
            return 0  # it writes none, or not to a file
        return restarts(str(log), str(info.get("name", "")), info["pid"])

    def _info_and_others(self) -> tuple[dict[str, Any], tuple[int, ...], bool]:
        """The program; the pids of all others, because what they run is nobody's second copy; is its name its own?

        The log names programs without their groups.
        """
        everything = self._call("getAllProcessInfo")
        if not isinstance(everything, list) or not all(map(_is_info, everything)):
            raise _Gone(f"what answers on {self._socket} is not supervisord.")
        info = next((each for each in everything if self._program in _names(each)), None)
        if info is None:
            info = self._info()  # it says best that it does not know the program
        others = tuple(each["pid"] for each in everything if each["pid"] and each["pid"] != info["pid"])
        return info, others, sum(each.get("name") == info.get("name") for each in everything) == 1

    def _info(self, deadline: float | None = None) -> dict[str, Any]:
        info = self._call("getProcessInfo", self._program, deadline=deadline)
        if not _is_info(info):
            raise _Gone(f"what answers on {self._socket} is not supervisord.")
        return dict(info)

    def _call(
        self, method: str, *arguments: str | bool | int, deadline: float | None = None, timeout: float = _ASK_TIMEOUT
    ) -> Any:
        until = self._clock.monotonic() + timeout
        try:
            answer = request(
                "POST",
                "http://localhost/RPC2",
                headers={"Content-Type": "text/xml"},
                body=dump_call(f"supervisor.{method}", *arguments),
                deadline=until if deadline is None else max(min(until, deadline), self._clock.monotonic() + 0.5),
                clock=self._clock,
                unix_socket=self._socket,
            )
        except HttpProblem as problem:
            raise _Gone(f"supervisord does not answer on {self._socket} ({problem.reason})", _START_IT) from problem
        if answer.status != 200:
            needs = "wants a user name and password" if answer.status == 401 else f"answers HTTP {answer.status}"
            raise _Gone(f"supervisord {needs} on {self._socket}.", _START_IT)
        try:
            return load_answer(answer.body)
        except ValueError as error:
            raise _Gone(f"supervisord's answer on {self._socket} cannot be read: {error}.", _START_IT) from error

    def _explain_observation(self, fault: Fault) -> str:
        if fault.code != _BAD_NAME:
            return f"supervisord refuses to answer: {_REASONS.get(fault.code, fault.message)}"
        return f"supervisord does not know the program {self._program}; it knows {self._known()}"

    def _known(self) -> str:
        try:
            everything = self._call("getAllProcessInfo")
        except (_Gone, Fault):
            return "none that it would tell"
        names = sorted(_full_name(info) for info in everything)
        return ", ".join(names[:20]) or "none at all"

    def _refusal(self, verb: str, fault: Fault) -> ManagerError:
        reason = _REASONS.get(fault.code, fault.message)
        more = f"; it knows {self._known()}" if fault.code == _BAD_NAME else ""
        detail = f" ({fault.words})" if fault.code in _REASONS and fault.words else ""
        return ManagerError(
            f"supervisord refused to {verb} {self._program}: {reason}{detail}{more}.",
            "Correct manager.program."
            if fault.code == _BAD_NAME
            else "Correct the program's section in supervisord's configuration.",
        )


_START_IT = "Start supervisord itself, or correct manager.socket."


def describe(info: dict[str, Any]) -> str:
    """supervisord's own words for one program, one line."""
    said = str(info.get("description", "")).strip()
    if info["statename"] == "EXITED":
        said = f"exit status {info.get('exitstatus')}, {said}" if said else f"exit status {info.get('exitstatus')}"
    return f"{info['statename']} ({said})" if said else str(info["statename"])


def _is_info(info: Any) -> bool:
    """Whether this is the description of a program. Some fields are missing in old versions; these two never are."""
    return isinstance(info, dict) and {"statename", "pid"} <= set(info)


def _number(value: Any) -> int:
    return value if isinstance(value, int) else 0


def _names(info: dict[str, Any]) -> tuple[str, ...]:
    """How a catalogue may call it: group:name, and name alone where the group has the same name."""
    name, group = str(info.get("name", "")), str(info.get("group", ""))
    return (f"{group}:{name}", name) if name == group else (f"{group}:{name}",)


def _full_name(info: dict[str, Any]) -> str:
    return str(info["name"]) if info["name"] == info["group"] else f"{info['group']}:{info['name']}"
