# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The evidence home on the controller: one directory per incident, numbers that are given once."""

from __future__ import annotations

import contextlib
import datetime
import getpass
import os
import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ansible_collections.toombos.incident.plugins.module_utils._errors import IncidentError
from ansible_collections.toombos.incident.plugins.plugin_utils._custody import log as l
from ansible_collections.toombos.incident.plugins.plugin_utils._custody.anchor import (
    default_key,
    remembered,
    state_directory,
)
from ansible_collections.toombos.incident.plugins.plugin_utils._custody.book import CUSTODY, Book, Records
from ansible_collections.toombos.incident.plugins.plugin_utils._custody.names import (
    MOST,
    bag_name,
    incident_of,
    read_incident,
    split_bag,
)
from ansible_collections.toombos.incident.plugins.plugin_utils._custody.seal import open_key

INCOMING = ".incoming"
SEALED = (".tar.age", ".tar.gpg")
OPENED, JOINED, REQUESTED = "opened", "joined", "requested"


def book_of(directory: str, signing_key: str | None, who: str | None, why: str, create_key: bool = False) -> Book:
    """The custody log in ``directory``, for whoever runs this here. Raises IncidentError when there is no key."""
    controller = socket.gethostname()
    actor = l.Actor(who or f"{getpass.getuser()}@{controller}", controller, " ".join(why.split()))
    key = open_key(os.path.abspath(os.path.expanduser(signing_key)) if signing_key else default_key(), create_key)
    return Book(directory, key, state_directory(), actor)


@dataclass(frozen=True)
class Opened:
    """The directory of an incident, and whether its custody log began with this call."""

    directory: str
    head: str
    new: bool


def find_incident(home: str, incident: str) -> str:
    """The directory of the incident; ``home`` is the evidence home, or that directory itself. Raises IncidentError."""
    home = os.path.abspath(os.path.expanduser(home))
    if os.path.exists(os.path.join(home, CUSTODY)):
        if incident and read_incident(incident) != os.path.basename(home):
            raise IncidentError(f"{home} is not the directory of {incident}.", "Correct home or incident.")
        return home
    if not incident:
        raise IncidentError(f"{home} holds no custody log.", "Name the incident, or the directory of one as home.")
    name = read_incident(incident)
    # What evidence_open returned as home is meant also when it was a rehearsal that made nothing.
    return home if os.path.basename(home) == name else os.path.join(home, name)


def next_incident(home: str, state: str, today: datetime.date) -> str:
    """The first number of today that nobody has used, here or in a home that is gone. Raises IncidentError."""
    home = os.path.abspath(os.path.expanduser(home))
    names = [*remembered(state)]
    with contextlib.suppress(FileNotFoundError):
        names += os.listdir(home)
    prefix = incident_of(today, 0)[:-4]
    used = [int(name[-4:]) for name in names if name.startswith(prefix) and name[len(prefix) :].isdecimal()]
    number = max(used, default=0) + 1
    if number > MOST:
        raise IncidentError(f"{home} has no number left for today.", "Name the incident yourself.")
    return incident_of(today, number)


def open_incident(home: str, incident: str, book: Book, targets: Sequence[str], today: datetime.date) -> Opened:
    """Begin the custody log of an incident, or write down that somebody joins it. ``book``: of no directory yet.

    An empty ``incident`` is the next one. Raises IncidentError, OSError.
    """
    home = os.path.abspath(os.path.expanduser(home))
    if incident:
        directory = find_incident(home, incident)
        os.makedirs(os.path.dirname(directory), mode=0o700, exist_ok=True)
        with contextlib.suppress(FileExistsError):
            os.mkdir(directory, 0o700)
    else:
        os.makedirs(home, mode=0o700, exist_ok=True)
        directory = _allocate(home, book.state, today)
    book = replace(book, directory=directory)
    found: list[bool] = []

    def begin(records: Records) -> list[l.Event]:
        found.append(bool(records))
        detail = {"targets": list(targets), "signer": book.key.fingerprint, "beside": book.place_files()}
        return [l.Event(JOINED if records else OPENED, detail=detail)]

    head = book.append(begin, begin=True)
    return Opened(directory, head, not found[0])


def next_bag(directory: str, records: Records, host: str) -> str:
    """The name of the host's next bag: one that neither the custody log nor the directory knows."""
    incident = os.path.basename(directory)
    names = [str(record["bag"]) for record in records]
    for folder in (directory, os.path.join(directory, INCOMING)):
        with contextlib.suppress(FileNotFoundError):
            names += os.listdir(folder)
    prefix = bag_name(incident, host, 0)[:-3]
    found = [split_bag(_unsealed(name)) for name in names if name.startswith(prefix)]
    # Another host's name may begin like this one's.
    numbers = [each[2] for each in found if each and f"{each[0]}-{each[1]}-" == prefix]
    return bag_name(incident, host, max(numbers, default=0) + 1)


def events_of(records: Records, bag: str) -> dict[str, Mapping[str, Any]]:
    """Event → the last record of it about this bag."""
    return {str(record["event"]): record for record in records if record["bag"] == bag}


def _allocate(home: str, state: str, today: datetime.date) -> str:
    while True:
        directory = os.path.join(home, next_incident(home, state, today))
        with contextlib.suppress(FileExistsError):
            os.mkdir(directory, 0o700)
            return directory


def _unsealed(name: str) -> str:
    return next((name[: -len(suffix)] for suffix in SEALED if name.endswith(suffix)), name)
