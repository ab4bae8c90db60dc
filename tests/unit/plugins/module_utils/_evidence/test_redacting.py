# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What streams by comes out as the slow and thorough masking of the whole text would have it."""

from __future__ import annotations

import bz2
import gzip
import lzma
import random
from typing import Callable, Iterator

import pytest
from hypothesis import given, settings, strategies as st

from ansible_collections.toombos.incident.plugins.module_utils._evidence.redacting import Masking
from ansible_collections.toombos.incident.plugins.module_utils._logs.source import Unreadable
from ansible_collections.toombos.incident.plugins.module_utils._redact import redact

KEY = "-----BEGIN RSA PRIVATE KEY-----\n" + "MIIEpAIBAAKC/AQEA7c\n" * 5 + "-----END RSA PRIVATE KEY-----"
FRAGMENTS = [
    "2026-11-24 10:00:00 INFO all is well",
    "user 17 logged in",
    "password=hunter2",
    'DB_PASSWORD: "with blanks in it"',
    "db.passwd =>",
    "--api-key",
    "-token abc",
    "https://me:hunter2@example.org/x",
    "http://example.org:80/x",
    "Authorization: Bearer abcdefgh12",
    "basic training",
    "Basic dXNlcjpwYXNz",
    "Failed password for root",
    "Set-Cookie: id=1; theme=dark",
    "sk-abcdefghij0123",
    "AKIAABCDEFGHIJKLMNOP",
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abc",
    "0123456789abcdef0123456789abcdef",
    "123e4567-e89b-12d3-a456-426614174000",
    "input_value='x', input_type=str",
    "monkey: 5",
    "session_id=12",
    "grüße größer ÄÖÜ=1",
    "ключ_password: секрет",
    "",
    "   ",
    "x" * 40,
    b"\\udcff".decode("unicode_escape"),
]


def mask(content: bytes, length: int = 1 << 20, midway: bool = False) -> bytes:
    pieces = [content[at : at + length] for at in range(0, len(content), length)]
    return b"".join(Masking(content[:length]).change(pieces, midway))


def slow(text: str) -> bytes:
    return redact(text).encode("utf-8", "surrogateescape")


def texts(fragments: list[str]) -> st.SearchStrategy[str]:
    ends = st.sampled_from(["\n", " ", "\n\n", "\r\n", "", ", ", '"'])
    pairs = st.tuples(st.sampled_from(fragments), ends)
    return st.lists(pairs, max_size=12).map(lambda words: "".join(word + end for word, end in words))


@settings(max_examples=300)
@given(texts(FRAGMENTS), st.integers(1, 90))
def test_it_masks_what_the_thorough_way_masks(text: str, length: int) -> None:
    assert mask(text.encode("utf-8", "surrogateescape"), length) == slow(text)


@settings(max_examples=200)
@given(texts([*FRAGMENTS, KEY]), st.integers(1, 90))
def test_also_between_private_keys_nothing_gets_through(text: str, length: int) -> None:
    masked, thorough = mask(text.encode("utf-8", "surrogateescape"), length), slow(text)
    for secret in (b"hunter2", b"MIIEp", b"abcdefgh12", b"dXNlcjpwYXNz", b"with blanks", b"AKIAABC", b"0123456789abc"):
        assert secret not in masked or secret in thorough


def test_clean_pieces_are_passed_on_as_they_are() -> None:
    pieces = [
        b"2026-11-24 10:00:00 INFO token bucket is full, request 123e4567-e89b-12d3-a456-426614174000\n" * 1000
    ] * 5
    masking = Masking(pieces[0])
    assert b"".join(masking.change(pieces, midway=False)) == b"".join(pieces)
    assert not masking.changed


def test_a_key_that_goes_over_pieces_is_masked_to_its_end() -> None:
    text = "begun\n" + KEY.replace("MII", "aGk\n" * 5000 + "MII") + "\nended\npassword=x\n"
    for length in (7, 1000, 1 << 20):
        assert mask(text.encode(), length) == b"begun\n***\nended\npassword=***\n"
    assert mask(text.partition("-----END")[0].encode(), 1000) == b"begun\n***"


