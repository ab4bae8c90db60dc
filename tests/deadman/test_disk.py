# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A disk that is full, or cannot be written to any more: no new deadline, and those that are set come all the same.

Each in a mount namespace of its own: nothing is done to the mounts of the machine.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from starting import Starters

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount a small disk, in a namespace of its own")

# The deadline is set on the disk, and acts beside it.
SCRIPT = """\
import os, subprocess, sys, time
sys.path[:0] = {path!r}
from ansible_collections.toombos.incident.plugins.module_utils._deadman import deadline, types as t
from ansible_collections.toombos.incident.plugins.module_utils._errors import IncidentError
directory, acted, how = {disk!r} + "/deadlines", {acted!r}, {how!r}
argv = ["sh", "-c", "echo acted >>" + acted]
function = "ansible_collections.toombos.incident.plugins.module_utils._command:run_command"
def order(seconds):
    return t.Order("trial", function, {{"argv": argv, "timeout": 10}}, seconds)
token = deadline.arm(directory, order(3.0))
if how == "full":
    with open({disk!r} + "/filler", "wb", buffering=0) as filler:
        for size in (4096, 1):
            try:
                while True:
                    filler.write(bytes(size))
            except OSError as error:
                pass
    assert os.statvfs({disk!r}).f_bavail == 0
else:
    subprocess.run(["mount", "-o", "remount,ro", {disk!r}], check=True)
try:
    deadline.arm(directory, order(60.0))
    print("ARMED")
except IncidentError as error:
    print("REFUSED", error)
if how == "read-only":
    try:
        print("OFF", deadline.call_off(directory, token))
    except IncidentError as error:
        print("KEPT", error)
end = time.monotonic() + 20
while not os.path.exists(acted):
    assert time.monotonic() < end
    time.sleep(0.05)
time.sleep(1.5)
print("STATE", [each.state for each in deadline.orders(directory)], open(acted).read().split())
"""


@pytest.mark.parametrize("how", ["full", "read-only"])
def test_what_is_set_comes_and_nothing_new_is_set(starters: Starters, how: str) -> None:
    disk, acted = starters.home / "disk", starters.home / "acted"
    disk.mkdir()
    script = starters.home / "trial.py"
    script.write_text(SCRIPT.format(path=[p for p in sys.path if p], disk=str(disk), acted=str(acted), how=how))
    words = f"mount -t tmpfs -o size=1m,mode=700 none {disk} && exec {sys.executable} {script}"
    done = subprocess.run(
        ["unshare", "--mount", "--propagation", "private", "sh", "-c", words],
        capture_output=True, text=True, timeout=90, check=False,
    )  # fmt: skip
    said = dict(line.split(" ", 1) for line in done.stdout.splitlines())
    assert done.returncode == 0, done.stderr
    assert said["REFUSED"].startswith("No deadline could be set: ")
    assert "Nothing was changed" in said["REFUSED"]
    if how == "full":
        assert "No space left on device" in said["REFUSED"]
        assert said["STATE"] == "['fired'] ['acted']"
    else:
        assert said["KEPT"].endswith("It stays in force. Is the disk broken?")
        # Once by each of the two that keep the time: neither can leave a mark for the other.
        assert said["STATE"] in ("['armed'] ['acted']", "['armed'] ['acted', 'acted']")
    starters.until_gone()
    assert Path("/proc/self/mounts").read_text().count(str(disk)) == 0
