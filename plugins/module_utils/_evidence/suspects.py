# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which lines of a block may hold a secret, as ``_redact`` knows them: never too few, and found by searching for words.

Its expressions take a second for ten megabytes; most lines have nothing that they could match.
"""

from __future__ import annotations

import re
from typing import Callable, Iterator

Check = Callable[[bytes, bytes, int], bool]  # the block, the same in small letters, where the word was found

_LETTERS = rb"\w.\x80-\xff"
_AFTER = re.compile(rb"[" + _LETTERS + rb"-]{0,330}(?:\\?[\"'])?[\s\x80-\xff]*[:=]")
_OPTION = re.compile(rb"(?:\A|[\s\x80-\xff])--?[" + _LETTERS + rb"-]{0,330}\Z")
_KEY_OF = re.compile(rb"(?:api|access|private|signing|encryption|license|auth)[_-]?\Z")
_SESSION = re.compile(rb"session[_-]?id")
_IN_URL = re.compile(rb"://[^\s/:@]*:[^\s/]+@")
_BEARER = re.compile(rb"(?:bearer|basic)[\s\x80-\xff]+[\w.~+/=\x80-\xff-]{8,}")
_TOKEN = re.compile(rb"(?:sk|pk|rk|ghp|gho|ghs|github_pat|glpat|xox[abpr])[-_][\w\x80-\xff-]{10,}")
_ACCESS = re.compile(rb"akia[0-9a-z]{12,}")
_JWT = re.compile(rb"eyj[\w-]{8,}\.[\w-]{8,}")
_UUID = re.compile(rb"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)

# A byte that may be part of a long random string, or not; and those that are no digits, no letters.
_IN_RUN = bytes(97 if byte >= 128 or chr(byte).isalnum() or byte in b"_+=-" else 32 for byte in range(256))
_RUN = b"a" * 32
_NO_DIGITS = bytes(byte for byte in range(256) if byte not in b"0123456789")
_NO_LETTERS = bytes(byte for byte in range(128) if not chr(byte).isalpha())


def suspects(block: bytes) -> list[tuple[int, int]]:
    """Where such lines begin and end, without their line ends, in order."""
    found: dict[int, int] = {}
    lowered = block.lower()
    for word, check in _WORDS:
        at = lowered.find(word)
        while at >= 0:
            end = at + len(word)
            if check(block, lowered, at):
                end = _enter(found, block, at)
            at = lowered.find(word, end)
    for at in _random_runs(block):
        _enter(found, block, at)
    return sorted(found.items())


def _enter(found: dict[int, int], block: bytes, at: int) -> int:
    end = block.find(b"\n", at)
    end = len(block) if end < 0 else end
    found[block.rfind(b"\n", 0, at) + 1] = end
    return end


def _random_runs(block: bytes) -> Iterator[int]:
    flat = block.translate(_IN_RUN)
    at = flat.find(_RUN)
    while at >= 0:
        end = flat.find(b" ", at)
        end = len(flat) if end < 0 else end
        run = block[flat.rfind(b" ", 0, at) + 1 : end]
        digits, letters = len(run.translate(None, _NO_DIGITS)), len(run.translate(None, _NO_LETTERS))
        if digits >= 3 and letters >= 3 and not _UUID.fullmatch(run):
            yield at
        at = flat.find(_RUN, end)


def _named(word: bytes) -> Check:
    """A name with this word in it and a value behind it."""

    def check(_block: bytes, lowered: bytes, at: int) -> bool:
        return bool(_AFTER.match(lowered, at + len(word)) or _OPTION.search(lowered, max(0, at - 400), at))

    return check


def _shaped(pattern: re.Pattern[bytes]) -> Check:
    return lambda _block, lowered, at: bool(pattern.match(lowered, at))


def _key(block: bytes, lowered: bytes, at: int) -> bool:
    return bool(_KEY_OF.search(lowered, max(0, at - 12), at)) and _named(b"key")(block, lowered, at)


def _session(block: bytes, lowered: bytes, at: int) -> bool:
    return bool(_SESSION.match(lowered, at)) and _named(b"session")(block, lowered, at)


def _always(_block: bytes, _lowered: bytes, _at: int) -> bool:
    return True


_NAMES = (b"passwd", b"password", b"passphrase", b"pwd", b"secret", b"token", b"credential", b"authorization")
_WORDS: tuple[tuple[bytes, Check], ...] = (
    *((word, _named(word)) for word in (*_NAMES, b"jwt", b"dsn", b"webhook")),
    (b"key", _key),
    (b"session", _session),
    (b"cookie", _always),
    (b"input_value=", _always),
    (b"bearer", _shaped(_BEARER)),
    (b"basic", _shaped(_BEARER)),
    (b"://", _shaped(_IN_URL)),
    (b"akia", _shaped(_ACCESS)),
    (b"eyj", _shaped(_JWT)),
    *((word, _shaped(_TOKEN)) for word in (b"sk-", b"sk_", b"pk-", b"pk_", b"rk-", b"rk_", b"ghp", b"gho", b"ghs")),
    *((word, _shaped(_TOKEN)) for word in (b"github_pat", b"glpat", b"xox")),
)
