# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads a bag as strictly as it can be: BagIt 1.0, every file listed everywhere, nothing beside, nothing missing."""

from __future__ import annotations

import hashlib
import os
import re
import stat
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from ansible_collections.toombos.incident.plugins.plugin_utils._custody.names import is_safe_path

ALGORITHMS = ("sha256", "sha512")
_DECLARATION = b"BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n"
_LENGTHS = {name: hashlib.new(name).digest_size * 2 for name in ALGORITHMS}
_MANIFESTS = tuple(f"manifest-{name}.txt" for name in ALGORITHMS)
_TAG_MANIFESTS = tuple(f"tagmanifest-{name}.txt" for name in ALGORITHMS)
_NEEDED = ("bagit.txt", "bag-info.txt", *_MANIFESTS, *_TAG_MANIFESTS)
_LARGEST_LIST = 64 << 20  # bytes of a manifest
_PIECE = 1 << 20
Progress = Callable[[int], None]


def silent(_count: int) -> None:
    """Nobody waits."""


@dataclass(frozen=True)
class Checked:
    """What is wrong with a bag, nothing if it is whole; the digest that stands for all of it; its payload."""

    problems: tuple[str, ...]
    tagmanifest_sha256: str
    files: int
    bytes: int


def check_bag(path: str, progress: Progress = silent) -> Checked:
    """Read every byte of the bag at ``path``. ``progress`` is told how many bytes were read. Raises OSError."""
    problems: list[str] = []
    present = _walk(path, "", problems)
    missing = [name for name in _NEEDED if name not in present]
    if missing:
        return Checked((*problems, *(f"{name}: is missing" for name in missing)), "", 0, 0)
    payload = {name: size for name, size in present.items() if name.startswith("data/")}
    tags = {name: size for name, size in present.items() if name not in payload and name not in _TAG_MANIFESTS}
    for names, listings in ((payload, _MANIFESTS), (tags, _TAG_MANIFESTS)):
        listed = tuple(_manifest(path, *named, problems) for named in zip(listings, ALGORITHMS, strict=True))
        _compare(path, names, listed, listings, problems, progress)
    total = sum(payload.values())
    problems += _described(path, f"{total}.{len(payload)}")
    digest = file_digests(os.path.join(path, _TAG_MANIFESTS[0]), progress)[0]
    return Checked(tuple(problems), digest, len(payload), total)


def file_digests(path: str, progress: Progress = silent, algorithms: tuple[str, ...] = ALGORITHMS) -> list[str]:
    """Digests of a file that is no link, in one pass. Raises OSError."""
    digests = [hashlib.new(name) for name in algorithms]
    with open(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC), "rb", buffering=0) as file:
        while piece := file.read(_PIECE):
            for each in digests:
                each.update(piece)
            progress(len(piece))
    return [each.hexdigest() for each in digests]


def _walk(root: str, below: str, problems: list[str]) -> dict[str, int]:
    """Path in the bag → size, of all files."""
    found: dict[str, int] = {}
    with os.scandir(os.path.join(root, below)) as entries:
        for entry in entries:
            name = f"{below}{entry.name}"
            mode = entry.stat(follow_symlinks=False).st_mode
            if not is_safe_path(name):
                problems.append(f"{name!r}: is no name of a file in a bag")
            elif stat.S_ISDIR(mode):
                inside = _walk(root, f"{name}/", problems)
                if not inside and name != "data":
                    problems.append(f"{name}: is a directory with nothing in it")
                if not below and name != "data":
                    problems.append(f"{name}: is a directory beside the payload")
                found.update(inside)
            elif stat.S_ISREG(mode):
                found[name] = entry.stat(follow_symlinks=False).st_size
            else:
                problems.append(f"{name}: is neither a file nor a directory")
    return found


def _manifest(root: str, name: str, algorithm: str, problems: list[str]) -> dict[str, str]:
    """Path → digest."""
    line = re.compile(rf"([0-9a-f]{{{_LENGTHS[algorithm]}}})  ([^\n]+)\n", re.ASCII)
    listed: dict[str, str] = {}
    for number, text in enumerate(_lines(os.path.join(root, name)), 1):
        found = line.fullmatch(text)
        if not found or not is_safe_path(found[2]) or found[2] in listed:
            problems.append(f"{name}: line {number} is not one of a manifest, or comes twice")
        else:
            listed[found[2]] = found[1]
    return listed


def _lines(path: str) -> Iterator[str]:
    with open(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC), "rb") as file:
        text = file.read(_LARGEST_LIST).decode("ascii", "replace")
    # Only the line feed ends a line: others would split a name.
    *lines, last = text.split("\n")
    yield from (f"{line}\n" for line in lines)
    if last:
        yield last


def _compare(
    root: str,
    present: Mapping[str, int],
    listed: tuple[dict[str, str], ...],
    listings: tuple[str, ...],
    problems: list[str],
    progress: Progress,
) -> None:
    for manifest, entries in zip(listings, listed, strict=True):
        problems += [f"{name}: is listed in {manifest} and missing" for name in sorted(entries.keys() - present.keys())]
        problems += [f"{name}: is not listed in {manifest}" for name in sorted(present.keys() - entries.keys())]
    for name in sorted(present):
        digests = file_digests(os.path.join(root, name), progress)
        for manifest, entries, digest in zip(listings, listed, digests, strict=True):
            if entries.get(name, digest) != digest:
                problems.append(f"{name}: is not what {manifest} says")


def _described(root: str, oxum: str) -> list[str]:
    problems = []
    with open(os.path.join(root, "bagit.txt"), "rb") as file:
        if file.read(len(_DECLARATION) + 1) != _DECLARATION:
            problems.append("bagit.txt: is not the declaration of a bag")
    said = [line for line in _lines(os.path.join(root, "bag-info.txt")) if line.startswith("Payload-Oxum:")]
    if said != [f"Payload-Oxum: {oxum}\n"]:
        problems.append(f"bag-info.txt: does not say Payload-Oxum: {oxum}")
    return problems
