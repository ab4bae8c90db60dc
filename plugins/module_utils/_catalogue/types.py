# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a service catalogue means once it has been read: frozen values, no logic."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Mapping

from ansible_collections.toombos.incident.plugins.module_utils._probe.types import Probe

APPLICATION = "application"
OBSERVABILITY = "observability"  # never stopped by a recovery
TIERS = (APPLICATION, OBSERVABILITY)


@dataclass(frozen=True)
class ManagerSpec:
    """What starts and stops a service, and what its processes look like.

    ``kind`` is supervisor, systemd, process or compose. Which of the kind's own fields are set:
    supervisor: ``program`` ("group:name"), ``socket`` (absolute path of its XML-RPC socket);
    systemd: ``unit``; process: ``command`` (argv) and ``log`` (appended to); compose: ``project``, ``service``,
    ``socket`` (of the container engine), and where declared ``files``, ``project_directory`` and ``compose`` (argv of
    the compose program; empty: what the host has).
    ``cwd``, ``user``, ``match`` (regular expression searched in the command line joined with blanks) may be
    declared for every kind but compose: they identify the service's processes when the manager itself is gone.
    """

    kind: str
    program: str | None = None
    socket: str | None = None
    unit: str | None = None
    command: tuple[str, ...] = ()
    cwd: str | None = None
    user: str | None = None
    env_file: str | None = None
    log: str | None = None
    match: str | None = None
    project: str | None = None
    service: str | None = None
    files: tuple[str, ...] = ()
    project_directory: str | None = None
    compose: tuple[str, ...] = ()

    @property
    def contained(self) -> bool:
        """Whether the service lives in containers: its manager knows all its processes, and its paths are its own."""
        return self.kind == "compose"


@dataclass(frozen=True)
class FileCheck:
    """What must hold of single configuration files, before they are put in place.

    ``files``: absolute paths, wildcards ``*?[]`` allowed. ``kind``: env, json, ini or command. ``command`` accepts
    (rc 0) or rejects the file whose path takes the place of ``%s``. ``required``: names that an env file must
    give a value that is not empty, ``values``: names that must have exactly this one.
    """

    files: tuple[str, ...]
    kind: str
    command: tuple[str, ...] = ()
    required: tuple[str, ...] = ()
    values: tuple[tuple[str, str], ...] = ()
    timeout: float = 20.0


@dataclass(frozen=True)
class Permission:
    """Who should own files, and with which mode (bits), where a backup cannot tell. None: not declared."""

    files: tuple[str, ...]
    owner: str | None = None
    group: str | None = None
    mode: int | None = None


@dataclass(frozen=True)
class Backup:
    """Where backups of the set lie that somebody else makes.

    ``layout``: mirror (a directory with the set's files by their names), daily (the same with ``.YYYYMMDD`` behind each
    name, a generation for every day), tree (a whole tree, as it lies below ``root``).
    """

    layout: str
    path: str
    root: str = ""


@dataclass(frozen=True)
class ConfigSpec:
    """Configuration of a service, and the command that accepts (rc 0) or rejects it as it is in place.

    ``files``, ``globs``, ``trees``: the set (see ``_generations.types.Declaration``). ``checks``: of single files.
    """

    files: tuple[str, ...] = ()
    validate: tuple[str, ...] = ()
    cwd: str | None = None
    timeout: float = 20.0
    globs: tuple[str, ...] = ()
    trees: tuple[str, ...] = ()
    checks: tuple[FileCheck, ...] = ()
    permissions: tuple[Permission, ...] = ()
    backups: tuple[Backup, ...] = ()


@dataclass(frozen=True)
class Workers:
    """How many workers a service needs below its main process.

    ``match``: regular expression searched in their command lines; empty: its direct children count.
    """

    min: int = 0
    match: str = ""


@dataclass(frozen=True)
class Limits:
    """Bounds of one recovery. Times in seconds."""

    attempts: int = 2
    ready_timeout: float = 60.0
    stop_timeout: float = 15.0
    restarts_per_hour: int = 0  # 0: no limit


@dataclass(frozen=True)
class Service:
    """One entry of ``incident_services``. All paths are absolute."""

    name: str
    manager: ManagerSpec
    tier: str = APPLICATION
    ports: tuple[int, ...] = ()
    depends_on: tuple[str, ...] = ()
    restart_with: tuple[str, ...] = ()  # dependencies whose restart takes this service along
    probes: tuple[Probe, ...] = ()  # what the host is asked
    controller_probes: tuple[Probe, ...] = ()  # what is asked from the controller, where users are
    logs: tuple[str, ...] = ()
    temp: tuple[str, ...] = ()  # paths; a wildcard only in the last component
    config: ConfigSpec = ConfigSpec()
    workers: Workers = Workers()
    limits: Limits = Limits()


@dataclass(frozen=True)
class Catalogue:
    """All services of a host. ``order`` lists their names, dependencies first, otherwise as written."""

    services: Mapping[str, Service]
    order: tuple[str, ...]

    def dependencies(self, name: str) -> frozenset[str]:
        """Names of everything that ``name`` needs, directly or through others."""
        found: set[str] = set()
        waiting = list(self.services[name].depends_on)
        while waiting:
            current = waiting.pop()
            if current not in found:
                found.add(current)
                waiting.extend(self.services[current].depends_on)
        return frozenset(found)

    def dependents(self, name: str) -> frozenset[str]:
        """Names of everything that needs ``name``, directly or through others."""
        return frozenset(other for other in self.services if name in self.dependencies(other))
