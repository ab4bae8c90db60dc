# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One call of the capture: from options to result. A package is whole and recorded, or there is none."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import signal
import sys
from dataclasses import dataclass
from typing import Any, Iterator, Mapping

from ansible_collections.toombos.incident.plugins.module_utils._atomic import write_atomic
from ansible_collections.toombos.incident.plugins.module_utils._bounded import Overdue, call_by
from ansible_collections.toombos.incident.plugins.module_utils._clock import Clock
from ansible_collections.toombos.incident.plugins.module_utils._errors import IncidentError
from ansible_collections.toombos.incident.plugins.module_utils._evidence import (
    children,
    compress,
    place,
    report,
    types as t,
)
from ansible_collections.toombos.incident.plugins.module_utils._evidence.bag import close_bag, new_bag
from ansible_collections.toombos.incident.plugins.module_utils._evidence.capture import Capture, Policy
from ansible_collections.toombos.incident.plugins.module_utils._evidence.commands import first_line
from ansible_collections.toombos.incident.plugins.module_utils._evidence.leftovers import leftovers
from ansible_collections.toombos.incident.plugins.module_utils._evidence.package import Package, pack
from ansible_collections.toombos.incident.plugins.module_utils._evidence.readers.registry import READERS
from ansible_collections.toombos.incident.plugins.module_utils._evidence.seal import Sealing
from ansible_collections.toombos.incident.plugins.module_utils._evidence.store import Full, Store
from ansible_collections.toombos.incident.plugins.module_utils._evidence.wish import Wish, read_wish

_TO_PACK = 0.15  # of the budget is left for packing
_MOST_TO_PACK = 90.0  # seconds
_PACKING_GRACE = 60.0  # seconds after the budget: what was collected is not thrown away for a slow disk
_NOTHING_LEFT = "Nothing of this capture is left on the host."


def capture(params: Mapping[str, Any], check_mode: bool) -> dict[str, Any]:
    """The result of the module evidence_capture with these options.

    Raises IncidentError, when nothing of the capture is there any more.
    """
    clock = Clock()
    began = {"began": clock.wall(), "began_monotonic": clock.monotonic()}
    wish = read_wish(params)
    children.begin()
    if check_mode:
        return report.planned(wish, _refused(wish, clock))
    owner = place.fetcher()
    try:
        place.prepare(wish.directory, shared=owner is not None)
        with _ended_by_signals(), place.claimed(wish.directory, wish.bag, shared=owner is not None) as path:
            try:
                result = _Call(wish, path, clock, began).run(owner)
            except BaseException:
                children.kill_all()
                place.remove(path)
                raise
        result["leftovers"] = leftovers(wish.directory, but=wish.bag)
    except (OSError, Full, compress.Broken) as error:
        raise IncidentError(f"The capture failed: {report.told(str(error))}.", _NOTHING_LEFT) from error
    except Overdue as error:
        raise IncidentError("The capture could not be packed in time.", _NOTHING_LEFT) from error
    result["notes"] += _about(result["leftovers"])
    return result


@dataclass(frozen=True)
class _Call:
    """One capture into ``path``, the directory that was claimed for it."""

    wish: Wish
    path: str
    clock: Clock
    began: Mapping[str, float]

    def run(self, owner: tuple[int, int] | None) -> dict[str, Any]:
        wish = self.wish
        sealing = Sealing(wish.seal, os.path.join(self.path, place.SEAL), self.clock) if wish.seal else None
        zstd = compress.find_zstd()
        tools = self._tools(zstd, sealing)
        bag = new_bag(os.path.join(self.path, place.TREE), wish.bag)
        store = Store(bag, wish.limits, zstd)
        collected = Capture(store, READERS, _policy(wish, self._until()), self.clock).collect_all(wish.artifacts)
        files = [file for each in collected for file in each.files]
        host, times = os.uname().nodename, self._times()
        document = report.capture_document(wish, host, times, tools, collected)
        tags = close_bag(bag, files, document, report.bag_info(wish, host, times["began"]))
        with open(os.path.join(bag, "tagmanifest-sha256.txt"), "rb") as file:
            digest = hashlib.sha256(file.read()).hexdigest()
        package = self._packed(bag, [*tags, *(file.path for file in files)], sealing)
        place.remove(os.path.join(self.path, place.TREE))
        place.remove(os.path.join(self.path, place.SEAL))
        place.hand_over(self.path, owner)
        outcomes = report.count(collected)
        times = self._times()
        result = {
            "changed": True,
            "incident": wish.incident,
            "bag": wish.bag,
            "directory": self.path,
            "package": package.to_dict(),
            "tagmanifest_sha256": digest,
            "payload": {"files": len(files), "bytes": sum(file.stored for file in files)},
            "clock": times,
            "outcomes": outcomes,
            "artifacts": report.artifacts(collected),
            "notes": _notes(wish),
            "msg": report.message(outcomes, package.to_dict(), times["ended_monotonic"] - times["began_monotonic"]),
        }
        write_atomic(os.path.join(self.path, place.RECORD), json.dumps(result, sort_keys=True).encode())
        return result

    def _packed(self, bag: str, names: list[str], sealing: Sealing | None) -> Package:
        deadline = self.began["began_monotonic"] + self.wish.budget + _PACKING_GRACE
        reserve, now = self.wish.limits.reserve, self.began["began"]
        return call_by(deadline, self.clock, lambda: pack(bag, names, self.path, reserve, sealing, now))

    def _until(self) -> float:
        return self.began["began_monotonic"] + self.wish.budget - min(_MOST_TO_PACK, self.wish.budget * _TO_PACK)

    def _times(self) -> dict[str, float]:
        return {**self.began, "ended": self.clock.wall(), "ended_monotonic": self.clock.monotonic()}

    def _tools(self, zstd: str | None, sealing: Sealing | None) -> dict[str, str]:
        tools = {"python": sys.version.split()[0], "kernel": os.uname().release}
        if zstd:
            tools["zstd"] = first_line([zstd, "--version"], 5.0, self.clock)
        if sealing:
            tools[sealing.method] = sealing.version
        return tools


def _policy(wish: Wish, deadline: float) -> Policy:
    return Policy(deadline=deadline, keep=wish.keep, root=os.geteuid() == 0, mask=wish.mask)


def _refused(wish: Wish, clock: Clock) -> dict[str, str]:
    capture = Capture(Store("/", wish.limits, None), READERS, _policy(wish, clock.monotonic()), clock)
    refusals = {each.name: capture.refusal(each) for each in wish.artifacts}
    return {name: refusal.message for name, refusal in refusals.items() if refusal}


def _notes(wish: Wish) -> list[str]:
    notes = []
    if os.geteuid():
        notes.append("It was captured without root's privileges: much is missing.")
    if wish.seal is None:
        kept = "with what looks like secrets masked" if t.PERSONAL in wish.mask else "as it is"
        notes.append(f"It is not sealed: what is personal is kept {kept}.")
    return notes


def _about(found: list[dict[str, Any]]) -> list[str]:
    return [
        f"{each['directory']} is left from an earlier capture that did not come to its end: look at it, then remove it."
        for each in found
        if not each["complete"]
    ]


@contextlib.contextmanager
def _ended_by_signals() -> Iterator[None]:
    """Whoever ends this process politely, or hangs up, leaves nothing behind."""

    def end(number: int, _frame: object) -> None:
        raise SystemExit(128 + number)

    numbers = (signal.SIGTERM, signal.SIGHUP)
    before = [signal.signal(number, end) for number in numbers]
    try:
        yield
    finally:
        for number, handler in zip(numbers, before):
            signal.signal(number, handler)
