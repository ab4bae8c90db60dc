# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs that are killed, meet each other, or find no room: the logs are as they were, or as they should be."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Callable

import pytest
from log_site import OLD, TODAY, YESTERDAY, Site, lines

from ansible_collections.toombos.incident.plugins.module_utils._log_restore import swap
from ansible_collections.toombos.incident.plugins.module_utils._recovery.lock import Locked

NEW = lines(TODAY, hour=3)
BIG = lines(YESTERDAY, 6_000)
LOGS = {"gone.log": None, "empty.log": b"", "nul.log": BIG[:999].encode() + bytes(4096), "new.log": NEW.encode()}
DONE = {"gone.log": BIG, "empty.log": BIG, "nul.log": BIG, "new.log": BIG + NEW}


def prepare(site: Site) -> None:
    for name, content in LOGS.items():
        site.backup(YESTERDAY, BIG, name)
        if content is not None:
            site.log(content, name)


def in_a_child(site: Site, options: dict[str, Any]) -> int:
    """A run in a process of its own; its pid."""
    child = os.fork()
    if not child:
        try:
            site.run(**options)
            os._exit(0)
        except BaseException:  # noqa: BLE001 - must never return into the test
            os._exit(1)
    return child


def check(site: Site) -> set[str]:
    """Every log is old or new, and what was there is somewhere; the names of those that are new."""
    new = set()
    for name, before in LOGS.items():
        path = site.logs / name
        now = path.read_bytes() if path.exists() else None
        assert now in (before, DONE[name].encode()), name
        if now == DONE[name].encode():
            new.add(name)
            if before is not None:
                kept = [p for p in site.logs.iterdir() if p.name.startswith(f"{name}.") and p.read_bytes() == before]
                assert kept, f"{name} has been replaced and is not kept"
    return new


CHANGING = ("write", "fsync", "fchmod", "fchown", "utime", "link", "unlink")
MOST = 52  # more calls of these than a run makes


def killed_at(site: Site, options: dict[str, Any], number: int) -> bool:
    """A run that kills itself right before its ``number``-th change; whether it came that far."""

    def counting(real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **named: Any) -> Any:
            nonlocal number
            number -= 1
            if not number:
                os.kill(os.getpid(), signal.SIGKILL)
            return real(*arguments, **named)

        return call

    child = os.fork()
    if not child:
        try:
            for name in CHANGING:
                setattr(os, name, counting(getattr(os, name)))
            swap._exchange = counting(swap._exchange)
            site.run(**options)
            os._exit(0)
        except BaseException:  # noqa: BLE001 - must never return into the test
            os._exit(1)
    status = os.waitpid(child, 0)[1]
    assert status in (0, signal.SIGKILL)
    return bool(status)


@pytest.mark.no_cover
@pytest.mark.parametrize("number", range(1, MOST + 1))
def test_killed_before_any_change(site: Site, number: int) -> None:
    prepare(site)
    options = {"paths": [str(site.logs)]}
    ended = killed_at(site, options, number)
    assert check(site) == set(LOGS) or ended
    assert not (ended and number == MOST), "there are more changes than this looks at"
    site.run(**options)
    assert check(site) == set(LOGS)
    assert not [name for name in site.names() if name.startswith(".")]
    assert len([name for name in site.names() if ".corrupt-" in name or ".before-" in name]) == 3
    before = site.tree()
    assert not site.run(**options)["changed"]
    assert site.tree() == before


def test_what_a_killed_run_left_is_told_and_removed(site: Site) -> None:
    site.backup(YESTERDAY, BIG)
    log = site.log(BIG)
    (site.logs / ".incident-restore.0123456789abcdef.part").write_text("half of ")
    (site.logs / ".incident-restore.mine").write_text("not ours")
    os.link(log, site.logs / "app.log.corrupt-20261128T000000Z")
    told = site.run(check_mode=True)
    assert (told["changed"], told["leftovers"]) == (True, 2)
    assert "2 leftovers" in told["msg"]
    done = site.run()
    assert (done["changed"], done["leftovers"]) == (True, 2)
    assert site.names() == [".incident-restore.mine", "app.log"]
    assert not site.run()["changed"]


def test_runs_that_meet(site: Site) -> None:
    prepare(site)
    options = {"paths": [str(site.logs)], "lock_timeout": "30s"}
    children = [in_a_child(site, options) for _one in range(4)]
    assert [os.waitpid(child, 0)[1] for child in children] == [0] * 4
    assert check(site) == set(LOGS)
    assert len([name for name in site.names() if ".corrupt-" in name or ".before-" in name]) == 3


def test_a_run_that_does_not_want_to_wait_is_told_who_is_there(site: Site) -> None:
    prepare(site)
    program = f"import fcntl, os, time; f = open({str(site.home / 'lib' / 'recovery.lock')!r}, 'w'); "
    program += 'f.write(\'{"pid": 1, "since": "now", "by": "alice"}\'); f.flush(); '
    program += "fcntl.flock(f, fcntl.LOCK_EX); print(1, flush=True); time.sleep(60)"
    (site.home / "lib").mkdir(mode=0o700)
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        holder.stdout.readline()
        with pytest.raises(Locked, match="pid 1 since now, started by alice"):
            site.run(paths=[str(site.logs)])
        holder.kill()
    assert check(site) == set()


