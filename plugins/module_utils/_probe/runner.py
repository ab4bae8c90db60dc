# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Asks all probes at once and always answers by the deadline, one check per probe, in the order of the probes."""

from __future__ import annotations

import threading
from typing import Mapping, Sequence

from ansible_collections.toombos.incident.plugins.module_utils._clock import Clock
from ansible_collections.toombos.incident.plugins.module_utils._command import kill_all_children
from ansible_collections.toombos.incident.plugins.module_utils._probe import reasons
from ansible_collections.toombos.incident.plugins.module_utils._probe.attempts import ATTEMPTS, Attempt
from ansible_collections.toombos.incident.plugins.module_utils._probe.context import Context
from ansible_collections.toombos.incident.plugins.module_utils._probe.schedule import (
    Progress,
    default_deadline,
    is_settled,
    next_start,
)
from ansible_collections.toombos.incident.plugins.module_utils._probe.types import (
    FAIL,
    PASS,
    UNKNOWN,
    WARN,
    Check,
    Outcome,
    Probe,
)
from ansible_collections.toombos.incident.plugins.module_utils._redact import redact, redact_value

_MOST_THREADS = 256
_GRACE = 0.25  # seconds after the deadline for attempts to notice it themselves


def run_probes(
    probes: Sequence[Probe],
    *,
    deadline: float | None,
    wait: bool = False,
    clock: Clock,
    kinds: Mapping[str, Attempt] | None = None,
    defers: bool = False,
) -> list[Check]:
    """One check per probe, in order. ``deadline`` is a value of ``clock.monotonic``; None: what the probes need.

    ``wait``: ask until success or the deadline. What is not answered by the deadline is ``unknown``; commands that
    still run then are killed. Texts and values in the checks are redacted. ``defers``: see ``_probe.pending``.
    """
    if deadline is None:
        deadline = clock.monotonic() + default_deadline(probes)
    run = _Run(probes, deadline, wait, Context(clock, defers=defers), ATTEMPTS if kinds is None else kinds)
    # Plain daemon threads: an executor would wait for hanging ones when the process ends.
    threads = _start_threads(run, min(len(probes), _MOST_THREADS))
    _join(threads, deadline, clock)
    if any(thread.is_alive() for thread in threads):
        kill_all_children()
        _join(threads, deadline + _GRACE, clock)
        kill_all_children()  # for a command that was just being started
    return [run.check(index) for index in range(len(probes))]


class _Run:
    """The state that the threads share. Every slot is written by one thread, and a Progress is never changed."""

    def __init__(
        self,
        probes: Sequence[Probe],
        deadline: float,
        wait: bool,
        context: Context,
        kinds: Mapping[str, Attempt],
    ) -> None:
        self.deadline = deadline
        self._probes = probes
        self._wait = wait
        self._context = context
        self._kinds = kinds
        self._started = context.clock.monotonic()
        self._progress = [Progress()] * len(probes)
        self._lock = threading.Lock()
        self._next = 0

    def work(self) -> None:
        """Body of a thread: take probes until none is left."""
        while True:
            with self._lock:
                index = self._next
                self._next += 1
            if index >= len(self._probes):
                return
            self._follow(index)

    def check(self, index: int) -> Check:
        """The answer to a probe as of now."""
        probe, progress = self._probes[index], self._progress[index]
        outcome = self._answer(probe, progress)
        return Check(
            service=probe.service,
            probe=probe.name,
            kind=probe.kind,
            status=outcome.status,
            reason=outcome.reason,
            message=redact(outcome.message),
            observed=redact_value(outcome.observed),
            expected=redact_value(outcome.expected),
            latency=None if progress.latency is None else round(progress.latency, 4),
            attempts=progress.attempts,
            retried=progress.failed > 0 and outcome.status in (PASS, WARN),
        )

    def _follow(self, index: int) -> None:
        probe, clock = self._probes[index], self._context.clock
        first = at = self._started + probe.schedule.initial_delay
        while at < self.deadline:
            clock.sleep(at - clock.monotonic())
            began = clock.monotonic()
            until = min(began + probe.schedule.timeout, self.deadline)
            outcome = self._attempt(probe, until)
            ended = clock.monotonic()
            late = outcome.status != FAIL and ended > until
            if ended >= self.deadline and (outcome.status == FAIL or (late and until == self.deadline)):
                return  # cut off by the deadline of the run, not by its own timeout: that is no answer
            if late:
                outcome = Outcome(
                    FAIL, reasons.TIMEOUT, f"the answer came after {ended - began:.1f}s", outcome.observed
                )
            progress = self._progress[index].after(outcome, ended - began)
            self._progress[index] = progress
            if is_settled(probe.schedule, progress, self._wait):
                return
            at = next_start(probe.schedule, first, began, ended)

    def _attempt(self, probe: Probe, until: float) -> Outcome:
        try:
            return self._kinds[probe.kind](probe.target, until, self._context)
        except Exception as error:  # noqa: BLE001 - one broken probe must not cost the answers of the others
            return Outcome(FAIL, reasons.ERROR, f"the probe itself failed: {type(error).__name__}: {error}")

    def _answer(self, probe: Probe, progress: Progress) -> Outcome:
        last = progress.last
        if last is None:
            return Outcome(UNKNOWN, reasons.DEADLINE, "no answer by the deadline")
        settled = is_settled(probe.schedule, progress, self._wait)
        if progress.flaps and (last.status != FAIL or not settled):
            return _flapping(last, progress, settled)
        if settled:
            return last
        if last.status == FAIL and self._wait:
            return last  # asked whether it gets well by then: it did not, and this is why
        count = f"{progress.failures} failed" if progress.failures else f"{progress.successes} good"
        message = f"no answer by the deadline; the last {count} in a row: {last.message}"
        return Outcome(UNKNOWN, reasons.DEADLINE, message, last.observed, last.expected)


def _flapping(last: Outcome, progress: Progress, settled: bool) -> Outcome:
    """Good answers among bad ones are no reason to trust the last one."""
    how = f"{progress.failed} of {progress.attempts} attempts failed, in turns with good ones"
    status = WARN if settled else FAIL
    return Outcome(status, reasons.FLAPPING, f"{how}; the last: {last.message}", last.observed, last.expected)


def _start_threads(run: _Run, count: int) -> list[threading.Thread]:
    threads: list[threading.Thread] = []
    for _number in range(count):
        thread = threading.Thread(target=run.work, daemon=True)
        try:
            thread.start()
        except RuntimeError:  # the host is out of threads: those that there are do the work of all
            if not threads:
                raise
            break
        threads.append(thread)
    return threads


def _join(threads: Sequence[threading.Thread], until: float, clock: Clock) -> None:
    for thread in threads:
        thread.join(max(0.0, until - clock.monotonic()))
