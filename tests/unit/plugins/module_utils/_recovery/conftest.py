# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A small world to recover: services with a manager, processes and ports, on a clock that only moves when asked."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any, Callable, Sequence

import pytest

from ansible_collections.toombos.incident.plugins.module_utils._catalogue.types import (
    Catalogue,
    ConfigSpec,
    Limits,
    ManagerSpec,
    Service,
)
from ansible_collections.toombos.incident.plugins.module_utils._config.types import Standing
from ansible_collections.toombos.incident.plugins.module_utils._errors import ManagerError
from ansible_collections.toombos.incident.plugins.module_utils._managers import types as manager
from ansible_collections.toombos.incident.plugins.module_utils._managers.types import ManagerState
from ansible_collections.toombos.incident.plugins.module_utils._probe.types import FAIL, PASS, Check, Probe
from ansible_collections.toombos.incident.plugins.module_utils._process.types import (
    Listener,
    Process,
    ProcessTable,
    StopResult,
)
from ansible_collections.toombos.incident.plugins.module_utils._recovery.brakes import Authority, HostBrakes
from ansible_collections.toombos.incident.plugins.module_utils._recovery.engine import Engine, Request
from ansible_collections.toombos.incident.plugins.module_utils._recovery.report import to_dict
from ansible_collections.toombos.incident.plugins.module_utils._recovery.temp import Cleared


def make_service(name: str, **changes: Any) -> Service:
    """A service of the process kind on one port, with one probe."""
    port = changes.pop("port", 7000 + len(name))
    values: dict[str, Any] = {
        "name": name,
        "manager": ManagerSpec(kind="process", command=("serve", name), cwd="/srv"),
        "ports": (port,),
        "probes": (Probe("live", "tcp", None, service=name),),
        "limits": Limits(attempts=2, ready_timeout=20.0, stop_timeout=5.0),
        "logs": (f"/srv/logs/{name}.log",),
        **changes,
    }
    return Service(**values)


def make_catalogue(*services: Service) -> Catalogue:
    """Services in the order given, which must have dependencies first."""
    return Catalogue({service.name: service for service in services}, tuple(service.name for service in services))


def make_process(pid: int, ppid: int = 1, state: str = "S", name: str = "app", start: int = 100) -> Process:
    """A process of uid 1000."""
    return Process(pid, ppid, start, state, ("serve", name), "/usr/bin/serve", "/srv", 1000)


def make_brakes(state_dir: Any, wall: Callable[[], float], **authority: Any) -> HostBrakes:
    """The brakes of a host with this state directory."""
    return HostBrakes(str(state_dir), Authority(**authority), wall)


@dataclass
class FakeClock:
    """Moves only when somebody sleeps or works."""

    now: float = 1000.0

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += max(0.0, seconds)

    def wall(self) -> float:
        return self.now


@dataclass
class Actor:
    """The truth about one service of the world."""

    state: str = manager.RUNNING
    pid: int | None = 10
    answers: bool = True
    process_state: str = "S"
    ready_after: float = 0.5
    comes_back: bool = True
    stray: int | None = None
    stranger: int | None = None
    config_error: str = ""
    standing: Standing = field(default_factory=Standing)
    available: bool = True
    ready_at: float = 0.0
    refuses_stop: bool = False
    dies_after: float | None = None
    starts: int = 0
    restarts: int = 0


