# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads a tar as it comes in, in bounded memory, and refuses whatever is not a plain file or directory of a bag.

Python's own reader holds a header of any length in memory, follows links and knows a dozen kinds of entries: too much
for something that a host sends that may be in somebody else's hands.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from ansible_collections.toombos.incident.plugins.module_utils._errors import IncidentError

_BLOCK = 512
_PIECE = 1 << 20
_LONGEST_HEADER = 64 << 10  # bytes of extended attributes of one entry
_HARMLESS = frozenset({"mtime", "atime", "ctime", "uid", "gid", "uname", "gname", "comment"})
_FILES, _DIRECTORY, _EXTENDED = (b"0", b"\0"), b"5", b"x"


class BadPackage(IncidentError):
    """What a host has sent is not what it should be."""


@dataclass(frozen=True)
class Entry:
    """``content`` yields the pieces of a file, and must be exhausted before the next entry; None: a directory."""

    name: str
    size: int
    content: Iterator[bytes] | None


def read_tar(stream: BinaryIO) -> Iterator[Entry]:
    """The entries, in order, to the very end of the stream. Raises BadPackage."""
    attributes: dict[str, str] = {}
    while True:
        block = _exactly(stream, _BLOCK)
        if not any(block):
            _only_zeros(stream)
            return
        kind, size, name = _header(block)
        if kind == _EXTENDED and not attributes:
            attributes = _attributes(stream, size)
            continue
        name = attributes.get("path", name)
        size = _number_of(attributes.get("size", str(size)))
        attributes = {}
        if kind == _DIRECTORY and not size:
            yield Entry(name.rstrip("/"), 0, None)
        elif kind in _FILES:
            content = _content(stream, size)
            yield Entry(name, size, content)
            if next(content, None) is not None:
                raise BadPackage("An entry was not read to its end.")
        else:
            raise BadPackage(f"It holds {name[:200]!r}, which is neither a file nor a directory.")


def _header(block: bytes) -> tuple[bytes, int, str]:
    if block[257:263] not in (b"ustar\0", b"ustar "):
        raise BadPackage("It is not a tar, or a damaged one.")
    expected = sum(block) - sum(block[148:156]) + 8 * ord(" ")
    if _octal(block[148:156]) != expected:
        raise BadPackage("A header in it is damaged.")
    name, prefix = (_text(field) for field in (block[:100], block[345:500]))
    # Of the old GNU kind the field is used for something else.
    joined = f"{prefix}/{name}" if prefix and block[257:263] == b"ustar\0" else name
    return block[156:157], _octal(block[124:136]), joined


def _attributes(stream: BinaryIO, size: int) -> dict[str, str]:
    if size > _LONGEST_HEADER:
        raise BadPackage(f"A header in it has {size} bytes.")
    data = b"".join(_content(stream, size))
    found = {}
    while data:
        length, _blank, _rest = data.partition(b" ")
        end = _number_of(length.decode("ascii", "replace"))
        record = data[len(length) + 1 : end]
        key, equals, value = record.partition(b"=")
        if not equals or not record.endswith(b"\n") or end > len(data):
            raise BadPackage("A header in it is damaged.")
        name = key.decode("utf-8", "replace")
        if name in ("path", "size"):
            found[name] = value[:-1].decode("utf-8", "replace")
        elif name not in _HARMLESS:
            raise BadPackage(f"An entry has an attribute {name[:100]!r}, which is not one of a bag.")
        data = data[end:]
    return {**found, "": ""}  # there was one, even an empty one


def _content(stream: BinaryIO, size: int) -> Iterator[bytes]:
    left = size
    while left:
        piece = stream.read(min(left, _PIECE))
        if not piece:
            raise BadPackage("It ends in the middle of a file.")
        left -= len(piece)
        yield piece
    if size % _BLOCK and any(_exactly(stream, _BLOCK - size % _BLOCK)):
        raise BadPackage("It holds something between its files.")


def _only_zeros(stream: BinaryIO) -> None:
    if any(_exactly(stream, _BLOCK)):
        raise BadPackage("It goes on after its end.")
    while True:
        piece = stream.read(_PIECE)
        if not piece:
            return
        if piece.count(0) != len(piece):
            raise BadPackage("It goes on after its end.")


def _exactly(stream: BinaryIO, count: int) -> bytes:
    data = b""
    while len(data) < count:
        piece = stream.read(count - len(data))
        if not piece:
            raise BadPackage("It ends too early.")
        data += piece
    return data


def _octal(field: bytes) -> int:
    try:
        return int(field.rstrip(b" \0").lstrip(b" ") or b"0", 8)
    except ValueError:
        raise BadPackage("A header in it is damaged.") from None


def _number_of(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) < 16):
        raise BadPackage("A header in it is damaged.")
    return int(text)


def _text(field: bytes) -> str:
    return field.split(b"\0", 1)[0].decode("utf-8", "replace")
