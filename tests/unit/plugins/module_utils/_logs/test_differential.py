# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Random logs: the fast way says what a slow one says, which cuts out every line and asks every pattern."""

from __future__ import annotations

import gzip
import os
import random
import re
import time
from pathlib import Path
from typing import Any, Iterator, Sequence

import pytest

from ansible_collections.toombos.incident.plugins.module_utils._clock import Clock
from ansible_collections.toombos.incident.plugins.module_utils._logs import scan as scanning, search, source, window
from ansible_collections.toombos.incident.plugins.module_utils._logs.patterns import choose, compile_baseline
from ansible_collections.toombos.incident.plugins.module_utils._logs.result import to_result
from ansible_collections.toombos.incident.plugins.module_utils._logs.scan import Log, Scan, Wish
from ansible_collections.toombos.incident.plugins.module_utils._logs.signatures import fold

NOW = 1_795_445_154.0
LONGEST, ENDLESS = 300, 2_000  # bytes of a line that are looked at; of one that is given up
PIECES = [
    *(b"ERROR", b"CRITICAL", b"Exception", b"ERRO", b"RROR", b"exception", b"Error: ", b"query", b"qUeRy", b"attack"),
    *(b"x", b" ", b"17", b"4711", b"\r", b"\t", b"\xff\xfe", b"caf\xc3\xa9", b"\xc3", b"\0", b"-", b"'a'", b'"'),
    *(b"failed", b"Failure of", b"brute force", b'{"message": "x"}', b"y" * 40, b"E" * 30, b"R", b"C", b"q"),
]
CHOICES: Sequence[tuple[Sequence[str], dict[str, str], Sequence[str]]] = [
    (["errors"], {}, ()),
    (["database"], {}, ()),
    (["errors", "failures", "publisher", "database", "security"], {}, ()),
    (["errors"], {"digits": r"\d\d\d"}, ["query", "^x"]),
    ([], {"plain": "caf\u00e9|EEE", "both": "E(?:RROR|xcept).*q", "end": r"y$"}, ()),
    ([], {"short": "ER|x", "folded": "(?i)EXCEPTION|at+ack"}, ["ERROR ERROR"]),
]


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Blocks of a few lines, so that everything happens at their borders."""
    for module in (source, window):
        monkeypatch.setattr(module, "BLOCK", 512)
    monkeypatch.setattr(source, "_ENDLESS", ENDLESS)
    for module in (source, search):
        monkeypatch.setattr(module, "LONGEST", LONGEST)
    monkeypatch.setattr(scanning, "_LARGE", 1_000)
    monkeypatch.setattr(search, "_OFTEN", 3)
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def random_line(rng: random.Random) -> bytes:
    pieces = rng.choices(PIECES, k=rng.choice((0, 1, 2, 5, 9)))
    if rng.random() < 0.02:
        pieces.append(b"z" * rng.choice((LONGEST - 20, LONGEST, 700, 5_000)) + b"ERROR")
    return b"".join(pieces).lstrip(b"\0")  # those at the beginning of a block are a hole


def random_family(rng: random.Random, folder: Path) -> dict[Path, list[bytes]]:
    """Files, oldest first, with the lines in them. All stamps rise; some lines have none."""
    moment, family = NOW - 5_000, {}
    for name in ("app.log.3.gz", "app.log.2.gz", "app.log.1", "app.log"):
        lines = []
        for _number in range(rng.choice((1, 7, 150))):
            moment += rng.random() * 10
            stamp = time.strftime("%Y-%m-%d %H:%M:%S ", time.gmtime(moment)).encode()
            lines.append((stamp if rng.random() < 0.7 or not lines else b"") + random_line(rng))
        data = b"\n".join(lines) + rng.choice((b"\n", b""))
        path = folder / name
        if name.endswith("gz"):
            half = rng.randrange(len(data))
            path.write_bytes(gzip.compress(data[:half]) + gzip.compress(data[half:]))
        else:
            path.write_bytes(data)
        os.utime(path, (moment + 1, moment + 1))
        family[path] = data[:-1].split(b"\n") if data.endswith(b"\n") else data.split(b"\n")
    return family


def slowly(family: dict[Path, list[bytes]], wish: Wish, baseline: Sequence[re.Pattern[str]]) -> dict[str, Any]:
    """Pattern → count, counts of files, places (line, offset) and kinds of lines of all that match."""
    left = sum(map(len, family.values())) if wish.lines is None else wish.lines
    told: dict[str, Any] = {each.name: {"files": {}, "places": [], "kinds": {}} for each in wish.patterns}
    skipped = max(0, sum(map(len, family.values())) - left)
    for path, lines in family.items():
        offset, moment = 0, None
        for number, whole in enumerate(lines, 1):
            stamp = re.match(rb"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", whole)
            if stamp:
                moment = time.mktime(time.strptime(stamp[0].decode(), "%Y-%m-%d %H:%M:%S"))
            start, offset = offset, offset + len(whole) + 1
            skipped -= 1
            text = whole[:LONGEST].decode("utf-8", "replace")
            if skipped >= 0 or (wish.since and moment and moment < wish.since):
                continue
            found = [each for each in wish.patterns if each.regex.search(text)]
            if any(harmless.search(text) for harmless in baseline):
                continue
            for each in found:
                one = told[each.name]
                one["files"][str(path)] = one["files"].get(str(path), 0) + 1
                one["places"].append((str(path), number, start))
                one["kinds"][fold(whole)] = one["kinds"].get(fold(whole), 0) + 1
    return told


@pytest.mark.no_cover
@pytest.mark.parametrize("choice", range(len(CHOICES)))
@pytest.mark.parametrize("how", [{}, {"since": NOW - 4_300}, {"lines": 40}, {"lines": 3}, {"numbered": 0}])
def test_both_ways_say_the_same(tmp_path: Path, choice: int, how: dict[str, Any]) -> None:
    sets, own, harmless = CHOICES[choice]
    baseline = compile_baseline(harmless)
    for seed in range(12):
        folder = tmp_path / str(seed)
        folder.mkdir()
        family = random_family(random.Random(1_000 * choice + seed), folder)
        wish = Wish(choose(sets, own), samples=100_000, **how)
        work = Scan(wish, Clock(), time.monotonic() + 60)
        work.run([Log(str(folder / "app.log"), "", baseline)])
        result = to_result(work, 0.0)
        slow = slowly(family, wish, baseline)
        for name, expected in slow.items():
            found = result["patterns"][name]
            assert found["files"] == expected["files"], (seed, name)
            assert found["count"] == sum(expected["files"].values())
            places = [(each["path"], each["offset"]) for each in found["samples"]]
            assert places == [(path, start) for path, _line, start in expected["places"]]
            for sample, (_path, line, _start) in zip(found["samples"], expected["places"]):
                assert sample["line"] in ((line,) if not how else (line, None))
        for tally in work.search.tallies:
            kinds = slow[tally.pattern.name]["kinds"]
            if not work.search.long_lines:  # of which what is looked at depends on the blocks here
                assert sorted(each["count"] for each in tally.signatures.top(99_999)) == sorted(kinds.values())
        if not how:
            lines = {entry["path"]: entry["lines"] for entry in result["files"]}
            assert lines == {str(path): len(each) for path, each in family.items()}