@pytest.mark.once
@pytest.mark.parametrize("length", [999, 1 << 16, 1 << 20])
def test_of_an_endless_line_all_is_kept_or_masked(length: int) -> None:
    clean = b"all is well, " * 50_000
    assert mask(clean, length) == clean
    for at in (0, 13, 64 << 10, 300_001, len(clean) - 30):
        dirty = clean[:at] + b" password=hunter2 " + clean[at:]
        masked = mask(dirty + b"\nnext line\n", length)
        assert b"hunter2" not in masked
        assert masked.endswith((b"***\nnext line\n", b"well, \nnext line\n"))
        assert b"***" in masked


def test_what_begins_midway_shows_nothing_of_its_first_line() -> None:
    assert mask(b"nter2 token\nfine\npassword=x\n", 5, midway=True) == b"***\nfine\npassword=***\n"
    assert mask(b"IEpAIBAAK\nMIIE/pAIB\n-----END RSA PRIVATE KEY-----\nfine\n", midway=True) == b"***\nfine\n"
    assert mask(b"no line end", midway=True) == b"***"


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress, lzma.compress])
@pytest.mark.parametrize("length", [1, 50, 1 << 20])
def test_what_is_compressed_is_unpacked_for_it(pack: Callable[[bytes], bytes], length: int) -> None:
    text = b"".join(b"%d line\n" % number for number in range(1000))
    packed = pack(text + b"password=hunter2\n") + pack(b"and another\n") + b"\0" * 512
    masking = Masking(packed)
    pieces = [packed[at : at + length] for at in range(0, len(packed), length)]
    assert b"".join(masking.change(pieces, midway=False)) == text + b"password=***\nand another\n"
    assert masking.changed
    with pytest.raises(Unreadable, match="end is missing"):
        list(Masking(packed).change([packed[:60]], midway=False))


@pytest.mark.no_cover
@pytest.mark.once
def test_a_bomb_is_unpacked_piece_by_piece() -> None:
    bomb = gzip.compress(bytes(50 << 20))
    assert max(len(piece) for piece in Masking(bomb).change([bomb], midway=False)) < 2 << 20


@pytest.mark.parametrize(
    ("first", "fit"),
    [
        (b"", True),
        ("Straße\tößig\x1b[0m\r\n".encode(), True),
        (b"latin-1: \xe4\xf6\xfc\n", True),
        (bytes(5000) + b"after a hole\n" + bytes(100) + b"more\n", True),
        (b"LPKSHHRH\x00\x01\x02" + bytes(100) + b"\x01\x00x", False),
        (b"\x28\xb5\x2f\xfd\x04\x00\x59\x00\x00", False),
        (b"\x28\xb5\x2f\xfd without any control", False),
        (b"\x7fELF\x02\x01\x01\x00\x00", False),
        (bytes(range(1, 32)) * 10, False),
        ("zwei".encode("utf-16"), False),
    ],
)
def test_what_is_no_text_cannot_be_masked(first: bytes, fit: bool) -> None:
    assert bool(Masking(first).obstacle) is not fit


@pytest.mark.no_cover
@pytest.mark.once
def test_every_shape_is_found_anywhere_in_a_large_block() -> None:
    dice = random.Random(7)
    filler = [b"2026-11-24 10:00:0%d INFO request %d took 3 ms\n" % (at % 10, at) for at in range(3000)]
    for word in FRAGMENTS:
        text = word.encode("utf-8", "surrogateescape") + b"\nhunter2x\n"
        lines = list(filler)
        lines.insert(dice.randrange(len(lines)), text)
        content = b"".join(lines)
        thorough = slow(content.decode("utf-8", "surrogateescape"))
        for length in (10_000, 70_000):  # of the larger ones it learns
            assert mask(content, length) == thorough


def test_it_is_lazy() -> None:
    def endless() -> Iterator[bytes]:
        while True:
            yield b"password=hunter2\n" * 10_000

    stream = Masking(b"x").change(endless(), midway=False)
    assert b"hunter2" not in next(iter(stream))
