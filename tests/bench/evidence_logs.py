# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Large logs, captured beside tar, zstd and passes of hashing over the result: same logs, in turns."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import median

import meter
from applog import write_log
from evidence_call import Package, as_sent, call
from figure import Figure
from hosts import PYTHON

from ansible_collections.toombos.incident.plugins.module_utils._evidence import types as t

_TROUBLES = 0.003
# What is compared: one archive of all logs, and both digests of it. evidence_capture does more: digests of the original
# content, one compressed file for each log, a bag with its manifests, and the package that the controller fetches.
TAR = "tar, zstd -3 -T1, sha256sum, sha512sum"
_SHELL = 'tar -cf - -C "$1" . | zstd -q -3 -T1 -c >"$2" && sha256sum "$2" && sha512sum "$2"'


def large_logs(home: Path, mib: int, files: int, rounds: int) -> Iterator[Figure]:
    """Their table is printed."""
    logs = home / "logs"
    logs.mkdir()
    for number in range(files):
        write_log(logs / f"app{number}.log", (mib << 20) // files, _TROUBLES, seed=number)
    took: dict[str, list[meter.Took]] = {}
    for number in range(rounds + 1):
        for name, one in _turn(home, logs, mib, number):
            if number:  # the first round reads the logs into memory
                took.setdefault(name, []).append(one)
    size = sum(path.stat().st_size for path in logs.iterdir()) / 2**20
    print(f"\n{size:.0f} MiB in {files} logs, median of {rounds}\n")
    print("| | wall, MiB/s | processor, s | largest process |\n|---|---:|---:|---:|")
    for name, ones in took.items():
        wall, cpu, memory = (median(getattr(one, what) for one in ones) for what in ("wall", "cpu", "memory"))
        print(f"| {name} | {size / wall:.0f} | {cpu:.2f} | {memory / 2**20:.0f} MiB |", flush=True)
    theirs = median(one.wall for one in took[TAR])
    for redact, goal in (("never", 0.9), ("auto", None)):
        ones = took[f"evidence_capture, redact={redact}"]
        title = f"{mib} MiB of logs, redact={redact}, beside {TAR}"
        speed = theirs / median(one.wall for one in ones)
        yield Figure("P7", title, goal, speed, " of its throughput", at_least=True)
        memory = max(one.memory for one in ones) / 2**20
        yield Figure("P7", f"{mib} MiB of logs, redact={redact}, memory at its highest", 64, memory, " MiB")


def _turn(home: Path, logs: Path, mib: int, number: int) -> Iterator[tuple[str, meter.Took]]:
    environment = dict(os.environ)
    archive = home / "logs.tar.zst"
    took, _output = meter.run(["sh", "-c", _SHELL, "sh", str(logs), str(archive)], home, environment=environment)
    archive.unlink()
    yield TAR, took
    paths = sorted(map(str, logs.iterdir()))
    for redact in ("never", "auto"):
        given = call(home / "work", f"bench-{redact}-{number:03d}", _logs(paths, mib), redact=redact, **_LIMITS)
        took, output = meter.run([PYTHON, "-"], home, given, environment)
        package = Package(output)
        assert package.result["outcomes"] == {"collected": 1}, package.result["artifacts"]
        package.remove()
        yield f"evidence_capture, redact={redact}", took
    shutil.rmtree(home / "work", ignore_errors=True)


_LIMITS = {"budget": "30m", "max_bytes": "16GiB", "reserve": "64MiB"}


def _logs(paths: Sequence[str], mib: int) -> list[dict[str, object]]:
    """One artifact of all of them, with no cap that would matter."""
    source = t.Source("files", tuple(paths))
    return [as_sent(t.Artifact("logs/app", t.SERVICES, (source,), 1800.0, mib << 21, t.PERSONAL))]