@dataclass
class World:
    """Implements the Host port. ``events`` lists every effect in order."""

    catalogue: Catalogue
    actors: dict[str, Actor]
    clock: FakeClock = field(default_factory=FakeClock)
    events: list[str] = field(default_factory=list)
    next_pid: int = 500
    temp: int = 0
    on_start: Callable[[str], None] | None = None
    units: dict[int, str] = field(default_factory=dict)
    gone_paths: set[str] = field(default_factory=set)
    ages: dict[int, float] = field(default_factory=dict)

    @property
    def mutations(self) -> list[str]:
        """The events but for validations, which change nothing."""
        return [event for event in self.events if not event.startswith("validate")]

    def table(self) -> ProcessTable:
        processes: dict[int, Process] = {}
        for name, actor in self.actors.items():
            if actor.pid:
                processes[actor.pid] = make_process(actor.pid, state=actor.process_state, name=name, start=actor.pid)
            for other in (actor.stray, actor.stranger):
                if other:
                    processes[other] = make_process(other, name=name, start=other)
        return ProcessTable(processes)

    def listeners(self, ports: Sequence[int], table: ProcessTable) -> tuple[Listener, ...]:
        found = []
        for name, actor in self.actors.items():
            for port in self.catalogue.services[name].ports:
                holder = actor.stranger or actor.stray or actor.pid
                if port in ports and holder and self.clock.now >= actor.ready_at:
                    found.append(Listener(port, "127.0.0.1", (holder,), 1000))
        return tuple(found)

    def own(self, service: Service, table: ProcessTable) -> tuple[Process, ...]:
        actor = self.actors[service.name]
        return tuple(table.processes[pid] for pid in (actor.pid, actor.stray) if pid)

    def misowned(self, service: Service, table: ProcessTable) -> tuple[Process, ...]:
        return ()

    def keeper(self, process: Process) -> str:
        return self.units.get(process.pid, "")

    def age(self, process: Process) -> float:
        return self.ages.get(process.pid, 3600.0)

    def absent(self, paths: Sequence[str], deadline: float) -> tuple[str, ...]:
        return tuple(path for path in paths if path in self.gone_paths)

    def manager(self, service: Service) -> Any:
        return _Manager(self, service.name)

    def probe(self, probes: Sequence[Probe], deadline: float) -> list[Check]:
        self.clock.sleep(0.05)
        for actor in self.actors.values():
            if actor.dies_after is not None and actor.pid and self.clock.now >= actor.ready_at + actor.dies_after:
                self.next_pid += 1
                actor.pid = self.next_pid
        return [self._answer(probe) for probe in probes]

    def _answer(self, probe: Probe) -> Check:
        if not probe.service:
            return Check("", probe.name, probe.kind, PASS, "ok", "fine")
        actor = self.actors[probe.service]
        if actor.stray and not actor.stranger:
            good = True
        else:
            good = bool(actor.answers and actor.pid and actor.process_state != "T" and self.clock.now >= actor.ready_at)
        reason = "ok" if good else ("timeout" if actor.process_state == "T" else "refused")
        return Check(probe.service, probe.name, probe.kind, PASS if good else FAIL, reason, "said so")

    def config_error(self, service: Service, deadline: float) -> str:
        self.events.append(f"validate {service.name}")
        return self.actors[service.name].config_error

    def config_standing(self, service: Service, age: float | None) -> Standing:
        """As declared for it."""
        return self.actors[service.name].standing

    def last_error(self, service: Service) -> str:
        return ""

    def temp_entries(self, service: Service) -> int:
        return self.temp if service.temp else 0

    def clear_temp(self, service: Service) -> Cleared:
        self.events.append(f"clear {service.name}")
        return Cleared(files=self.temp)

    def end_processes(self, processes: Sequence[Process], grace: float) -> StopResult:
        pids = tuple(process.pid for process in processes)
        self.events.append(f"end {','.join(str(pid) for pid in pids)}")
        for actor in self.actors.values():
            if actor.stray in pids:
                actor.stray = None
            if actor.pid in pids:
                actor.pid = None
        return StopResult(pids, (), (), True)


@dataclass
class _Manager:
    world: World
    name: str

    def observe(self, table: ProcessTable) -> ManagerState:
        actor = self.world.actors[self.name]
        if not actor.available:
            return ManagerState(False, manager.UNKNOWN, None, "its socket is gone")
        return ManagerState(True, actor.state, actor.pid, actor.state, restarts=actor.restarts)

    def start(self, deadline: float) -> None:
        actor = self.world.actors[self.name]
        self.world.events.append(f"start {self.name}")
        actor.starts += 1
        if not actor.available:
            raise ManagerError(f"the manager of {self.name} is gone.")
        self.world.next_pid += 1
        if actor.comes_back:
            actor.pid, actor.state, actor.answers, actor.process_state = self.world.next_pid, manager.RUNNING, True, "S"
        else:
            actor.pid, actor.state = None, manager.FAILED
        actor.ready_at = self.world.clock.now + actor.ready_after
        if self.world.on_start:
            self.world.on_start(self.name)

    def stop(self, deadline: float) -> None:
        actor = self.world.actors[self.name]
        self.world.events.append(f"stop {self.name}")
        if actor.refuses_stop:
            raise ManagerError(f"{self.name} does not stop.")
        actor.pid, actor.state = None, manager.STOPPED


def world_of(catalogue: Catalogue, **sick: Any) -> World:
    """A healthy world but for these: service name → changes of its actor."""
    actors = {name: Actor(pid=10 + index) for index, name in enumerate(catalogue.order)}
    for name, changes in sick.items():
        for key, value in changes.items():
            setattr(actors[name], key, value)
    return World(catalogue, actors)


@pytest.fixture
def run(tmp_path: Path) -> Any:
    """Recover a world; the result is (recovery, result dict)."""

    def _run(
        world: Any, *names: str, force: bool = False, stable_for: float = 0.0, brakes: Any = None, approved: Any = None
    ) -> Any:
        engine = Engine(world, world.catalogue, brakes or make_brakes(tmp_path / "state", world.clock.wall))
        request = Request(names or world.catalogue.order, world.clock.now + 300.0, force, stable_for, approved=approved)
        recovery = engine.recover(request)
        return recovery, to_dict(world.catalogue, recovery, applied=True)

    return _run


@pytest.fixture
def build() -> Any:
    """Everything a test needs to make a world: service, catalogue, process, actor, world."""

    class Build:
        service = staticmethod(make_service)
        catalogue = staticmethod(make_catalogue)
        process = staticmethod(make_process)
        brakes = staticmethod(make_brakes)
        Actor = Actor
        World = World
        DOWN = MappingProxyType({"state": manager.STOPPED, "pid": None})
        world_of = staticmethod(world_of)
        config = ConfigSpec

    return Build


class Wall:
    """A wall clock that is set by hand."""

    now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def wall() -> Wall:
    """Its ``now`` is what it says."""
    return Wall()
