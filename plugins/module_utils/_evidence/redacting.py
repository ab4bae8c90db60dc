# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Masks secrets in texts while they go by: only the lines that may hold one are looked at closely."""

from __future__ import annotations

import re
from typing import Iterable, Iterator

from ansible_collections.toombos.incident.plugins.module_utils._evidence.suspects import Suspects, suspects
from ansible_collections.toombos.incident.plugins.module_utils._redact import MASK, redact

_LONGEST = 64 << 10  # bytes of a line that are looked at closely; of a longer one all is masked or nothing
_OVERLAP = 4 << 10  # of the end of a piece of such a line: what begins there is seen whole with the next piece
_MASK = MASK.encode()
_HEAD = 8192
_HOLE = re.compile(rb"\0{16,}")  # what truncating a log under its writer leaves, and a crash
_NO_CONTROLS = bytes(byte for byte in range(256) if byte >= 32 or byte in b"\a\b\t\n\f\r\x1b")
_CLOSED = (b"\x28\xb5\x2f\xfd", b"\x04\x22\x4d\x18", b"\x1f\x9d")  # zstd, lz4, compress: Python cannot unpack them
_PACKED = {b"\x1f\x8b": "gz", b"BZh": "bz2", b"\xfd7zXZ\0": "xz"}
_KEY = re.compile(rb"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*-----|\Z)", re.DOTALL)
_FOLLOWER = re.compile(rb"\s*[^\n]*")  # the next line that is not blank
_KEY_END = re.compile(rb"-----END [A-Z ]*-----")


class Masking:
    """How the secrets of a content that begins with ``first`` are masked.

    ``obstacle``: why they cannot be; else empty. ``packed``: how it is compressed; it is unpacked for this.
    ``changed``: whether what was passed on so far differs from the original.
    """

    def __init__(self, first: bytes) -> None:
        self.packed = next((kind for magic, kind in _PACKED.items() if first.startswith(magic)), "")
        self.obstacle = "" if self.packed or _is_text(first[:_HEAD]) else _NO_TEXT
        self.changed = bool(self.packed)
        self._within_key = False
        self._suspects = Suspects()

    def change(self, pieces: Iterable[bytes], midway: bool) -> Iterator[bytes]:
        """The content without what looks like a secret. ``midway``: it begins anywhere, also within one."""
        if self.packed:
            from ansible_collections.toombos.incident.plugins.module_utils._logs.source import unpack_stream

            pieces = unpack_stream(pieces, self.packed)
        self._within_key = False
        rest, passing_over = b"", midway
        if midway:
            self.changed = True
            yield _MASK
        for piece in pieces:
            data = rest + piece if rest else piece
            if passing_over:
                end = data.find(b"\n")
                data, passing_over = (data[end:], False) if end >= 0 else (b"", True)
                if midway and not passing_over:
                    data, midway = _after_key(data), False
            done, rest = self._lines(data)
            if done:
                yield done
            if len(rest) > _LONGEST:
                done, rest = self._of_long_line(rest)
                passing_over = not rest
                yield done
        if rest:
            yield self._masked(rest)

    def _lines(self, data: bytes) -> tuple[bytes, bytes]:
        """The whole lines, masked, and what waits for more: the rest, and last lines whose secrets may follow."""
        cut = _held_from(data, data.rfind(b"\n") + 1)
        return self._masked(data[:cut]), data[cut:]

    def _of_long_line(self, data: bytes) -> tuple[bytes, bytes]:
        """What is passed on of a line without an end, and what waits; nothing waits when the rest is passed over."""
        if self._within_key or suspects(data) or _KEY.search(data):
            self.changed = True
            return _MASK, b""
        return data[:-_OVERLAP], data[-_OVERLAP:]

    def _masked(self, data: bytes) -> bytes:
        data = self._without_keys(data)
        done, at = [], 0
        for begin, end in _with_next_lines(data, self._suspects.lines(data)):
            text = data[begin:end]
            masked = redact(text.decode("utf-8", "surrogateescape")).encode("utf-8", "surrogateescape")
            if masked != text:
                self.changed = True
                done += [data[at:begin], masked]
                at = end
        return b"".join([*done, data[at:]]) if at else data

    def _without_keys(self, data: bytes) -> bytes:
        """Private keys go over several lines, and those perhaps over several pieces."""
        if self._within_key:
            end = _KEY_END.search(data)
            if end is None:
                return b""
            self._within_key = False
            data = data[end.end() :]
        if b"PRIVATE KEY-----" not in data:
            return data
        keys = _KEY.findall(data)
        self.changed = self.changed or bool(keys)
        self._within_key = bool(keys) and not _KEY_END.search(keys[-1])
        return _KEY.sub(_MASK, data)


_NO_TEXT = "it is no text, so that secrets in it cannot be masked; seal the capture to have it"


def _is_text(head: bytes) -> bool:
    if head.startswith(_CLOSED):
        return False
    head = _HOLE.sub(b"", head)
    controls = head.translate(None, _NO_CONTROLS)
    return b"\0" not in controls and len(controls) * 20 <= len(head)


def _held_from(data: bytes, cut: int) -> int:
    """Where the lines before ``cut`` begin that are suspects without a clean one between; too many cannot wait."""
    begin = last = cut
    while begin and cut - begin < _LONGEST // 2:
        line = data.rfind(b"\n", 0, begin - 1) + 1
        if not data[line:begin].isspace() and not suspects(data[line:begin]):
            return begin
        last = line if begin == cut else last
        begin = line
    return last if begin else 0


def _after_key(data: bytes) -> bytes:
    """Without the end of a private key that begins before."""
    end, begin = data.find(b" PRIVATE KEY-----"), data.find(b"-----BEGIN ")
    if end >= 0 and (begin < 0 or end < begin):
        return data[end + 17 :]
    return data


def _with_next_lines(data: bytes, spans: Iterable[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """The spans, each with the line after it, where the secret of a name may stand; those that meet as one."""
    begin, end = 0, 0
    for first, last in spans:
        if first > end and end:
            yield begin, end
            end = 0
        if not end:
            begin = first
        follower = _FOLLOWER.match(data, last)
        end = max(end, follower.end() if follower else last)
    if end:
        yield begin, end
