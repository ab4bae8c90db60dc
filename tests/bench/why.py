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
import tempfile
from collections import Counter
from pathlib import Path

from competitors import OURS, ROOT, Competitor, competitors
from hosts import PYTHON, Fleet, Host
from payload import OURS as OUR_FILES, PING, RECOVERY, Payload, payload

_MAIN = "ansible_collections.toombos.incident.plugins.modules.service_recovery"
_MOST = 20


def why(fleet: Fleet, fault: str) -> str:
    """Text for people. Costs a recovery of all hosts."""
    sent = payload(RECOVERY, {"services": {}})
    parts = [_by_folder(sent), _imports(sent), _controller(fleet, fault)]
    return "\n\n".join(parts)


def _by_folder(sent: Payload) -> str:
    folders: Counter[str] = Counter()
    files: Counter[str] = Counter()
    for name, size in sent.files.items():
        folder = "/".join(name.split("/")[4:6]) if name.startswith(OUR_FILES) else "ansible"
        folder = "module_utils" if folder.endswith(".py") else folder
        folders[folder] += size
        files[folder] += 1
    ping = payload(PING, {})
    lines = [
        f"Payload of service_recovery: {len(sent.script) / 1000:.0f} KB, {len(sent.files)} files, in base64.",
        f"Payload of ping of ansible-core: {len(ping.script) / 1000:.0f} KB, {len(ping.files)} files.",
        "Compressed bytes by folder:",
    ]
    lines += [f"  {size:7} in {files[name]:3} files  {name}" for name, size in folders.most_common()]
    return "\n".join(lines)


def _imports(sent: Payload) -> str:
    """Time of the imports of the module, compiled from source each time, as out of the archive."""
    with tempfile.TemporaryDirectory() as folder:
        sent.unpack(Path(folder))
        command = [PYTHON, "-B", "-X", "importtime", "-c", f"import {_MAIN}"]
        done = subprocess.run(command, cwd=folder, stderr=subprocess.PIPE, text=True, check=True)
    own: Counter[str] = Counter()
    counts: Counter[str] = Counter()
    slowest: Counter[str] = Counter()
    for line in done.stderr.splitlines():
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
