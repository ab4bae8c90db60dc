# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the bags of an incident hold, in the formats of other tools: derived files beside the bags, never in them."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from ansible_collections.toombos.incident.plugins.module_utils._atomic import write_pieces
from ansible_collections.toombos.incident.plugins.module_utils._errors import IncidentError
from ansible_collections.toombos.incident.plugins.plugin_utils._custody.bagcheck import file_digests
from ansible_collections.toombos.incident.plugins.plugin_utils._custody.book import CUSTODY
from ansible_collections.toombos.incident.plugins.plugin_utils._custody.home import SEALED
from ansible_collections.toombos.incident.plugins.plugin_utils._custody.log import read_log
from ansible_collections.toombos.incident.plugins.plugin_utils._custody.names import split_bag
from ansible_collections.toombos.incident.plugins.plugin_utils._evidence.bag_view import BagError, BagView
from ansible_collections.toombos.incident.plugins.plugin_utils._evidence.big_sort import sort_lines
from ansible_collections.toombos.incident.plugins.plugin_utils._evidence.case_uco import CaseGraph, document

DERIVED = "derived"
_ROOT = Path(__file__).resolve().parents[3]
# A piece of a derived file, and how many records of the bag it holds.
Pieces = Iterator[tuple[int, bytes]]


@dataclass(frozen=True)
class Made:
    """One derived file. ``read`` records were in the bags, ``written`` are in the file. ``changed``: it was another."""

    bag: str
    format: str
    path: str
    size: int
    sha256: str
    read: int
    written: int
    changed: bool


class Tally:
    """How many records were read."""

    def __init__(self) -> None:
        self.read = 0

    def count(self, line: bytes) -> bytes:
        """Count one and hand it on."""
        self.read += 1
        return line


class Incident:
    """The directory of an incident on the controller. Raises IncidentError for what is none."""

    def __init__(self, directory: str) -> None:
        self.directory = directory
        if not os.path.isdir(directory):
            raise IncidentError(
                f"There is no directory {directory}.", "Name the directory of an incident in the evidence home."
            )
        names = sorted(os.listdir(directory))
        self.bags = [name for name in names if split_bag(name) and os.path.isdir(os.path.join(directory, name))]
        stems = (name[: -len(suffix)] for name in names for suffix in SEALED if name.endswith(suffix))
        self.sealed = [stem for stem in stems if split_bag(stem) and stem not in self.bags]

    def choose(self, wanted: Sequence[str]) -> list[BagView]:
        """These bags, or all that are not sealed. Raises IncidentError where one cannot be had."""
        for name in wanted:
            if name in self.sealed:
                raise IncidentError(
                    f"{name} is sealed.", "Open it with its key, unpack it in this directory, try again."
                )
            if name not in self.bags:
                known = ", ".join(self.bags) or "none"
                raise IncidentError(f"There is no bag {name} in {self.directory}.", f"There are: {known}.")
        return [BagView(os.path.join(self.directory, name)) for name in wanted or self.bags]

    def custody(self) -> list[bytes]:
        """The records of the custody log; none where there is no log. Raises BrokenLog."""
        path = os.path.join(self.directory, CUSTODY)
        if not os.path.exists(path):
            return []
        with open(path, "rb") as file:
            return read_log(file.read()).body.splitlines()


def export(incident: Incident, wanted: Sequence[str], formats: Sequence[str], write: bool = True) -> list[Made]:
    """Derive the files. Without ``write`` nothing is written, and what would be is told all the same.

    Raises IncidentError when a bag cannot be read, or when another number of records was written than was read.
    """
    bags = incident.choose(wanted)
    made = [
        _make(incident, os.path.join(bag.name, FORMATS[name][0]), name, [bag], write)
        for bag in bags
        for name in formats
    ]
    if "timeline" in formats and not wanted and bags:
        made.append(_make(incident, FORMATS["timeline"][0], "timeline", bags, write))
    return made


def version() -> str:
    """Of this collection, as it is installed or checked out."""
    manifest, source = _ROOT / "MANIFEST.json", _ROOT / "galaxy.yml"
    if manifest.exists():
        return str(json.loads(manifest.read_text(encoding="utf-8"))["collection_info"]["version"])
    return str(yaml.safe_load(source.read_text(encoding="utf-8"))["version"])


def _make(incident: Incident, name: str, form: str, bags: Sequence[BagView], write: bool) -> Made:
    path = os.path.join(incident.directory, DERIVED, name)
    folder = os.path.dirname(path)
    if write:
        for each in (os.path.join(incident.directory, DERIVED), folder):
            os.makedirs(each, mode=0o700, exist_ok=True)
    tally, digest = Tally(), hashlib.sha256()
    size = written = 0
    before = _digest(path)

    def pieces() -> Iterator[bytes]:
        nonlocal size, written
        for records, piece in FORMATS[form][1](incident, bags, tally, folder if write else None):
            digest.update(piece)
            size += len(piece)
            written += records
            yield piece
        if written != tally.read:  # before the file takes the place of the old one
            raise IncidentError(
                f"{name}: {tally.read} records were read and {written} written.",
                "Nothing was kept. Please report this.",
            )

    if write:
        write_pieces(path, pieces())
    else:
        for _piece in pieces():
            pass
    bag = bags[0].name if os.sep in name else ""
    found = digest.hexdigest()
    return Made(bag, form, path, size, found, tally.read, written, found != before)


def _digest(path: str) -> str:
    return file_digests(path, algorithms=("sha256",))[0] if os.path.isfile(path) else ""


def _timeline(_incident: Incident, bags: Sequence[BagView], tally: Tally, folder: str | None) -> Pieces:
    """The events of all these bags by their time, each with the host's name in the inventory and its bag."""
    for line in sort_lines(_events(bags, tally), folder):
        yield 1, line + b"\n"


def _events(bags: Sequence[BagView], tally: Tally) -> Iterator[tuple[int, bytes]]:
    for bag in bags:
        for name, stored in bag.files("timeline"):
            for line in bag.lines(stored):
                event = _event(tally.count(line), bag, name)
                yield event["timestamp"], json.dumps(event, separators=(",", ":")).encode()


def _event(line: bytes, bag: BagView, artifact: str) -> dict[str, Any]:
    try:
        event: dict[str, Any] = json.loads(line)
        node = event["host"]
        event["timestamp"] = int(event["timestamp"])
    except (ValueError, KeyError, TypeError) as error:
        raise BagError(f"{bag.path}: {artifact} holds what is no event: {error!r}.", "Verify the bag first.") from error
    return {**event, "host": bag.host, "hostname": node, "bag": bag.name}


def _bodyfile(_incident: Incident, bags: Sequence[BagView], tally: Tally, _folder: str | None) -> Pieces:
    for bag in bags:
        for _name, stored in bag.files("files"):
            for line in bag.lines(stored):
                yield 1, tally.count(line) + b"\n"


def _case(incident: Incident, bags: Sequence[BagView], tally: Tally, _folder: str | None) -> Pieces:
    (bag,) = bags
    for _file in bag.files():
        tally.count(b"")
    for payload, piece in document(CaseGraph(bag, incident.custody(), version())):
        yield int(payload), piece


# File name and what makes it.
FORMATS: dict[str, tuple[str, Callable[[Incident, Sequence[BagView], Tally, str | None], Pieces]]] = {
    "timeline": ("timeline.jsonl", _timeline),
    "bodyfile": ("bodyfile.txt", _bodyfile),
    "case": ("case.jsonld", _case),
}
