# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What every call about configuration needs: catalogue, services, store, and the recovery engine."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import Any, Mapping, Sequence

from ansible_collections.toombos.incident.plugins.module_utils._catalogue.order import select
from ansible_collections.toombos.incident.plugins.module_utils._catalogue.parse import parse_catalogue
from ansible_collections.toombos.incident.plugins.module_utils._catalogue.types import Catalogue, Service
from ansible_collections.toombos.incident.plugins.module_utils._clock import Clock
from ansible_collections.toombos.incident.plugins.module_utils._config.good import prints, write_good
from ansible_collections.toombos.incident.plugins.module_utils._config.standing import declared
from ansible_collections.toombos.incident.plugins.module_utils._config.types import Good
from ansible_collections.toombos.incident.plugins.module_utils._errors import IncidentError
from ansible_collections.toombos.incident.plugins.module_utils._generations.paths import paths_of
from ansible_collections.toombos.incident.plugins.module_utils._generations.store import Store
from ansible_collections.toombos.incident.plugins.module_utils._generations.types import Entry, Generation
from ansible_collections.toombos.incident.plugins.module_utils._recovery.brakes import Authority, HostBrakes
from ansible_collections.toombos.incident.plugins.module_utils._recovery.engine import Engine, Request
from ansible_collections.toombos.incident.plugins.module_utils._recovery.local_host import LocalHost
from ansible_collections.toombos.incident.plugins.module_utils._rollback.candidates import owner_of
from ansible_collections.toombos.incident.plugins.module_utils._values import parse_duration

_AUTHORITY = ("owner", "reason", "freeze", "takeover", "break_glass")


class Work:
    """``params``: options of the module. Raises IncidentError for services that declare no configuration."""

    def __init__(self, params: Mapping[str, Any]) -> None:
        self.params = params
        self.clock = Clock()
        self.catalogue = _tried_once(parse_catalogue(params["services"]))
        self.names = self._names(params["only"])
        store_dir, state_dir = str(params["store_dir"]), str(params.get("state_dir") or "")
        self.store_dir, self.state_dir = store_dir, state_dir
        self.journal = os.path.join(store_dir, "journal")
        self.deadlines = os.path.join(store_dir, "deadlines")
        self.store = Store(os.path.join(store_dir, "generations"), who=str(params.get("owner") or "a run"))
        self.host = LocalHost(self.clock, state_dir, store_dir)
        authority = Authority(**{key: params[key] for key in _AUTHORITY if key in params})
        if (authority.takeover or authority.break_glass) and not authority.reason:
            raise IncidentError("takeover and break_glass need a reason.", "Say why, and who you are.")
        self.brakes = HostBrakes(state_dir, authority)
        self.engine = Engine(self.host, self.catalogue, self.brakes)
        self.deadline = self.clock.monotonic() + parse_duration(params.get("deadline") or "60s")

    @property
    def services(self) -> list[Service]:
        """Those that this is about, in dependency order."""
        return [self.catalogue.services[name] for name in self.names]

    def request(self, *, force: bool = False) -> Request:
        """What is asked of the recovery engine. A restart is for what was asked for, not for what that needs."""
        stable = parse_duration(self.params.get("stable_for") or "0")
        return Request(self.names, self.deadline, force=force, stable_for=stable)

    def users(self) -> tuple[int, ...]:
        """Numbers of the users that the services run as: their directories are theirs to write to."""
        return tuple({owner_of(service.manager.user)[0] for service in self.services if service.manager.user})

    def keep(self, service: Service, origin: str, source: str) -> Generation:
        """The configuration in place as a generation, the newest one where it is that already."""
        return self.store.keep(declared(service), origin=origin, source=source, exclude=(self.store_dir,))

    def entries(self, name: str, identity: str) -> tuple[Entry, ...]:
        """Of the generation with this id (``main-000007``). Raises IncidentError."""
        return self.store.get(name, int(identity.rpartition("-")[2])).entries

    def remember_good(self, service: Service, generation: Generation, seen: Mapping[str, str] | None = None) -> None:
        """Record that what is in place is known good; ``seen``: as it was when that was proven, if not now."""
        if generation.proof is None:
            return
        found = dict(seen) if seen is not None else prints(paths_of(declared(service)))
        write_good(self.store_dir, service.name, Good(generation.id, generation.proof.last, found))

    def _names(self, only: Sequence[str]) -> tuple[str, ...]:
        asked = select(self.catalogue, list(only))
        found = tuple(name for name in asked if any(_has_configuration(self.catalogue.services[name])))
        lacking = [name for name in asked if name not in found] if only else []
        if lacking or not found:
            who = ", ".join(lacking) or "No service"
            raise IncidentError(
                f"{who} declares no configuration.", "Add config.files, config.globs or config.trees to the catalogue."
            )
        return found


def _tried_once(catalogue: Catalogue) -> Catalogue:
    """What does not come up on another configuration at once is not started on it again: it goes back."""
    services = {
        name: replace(service, limits=replace(service.limits, attempts=1))
        for name, service in catalogue.services.items()
    }
    return Catalogue(services, catalogue.order)


def _has_configuration(service: Service) -> tuple[str, ...]:
    return (*service.config.files, *service.config.globs, *service.config.trees)
