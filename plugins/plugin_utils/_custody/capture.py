# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One capture from its request to its place in the evidence home, with a record of every step in the custody log."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

from ansible_collections.toombos.incident.plugins.module_utils._errors import IncidentError
from ansible_collections.toombos.incident.plugins.module_utils._redact import redact
from ansible_collections.toombos.incident.plugins.plugin_utils._custody.arrival import Arrived, receive
from ansible_collections.toombos.incident.plugins.plugin_utils._custody.book import CUSTODY, Book, Records
from ansible_collections.toombos.incident.plugins.plugin_utils._custody.home import REQUESTED, events_of, next_bag
from ansible_collections.toombos.incident.plugins.plugin_utils._custody.log import Event
from ansible_collections.toombos.incident.plugins.plugin_utils._custody.names import split_bag
from ansible_collections.toombos.incident.plugins.plugin_utils._custody.package import (
    Package,
    host_directory,
    read_package,
)

CAPTURED, RECOVERED, TRANSFERRED, VERIFIED, FAILED = "captured", "recovered", "transferred", "verified", "failed"
CLEANED, NOT_CLEANED = "cleaned", "not_cleaned"
_STEPPED = 2.0  # seconds by which a clock and its host's monotonic one may differ before it counts as set


class CaptureFailed(IncidentError):
    """The host's half has failed; ``result`` is its answer."""


class Machine(Protocol):
    """The host, and this controller's clock."""

    def run(self, wire: Mapping[str, Any]) -> dict[str, Any]:
        """The host's half of the capture, with these options."""

    def fetch(self, path: str, to: str) -> None:
        """Copy a file of the host. Raises IncidentError."""

    def remove(self, path: str) -> str:
        """Remove a directory of the host; why it could not be done, empty when it was."""

    def wall(self) -> float:
        """Seconds since the epoch, here."""


@dataclass(frozen=True)
class Request:
    """``directory``: where the host keeps packages; ``about``: what the custody log says of the request."""

    host: str
    directory: str
    sealed_with: str
    transfer: bool
    about: Mapping[str, Any]


def capture(request: Request, wire: Mapping[str, Any], book: Book, machine: Machine) -> dict[str, Any]:
    """The host's result, with ``path``, ``offset``, ``recovered`` and ``notes`` of this side.

    Whatever is raised was put on record before, or says that it could not be.
    """
    bag = _reserve(request, book)
    try:
        result, package = _capture(request, {**wire, "bag": bag}, book, machine)
        if request.transfer:
            events, arrived = _bring_home(package, request.host, book.directory, machine)
            book.append(lambda _records: events)
            result.update(path=arrived.path, repeated=arrived.repeated)
            result["notes"] += [str(e.detail["message"]) for e in events if e.event == NOT_CLEANED]
    except BaseException as error:
        note_failure(book, request.host, bag, error)
        raise
    if request.transfer:
        _recover_all(request, result, book, machine)
    return result


def _reserve(request: Request, book: Book) -> str:
    """On record before the host is touched: the name of the bag is taken with it."""
    names = []

    def requested(records: Records) -> list[Event]:
        names.append(next_bag(book.directory, records, request.host))
        host_directory(request.directory, names[0])
        return [Event(REQUESTED, request.host, names[0], request.about)]

    book.append(requested)
    return names[0]


def _capture(request: Request, wire: Mapping[str, Any], book: Book, machine: Machine) -> tuple[dict[str, Any], Package]:
    began = machine.wall()
    asked = {**(wire.get("requested") or {}), "controller_clock": began}
    result = machine.run({**wire, "requested": asked})
    ended = machine.wall()
    if result.get("failed"):
        raise CaptureFailed(str(result.get("msg", "The host gave no reason.")), result=result)
    if result.get("bag") != wire["bag"]:
        raise CaptureFailed(f"The host has made another bag than {wire['bag']}.", result=result)
    package = read_package(result, request.directory, request.sealed_with)
    offset = clock_offset(began, ended, result.get("clock") or {})
    detail = {
        **_content(package),
        "payload": _numbers(result.get("payload")),
        "outcomes": _numbers(result.get("outcomes")),
        "clock": _numbers(result.get("clock")),
        "offset": offset,
    }
    # At once, so that nothing that happens to it on the host from now on goes unseen.
    book.append(lambda _records: [Event(CAPTURED, request.host, package.bag, detail)])
    result["offset"] = offset
    result["notes"] = [*(result.get("notes") or ()), *([offset["note"]] if "note" in offset else [])]
    return result, package


