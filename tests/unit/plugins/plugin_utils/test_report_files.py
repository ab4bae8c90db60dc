# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reports as files: what may be asked for, and what the files are called."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ansible_collections.toombos.incident.plugins.module_utils._errors import IncidentError
from ansible_collections.toombos.incident.plugins.plugin_utils._report_files import (
    Wish,
    file_name,
    read_wish,
    write_reports,
)

RESULT = {"checks": [], "verdict": {"status": "pass"}}


@pytest.mark.parametrize(
    ("raw", "wish"),
    [
        (None, None),
        ({}, None),
        ("", None),
        ("/reports", Wish("/reports", ("junit", "openmetrics"))),
        ({"directory": " /a/../reports ", "formats": "tap, json"}, Wish("/reports", ("tap", "json"))),
        ({"directory": "/reports", "formats": ["nagios"]}, Wish("/reports", ("nagios",))),
    ],
)
def test_wishes(raw: Any, wish: Wish | None) -> None:
    assert read_wish(raw) == wish


def test_a_relative_directory_is_below_the_working_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert read_wish("reports") == Wish(str(tmp_path / "reports"), ("junit", "openmetrics"))


@pytest.mark.parametrize(
    ("raw", "problem"),
    [
        (["/reports"], "must be a mapping"),
        ({"dir": "/reports"}, "knows no dir, only directory and formats"),
        ({"formats": ["json"]}, "needs a directory"),
        ({"directory": " "}, "needs a directory"),
        ({"directory": "/reports", "formats": ["json", "yaml"]}, "knows no format yaml, it has json, junit"),
    ],
)
def test_wishes_that_mean_nothing(raw: Any, problem: str) -> None:
    with pytest.raises(IncidentError, match=problem):
        read_wish(raw)


def test_files_of_a_host_replace_the_ones_before(tmp_path: Path) -> None:
    wish = Wish(str(tmp_path / "a" / "b"), ("json", "openmetrics"))
    first = list(write_reports(wish, "w1", {}))
    assert first == [f"{tmp_path}/a/b/w1.json", f"{tmp_path}/a/b/w1.prom"]
    before = Path(first[0]).read_text()
    assert list(write_reports(wish, "w1", RESULT)) == first
    assert Path(first[0]).read_text() != before
    assert sorted(path.name for path in (tmp_path / "a" / "b").iterdir()) == ["w1.json", "w1.prom"]


@pytest.mark.parametrize("host", ["../../etc/cron.d/x", ".hidden", "a/b", "[::1]", "h\u00e9", "x" * 300, "-rf", "\n"])
def test_names_of_hosts_never_lead_elsewhere(host: str) -> None:
    name = file_name(host)
    assert Path(f"/reports/{name}").parent == Path("/reports")
    assert name.isascii()
    assert name.isprintable()
    assert name[:1] not in ".-"
    assert len(name) < 200


def test_different_hosts_never_share_a_file() -> None:
    hosts = ["a/b", "a:b", "a_b", "[a]b", "web-1.example.org"]
    assert len({file_name(host) for host in hosts}) == len(hosts)
    assert file_name("web-1.example.org") == "web-1.example.org"
