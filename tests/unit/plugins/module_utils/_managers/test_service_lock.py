# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import os

import pytest

from ansible_collections.toombos.incident.plugins.module_utils._clock import Clock
from ansible_collections.toombos.incident.plugins.module_utils._errors import ManagerError
from ansible_collections.toombos.incident.plugins.module_utils._managers.service_lock import service_lock

CLOCK = Clock()


def hold(path, seconds):
    return service_lock(str(path), deadline=CLOCK.monotonic() + seconds, clock=CLOCK)


def test_one_holder_at_a_time(tmp_path):
    path = tmp_path / "processes" / "main.lock"
    busy = rf"Another run is starting or stopping this service \(lock {path}\)"
    with hold(path, 0):
        with pytest.raises(ManagerError, match=busy), hold(path, 0.1):
            pytest.fail("held twice")
        with hold(tmp_path / "processes" / "other.lock", 0):
            pass
    with hold(path, 0):
        pass


def test_the_lock_of_a_process_that_was_killed_is_free(tmp_path, zoo):
    path = tmp_path / "main.lock"
    zoo.start(
        "holder.py",
        f"import fcntl\nf = open({str(path)!r}, 'w')\nfcntl.flock(f, fcntl.LOCK_EX)\nready()\ntime.sleep(600)\n",
    )
    with pytest.raises(ManagerError), hold(path, 0):
        pytest.fail("held twice")
    zoo.children[0].kill()
    with hold(path, 30):
        pass


def test_a_link_is_not_followed(tmp_path):
    os.symlink("precious", tmp_path / "main.lock")
    with pytest.raises(OSError, match="symbolic link"), hold(tmp_path / "main.lock", 0):
        pytest.fail("held")
    assert not (tmp_path / "precious").exists()
