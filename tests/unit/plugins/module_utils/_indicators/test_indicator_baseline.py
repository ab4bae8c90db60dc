# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A baseline is recorded on purpose, kept whole, and believed only as long as it is what was recorded."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any, Callable

import pytest
from planted_host import PlantedHost

from ansible_collections.toombos.incident.plugins.module_utils._errors import IncidentError
from ansible_collections.toombos.incident.plugins.module_utils._indicators import baseline

READERS = "ansible_collections.toombos.incident.plugins.module_utils._indicators.readers"


def file_of(host: PlantedHost) -> Path:
    return host.store / "ioc" / "baseline.json"


def test_a_baseline_is_private_whole_and_says_who_when_and_why(host: PlantedHost) -> None:
    result = host.scan(state="baseline", reason="after the audit")
    path = file_of(host)
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700
    raw = json.loads(path.read_text())
    assert (raw["who"], raw["why"], raw["created"]) == ("alice", "after the audit", "2026-09-21T14:13:20Z")
    assert raw["digest"] == result["baseline"]["digest"]
    assert result["baseline"]["state"] == "present"
    assert sorted(raw["checks"]) == result["baseline"]["checks"]
    assert "logs" not in raw["checks"]
    assert result["msg"].startswith("the baseline is recorded; nothing was found")
    assert os.listdir(path.parent) == ["baseline.json"]


def test_in_check_mode_nothing_is_written(host: PlantedHost) -> None:
    result = host.scan(state="baseline", check_mode=True)
    assert result["changed"] is True
    assert result["msg"].startswith("the baseline would be recorded")
    assert not host.store.exists()


def test_the_same_baseline_is_not_written_again(host: PlantedHost) -> None:
    host.scan(state="baseline")
    before = file_of(host).stat()
    result = host.scan(state="baseline")
    assert result["changed"] is False
    assert result["msg"].startswith("the baseline is as it was")
    assert file_of(host).stat() == before


def test_another_baseline_needs_a_reason_and_the_one_before_is_kept(host: PlantedHost) -> None:
    host.scan(state="baseline")
    before = file_of(host).read_bytes()
    host.add("/etc/cron.d/app", "1 1 * * * root /opt/app/tidy\n")
    with pytest.raises(IncidentError, match=r"not replaced without a reason.*reason="):
        host.scan(state="baseline")
    assert file_of(host).read_bytes() == before
    result = host.scan(state="baseline", reason="the app was installed")
    assert Path(result["kept"]).read_bytes() == before
    assert Path(result["kept"]).stat().st_mode & 0o777 == 0o600
    assert host.outcome("schedule") == "clean"


def test_a_host_with_serious_findings_is_not_recorded_as_well_without_a_reason(host: PlantedHost) -> None:
    host.process(20, "/tmp/miner")
    with pytest.raises(IncidentError, match="not recorded as well: 1 findings are high or critical") as refused:
        host.scan(state="baseline")
    assert refused.value.result["findings"][0]["pid"] == 20
    assert not file_of(host).exists()
    host.scan(state="baseline", reason="it is ours")
    result = host.scan()
    assert result["findings"] == []
    assert result["checks"]["processes"]["known"] == 1


def test_what_was_not_looked_at_to_its_end_is_not_recorded(host: PlantedHost, monkeypatch: pytest.MonkeyPatch) -> None:
    def denied(path: Any, *rest: Any, **more: Any) -> Any:
        raise PermissionError

    with monkeypatch.context() as patched:
        patched.setattr(f"{READERS}.schedule.read_text", denied)
        result = host.scan(state="baseline")
    assert result["not_recorded"] == ["schedule"]
    assert "schedule" not in result["baseline"]["checks"]
    assert "is recorded, without schedule; " in result["msg"]
    assert host.outcome("schedule") == "no_baseline"


def test_a_baseline_of_some_checks_leaves_those_of_others_as_they_were(host: PlantedHost) -> None:
    host.scan(state="baseline")
    host.add("/etc/cron.d/app", "1 1 * * * root /opt/app/tidy\n")
    host.add("/etc/passwd", "bob:x:1001:1001::/home/bob:/bin/sh\n")
    host.scan("schedule", state="baseline", reason="the app was installed")
    assert host.outcome("schedule") == "clean"
    assert host.found("accounts") == [("high", "The account bob is new")]


def test_what_is_gone_is_told(host: PlantedHost) -> None:
    host.scan(state="baseline")
    os.unlink(host.root / "etc/cron.daily/dpkg")
    assert host.found("schedule") == [("info", "/etc/cron.daily/dpkg is gone")]


