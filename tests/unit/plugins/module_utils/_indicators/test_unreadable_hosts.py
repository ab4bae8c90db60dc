# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What cannot be read ends as what it is, check by check, and is never called clean."""

from __future__ import annotations

import os
from typing import Any

import pytest
from planted_host import PlantedHost

pytestmark = pytest.mark.usefixtures("within_this_process")
READERS = "ansible_collections.toombos.incident.plugins.module_utils._indicators.readers"


def refuse(error: OSError) -> Any:
    """A function that always raises this."""

    def raises(*_args: Any, **_more: Any) -> Any:
        raise error

    return raises


DENIED = refuse(PermissionError(13, "Permission denied"))
BROKEN = refuse(OSError(5, "Input/output error"))


@pytest.mark.parametrize(
    ("check", "patched"),
    [
        ("authorized_keys", "keys.read_text"),
        ("timers", "timers.files_in"),
        ("schedule", "schedule.files_in"),
        ("privileges", "privileges.os.scandir"),
        ("logins", "logins.os.path.getsize"),
    ],
)
def test_what_is_not_permitted_is_denied(
    host: PlantedHost, monkeypatch: pytest.MonkeyPatch, check: str, patched: str
) -> None:
    monkeypatch.setattr(f"{READERS}.{patched}", DENIED)
    assert host.outcome(check) == "denied"


@pytest.mark.parametrize(
    ("check", "patched"),
    [
        ("authorized_keys", "keys.read_text"),
        ("schedule", "schedule.read_text"),
        ("packages", "packages.read_text"),
        ("packages", "packages.opened"),
        ("logins", "logins.records"),
    ],
)
def test_what_breaks_is_an_error(host: PlantedHost, monkeypatch: pytest.MonkeyPatch, check: str, patched: str) -> None:
    monkeypatch.setattr(f"{READERS}.{patched}", BROKEN)
    assert host.outcome(check) == "error"


def test_what_is_larger_than_it_may_be_is_told(host: PlantedHost, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(f"{READERS}.logins._MOST_BYTES", 100)
    host.login("x", "10.0.0.1", path="/var/log/btmp")
    entry = host.scan("logins")["checks"]["logins"]
    assert entry["outcome"] == "error"
    assert "/var/log/btmp is larger than" in entry["message"]


def test_a_process_that_cannot_be_looked_at_is_denied(host: PlantedHost, monkeypatch: pytest.MonkeyPatch) -> None:
    host.process(30, "/usr/bin/x")
    os.unlink(host.root / "proc/30/exe")
    assert host.outcome("processes") == "denied"


def test_packages_without_digests_are_told(host: PlantedHost) -> None:
    host.write("/var/lib/dpkg/info/bare.list", "")
    assert host.scan("packages")["checks"]["packages"]["message"] == "1 packages have no digests"


def test_packet_readers_are_told_and_new(host: PlantedHost) -> None:
    host.scan("listeners", state="baseline")
    host.process(30, "/usr/sbin/tcpdump")
    host.write("/proc/net/packet", "head\n0 3 3 0003 2 1 0 0 777\n")
    os.symlink("socket:[777]", host.root / "proc/30/fd/7")
    assert host.found("listeners") == [("medium", "what reads whole packets is new")]


def test_without_the_settings_of_the_kernel_the_usual_ports_are_lent(host: PlantedHost) -> None:
    os.unlink(host.root / "proc/sys/net/ipv4/ip_local_port_range")
    os.unlink(host.root / "proc/10/exe")
    result = host.scan("listeners", expected={"listeners": [1]})
    assert result["findings"][0]["programs"] == ["?"]


def test_ports_of_services_are_expected(host: PlantedHost) -> None:
    port = {"kind": "tcp", "port": 22}
    services = {"ssh": {"manager": {"kind": "systemd", "unit": "x.service"}, "ports": [22], "probes": {"port": port}}}
    host.process(30, "/usr/bin/nc")
    host.listen("0.0.0.0", 23, 3000, 30)
    result = host.scan("listeners", services=services, expected={"listeners": [1]})
    assert [each["port"] for each in result["findings"]] == [23]
    assert result["checks"]["listeners"]["known"] == 1


def test_a_group_file_that_is_gone_is_a_note(host: PlantedHost) -> None:
    os.unlink(host.root / "etc/group")
    os.unlink(host.root / "etc/shadow")
    assert host.scan("accounts")["checks"]["accounts"]["message"].endswith("/etc/group cannot be read")
