# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the checks of a host add up to: one status, and one root cause per chain of failures. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Mapping, Sequence

from ansible_collections.toombos.incident.plugins.module_utils._catalogue.types import Catalogue
from ansible_collections.toombos.incident.plugins.module_utils._probe.types import (
    BLOCKED,
    FAIL,
    PASS,
    STATUSES,
    UNKNOWN,
    WARN,
    Check,
)

_RED = (FAIL, UNKNOWN)


@dataclass(frozen=True)
class RootCause:
    """A red service below which nothing is red, told by its first failed check. ``service`` is empty for the host."""

    service: str
    probe: str
    reason: str
    message: str

    def to_dict(self) -> dict[str, str]:
        """JSON-ready."""
        return dict(self.__dict__)


@dataclass(frozen=True)
class Verdict:
    """``status`` is pass, warn or fail; ``counts`` has every status; ``checks`` are those given, some now blocked."""

    status: str
    counts: Mapping[str, int]
    root_causes: tuple[RootCause, ...]
    checks: tuple[Check, ...]

    @property
    def root_cause(self) -> RootCause | None:
        """The first root cause in dependency order: what to look at first."""
        return self.root_causes[0] if self.root_causes else None

    @property
    def summary(self) -> str:
        """One line for people."""
        total, bad = len(self.checks), [check for check in self.checks if check.status not in (PASS, WARN)]
        cause = self.root_cause
        if cause is not None:
            where = f"{cause.service or 'host'}/{cause.probe}"
            verb = "fails" if len(bad) == 1 else "fail"
            return f"{len(bad)} of {total} checks {verb}; root cause: {where} {cause.reason}: {cause.message}"
        warned = [_name(check) for check in self.checks if check.status == WARN]
        again = [_name(check) for check in self.checks if check.retried and check.status == PASS]
        return (
            f"all {total} checks pass"
            + (f"; with a warning: {', '.join(warned)}" if warned else "")
            + (f"; only after a retry: {', '.join(again)}" if again else "")
        )

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready, without the checks."""
        return {
            "status": self.status,
            "counts": dict(self.counts),
            "root_cause": self.root_cause.to_dict() if self.root_cause else None,
            "root_causes": [cause.to_dict() for cause in self.root_causes],
        }


def judge(checks: Sequence[Check], catalogue: Catalogue | None = None) -> Verdict:
    """The verdict. Without a catalogue nothing depends on anything.

    A service is red when any of its checks failed or was not answered. Failed checks of a service that depends on a
    red one become blocked. Root causes: red services without a red dependency, in dependency order, and before them
    every red question about the host itself, because everything stands on it.
    """
    red = _first_red(checks)
    roots = {service: _red_dependencies(service, red, catalogue) for service in red}
    judged = tuple(_blocked(check, roots, red) for check in checks)
    causes = [_cause(check) for check in checks if not check.service and check.status in _RED]
    causes += [_cause(red[service]) for service in _ordered(red, catalogue) if not roots[service]]
    counts = {status: sum(check.status == status for check in judged) for status in STATUSES}
    return Verdict(_status(counts), counts, tuple(causes), judged)


def _first_red(checks: Sequence[Check]) -> dict[str, Check]:
    """The check that tells best why a service is red: the first that failed, else the first without an answer."""
    found: dict[str, Check] = {}
    for wanted in _RED:
        for check in checks:
            if check.service and check.status == wanted:
                found.setdefault(check.service, check)
    return found


def _red_dependencies(service: str, red: Mapping[str, Check], catalogue: Catalogue | None) -> tuple[str, ...]:
    if catalogue is None or service not in catalogue.services:
        return ()
    needed = catalogue.dependencies(service)
    return tuple(other for other in _ordered(red, catalogue) if other in needed)


def _ordered(red: Mapping[str, Check], catalogue: Catalogue | None) -> list[str]:
    order = catalogue.order if catalogue else ()
    return [name for name in order if name in red] + [name for name in red if name not in order]


def _blocked(check: Check, roots: Mapping[str, Sequence[str]], red: Mapping[str, Check]) -> Check:
    if check.status != FAIL or not roots.get(check.service):
        return check
    # In dependency order the first red dependency has no red one itself: it is a root cause.
    root = red[roots[check.service][0]]
    return replace(check, status=BLOCKED, message=f"{check.message}; blocked by {root.service} ({root.reason})")


def _name(check: Check) -> str:
    return f"{check.service or 'host'}/{check.probe}"


def _cause(check: Check) -> RootCause:
    return RootCause(check.service, check.probe, check.reason, check.message)


def _status(counts: Mapping[str, int]) -> str:
    if counts[FAIL] or counts[BLOCKED] or counts[UNKNOWN]:
        return FAIL
    return WARN if counts[WARN] else PASS