def test_a_disk_that_is_full_in_the_middle(site: Site) -> None:
    """A limit for the size of files fails a write half-way, as a full disk does."""
    prepare(site)
    before = {name: (site.logs / name).read_bytes() for name in site.names()}
    limit = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(BIG) // 2, limit[1]))
    try:
        result = site.run(paths=[str(site.logs)])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limit)
        signal.signal(signal.SIGXFSZ, handler)
    assert [entry["action"] for entry in result["logs"]] == ["refuse"] * 4
    assert {entry["reason"] for entry in result["logs"]} == {"nothing was changed: File too large"}
    assert {name: (site.logs / name).read_bytes() for name in site.names()} == before
    assert not result["changed"]


SMALL_DISK = """
import json, os, sys
sys.path[:0] = {path!r}
from ansible_collections.toombos.incident.plugins.module_utils._log_restore import observe, rotated
from ansible_collections.toombos.incident.plugins.module_utils._log_restore.call import restore_logs
for name in ("app.log", "other.log"):
    with open({logs!r} + "/" + name, "wb") as file:
        file.write(b"" if name == "app.log" else bytes(700))
if {blind}:  # nobody has looked whether there is room
    observe.room = rotated.room = lambda directory: 1 << 40
before = sorted(os.listdir({logs!r}))
result = restore_logs({options!r}, False)
print(json.dumps([result["logs"], before == sorted(os.listdir({logs!r})), os.path.getsize({logs!r} + "/app.log")]))
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount a small disk, in a namespace of its own")
@pytest.mark.parametrize(
    ("blind", "reason"), [(False, "are needed and"), (True, "nothing was changed: No space left on device")]
)
def test_a_small_disk(site: Site, blind: bool, reason: str) -> None:
    import json

    if subprocess.run(["unshare", "--mount", "true"], check=False, capture_output=True).returncode:
        pytest.skip("no mount namespaces here")
    site.backup(YESTERDAY, BIG)
    program = SMALL_DISK.format(
        path=[entry for entry in sys.path if entry], logs=str(site.logs), options=site.options(), blind=blind
    )
    (site.home / "program.py").write_text(program)
    mount = f"mount -t tmpfs -o size=64k,mode=755 none {site.logs} && exec {sys.executable} {site.home}/program.py"
    done = subprocess.run(
        ["unshare", "--mount", "--propagation", "private", "sh", "-c", mount],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    (entry,), same, size = json.loads(done.stdout)
    assert (entry["action"], entry["changed"]) == ("refuse", False)
    assert reason in entry["reason"]
    assert (same, size) == (True, 0)


def test_a_file_system_that_does_not_answer_costs_the_deadline(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    from ansible_collections.toombos.incident.plugins.module_utils._errors import IncidentError
    from ansible_collections.toombos.incident.plugins.module_utils._log_restore import call

    site.backup(OLD, lines(OLD))
    monkeypatch.setattr(call, "find_backups", lambda *_all: time.sleep(20))
    started = time.monotonic()
    with pytest.raises(IncidentError, match="were not read within 1 seconds; nothing was changed"):
        site.run(deadline="1s")
    assert time.monotonic() - started < 10
    assert site.names() == []


def test_an_interrupted_run_takes_its_new_file_away(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    from ansible_collections.toombos.incident.plugins.module_utils._log_restore import stage

    site.backup(YESTERDAY, BIG)

    def interrupt(*_all: Any) -> str:
        raise KeyboardInterrupt

    monkeypatch.setattr(stage, "_verify", interrupt)
    with pytest.raises(KeyboardInterrupt):
        site.run()
    assert site.names() == []
    assert Path(site.logs).is_dir()


def test_a_freeze_in_the_middle_stops_before_the_next_change(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    from ansible_collections.toombos.incident.plugins.module_utils._errors import IncidentError
    from ansible_collections.toombos.incident.plugins.module_utils._log_restore import call
    from ansible_collections.toombos.incident.plugins.module_utils._recovery.freeze import Freeze, FreezeSwitch

    prepare(site)
    switch, real = FreezeSwitch(str(site.home / "run")), call.apply_step

    def freeze_then(step: Any) -> Any:
        switch.set(Freeze("evidence first", "alice", 1.0))
        return real(step)

    monkeypatch.setattr(call, "apply_step", freeze_then)
    with pytest.raises(IncidentError, match="Changes are frozen by alice") as stopped:
        site.run(paths=[str(site.logs)])
    assert len(check(site)) == 1
    assert stopped.value.result["changed"] is True
    assert len(stopped.value.result["logs"]) == 1
    assert len((site.home / "lib" / "log_restore.jsonl").read_text().splitlines()) == 1


def test_leftovers_stay_while_the_host_is_frozen(site: Site) -> None:
    from ansible_collections.toombos.incident.plugins.module_utils._errors import IncidentError
    from ansible_collections.toombos.incident.plugins.module_utils._recovery.freeze import Freeze, FreezeSwitch

    site.backup(YESTERDAY, BIG)
    site.log(BIG)
    left = site.log("half of ", ".incident-restore.0123456789abcdef.part")
    FreezeSwitch(str(site.home / "run")).set(Freeze("evidence first", "alice", 1.0))
    with pytest.raises(IncidentError, match="Changes are frozen by alice"):
        site.run()
    assert left.exists()
