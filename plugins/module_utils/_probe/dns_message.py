# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Questions and answers of the domain name system (RFC 1035), as far as a probe needs them. Pure."""

from __future__ import annotations

import socket
import struct
from dataclasses import dataclass

TYPES = {"A": 1, "NS": 2, "CNAME": 5, "PTR": 12, "MX": 15, "TXT": 16, "AAAA": 28, "SRV": 33}
CODES = {1: "formerr", 2: "servfail", 3: "nxdomain", 4: "notimp", 5: "refused"}
_INTERNET = 1
_HEADER = struct.Struct(">HHHHHH")
_QUESTION = struct.Struct(">HH")
_RECORD = struct.Struct(">HHIH")
_RECURSION, _RESPONSE, _TRUNCATED = 0x0100, 0x8000, 0x0200
_POINTER = 0xC0
_MOST_JUMPS = 32
_LONGEST = 255  # of a name
_LONGEST_LABEL = 63
_FAMILIES = {"A": socket.AF_INET, "AAAA": socket.AF_INET6}


@dataclass(frozen=True)
class Answer:
    """What a server says. ``code``: 0 or a response code; ``values``: those of the type that was asked for, as text."""

    code: int
    truncated: bool
    values: tuple[str, ...]


def build(identity: int, name: str, kind: str) -> bytes:
    """The question. Raises ValueError for what cannot be a name."""
    labels = [label.encode("idna" if not label.isascii() else "ascii") for label in name.rstrip(".").split(".")]
    if not all(0 < len(label) <= _LONGEST_LABEL for label in labels) or sum(map(len, labels)) + len(labels) > 254:
        raise ValueError(f"{name!r} is not a name")
    encoded = b"".join(bytes([len(label)]) + label for label in labels) + b"\0"
    header = _HEADER.pack(identity, _RECURSION, 1, 0, 0, 0)
    return header + encoded + _QUESTION.pack(TYPES[kind], _INTERNET)


def parse(message: bytes, question: bytes, kind: str) -> Answer:
    """The answer to that question. Raises ValueError when it is another one's, or cannot be read."""
    try:
        identity, flags, questions, answers, _authority, _more = _HEADER.unpack_from(message)
        if identity != _HEADER.unpack_from(question)[0] or not flags & _RESPONSE or questions != 1:
            raise ValueError("is not the answer to this question")
        size = len(question) - _HEADER.size
        # Servers may repeat the name in other letters, but not another name.
        if message[12 : 12 + size].lower() != question[12:].lower():
            raise ValueError("is the answer to another question")
        if flags & _TRUNCATED:  # it may have been cut anywhere
            return Answer(flags & 0x000F, True, ())
        name, _end = _read_name(question, _HEADER.size)
        return Answer(flags & 0x000F, False, tuple(_values(message, 12 + size, answers, kind, name)))
    except (struct.error, IndexError, UnicodeDecodeError):
        raise ValueError("cannot be read") from None


def canonical(address: str, kind: str) -> str:
    """An address as answers show it. Raises ValueError for what is no address of that type."""
    try:
        return socket.inet_ntop(_FAMILIES[kind], socket.inet_pton(_FAMILIES[kind], address))
    except OSError:
        raise ValueError(f"{address!r} is no address of type {kind}") from None


def reversed_name(name: str) -> str:
    """The name under which the PTR records of an address stand; what is no address stays as it is."""
    for family, suffix in ((socket.AF_INET, "in-addr.arpa"), (socket.AF_INET6, "ip6.arpa")):
        try:
            data = socket.inet_pton(family, name)
        except OSError:
            continue
        labels = map(str, data) if family == socket.AF_INET else iter(data.hex())
        return ".".join([*reversed(list(labels)), suffix])
    return name


def _values(message: bytes, offset: int, count: int, kind: str, name: str) -> list[str]:
    """What belongs to the name, or to the name that it is an alias of. Aliases come before what they lead to."""
    found, names = [], {name.lower()}
    for _number in range(count):
        owner, offset = _read_name(message, offset)
        code, family, _life, length = _RECORD.unpack_from(message, offset)
        offset += _RECORD.size
        if offset + length > len(message):
            raise ValueError("ends in the middle of a record")
        if owner.lower() in names and family == _INTERNET:
            if code == TYPES["CNAME"]:
                names.add(_read_name(message, offset)[0].lower())
            if code == TYPES[kind]:
                found.append(_text(message, offset, length, kind))
        offset += length
    return found


def _text(message: bytes, offset: int, length: int, kind: str) -> str:
    data = message[offset : offset + length]
    if kind in _FAMILIES:
        return socket.inet_ntop(_FAMILIES[kind], data)
    if kind == "TXT":
        parts, at = [], 0
        while at < len(data):
            parts.append(data[at + 1 : at + 1 + data[at]])
            at += 1 + data[at]
        return b"".join(parts).decode("utf-8", "replace")
    ahead = {"MX": ">H", "SRV": ">HHH"}.get(kind, ">")
    numbers = struct.unpack_from(ahead, message, offset)
    name, _end = _read_name(message, offset + struct.calcsize(ahead))
    return " ".join([*map(str, numbers), name])


def _read_name(message: bytes, offset: int) -> tuple[str, int]:
    """The name and the offset behind it. Pointers lead backwards only, so that they cannot run in circles."""
    labels: list[str] = []
    end, length = -1, 0
    for _jump in range(_MOST_JUMPS):
        while message[offset] and message[offset] < _POINTER:
            size = message[offset]
            if size > _LONGEST_LABEL:  # the other two kinds of labels are reserved
                raise ValueError("has a label of an unknown kind")
            labels.append(message[offset + 1 : offset + 1 + size].decode("ascii"))
            offset += 1 + size
            length += 1 + size
            if length > _LONGEST:
                raise ValueError("has a name that is too long")
        if not message[offset]:
            return ".".join(labels), (end if end >= 0 else offset + 1)
        target = struct.unpack_from(">H", message, offset)[0] & 0x3FFF
        end = end if end >= 0 else offset + 2
        if target >= offset:
            break
        offset = target
    raise ValueError("has a name that never ends")
