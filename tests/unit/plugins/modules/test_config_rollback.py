# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Snapshot, proof, rollback, confirmation: of a real service that really reads its configuration."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any, Callable, Iterator

import pytest

from ansible_collections.toombos.incident.plugins.module_utils._clock import Clock
from ansible_collections.toombos.incident.plugins.module_utils._config.call import roll_back
from ansible_collections.toombos.incident.plugins.module_utils._config.listing import listing
from ansible_collections.toombos.incident.plugins.module_utils._config.snapshot import snapshot
from ansible_collections.toombos.incident.plugins.module_utils._deadman.deadline import orders
from ansible_collections.toombos.incident.plugins.module_utils._errors import IncidentError
from ansible_collections.toombos.incident.plugins.module_utils._options import (
    CHANGE_FREEZE,
    CONFIG_ROLLBACK,
    CONFIG_SNAPSHOT,
    CONFIG_SNAPSHOT_INFO,
    SERVICE_RECOVERY,
)
from ansible_collections.toombos.incident.plugins.module_utils._process.kill import stop_processes
from ansible_collections.toombos.incident.plugins.module_utils._process.table import read_table
from ansible_collections.toombos.incident.plugins.module_utils._recovery.call import recover
from ansible_collections.toombos.incident.plugins.module_utils._recovery.control import Wish, control

# It dies of a number that is none, answers 500 in the mood "ill", and keeps what it was started with.
SERVER = """
import http.server, sys
settings = dict(line.split("=", 1) for line in open("settings.env").read().split() if "=" in line)
int(settings.get("NUMBER", "0"))
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(500 if settings.get("MOOD") == "ill" else 200); self.end_headers()
        self.wfile.write(settings.get("NAME", "").encode())
    def log_message(self, *_): pass
http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
"""
SECRET = "hunter2HUNTER2"
GOOD = f"NAME=first\nNUMBER=1\nAPI_KEY={SECRET}\n"


class Shop:
    """One service with an environment file, a store and a state directory of its own."""

    def __init__(self, home: Path, port: int) -> None:
        self.home, self.port = home / "app", port
        self.home.mkdir()
        (self.home / "server.py").write_text(SERVER)
        self.env = self.home / "settings.env"
        self.write(GOOD)
        self.dirs = {"state_dir": str(home / "state"), "store_dir": str(home / "store")}
        self.services: dict[str, Any] = {
            "web": {
                "manager": {
                    "kind": "process",
                    "command": [sys.executable, "server.py", str(port)],
                    "cwd": str(self.home),
                    "log": str(self.home / "web.log"),
                },
                "ports": [port],
                "probes": {"up": {"kind": "http", "url": f"http://127.0.0.1:{port}/", "timeout": "2s"}},
                "logs": [str(self.home / "web.log")],
                "limits": {"attempts": 1, "ready_timeout": "5s", "stop_timeout": "3s"},
                "config": {
                    "files": [str(self.env)],
                    "checks": [{"files": [str(self.env)], "kind": "env", "required": ["NAME"]}],
                },
            }
        }

    def write(self, text: str) -> None:
        self.env.write_text(text)
        self.env.chmod(0o600)

    def _call(self, function: Callable[..., dict[str, Any]], rules: Any, *more: Any, **asked: Any) -> dict[str, Any]:
        defaults = {name: option.get("default") for name, option in rules["argument_spec"].items()}
        result = function({**defaults, "services": self.services, **self.dirs, "reason": "a test", **asked}, *more)
        assert SECRET not in json.dumps(result)
        return result

    def recover(self, **asked: Any) -> dict[str, Any]:
        return self._call(recover, SERVICE_RECOVERY, False, **{"stable_for": "0s", **asked})

    def snapshot(self, check_mode: bool = False, **asked: Any) -> dict[str, Any]:
        return self._call(snapshot, CONFIG_SNAPSHOT, check_mode, **{"interval": "0.05s", **asked})

    def info(self, **asked: Any) -> dict[str, Any]:
        return self._call(listing, CONFIG_SNAPSHOT_INFO, **asked)

    def roll_back(self, check_mode: bool = False, **asked: Any) -> dict[str, Any]:
        wish = {"only": ["web"], "state": "applied", "stable_for": "0s", "confirm": "60s", **asked}
        return self._call(roll_back, CONFIG_ROLLBACK, check_mode, **wish)

    def good(self) -> str:
        """Start it, prove it; the id of what is good."""
        assert self.recover()["recovered"]
        entries = []

        def proven() -> object:  # on a busy machine a probe may be late once
            entries.extend(self.snapshot(state="proven")["generations"])
            return entries[-1]["proven"]

        until(proven)
        return str(entries[-1]["id"])

    def state_of_store(self) -> list[tuple[str, int]]:
        store = Path(self.dirs["store_dir"])
        return sorted((str(path), path.stat().st_mtime_ns) for path in store.rglob("*"))

    def close(self) -> None:
        own = [each for each in read_table().processes.values() if each.cwd == str(self.home) and each.state != "Z"]
        stop_processes(own, grace=1.0, clock=Clock())


