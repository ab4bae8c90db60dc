# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module log_restore, run as Ansible runs it: arguments in, JSON out."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any, Callable

import pytest

from ansible_collections.toombos.incident.plugins.modules import log_restore

Run = Callable[..., "dict[str, Any]"]
LINE = "2026-11-27 10:00:00 - shop - INFO - password=geheim-geheim\n"


@pytest.fixture
def run(run_module: Callable[..., dict[str, Any]], tmp_path: Path) -> Run:
    """The module's result, for logs and backups of this test."""
    return functools.partial(
        run_module,
        log_restore,
        backups=[f"{tmp_path}/backups/logs-%Y%m%d"],
        state_dir=f"{tmp_path}/run",
        store_dir=f"{tmp_path}/lib",
    )


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """One that is missing, and in the backup of a day."""
    copy = tmp_path / "backups" / "logs-20261127" / "shop.log"
    copy.parent.mkdir(parents=True)
    copy.write_text(LINE)
    (tmp_path / "logs").mkdir()
    return tmp_path / "logs" / "shop.log"


def service(*logs: Path) -> dict[str, Any]:
    return {
        "manager": {"kind": "systemd", "unit": "x.service"},
        "logs": list(map(str, logs)),
        "probes": {"port": {"kind": "tcp", "port": 1}},
    }


def test_a_rehearsal_shows_what_is_done_then(run: Run, log: Path, logged: list[str]) -> None:
    services = {"shop": service(log), "docs": service(log.parent / "docs.log")}
    told = run(check_mode=True, services=services, only=["shop"])
    assert (told["changed"], log.exists()) == (True, False)
    assert told["diff"] == {"prepared": told["plan"]}
    assert told["plan"].startswith(f"restore {log} from ")
    done = run(services=services, only=["shop"])
    assert (done["changed"], done["plan"], done["refused"]) == (True, told["plan"], [])
    assert done["msg"] == "restore 1"
    assert log.read_text() == LINE
    again = run(services=services, only=["shop"])
    assert (again["changed"], again["msg"], "diff" in again) == (False, "keep 1", False)
    assert done["invocation"]["module_args"]["services"] == ["docs", "shop"]
    assert "geheim" not in str([told, done, logged])


def test_what_was_refused_fails_when_the_rest_is_done(run: Run, log: Path) -> None:
    none = log.parent / "none.log"
    asked = {"paths": [str(none), str(log)]}
    assert run(check_mode=True, **asked)["refused"] == [str(none)]
    result = run(**asked)
    assert (result["failed"], result["changed"], result["refused"]) == (True, True, [str(none)])
    assert f"NOT {none}: missing, and no backup has a whole copy" in result["msg"]
    assert log.read_text() == LINE
    assert run(fail_when_refused=False, **asked)["changed"] is False


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({}, "one of the following is required: services, paths"),
        ({"paths": ["x.log"]}, "is not an absolute path"),
        ({"paths": ["/x"], "as_of": "soon"}, "as_of: 'soon' is no date"),
        ({"paths": ["/x"], "backups": ["/b/logs"]}, "does not say where the date stands"),
        ({"services": {"shop": {}}}, "manager"),
    ],
)
def test_what_is_not_valid_is_refused(run: Run, options: dict[str, Any], told: str) -> None:
    result = run(**options)
    assert result["failed"]
    assert told in result["msg"]
