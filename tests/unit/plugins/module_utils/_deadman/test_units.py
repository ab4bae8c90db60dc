# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The unit of a deadline: written, started, removed. tests/systemd has the real one."""

from __future__ import annotations

import os
import socket
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.toombos.incident.plugins.module_utils._deadman import deadline, keepers, systemd, types as t
from ansible_collections.toombos.incident.plugins.module_utils._deadman.slot import Slot
from ansible_collections.toombos.incident.plugins.module_utils._errors import IncidentError

UNIT = "toombos-incident-0123456789abcdef.service"


@pytest.fixture
def said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A systemctl that writes down how it was called; what it answers with is in a file."""
    (tmp_path / "bin").mkdir()
    (tmp_path / "systemctl.rc").write_text('[ "$1" != show ] || echo active')
    program = tmp_path / "bin" / "systemctl"
    program.write_text(f'#!/bin/sh\nshift\necho "$@" >>{tmp_path}/said\n. {tmp_path}/systemctl.rc\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    return lambda: (tmp_path / "said").read_text().splitlines() if (tmp_path / "said").exists() else []


@pytest.fixture
def units(tmp_path: Path) -> Path:
    (tmp_path / "units").mkdir()
    return tmp_path / "units"


@pytest.fixture
def keeper(tmp_path: Path, units: Path, said: Any) -> systemd.Systemd:
    return systemd.Systemd(str(tmp_path), str(units))


def test_it_is_written_enabled_and_started(keeper: systemd.Systemd, units: Path, said: Any) -> None:
    slot = Slot('/var/lib/100%/a "b" $c/0123456789abcdef')
    assert keeper.start(slot, "/usr/bin/python3") == f"in the unit {UNIT}"
    assert said() == ["daemon-reload", f"start {UNIT}"]
    text = (units / UNIT).read_text()
    assert 'ExecStart="/usr/bin/python3" -I "/var/lib/100%%/a \\"b\\" $$c/0123456789abcdef/program.py" keep\n' in text
    assert os.readlink(units / "multi-user.target.wants" / UNIT) == f"../{UNIT}"
    assert keeper.running(slot)
    assert keeper.start(slot, "/usr/bin/python3"), "a second start is none"
    keeper.forget(slot)
    assert os.listdir(units) == ["multi-user.target.wants"]
    assert os.listdir(units / "multi-user.target.wants") == []
    assert not keeper.running(slot)
    before = said()
    keeper.forget(slot)
    assert said() == before, "nothing to forget, nothing to reload"
    keeper.dismiss(slot)
    assert said()[-1] == f"stop {UNIT}"


@pytest.mark.parametrize(
    ("answers", "runs"),
    [
        (["activating", "", "active"], True),  # it starts again, systemd does not answer, it has started
        (["activating", "failed"], False),
        (["inactive"], False),
        (["activating"], False),
    ],
)
def test_one_between_two_lives_is_given_a_moment(
    keeper: systemd.Systemd, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answers: list[str], runs: bool
) -> None:
    """The last answer stays."""
    slot = Slot("/x/0123456789abcdef")
    keeper.start(slot, "/usr/bin/python3")
    monkeypatch.setattr(systemd, "_BETWEEN", 0.5)
    (tmp_path / "answers").write_text("".join(f"{each}\n" for each in answers))
    (tmp_path / "systemctl.rc").write_text(
        f'cd {tmp_path}; head -n 1 answers; [ "$(wc -l <answers)" = 1 ] || sed -i 1d answers'
    )
    assert keeper.running(slot) is runs


def test_what_systemd_refuses_leaves_no_unit(keeper: systemd.Systemd, units: Path, tmp_path: Path) -> None:
    (tmp_path / "systemctl.rc").write_text('[ "$1" != start ] || { echo "Job failed." >&2; exit 1; }')
    with pytest.raises(IncidentError, match=r"systemd does not keep the deadline: Job failed\. See journalctl -u"):
        keeper.start(Slot("/x/0123456789abcdef"), "/usr/bin/python3")
    assert os.listdir(units) == ["multi-user.target.wants"]


def test_a_silent_refusal_is_one_as_well(keeper: systemd.Systemd, tmp_path: Path) -> None:
    (tmp_path / "systemctl.rc").write_text("exit 4")
    with pytest.raises(IncidentError, match="systemctl daemon-reload ended with 4"):
        keeper.start(Slot("/x/0123456789abcdef"), "/usr/bin/python3")


def test_where_systemd_does_not_run_the_host_it_keeps_nothing(tmp_path: Path, units: Path) -> None:
    assert not systemd.Systemd(str(tmp_path / "none"), str(units)).usable()
    assert systemd.Systemd(str(tmp_path), str(units)).usable() == (os.geteuid() == 0)
    assert not systemd.Systemd(str(tmp_path), str(tmp_path / "none")).usable()


def test_where_systemd_fails_two_processes_keep_it(deadlines: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    class Sick:
        name, reboot = "systemd", ""

        def start(self, slot: Slot, python: str) -> str:
            raise OSError(30, "Read-only file system")

    monkeypatch.setattr(deadline, "candidates", lambda: [Sick(), keepers.KEEPERS["pair"]])
    token = deadline.arm(deadlines.directory, deadlines.order(seconds=0.5))
    seen = deadline.status(deadlines.directory, token)
    assert seen.keeper.startswith("pair")
    assert seen.reboot.startswith("After a restart of the host it comes with the next call")
    deadlines.zoo.until(lambda: deadline.status(deadlines.directory, token).state == t.FIRED)


def test_the_best_keeper_comes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(systemd.Systemd, "usable", lambda self: True)
    assert [each.name for each in keepers.candidates()] == ["systemd", "pair"]
    monkeypatch.setattr(systemd.Systemd, "usable", lambda self: False)
    assert [each.name for each in keepers.candidates()] == ["pair"]


@pytest.mark.parametrize("abstract", [False, True])
def test_systemd_is_told_when_the_time_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, abstract: bool) -> None:
    name = f"incident-{os.getpid()}" if abstract else str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as channel:
        channel.bind("\0" + name if abstract else name)
        channel.settimeout(10)
        monkeypatch.setenv("NOTIFY_SOCKET", "@" + name if abstract else name)
        systemd.notify_ready()
        assert channel.recv(100) == b"READY=1"
    systemd.notify_ready()  # nobody listens any more
