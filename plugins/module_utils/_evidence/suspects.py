# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which lines of a block may hold a secret, as ``_redact`` knows them: never too few, and found by searching for words.

Its expressions take a second for ten megabytes; most lines have nothing that they could match.
"""

from __future__ import annotations

import re
from typing import Callable, Iterator, List, Tuple

_SAMPLE = 64 << 10  # bytes from which it learns
_LEARN_AGAIN = 32 << 20
Check = Callable[[bytes, bytes, int], bool]  # the block, the same in small letters, where the word was found
_Rare = Tuple[
    bytes, List[Tuple[bytes, int, Check]]
]  # one byte or two; words, where in them it is, and how they are checked

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


class Suspects:
    """Finds such lines in the blocks of one content, from which it learns how its words are found the fastest."""

    def __init__(self) -> None:
        self._plain = _WORDS  # that are looked for one by one
        self._rare: list[_Rare] = []
        self._learned = 0  # how many bytes are searched until it learns again

    def lines(self, block: bytes) -> list[tuple[int, int]]:
        """Where they begin and end, without their line ends, in order."""
        found: dict[int, int] = {}
        lowered = block.lower()
        self._learn(lowered)
        for piece, words in self._rare:
            at = lowered.find(piece)
            while at >= 0:
                for word, before, check in words:
                    if at >= before and lowered.startswith(word, at - before) and check(block, lowered, at - before):
                        at = _enter(found, block, at)
                        break
                at = lowered.find(piece, at + 1)
        for word, check in self._plain:
            at = lowered.find(word)
            while at >= 0:
                end = at + len(word)
                if check(block, lowered, at):
                    end = _enter(found, block, at)
                at = lowered.find(word, end)
        for at in _random_runs(block):
            _enter(found, block, at)
        return sorted(found.items())

    def _learn(self, lowered: bytes) -> None:
        """A rare byte, or two that several words have, are found faster than these words, with a look at each place."""
        self._learned -= len(lowered)
        if self._learned > 0 or len(lowered) < _SAMPLE:
            return
        self._learned = _LEARN_AGAIN
        sample, waiting, self._rare = lowered[:_SAMPLE], dict(_WORDS), []
        pieces = sorted({word[at : at + size] for word in waiting for at in range(len(word)) for size in (1, 2)})
        hits = {piece: sample.count(piece) / _SAMPLE for piece in pieces}
        while waiting:
            having = {piece: [word for word in waiting if piece in word] for piece in pieces}
            gain = {piece: len(words) - _cost(piece, hits[piece], len(words)) for piece, words in having.items()}
            best = max(pieces, key=gain.__getitem__)
            if gain[best] <= 0:
                break
            self._rare.append((best, [(word, word.index(best), waiting.pop(word)) for word in having[best]]))
        self._plain = tuple(waiting.items())


def _cost(piece: bytes, hits: float, words: int) -> float:
    """In times that it takes to find a word which is nowhere; measured."""
    return (0.1 if len(piece) == 1 else 1.1) + hits * 160 * (2 + words)


def suspects(block: bytes) -> list[tuple[int, int]]:
    """The same in a small block."""
    return Suspects().lines(block)


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
