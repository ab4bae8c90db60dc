# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a host can do to a scan: names that steer, files that never end, checks that hang. Each costs itself only."""

from __future__ import annotations

import os
import time
from typing import Any

import pytest
from planted_host import ALL, PlantedHost, key

from ansible_collections.toombos.incident.plugins.module_utils._clock import Clock
from ansible_collections.toombos.incident.plugins.module_utils._indicators import checks, child, texts
from ansible_collections.toombos.incident.plugins.module_utils._indicators.child import read_apart
from ansible_collections.toombos.incident.plugins.module_utils._indicators.host import (
    Host,
    Mounts,
    files_in,
    read_mounts,
    read_text,
)
from ansible_collections.toombos.incident.plugins.module_utils._indicators.types import Item, Mark, Stream

READERS = "ansible_collections.toombos.incident.plugins.module_utils._indicators.readers"
NASTY = "x\n\x1b[31m\u202e|%\udcff"


def steers(value: Any) -> bool:
    """Whether any text in the result could steer a terminal, or break what reads it."""
    if isinstance(value, dict):
        return any(steers(key) or steers(each) for key, each in value.items())
    if isinstance(value, (list, tuple)):
        return any(map(steers, value))
    return isinstance(value, str) and not value.isprintable()


@pytest.mark.usefixtures("within_this_process")
def test_names_of_any_bytes_are_printable_wherever_they_come_from(host: PlantedHost) -> None:
    host.process(20, f"/tmp/{NASTY}", NASTY, NASTY, environ=f"LD_PRELOAD=/tmp/{NASTY}\0")
    host.listen("0.0.0.0", 999, 2000, 20)
    host.write(f"/tmp/{NASTY}", "", 0o4755)
    host.write(f"/etc/cron.d/{NASTY}", f"* * * * * root /tmp/{NASTY}\n")
    host.write(f"/etc/systemd/system/{NASTY}.timer", f"[Timer]\nUnit={NASTY}\n")
    host.write("/home/alice/.ssh/authorized_keys", key(NASTY.replace("\n", "")))
    host.add("/etc/passwd", "e\x1b[31m\u202e:x:0:0::/\x1b:/bin/\x1b\n")
    host.add("/etc/group", "sudo:x:27:\x1b\u202e\n")
    host.login("g\x1b\udcff", "10.0.0.1")
    host.add("/var/log/auth.log", "2026-09-21T11:00:00Z host useradd[1]: new user: name=\x1b[31m\u202e\n")
    host.write("/var/lib/dpkg/info/evil.list", "")
    host.write("/var/lib/dpkg/info/evil.md5sums", b"0" * 32 + b"  usr/bin/\x1b\xff\n")
    result = host.scan()
    assert not steers(result)
    found = {each["check"] for each in result["findings"]}
    assert set(ALL) - found == {"authorized_keys", "timers"}  # nothing is odd about those but their names
    assert any(r"/tmp/x\x0a\x1b[31m\xe2\x80\xae|%\xff gives rights" in each["title"] for each in result["findings"])
    recorded = host.scan(state="baseline", reason="a test")
    assert recorded["changed"] is True
    assert {each["outcome"] for name, each in host.scan()["checks"].items() if name != "logs"} == {"clean"}


@pytest.mark.usefixtures("within_this_process")
def test_pipes_devices_and_loops_do_not_hold_it_up(host: PlantedHost) -> None:
    os.unlink(host.root / "home/alice/.ssh/authorized_keys")
    os.mkfifo(host.root / "home/alice/.ssh/authorized_keys")
    os.mkfifo(host.root / "etc/cron.d.fifo")
    host.write("/etc/cron.d/ok", "")
    os.mkfifo(host.root / "etc/cron.d/pipe")
    os.symlink("loop", host.root / "etc/cron.d/loop")
    os.symlink(host.root, host.root / "usr/loop")
    os.symlink("/dev/zero", host.root / "etc/ld.so.preload")
    started = time.monotonic()
    result = host.scan(exclude=["packages"])
    assert time.monotonic() - started < 30
    assert [(each["severity"], each["title"]) for each in result["findings"]] == [
        ("critical", "/etc/ld.so.preload is no file"),
        ("medium", "The keys of alice cannot be read"),
    ]
    assert "/etc/cron.d/pipe was not read: it is no regular file" in result["checks"]["schedule"]["message"]
    assert "/etc/cron.d/loop" in result["checks"]["schedule"]["message"]