def altered(host: PlantedHost) -> None:
    path = file_of(host)
    path.write_text(path.read_text().replace("fstrim.timer", "evil00.timer"))


def cut(host: PlantedHost) -> None:
    file_of(host).write_bytes(file_of(host).read_bytes()[:100])


def removed(host: PlantedHost) -> None:
    file_of(host).unlink()


def opened_to_all(host: PlantedHost) -> None:
    file_of(host).chmod(0o666)


def opened_folder(host: PlantedHost) -> None:
    file_of(host).parent.chmod(0o777)


def linked(host: PlantedHost) -> None:
    file_of(host).rename(host.store / "elsewhere.json")
    file_of(host).symlink_to(host.store / "elsewhere.json")


def piped(host: PlantedHost) -> None:
    file_of(host).unlink()
    os.mkfifo(file_of(host))


def nonsense(host: PlantedHost) -> None:
    file_of(host).write_text("[" * 100_000)


@pytest.mark.parametrize(
    ("harm", "state"),
    [
        (altered, "damaged"),
        (cut, "damaged"),
        (nonsense, "damaged"),
        (piped, "damaged"),
        (linked, "damaged"),
        (removed, "lost"),
        (opened_to_all, "exposed"),
        (opened_folder, "exposed"),
    ],
)
def test_one_that_was_tampered_with_is_a_finding_and_not_believed(
    host: PlantedHost, harm: Callable[[PlantedHost], None], state: str
) -> None:
    host.scan(state="baseline")
    harm(host)
    result = host.scan()
    assert result["baseline"]["state"] == state
    assert [(each["check"], each["severity"]) for each in result["findings"]] == [("baseline", "high")]
    assert result["checks"]["schedule"]["outcome"] == "no_baseline"
    assert result["checks"]["schedule"]["compared"] == "heuristics"
    with pytest.raises(IncidentError, match="not replaced without a reason"):
        host.scan(state="baseline")
    if harm is not opened_folder:
        host.scan(state="baseline", reason="looked into it")
        assert host.scan()["baseline"]["state"] == "present"
    else:
        with pytest.raises(IncidentError, match="chmod 0700"):
            host.scan(state="baseline", reason="looked into it")


def test_a_digest_that_is_kept_elsewhere_shows_one_that_was_replaced_or_removed(host: PlantedHost) -> None:
    digest = host.scan(state="baseline")["baseline"]["digest"]
    assert host.scan(digest=digest.upper())["findings"] == []
    host.add("/etc/cron.d/evil", "1 1 * * * root /opt/evil\n")
    host.scan(state="baseline", reason="an intruder's")
    result = host.scan(digest=digest)
    assert result["baseline"]["state"] == "other"
    assert result["findings"][0]["title"].startswith("The baseline is not the one that was named")
    file_of(host).unlink()
    file_of(host).parent.joinpath(os.listdir(file_of(host).parent)[0]).unlink()
    file_of(host).parent.rmdir()
    assert host.scan(digest=digest)["baseline"]["state"] == "lost"
    assert host.scan()["baseline"]["state"] == "none"


def test_a_full_disk_leaves_the_one_before(host: PlantedHost, monkeypatch: pytest.MonkeyPatch) -> None:
    host.scan(state="baseline")
    before = file_of(host).read_bytes()
    host.add("/etc/cron.d/app", "1 1 * * * root /opt/app/tidy\n")

    def full(*_args: Any, **_more: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(baseline, "write_atomic", full)
    with pytest.raises(IncidentError, match="No space left on device"):
        host.scan(state="baseline", reason="the app was installed")
    assert file_of(host).read_bytes() == before


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"only": ["listenrs"]}, "There is no check listenrs"),
        ({"only": ["logs"], "exclude": ["logs"]}, "No check is left"),
        ({"expected": {"listener": [1]}}, "expected: there is no listener"),
        ({"expected": {"listeners": 22}}, "is no list"),
        ({"expected": {"listeners": [True]}}, "is no list"),
        ({"expected": {"listeners": ["ssh"]}}, "'ssh' is no port"),
        ({"expected": {"listeners": [70000]}}, "'70000' is no port"),
        ({"expected": {"fingerprints": ["MD5:x"]}}, "is no fingerprint"),
        ({"budget": "0"}, "budget: 0 is out of bounds"),
        ({"budget": "soon"}, "is not a duration"),
        ({"since": "yesterday"}, "neither a duration nor a moment"),
        ({"services_only": ["shop"]}, "none are given"),
    ],
)
def test_what_is_not_valid_is_refused(host: PlantedHost, options: dict[str, Any], told: str) -> None:
    with pytest.raises(IncidentError, match=told):
        host.scan(**options)