def _bring_home(package: Package, host: str, directory: str, machine: Machine) -> tuple[list[Event], Arrived]:
    arrived = receive(package, directory, machine.fetch)
    complaint = machine.remove(package.directory)
    content = _content(package)
    transferred = {"sha256": package.sha256, "size": package.size, "parts": len(package.parts)}
    transferred.update(kept=arrived.kept, repeated=arrived.repeated)
    verified = {**content, "files": arrived.files, "bytes": arrived.bytes}
    message = f"{package.directory} could not be removed from the host: {redact(complaint)[:300]}"
    last = Event(NOT_CLEANED, detail={"message": message}) if complaint else Event(CLEANED)
    return [
        Event(TRANSFERRED, host, package.bag, transferred),
        Event(VERIFIED, host, package.bag, verified),
        replace(last, host=host, bag=package.bag),
    ], arrived


def _recover_all(request: Request, result: dict[str, Any], book: Book, machine: Machine) -> None:
    """Also what earlier captures have left on the host. It never spoils the capture that has just come home."""
    result["recovered"] = []
    for raw in [each for each in result.get("leftovers") or () if isinstance(each, Mapping) and each.get("complete")]:
        name = str(raw.get("bag"))
        try:
            result["recovered"].append(_recover(raw, request, book, machine))
            result["leftovers"] = [each for each in result["leftovers"] if each is not raw]
        except (IncidentError, OSError) as error:
            result["notes"].append(f"An earlier package stays on the host: {redact(f'{name[:200]}: {error}')}")


def _recover(raw: Mapping[str, Any], request: Request, book: Book, machine: Machine) -> str:
    package = read_package(raw, request.directory)
    incident = (split_bag(package.bag) or ("",))[0]
    book = replace(book, directory=os.path.join(os.path.dirname(book.directory), incident))
    if not os.path.exists(os.path.join(book.directory, CUSTODY)):
        raise IncidentError("its incident is not kept here.", "Fetch it from where that is.")
    known = events_of(book.records(), package.bag)
    if known.get(REQUESTED, {}).get("host") != request.host:
        raise IncidentError("nobody has requested it.", "Look where it comes from.")
    told = known.get(CAPTURED, {}).get("detail", _content(package))
    if any(told[key] != value for key, value in _content(package).items()):
        raise IncidentError("it is not what the host had captured then: somebody has changed it.", "Fetch it by hand.")
    try:
        events, arrived = _bring_home(package, request.host, book.directory, machine)
    except BaseException as error:
        note_failure(book, request.host, package.bag, error)
        raise
    # Without a record of its capture its digests are no older than this moment.
    first = Event(RECOVERED, request.host, package.bag, {**_content(package), "captured_on_record": CAPTURED in known})
    book.append(lambda _records: [first, *events])
    return os.path.basename(arrived.path)


def note_failure(book: Book, host: str, bag: str, error: BaseException) -> None:
    """On record; where even that fails, in the message of the error itself."""
    reason = redact(str(error) or type(error).__name__)[:500]
    try:
        book.append(lambda _records: [Event(FAILED, host, bag, {"reason": reason})])
    except (IncidentError, OSError) as second:
        if isinstance(error, IncidentError):
            error.way_out += f" This is not in the custody log, which could not be written: {second}"


def clock_offset(began: float, ended: float, clock: Mapping[str, Any]) -> dict[str, Any]:
    """By how many seconds the host's clock is ahead of this controller's, at least and at most; a note if it was set.

    What the host did lies between ``began`` and ``ended`` of this controller's clock. Empty without the host's times.
    """
    times = [clock.get(name) for name in ("began", "ended", "began_monotonic", "ended_monotonic")]
    if not all(isinstance(each, (int, float)) and math.isfinite(each) for each in times):
        return {}
    host_began, host_ended, monotonic_began, monotonic_ended = (float(each) for each in times if each is not None)
    offset: dict[str, Any] = {"least": round(host_ended - ended, 6), "most": round(host_began - began, 6)}
    stepped = (host_ended - host_began) - (monotonic_ended - monotonic_began)
    if abs(stepped) > _STEPPED or offset["least"] > offset["most"]:
        offset["note"] = f"A clock was set by about {stepped:+.1f}s during the capture."
    return offset


def _content(package: Package) -> dict[str, Any]:
    return {
        "method": package.method,
        "sha256": package.sha256,
        "size": package.size,
        "tagmanifest_sha256": package.tagmanifest_sha256,
    }


def _numbers(raw: Any) -> dict[str, float]:
    """What a host counts, without anything else that it may want to have on record."""
    items: Sequence[tuple[Any, Any]] = list(raw.items())[:40] if isinstance(raw, Mapping) else ()
    return {
        str(key)[:40]: value
        for key, value in items
        if isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
    }