@pytest.mark.usefixtures("within_this_process")
def test_huge_files_are_told_and_not_read_to_their_end(host: PlantedHost) -> None:
    with (host.root / "home/alice/.ssh/authorized_keys").open("wb") as file:
        file.truncate(1 << 40)
    with (host.write("/etc/cron.d/huge", "")).open("wb") as file:
        file.truncate(1 << 40)
    result = host.scan("authorized_keys", "schedule")
    assert "larger than" in result["findings"][0]["detail"]
    assert "/etc/cron.d/huge was not read: it is larger than 1048576 bytes" in result["checks"]["schedule"]["message"]


@pytest.mark.usefixtures("within_this_process")
def test_keys_that_are_none_are_counted_and_never_shown(host: PlantedHost) -> None:
    host.add("/home/alice/.ssh/authorized_keys", "root:$6$geheim:1:\nssh-ed25519 AAAAgeheimgeheimgeheimgeheim x\n")
    result = host.scan("authorized_keys")
    assert "has 2 lines that are no keys" in result["checks"]["authorized_keys"]["message"]
    assert "geheim" not in str(result)


def test_more_than_can_be_kept_is_an_error_with_what_was_kept(
    host: PlantedHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(child, "MOST_ITEMS", 5)
    host.write("/etc/cron.d/many", "".join(f"* * * * * root /tmp/{number}\n" for number in range(100)))
    entry = host.scan("schedule")["checks"]["schedule"]
    assert entry["outcome"] == "error"
    assert entry["looked_at"] == 5
    assert "there are more than 5; the rest was not looked at" in entry["message"]


def test_findings_that_are_too_many_are_counted(host: PlantedHost) -> None:
    host.write("/etc/cron.d/many", "".join(f"* * * * * root /tmp/{number}\n" for number in range(600)))
    result = host.scan("schedule")
    assert len(result["findings"]) == 500
    assert result["findings_left_out"] == 100
    assert result["counts"]["critical"] == 600


def test_a_directory_with_more_entries_than_it_may_have_is_told(
    host: PlantedHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    host.write("/etc/cron.d/a", "")
    host.write("/etc/cron.d/b", "")
    monkeypatch.setattr("ansible_collections.toombos.incident.plugins.module_utils._indicators.host.MOST_ENTRIES", 1)
    with pytest.raises(OSError, match="more than 1 entries"):
        files_in(str(host.root / "etc/cron.d"))
    assert host.outcome("schedule") == "error"


def hangs(_host: Host) -> Stream:
    """Says something, and then waits for a mount that is dead."""
    yield Item("pid 1", "", {"pid": 1, "exe": "/tmp/a", "uid": 0, "command": "a", "temporary": True})
    time.sleep(300)


def replaced(monkeypatch: pytest.MonkeyPatch, name: str, read: Any) -> None:
    old = checks.CHECKS[name]
    new = checks.Check(old.name, read, old.odd, old.supports, old.new, old.changed, old.seconds)
    monkeypatch.setitem(checks.CHECKS, name, new)  # type: ignore[arg-type]


def test_a_check_that_hangs_costs_its_own_time_and_keeps_what_it_found(
    host: PlantedHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    replaced(monkeypatch, "processes", hangs)
    started = time.monotonic()
    result = host.scan("processes", "accounts", check_timeout="1s")
    assert 1 <= time.monotonic() - started < 20
    assert result["checks"]["processes"]["outcome"] == "timeout"
    assert result["checks"]["processes"]["findings"] == 1
    assert result["checks"]["accounts"]["outcome"] == "no_baseline"
    assert result["complete"] is False
    assert "not looked at to the end: processes (timeout)" in result["msg"]


def test_when_the_budget_is_used_up_the_rest_is_told_and_not_called_clean(
    host: PlantedHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    replaced(monkeypatch, "processes", hangs)
    result = host.scan("processes", "accounts", budget="1s")
    assert {name: each["outcome"] for name, each in result["checks"].items()} == {
        "processes": "timeout",
        "accounts": "timeout",
    }


def test_a_check_that_breaks_is_an_error_and_leaves_the_others_alone(
    host: PlantedHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    def breaks(_host: Host) -> Stream:
        yield Mark("note", "so far")
        raise ZeroDivisionError("by zero")

    replaced(monkeypatch, "processes", breaks)
    result = host.scan("processes", "accounts")
    assert result["checks"]["processes"]["outcome"] == "error"
    assert result["checks"]["processes"]["message"] == "ZeroDivisionError: by zero; so far"
    assert result["checks"]["accounts"]["outcome"] == "no_baseline"


def test_a_check_that_dies_is_an_error() -> None:
    def dies() -> Stream:
        yield Item("a")
        os._exit(9)

    reading = read_apart(dies, 20, Clock())
    assert [item.key for item in reading.items] == ["a"]
    assert reading.told("error") == ("it ended without a word",)


def test_a_check_that_grows_without_end_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def grows() -> Stream:
        kept = []
        while True:
            kept.append(bytearray(64 << 20))
            yield Item(str(len(kept)))

    monkeypatch.setattr(child, "_MEMORY", 256 << 20)
    reading = read_apart(grows, 60, Clock())
    assert reading.told("error") == ("it needed more memory than it may have",)
    assert 1 <= len(reading.items) < 10


def test_a_check_that_talks_without_end_is_cut_short(monkeypatch: pytest.MonkeyPatch) -> None:
    def talks() -> Stream:
        while True:
            yield Item("x" * 100_000)

    monkeypatch.setattr(child, "_MOST_BYTES", 1 << 20)
    assert read_apart(talks, 60, Clock()).told("error") == ("it had more to say than 1 MiB",)


@pytest.mark.usefixtures("within_this_process")
def test_file_systems_of_other_machines_are_told_and_never_touched(
    host: PlantedHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    dead = host.write("/mnt/share/evil", "", 0o4755).parent
    host.write("/home/alice/.ssh/authorized_keys", key("x"), 0o666)
    host.write("/var/lib/docker/overlay2/x/su", "", 0o4755)
    rows = ["1 0 0:1 / / rw - ext4 /dev/sda rw", "2 1 0:2 / /mnt/share rw - nfs4 filer:/x rw"]
    rows += ["3 1 0:3 / /home rw master:1 - fuse.sshfs x rw", "4 1 0:4 / /mnt/a\\040b rw - proc x rw"]
    host.write("/proc/self/mountinfo", "\n".join(rows) + "\n")
    real = os.scandir

    def scandir(path: Any) -> Any:
        if os.fspath(path).startswith(str(dead)):
            time.sleep(300)
        return real(path)

    monkeypatch.setattr(os, "scandir", scandir)
    result = host.scan("privileges", "authorized_keys", check_timeout="20s")
    assert result["findings"] == []
    assert result["checks"]["privileges"]["message"].endswith(
        "left out: /home (fuse.sshfs), /mnt/share (nfs4), /var/lib/docker (of containers)"
    )
    assert (
        "/home/alice is left out: it is on another machine (fuse.sshfs)"
        in (result["checks"]["authorized_keys"]["message"])
    )
    assert read_mounts(Host(str(host.root))).foreign("/mnt/a b") == "proc"


@pytest.mark.usefixtures("within_this_process")
def test_what_is_not_permitted_is_denied_and_not_clean(host: PlantedHost, monkeypatch: pytest.MonkeyPatch) -> None:
    def denied(path: Any, *rest: Any, **more: Any) -> Any:
        raise PermissionError(13, "Permission denied", path)

    monkeypatch.setattr(f"{READERS}.schedule.read_text", denied)
    monkeypatch.setattr(f"{READERS}.accounts.read_text", denied)
    monkeypatch.setattr(f"{READERS}.preload.read_text", denied)
    monkeypatch.setattr(f"{READERS}.timers.read_text", denied)
    monkeypatch.setattr(f"{READERS}.packages.opened", denied)
    monkeypatch.setattr(f"{READERS}.logins.records", denied)
    checks_ = host.scan("schedule", "accounts", "preload", "timers", "packages", "logins")["checks"]
    assert {each["outcome"] for each in checks_.values()} == {"denied"}
    assert checks_["packages"]["message"] == "not permitted: 3 files of packages"


@pytest.mark.usefixtures("within_this_process")
def test_denied_checks_keep_what_they_found(host: PlantedHost, monkeypatch: pytest.MonkeyPatch) -> None:
    host.add("/etc/passwd", "toor:x:0:0::/:/bin/sh\n")
    real = read_text

    def denied(path: str, *rest: int) -> str:
        if path.endswith("shadow"):
            raise PermissionError
        return real(path, *rest)

    monkeypatch.setattr(
        "ansible_collections.toombos.incident.plugins.module_utils._indicators.readers.accounts.read_text", denied
    )
    entry = host.scan("accounts")["checks"]["accounts"]
    assert (entry["outcome"], entry["findings"], entry["message"]) == ("denied", 1, "not permitted: /etc/shadow")


def test_long_lines_are_masked_in_bounded_time() -> None:
    started = time.monotonic()
    shown = texts.line("password=" + "a1" * 1_000_000)
    assert shown == "(long)"
    assert texts.line("password=" + "a1" * 50) == "password=***"
    assert texts.line("curl " * 1_000_000).endswith("characters)")
    assert time.monotonic() - started < 5


def test_mounts_that_cannot_be_read_hide_nothing(host: PlantedHost) -> None:
    assert read_mounts(Host(str(host.root))) == Mounts({})
    host.write("/proc/self/mountinfo", "nonsense\n")
    assert read_mounts(Host(str(host.root))).remote("/home") == ""