@pytest.fixture
def shop(tmp_path: Path, free_port: Callable[[], int]) -> Iterator[Shop]:
    made = Shop(tmp_path, free_port())
    yield made
    made.close()


def condition(result: dict[str, Any]) -> str:
    (service,) = result["services"]
    return str(service["condition"])


def until(condition: Callable[[], object], seconds: float = 30.0) -> float:
    began = time.monotonic()
    while not condition():
        assert time.monotonic() < began + seconds, "it did not happen"
        time.sleep(0.02)
    return time.monotonic() - began


def test_only_what_was_started_on_it_proves_a_configuration(shop: Shop) -> None:
    assert shop.recover()["unproven"] == ["web"]
    time.sleep(0.05)
    shop.write(GOOD + "NEW=1\n")
    refused = shop.snapshot(state="proven")
    assert "older than the files in place" in refused["unproven"]["web"]
    assert not refused["generations"][0]["proven"]
    assert shop.recover()["unproven"] == [], "it would prove nothing"
    shop.recover(force=True, only=["web"])
    proven = shop.snapshot(state="proven")
    assert (proven["changed"], proven["unproven"], proven["generations"][0]["proven"]) == (True, {}, True)
    again = shop.snapshot(state="proven")
    assert (again["changed"], again["generations"][0]["new"]) == (False, False)
    assert shop.recover()["unproven"] == []


def test_a_snapshot_in_check_mode_keeps_nothing_and_says_what_it_would(shop: Shop) -> None:
    rehearsed = shop.snapshot(check_mode=True)
    assert (rehearsed["changed"], rehearsed["generations"][0]["id"]) == (True, "")
    assert not Path(shop.dirs["store_dir"]).exists()
    assert shop.snapshot(label="v1")["changed"]
    assert not shop.snapshot(check_mode=True, label="v1")["changed"]
    assert shop.snapshot(check_mode=True, label="v2")["changed"]
    assert not shop.snapshot(label="v1")["changed"]


def test_back_to_what_is_good_and_confirmed(shop: Shop) -> None:
    good, inode = shop.good(), shop.env.stat()
    shop.write(f"NAME=second\nNUMBER=x\nAPI_KEY=other-{SECRET}\n")
    assert condition(shop.recover(force=True, only=["web"])) != "healthy"
    red = shop.recover()
    assert [step["step"] for step in red["ladder"]] == ["roll_back_config"]

    before = shop.state_of_store()
    planned = shop.roll_back(check_mode=True)
    assert (planned["outcome"], planned["changed"]) == ("planned", True)
    assert "API_KEY" in json.dumps(planned["diff"])
    assert (shop.state_of_store(), "NUMBER=x" in shop.env.read_text()) == (before, True)

    applied = shop.roll_back()
    assert (applied["outcome"], applied["recovered"], applied["failed"]) == ("applied", True, False), applied
    assert applied["generations"]["web"]["to"] == good
    assert shop.env.read_text() == GOOD
    assert (shop.env.stat().st_mode, shop.env.stat().st_mtime_ns) == (inode.st_mode, inode.st_mtime_ns)
    assert [each["until"] for each in shop.info()["waiting"]] == [applied["until"]]
    shop.write(GOOD + "X=1\n")
    with pytest.raises(IncidentError, match="waits for its confirmation"):
        shop.roll_back()
    shop.write(GOOD)

    said = shop.roll_back(state="confirmed", token=applied["token"])
    assert (said["outcome"], said["failed"], said["recovered"]) == ("confirmed", False, True)
    assert shop.roll_back(state="confirmed", token=applied["token"])["outcome"] == "confirmed", "twice is once"
    assert shop.info()["waiting"] == []
    origins = [each["origin"] for each in shop.info(verify=True)["generations"]["web"]]
    assert "before_rollback" in origins, "the bad one is kept"


