# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads a bag as it lies unpacked on the controller: what was captured, and the original content of its files."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import subprocess
import zlib
from collections.abc import Callable, Iterator
from typing import Any, BinaryIO

from ansible_collections.toombos.incident.plugins.module_utils._errors import IncidentError
from ansible_collections.toombos.incident.plugins.module_utils._evidence import compress
from ansible_collections.toombos.incident.plugins.module_utils._evidence.types import Stored
from ansible_collections.toombos.incident.plugins.plugin_utils._custody.bagcheck import file_digests
from ansible_collections.toombos.incident.plugins.plugin_utils._custody.names import split_bag

_BLOCK = 1 << 20
_FIELDS = frozenset(Stored.__annotations__)
_CONDITION = "Verify the bag first."


class BagError(IncidentError):
    """A bag that cannot be read as what it says to be."""


class BagView:
    """The bag at ``path``. Raises BagError for what is none. Reads only."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.name = os.path.basename(os.path.abspath(path))
        try:
            with open(os.path.join(path, "capture.json"), encoding="utf-8") as file:
                self.capture: dict[str, Any] = json.load(file)
            with open(os.path.join(path, "bag-info.txt"), encoding="utf-8") as file:
                pairs = (line.rstrip("\n").partition(":") for line in file)
                self.info = {label: value.strip() for label, colon, value in pairs if colon}
            with open(os.path.join(path, "tagmanifest-sha256.txt"), "rb") as file:
                self.digest = hashlib.sha256(file.read()).hexdigest()
            self.artifacts: list[dict[str, Any]] = [dict(each) for each in self.capture["artifacts"]]
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise BagError(f"{path} is no bag of a capture: {error!r}.", _CONDITION) from error

    @property
    def host(self) -> str:
        """Its name in the inventory, as the bag has it; what the host calls itself is in the capture."""
        named = split_bag(self.name)
        return named[1] if named else str(self.capture.get("host", ""))

    def files(self, group: str = "") -> Iterator[tuple[str, Stored]]:
        """Name of the artifact and payload file, of one artifact or of a group (``timeline``), as captured."""
        for artifact in self.artifacts:
            name = str(artifact.get("artifact", ""))
            if not group or name == group or name.startswith(f"{group}/"):
                for each in artifact.get("files", ()):
                    known = {key: value for key, value in each.items() if key in _FIELDS}
                    if "origin_base64" in each:
                        known["origin"] = os.fsdecode(base64.b64decode(each["origin_base64"]))
                    yield name, Stored(**known)

    def content(self, stored: Stored) -> Iterator[bytes]:
        """The original bytes of a payload file, decompressed, after its digest was found to be right."""
        path = os.path.join(self.path, _inside(stored.path))
        try:
            if file_digests(path, algorithms=("sha256",)) != [stored.sha256]:
                raise BagError(f"{path} is not what was captured: its digest is another one.", _CONDITION)
            with open(path, "rb") as file:
                yield from _READERS[stored.compression](file)
        except (OSError, zlib.error, KeyError) as error:
            raise BagError(f"{path} cannot be read: {error}.", _CONDITION) from error

    def lines(self, stored: Stored) -> Iterator[bytes]:
        """Its complete lines, without their ends. Where only head and tail were kept, what was cut is left out."""
        rest = b""
        first = stored.part == "tail"
        for piece in self.content(stored):
            *whole, rest = (rest + piece).split(b"\n")
            if whole and first:
                whole, first = whole[1:], False
            yield from whole
        if rest and not first and stored.part != "head":
            yield rest


def _inside(path: str) -> str:
    """A path that leads nowhere but into the payload."""
    if not path.startswith("data/") or ".." in path.split("/") or os.path.isabs(path):
        raise BagError(f"{path!r} is no payload file.", _CONDITION)
    return path


def _plain(file: BinaryIO) -> Iterator[bytes]:
    while block := file.read(_BLOCK):
        yield block


def _gzip(file: BinaryIO) -> Iterator[bytes]:
    stream = zlib.decompressobj(31)
    for block in _plain(file):
        while block:
            yield stream.decompress(block, _BLOCK)
            block = stream.unconsumed_tail
    yield stream.flush()
    if not stream.eof:
        raise zlib.error("it ends too early")


def _zstd(file: BinaryIO) -> Iterator[bytes]:
    program = compress.find_zstd()
    if program is None:
        yield from _zstd_module()(file)
        return
    command = [program, "-dcq", "--"]
    with subprocess.Popen(command, stdin=file, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        if process.stdout is None or process.stderr is None:
            raise OSError("zstd has no output")
        try:
            yield from _plain(process.stdout)  # type: ignore[arg-type] # what Popen gives is one
            said = process.stderr.read(1000).decode("utf-8", "replace").strip()
        except GeneratorExit:
            process.kill()
            raise
        if process.wait():
            raise OSError(said or "zstd has failed")


def _zstd_module() -> Callable[[BinaryIO], Iterator[bytes]]:
    """What Python has: its own since 3.14, or the package zstandard."""
    try:
        from compression import zstd  # type: ignore[import-not-found,unused-ignore]

        return lambda file: _plain(zstd.open(file))
    except ImportError:
        pass
    try:
        import zstandard  # type: ignore[import-not-found,unused-ignore]

        return lambda file: _plain(zstandard.ZstdDecompressor().stream_reader(file))
    except ImportError:
        raise BagError(
            "The bag is compressed with zstd, and there is no zstd here.",
            "Install the package zstd on the controller and run again.",
        ) from None


_READERS: dict[str, Callable[[BinaryIO], Iterator[bytes]]] = {
    compress.NONE: _plain,
    compress.GZIP: _gzip,
    compress.ZSTD: _zstd,
}
