# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A service of a compose project, through the engine's socket: its containers are found by the labels of compose.

Nothing is ever removed, and nothing else of the project is touched. The compose program is run only to create what is
not there, or what is defined differently by now.
"""

from __future__ import annotations

import threading
from typing import Sequence

from ansible_collections.toombos.incident.plugins.module_utils._catalogue.types import ManagerSpec
from ansible_collections.toombos.incident.plugins.module_utils._clock import Clock
from ansible_collections.toombos.incident.plugins.module_utils._errors import IncidentError, ManagerError
from ansible_collections.toombos.incident.plugins.module_utils._managers import compose_program, types as t
from ansible_collections.toombos.incident.plugins.module_utils._managers.container import (
    PROJECT,
    SERVICE,
    Container,
    read_container,
)
from ansible_collections.toombos.incident.plugins.module_utils._managers.engine_api import Engine, EngineGone
from ansible_collections.toombos.incident.plugins.module_utils._managers.replicas import proxies_of, word_of, words_of
from ansible_collections.toombos.incident.plugins.module_utils._process.types import ProcessTable

_POLL = 0.2
_BETWEEN_LIVES = 1.5
_MARGIN = 5.0  # seconds that the engine needs to kill and to tidy up, beside the grace
_DOWN = frozenset({"created", "initialized", "exited", "stopped", "dead"})
_STARTABLE = _DOWN - {"dead"}
_PAST = {"start": "started", "unpause": "unpaused", "stop": "stopped"}


class ComposeManager:
    """All replicas of one service. After ``stop_timeout`` seconds a container that does not stop is killed."""

    def __init__(self, spec: ManagerSpec, clock: Clock, stop_timeout: float) -> None:
        self._spec = spec
        self._name = f"{spec.project}/{spec.service}"
        self._labels = {PROJECT: spec.project or "", SERVICE: spec.service or ""}
        self._engine = Engine(spec.socket or "", clock)
        self._clock = clock
        self._stop_timeout = stop_timeout

    def observe(self, table: ProcessTable) -> t.ManagerState:
        """Ask the engine; the table tells which of its helpers hold the ports."""
        try:
            containers = self._containers()
        except EngineGone as gone:
            return t.ManagerState(False, t.UNKNOWN, detail=str(gone).rstrip("."))
        now = self._clock.wall()
        if not containers:
            return t.ManagerState(True, t.STOPPED, detail=self._nothing_there())
        pids = [container.pid for container in containers if container.pid]
        return t.ManagerState(
            available=True,
            state=word_of(containers, now),
            pid=pids[0] if pids else None,
            detail=words_of(containers, now),
            members=tuple(pids[1:]),
            proxies=proxies_of(containers, table),
            notes=self._notes(containers),
            restarts=max(container.restarts for container in containers),
        )

    def start(self, deadline: float) -> None:
        """Unpause and start what is there; create what is not there, or is defined differently by now."""
        containers = self._containers(deadline)
        if not containers and not self._spec.files:
            raise ManagerError(
                f"{self._name} cannot be started: {self._nothing_there()}.",
                "Create it with compose, or declare manager.files.",
            )
        known = containers[0].config_hash if containers else ""
        if not containers or compose_program.is_changed(self._spec, known):
            said = compose_program.create(self._spec, timeout=max(1.0, deadline - self._clock.monotonic()))
            if not self._containers(deadline):
                why = said or "it does not say why"
                raise ManagerError(f"compose has created no container of {self._name}: {why}.")
            return
        if all(container.status == "dead" for container in containers):
            raise ManagerError(f"{self._name} cannot be started: {containers[0].name} is dead.", "Remove it by hand.")
        for container in containers:
            if container.status == "paused":
                self._act(container, "unpause", deadline)
            elif container.status in _STARTABLE:
                self._act(container, "start", deadline)

    def stop(self, deadline: float) -> None:
        """TERM (or the container's own signal) and KILL by the engine, for all replicas at once."""
        surely: set[str] = set()
        last_up = self._clock.monotonic()
        while True:
            containers = self._containers(deadline)
            up = [container for container in containers if container.status not in _DOWN]
            # Between two lives Podman says "exited" and "nothing to stop", and starts it again a moment later.
            doubtful = any(container.restarts and container.id not in surely for container in containers)
            now = self._clock.monotonic()
            if not up and (not doubtful or now >= min(deadline, last_up + _BETWEEN_LIVES)):
                return
            if now >= deadline:
                said = "; ".join(f"{container.name} is {container.words}" for container in up)
                raise ManagerError(
                    f"{self._name} has not stopped in time: {said}.",
                    "Look at its processes: one in uninterruptible sleep cannot be ended.",
                )
            if up:
                surely |= self._stop_all(up, deadline)
                last_up = self._clock.monotonic()
            self._clock.sleep(_POLL)

    def _stop_all(self, containers: Sequence[Container], deadline: float) -> set[str]:
        """Ids of those that the engine says it has stopped."""
        stopped: set[str] = set()
        problems: list[IncidentError] = []

        def stop(container: Container) -> None:
            try:
                if self._stop_one(container, deadline):
                    stopped.add(container.id)
            except IncidentError as problem:
                problems.append(problem)

        threads = [threading.Thread(target=stop, args=(container,), daemon=True) for container in containers]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if problems:
            raise problems[0]
        return stopped

    def _stop_one(self, container: Container, deadline: float) -> bool:
        if container.status == "paused":
            # Frozen processes cannot act on a signal, and not every engine stops them.
            self._act(container, "unpause", deadline)
        left = max(0.0, deadline - self._clock.monotonic())
        grace = min(self._stop_timeout, max(0.0, left - _MARGIN))
        return self._act(
            container, f"stop?t={max(1, round(grace))}", min(deadline, self._clock.monotonic() + grace + _MARGIN)
        )

    def _act(self, container: Container, verb: str, deadline: float) -> bool:
        try:
            return self._engine.act(container.id, verb, deadline=deadline)
        except ManagerError as problem:
            word = verb.partition("?")[0]
            raise ManagerError(
                f"{container.name} could not be {_PAST[word]}: {problem.message.rstrip('.')}.", problem.way_out
            ) from problem

    def _containers(self, deadline: float | None = None) -> list[Container]:
        """The replicas by number. What "compose run" has left behind is none of them."""
        found = [read_container(told) for told in self._engine.containers(self._labels, deadline)]
        replicas = [container for container in found if not container.one_off]
        return sorted(replicas, key=lambda container: (container.number, container.name))

    def _notes(self, containers: Sequence[Container]) -> tuple[str, ...]:
        notes = [f"{each.name} is {each.words}" for each in containers if each.health == "unhealthy"]
        # Running compose costs time: it is asked only when a file is younger than what was made from it.
        if compose_program.newest_file(self._spec) > containers[0].created > 0:
            if compose_program.is_changed(self._spec, containers[0].config_hash):
                files = ", ".join(self._spec.files)
                notes.append(
                    f"{files} defines it differently from the container that runs, which is kept until it fails"
                )
        return tuple(notes)

    def _nothing_there(self) -> str:
        return f"there is no container of service {self._spec.service} in project {self._spec.project}"