def test_what_is_in_place_is_not_changed_and_nothing_restarted(shop: Shop) -> None:
    shop.good()
    (pid,) = [each.pid for each in read_table().processes.values() if each.cwd == str(shop.home)]
    result = shop.roll_back()
    assert (result["outcome"], result["changed"], result["failed"]) == ("unchanged", False, False)
    assert [each.pid for each in read_table().processes.values() if each.cwd == str(shop.home)] == [pid]
    assert shop.info()["waiting"] == []


def test_unconfirmed_is_undone_by_the_host_itself(shop: Shop) -> None:
    shop.good()
    bad = GOOD.replace("first", "second")
    shop.write(bad)
    shop.recover(force=True, only=["web"])
    applied = shop.roll_back(confirm="6s")
    assert shop.env.read_text() == GOOD
    until(lambda: shop.env.read_text() == bad, 20.0)
    until(lambda: [each.state for each in orders(shop.dirs["store_dir"] + "/deadlines")] == ["fired"])
    late = shop.roll_back(state="confirmed", token=applied["token"])
    assert (late["outcome"], late["failed"]) == ("rolled_back", True)
    assert condition(shop.recover()) == "healthy", "the old configuration was one that runs"


def test_extended_it_waits_longer_and_cancelled_it_does_not_wait(shop: Shop) -> None:
    shop.good()
    bad = GOOD.replace("first", "second")
    shop.write(bad)
    applied = shop.roll_back(confirm="30s")
    extended = shop.roll_back(state="extended", token=applied["token"], confirm="1h")
    assert (extended["outcome"], extended["until"] > applied["until"]) == ("applied", True)
    cancelled = shop.roll_back(state="cancelled", token=applied["token"])
    assert (cancelled["outcome"], cancelled["failed"], shop.env.read_text()) == ("rolled_back", False, bad)
    with pytest.raises(IncidentError, match="no deadline with this token"):
        shop.roll_back(state="confirmed", token="0" * 32)


def test_what_does_not_help_is_undone_at_once(shop: Shop) -> None:
    shop.good()
    ill = GOOD + "MOOD=ill\n"
    shop.write(ill)
    shop.snapshot(label="ill")
    shop.write(GOOD)
    assert shop.recover()["recovered"]
    result = shop.roll_back(to="ill")
    assert (result["outcome"], result["failed"], shop.env.read_text()) == ("rolled_back", True, GOOD)
    assert "it did not help" in result["msg"]
    assert condition(shop.recover()) == "healthy"
    assert shop.info()["waiting"] == []


def test_what_its_checks_reject_is_not_gone_to(shop: Shop) -> None:
    shop.good()
    shop.write("NUMBER=1\n")
    shop.snapshot(label="nameless")
    shop.write(GOOD)
    with pytest.raises(IncidentError, match=r"is rejected: .*NAME"):
        shop.roll_back(to="nameless")
    assert shop.env.read_text() == GOOD


@pytest.mark.parametrize("how", ["frozen", "frozen by the inventory", "leased"])
def test_freeze_and_leases_hold_for_it(shop: Shop, how: str) -> None:
    shop.good()
    shop.write(GOOD + "X=1\n")
    more = {}
    if how == "frozen by the inventory":
        more = {"freeze": "nobody changes anything"}
    else:
        services = ("web",) if how == "leased" else ()
        control(shop.dirs["state_dir"], Wish(True, services, "alice", "looking at it myself"), apply=True)
    with pytest.raises(IncidentError, match="Nothing may be changed here"):
        shop.roll_back(**more)
    assert shop.env.read_text().endswith("X=1\n")
    assert CHANGE_FREEZE


def test_without_anything_known_good_the_newest_valid_backup_is_the_best(shop: Shop, tmp_path: Path) -> None:
    backups = tmp_path / "backups"
    backups.mkdir()
    for day, text in (("20261125", GOOD), ("20261126", GOOD.replace("first", "later")), ("20261127", "NUMBER=2\n")):
        (backups / f"settings.env.{day}").write_text(text)
    shop.services["web"]["config"]["backups"] = [{"layout": "daily", "path": str(backups)}]
    shop.write("NAME=x\nNUMBER=abc\n")
    red = shop.recover()
    assert [step["step"] for step in red["ladder"]] == ["roll_back_config"], red["msg"]
    with pytest.raises(IncidentError, match="proven"):
        shop.roll_back(to="last_known_good")
    result = shop.roll_back(to="best")
    assert (result["outcome"], result["recovered"]) == ("applied", True), result["msg"]
    assert "NAME=later" in shop.env.read_text()


def test_a_service_without_configuration_is_refused(shop: Shop) -> None:
    del shop.services["web"]["config"]
    with pytest.raises(IncidentError, match="web declares no configuration"):
        shop.roll_back()
