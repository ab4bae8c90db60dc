# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a host says about a package that it holds, and what of that is believed: nothing that names another place."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.toombos.incident.plugins.module_utils._errors import IncidentError
from ansible_collections.toombos.incident.plugins.plugin_utils._custody.names import split_bag
from ansible_collections.toombos.incident.plugins.plugin_utils._custody.tarstream import BadPackage

LARGEST_PART = 64 << 20
METHODS = {"none": "", "age": ".tar.age", "gpg": ".tar.gpg"}
_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class Part:
    """A piece of a package, at ``path`` on the host."""

    path: str
    size: int
    sha256: str


@dataclass(frozen=True)
class Package:
    """A bag on its way. ``directory``: its place on the host; ``method``: none, or what it is sealed with."""

    bag: str
    directory: str
    parts: tuple[Part, ...]
    size: int
    sha256: str
    method: str
    tagmanifest_sha256: str

    @property
    def file(self) -> str:
        """The name that it has in the evidence home: a directory's, or that of a sealed file."""
        return self.bag + METHODS[self.method]


def host_directory(directory: str, bag: str) -> str:
    """Where the host keeps the package of the bag, and what may be removed there. Raises IncidentError."""
    if posixpath.normpath(f"/{directory.lstrip('/')}") != directory or directory == "/":
        raise IncidentError(f"{directory!r} is no place for packages.", "Give an absolute path without .. in it.")
    if split_bag(bag) is None:
        raise BadPackage(f"{bag[:200]!r} is not the name of a bag.")
    return posixpath.join(directory, bag)


def read_package(raw: Mapping[str, Any], directory: str, sealed_with: str | None = None) -> Package:
    """What the host has answered, with every path as it has to be below ``directory``.

    ``sealed_with``: what was asked for. Raises BadPackage for anything that is not as agreed.
    """
    bag, told = str(raw.get("bag")), raw.get("package")
    place = host_directory(directory, bag)
    if not isinstance(told, Mapping) or not isinstance(told.get("parts"), list) or raw.get("directory", place) != place:
        raise BadPackage(f"The host does not say where the package {bag} is.")
    parts = tuple(_part(each, posixpath.join(place, "parts", f"{i:04d}")) for i, each in enumerate(told["parts"], 1))
    method = str(told.get("method"))
    if method not in METHODS or (sealed_with is not None and method != sealed_with):
        raise BadPackage(f"The package {bag} is sealed with {method!r}, not as it was asked for.")
    package = Package(
        bag, place, parts, _size(told), _digest(told.get("sha256")), method, _digest(raw.get("tagmanifest_sha256"))
    )
    if not parts or package.size != sum(part.size for part in parts):
        raise BadPackage(f"The parts of the package {bag} do not add up to it.")
    return package


def _part(raw: Any, path: str) -> Part:
    if not isinstance(raw, Mapping) or raw.get("path") != path:
        raise BadPackage(f"A part of the package is not {path}.")
    part = Part(path, _size(raw), _digest(raw.get("sha256")))
    if not 0 < part.size <= LARGEST_PART:
        raise BadPackage(f"{path} has {part.size} bytes.")
    return part


def _size(raw: Mapping[str, Any]) -> int:
    size = raw.get("size")
    if not isinstance(size, int) or isinstance(size, bool) or size < 0:
        raise BadPackage("The host does not say how large the package is.")
    return size


def _digest(value: Any) -> str:
    if not isinstance(value, str) or not _SHA256.fullmatch(value):
        raise BadPackage("The host does not give the digests of the package.")
    return value
