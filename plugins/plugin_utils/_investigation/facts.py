# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an investigation knows: frozen values, no logic but the simplest questions about them.

Whatever came from a host is one clean line here (``clean``): no control characters, no line feeds, bounded.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ansible_collections.toombos.incident.plugins.module_utils._probe.types import PASS, WARN, Check
from ansible_collections.toombos.incident.plugins.plugin_utils._investigation.breach import NOT_ASKED, Breach
from ansible_collections.toombos.incident.plugins.plugin_utils._rollout import FAILED, HEALTHY, UNREACHABLE
from ansible_collections.toombos.incident.plugins.plugin_utils._views import Disagreement

GOOD = (PASS, WARN)


@dataclass(frozen=True)
class Thresholds:
    """When an answer is slow. Seconds; ``tolerated``: percent above its baseline that an answer may take.

    ``baselines``: service, or service/probe, → seconds; ``baseline`` is that of all others. ``recent``: for how long a
    change of a configuration file is news.
    """

    slow: float = 2.0
    critical: float = 5.0
    baseline: float = 0.1
    tolerated: float = 50.0
    recent: float = 3600.0
    baselines: Mapping[str, float] = field(default_factory=dict)

    def usual(self, check: Check) -> float:
        """The baseline of a check, seconds."""
        known = self.baselines
        return known.get(f"{check.service}/{check.probe}", known.get(check.service, self.baseline))

    def above_usual(self, check: Check) -> bool:
        """Whether it took longer than its baseline by more than is tolerated."""
        return check.latency is not None and check.latency > self.usual(check) * (1 + self.tolerated / 100)


@dataclass(frozen=True)
class Service:
    """A service of one host: what was found, and of the catalogue what helps to judge it.

    ``declared``: it is in the catalogue, so that its name is not merely what a host has said. ``needs``: everything
    that it depends on; ``validated``: it has a validator; ``listening``: its ports on which somebody listens.
    """

    name: str
    condition: str
    message: str
    advice: str = ""
    tier: str = "application"
    flapping: str = ""
    checks: tuple[Check, ...] = ()
    ports: tuple[int, ...] = ()
    listening: tuple[int, ...] = ()
    needs: frozenset[str] = frozenset()
    config_files: tuple[str, ...] = ()
    validated: bool = False
    declared: bool = False

    @property
    def healthy(self) -> bool:
        """As the host judged it."""
        return self.condition == HEALTHY


@dataclass(frozen=True)
class Sample:
    """One line of a log. ``time`` is ISO 8601 in UTC by the host's clock, empty where no line says."""

    path: str
    service: str
    time: str
    text: str


@dataclass(frozen=True)
class Pattern:
    """What one pattern found in the logs of a host. ``signatures``: (count, text), the most frequent first."""

    name: str
    count: int
    first_seen: str = ""
    last_seen: str = ""
    signatures: tuple[tuple[int, str], ...] = ()
    samples: tuple[Sample, ...] = ()
    services: tuple[str, ...] = ()  # those in whose logs it was found


@dataclass(frozen=True)
class Logs:
    """The logs of a host. ``problem``: why there is nothing, or not all; empty when everything was read."""

    patterns: tuple[Pattern, ...] = ()
    files: int = 0
    problem: str = ""

    def named(self, *names: str) -> tuple[Pattern, ...]:
        """Those of these patterns that found something."""
        return tuple(each for each in self.patterns if each.name in names and each.count)


@dataclass(frozen=True)
class Change:
    """A configuration file that was looked at. ``age`` in seconds at the time of the look."""

    service: str
    path: str
    age: float


@dataclass(frozen=True)
class Host:
    """Everything known of one host. ``state`` is a word of ``_rollout``; ``message`` one line about it.

    ``about``: answers to questions about the host itself; ``outside``: what the controller was answered;
    ``breach``: a search for signs of one.
    """

    name: str
    state: str
    message: str = ""
    services: tuple[Service, ...] = ()
    about: tuple[Check, ...] = ()
    logs: Logs = Logs()
    outside: tuple[Check, ...] = ()
    disagreements: tuple[Disagreement, ...] = ()
    breach: Breach = NOT_ASKED

    @property
    def judged(self) -> bool:
        """Whether it was assessed at all."""
        return self.state not in (UNREACHABLE, FAILED)

    @property
    def red(self) -> tuple[Service, ...]:
        """Its services that are not healthy."""
        return tuple(each for each in self.services if not each.healthy)

    @property
    def checks(self) -> tuple[Check, ...]:
        """All answers of its services, in order."""
        return tuple(check for each in self.services for check in each.checks)

    @property
    def changes(self) -> tuple[Change, ...]:
        """Its configuration files that were looked at, the latest change first."""
        owners = {path: each.name for each in self.services for path in each.config_files}
        found = [
            Change(owners[path], path, age)
            for path, age in map(_written, self.about)
            if path in owners and age is not None
        ]
        return tuple(sorted(found, key=lambda each: (each.age, each.path)))


@dataclass(frozen=True)
class Fleet:
    """All targets. ``external``: names of services that stand for somebody else's; empty: nothing was declared."""

    hosts: tuple[Host, ...]
    thresholds: Thresholds = Thresholds()
    external: frozenset[str] = frozenset()

    @property
    def judged(self) -> tuple[Host, ...]:
        """The hosts that could be assessed."""
        return tuple(host for host in self.hosts if host.judged)


def _written(check: Check) -> tuple[str, float | None]:
    """The file that a check looked at, and its age in seconds."""
    seen = check.observed if check.kind == "file" and isinstance(check.observed, Mapping) else {}
    age = seen.get("age")
    return str(seen.get("path", "")), float(age) if isinstance(age, (int, float)) else None
