# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the time goes: imports on the host, the payload by folders, the controller's tasks and functions."""

from __future__ import annotations

import io
import os
import pstats
import re
import subprocess
import sys
import zlib
from collections import Counter

from competitors import OURS, ROOT, Competitor, competitors
from hosts import PYTHON, Fleet, Host
from payload import PING, RECOVERY, needed, payload

_MOST = 20


def why(fleet: Fleet, fault: str) -> str:
    """Text for people. Costs a recovery of all hosts."""
    sent = payload(RECOVERY, {"services": {}})
    parts = [_by_folder(sent), _imports(sent), _controller(fleet, fault)]
    return "\n\n".join(parts)


def _by_folder(sent: bytes) -> str:
    folders: Counter[str] = Counter()
    files: Counter[str] = Counter()
    for name, source in needed("service_recovery").items():
        folder = name.split(".")[5] if name.count(".") > 5 else name
        folders[folder] += len(zlib.compress(source.encode(), 9))
        files[folder] += 1
    lines = [
        f"Sent for service_recovery: {len(sent) / 1000:.0f} KB, {sum(files.values())} files, in base64.",
        f"Sent for ping of ansible-core: {len(payload(PING, {})) / 1000:.0f} KB.",
        "Compressed bytes by folder, each file by itself (sent as one they are fewer):",
    ]
    lines += [f"  {size:7} in {files[name]:3} files  {name}" for name, size in folders.most_common()]
    return "\n".join(lines)


def _imports(sent: bytes) -> str:
    """Time of the imports of the module, compiled from source as on every host."""
    done = subprocess.run([PYTHON, "-X", "importtime", "-"], input=sent, capture_output=True, check=False)
    own: Counter[str] = Counter()
    counts: Counter[str] = Counter()
    slowest: Counter[str] = Counter()
    for line in done.stderr.decode().splitlines():
        found = re.match(r"import time:\s+(\d+) \|\s+\d+ \|\s+(\S+)", line)
        if found:
            whose = _whose(found[2])
            own[whose] += int(found[1])
            counts[whose] += 1
            slowest[found[2]] += int(found[1])
    lines = ["Imports of service_recovery on the host, milliseconds of their own:"]
    lines += [f"  {time / 1000:7.1f} in {counts[name]:3} modules  {name}" for name, time in own.most_common()]
    lines += [f"  {time / 1000:7.1f}  {name}" for name, time in slowest.most_common(12)]
    return "\n".join(lines)


def _whose(module: str) -> str:
    if module.startswith("ansible_collections.toombos"):
        return "this collection"
    return "ansible" if module.startswith("ansible") else "Python's library"


def _controller(fleet: Fleet, fault: str) -> str:
    """One recovery: time of each task, and functions of the controller's main process."""
    (plain,) = competitors(fleet, [OURS])
    stats = fleet.home / "controller.prof"
    command = [sys.executable, "-m", "cProfile", "-o", str(stats), *plain.command]
    tasks = {"ANSIBLE_CALLBACKS_ENABLED": "ansible.posix.profile_tasks", "PROFILE_TASKS_TASK_OUTPUT_LIMIT": "12"}
    profiled = Competitor(OURS, command, {**plain.environment, **tasks})
    fleet.each(Host.break_all, fault)
    done = subprocess.run(
        profiled.command,
        cwd=ROOT,
        env={**os.environ, **profiled.environment},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    timed = done.stdout.rpartition("=====")[2]
    text = io.StringIO()
    pstats.Stats(str(stats), stream=text).strip_dirs().sort_stats("tottime").print_stats(_MOST)
    rows = [line for line in text.getvalue().splitlines() if line.strip()]
    return "Tasks of one recovery:\n" + timed.strip() + "\n\nThe controller's main process:\n" + "\n".join(rows[2:])
