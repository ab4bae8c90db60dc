# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Collects the declared artifacts, the most volatile first; each ends as exactly one outcome, in time."""

from __future__ import annotations

import itertools
import threading
from dataclasses import dataclass, replace
from typing import Callable, Iterable, Mapping, Sequence

from ansible_collections.toombos.incident.plugins.module_utils._bounded import Overdue, call_by
from ansible_collections.toombos.incident.plugins.module_utils._clock import Clock
from ansible_collections.toombos.incident.plugins.module_utils._evidence import types as t
from ansible_collections.toombos.incident.plugins.module_utils._evidence.compress import Broken
from ansible_collections.toombos.incident.plugins.module_utils._evidence.outcomes import Outcome
from ansible_collections.toombos.incident.plugins.module_utils._evidence.sources import Sources
from ansible_collections.toombos.incident.plugins.module_utils._evidence.store import Full, Store
from ansible_collections.toombos.incident.plugins.module_utils._redact import redact

_GRACE = 2.0  # seconds beyond its timeout in which an artifact may still say what became of it
_AT_ONCE = 4  # artifacts that are collected at the same time: most of the time goes into waiting for commands
Reader = Callable[[], Iterable[bytes]]


@dataclass(frozen=True)
class Policy:
    """``deadline``: a value of ``clock.monotonic`` by which everything has its outcome. ``keep``: sensitivity classes
    that are kept; what is of another class is ``denied``. ``root``: whether this process has root's privileges.
    ``mask``: classes of which only texts are kept, with what looks like a secret masked.
    """

    deadline: float
    keep: frozenset[str]
    root: bool
    mask: frozenset[str] = frozenset()


def in_order(artifacts: Sequence[t.Artifact]) -> list[t.Artifact]:
    """The most volatile first, otherwise as declared."""
    return sorted(artifacts, key=lambda artifact: artifact.tier)


class Capture:
    """Collects into ``store``. ``readers``: name → what yields its content, for sources of the kind ``native``."""

    def __init__(self, store: Store, readers: Mapping[str, Reader], policy: Policy, clock: Clock) -> None:
        self._store = store
        self._sources = Sources(store, readers, clock, policy.mask)
        self._policy = policy
        self._clock = clock

    def collect_all(self, artifacts: Sequence[t.Artifact]) -> list[t.Collected]:
        """What became of them, in order. None of a tier is begun before all of the one before have their outcome."""
        collected: list[t.Collected] = []
        for _tier, group in itertools.groupby(in_order(artifacts), key=lambda artifact: artifact.tier):
            collected += self._collect_tier(list(group))
        return collected

    def _collect_tier(self, artifacts: Sequence[t.Artifact]) -> list[t.Collected]:
        found: dict[int, t.Collected] = {}
        waiting = iter(enumerate(artifacts))
        lock = threading.Lock()

        def work() -> None:
            while True:
                with lock:
                    number, artifact = next(waiting, (-1, None))
                if artifact is None:
                    return
                found[number] = self.collect(artifact)

        threads = [threading.Thread(target=work, daemon=True) for _number in range(min(_AT_ONCE, len(artifacts)))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return [found[number] for number in range(len(artifacts))]

    def collect(self, artifact: t.Artifact) -> t.Collected:
        """What became of it. Never raises for something that is wrong with the host."""
        wall, began = self._clock.wall(), self._clock.monotonic()
        outcome = self._outcome(artifact, began)
        elapsed = self._clock.monotonic() - began
        # A complaint may quote what it is about.
        told = {**vars(outcome), "stderr": redact(outcome.stderr), "message": redact(outcome.message)}
        return t.Collected(artifact=artifact, began=wall, began_monotonic=began, duration=elapsed, **told)

    def refusal(self, artifact: t.Artifact) -> Outcome | None:
        """Why it would not even be tried."""
        if artifact.sensitivity not in self._policy.keep:
            return Outcome(t.DENIED, f"what is {artifact.sensitivity} is not kept")
        if artifact.root and not self._policy.root:
            return Outcome(t.DENIED, "it needs root's privileges: run with become: true")
        return None

    def _outcome(self, artifact: t.Artifact, began: float) -> Outcome:
        refusal = self.refusal(artifact)
        if refusal is not None:
            return refusal
        deadline = min(began + artifact.timeout, self._policy.deadline)
        if deadline <= began:
            return Outcome(t.TIMEOUT, "the time for the whole capture was spent before")
        try:
            return call_by(deadline + _GRACE, self._clock, lambda: self._try_sources(artifact, deadline))
        except Overdue:
            self._store.abandon(artifact.name)
            return Outcome(t.TIMEOUT, "it hung; nothing of it is kept")
        except (OSError, Broken, Full) as error:
            return Outcome(t.ERROR, str(error))
        except Exception as error:  # noqa: BLE001 - what is wrong with one artifact must not cost the others
            return Outcome(t.ERROR, f"{type(error).__name__}: {redact(str(error))}")

    def _try_sources(self, artifact: t.Artifact, deadline: float) -> Outcome:
        tried: list[str] = []
        outcome = Outcome(t.ABSENT, "it has no source")
        for source in artifact.sources:
            outcome = self._sources.gather(artifact, source, deadline)
            if outcome.files or outcome.outcome not in (t.ABSENT, t.DENIED, t.ERROR):
                break
            tried.append(f"{outcome.source}: {outcome.message}")
        # What was tried in vain before belongs to the record of what was had instead.
        before = tried if outcome.files else tried[:-1]
        return replace(outcome, message="; ".join(filter(None, (outcome.message, *before))))
