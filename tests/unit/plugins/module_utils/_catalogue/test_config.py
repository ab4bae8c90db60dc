# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The declaration of a configuration: what it means, and how it is refused."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.toombos.incident.plugins.module_utils._catalogue.config import parse_config
from ansible_collections.toombos.incident.plugins.module_utils._catalogue.fields import Fields
from ansible_collections.toombos.incident.plugins.module_utils._catalogue.types import (
    Backup,
    ConfigSpec,
    FileCheck,
    Permission,
)

WHOLE = {
    "files": ["/srv/web/.env"],
    "globs": ["/etc/web/*.yml", "/etc/web/.*.yml"],
    "trees": ["/etc/web/conf.d/"],
    "checks": [
        {
            "files": ["/srv/web/.env*"],
            "kind": "env",
            "required": ["API_KEY"],
            "values": {"DRY_RUN": "true", "EMPTY": ""},
        },
        {"files": ["/etc/web/a.yml"], "kind": "command", "command": "promtool check config %s", "timeout": "5s"},
    ],
    "permissions": [{"files": ["/srv/web/.env"], "owner": "web", "mode": "0600"}],
    "backups": [
        {"layout": "daily", "path": "/srv/backups"},
        {"layout": "tree", "path": "/srv/all", "root": "/srv/web"},
    ],
}


def parsed(raw: Any) -> tuple[ConfigSpec, list[str]]:
    problems: list[str] = []
    return parse_config(Fields(raw, "web.config", problems), "/srv/web"), problems


def test_everything_is_read() -> None:
    config, problems = parsed(WHOLE)
    assert problems == []
    assert config == ConfigSpec(
        files=("/srv/web/.env",),
        globs=("/etc/web/*.yml", "/etc/web/.*.yml"),
        trees=("/etc/web/conf.d",),
        checks=(
            FileCheck(("/srv/web/.env*",), "env", (), ("API_KEY",), (("DRY_RUN", "true"), ("EMPTY", "")), 20.0),
            FileCheck(("/etc/web/a.yml",), "command", ("promtool", "check", "config", "%s"), timeout=5.0),
        ),
        permissions=(Permission(("/srv/web/.env",), "web", None, 0o600),),
        backups=(Backup("daily", "/srv/backups"), Backup("tree", "/srv/all", "/srv/web")),
    )


def test_nothing_is_declared_by_default() -> None:
    assert parsed({}) == (ConfigSpec(), [])


ENV = {"files": ["/a/b"], "kind": "env"}


@pytest.mark.parametrize(
    ("raw", "problem"),
    [
        ({"globs": ["etc/*"]}, "web.config.globs[0]: 'etc/*' is not an absolute path"),
        ({"globs": ["/etc/web/../*"]}, "web.config.globs[0]: '/etc/web/../*' must not contain '..'"),
        ({"trees": ["/etc"]}, "web.config.trees[0]: '/etc' is too much for a tree"),
        ({"trees": ["/etc/x/.."]}, "web.config.trees[0]: '/etc/x/..' is too much for a tree"),
        ({"trees": "/etc/web"}, "web.config.trees: must be a list, not text"),
        ({"checks": ["env"]}, "web.config.checks[0]: must be a mapping, not text"),
        ({"checks": [{"files": ["/a/b"]}]}, "web.config.checks[0].kind: is missing"),
        ({"checks": [{"kind": "json"}]}, "web.config.checks[0].files: is missing"),
        ({"checks": [{**ENV, "kind": "jsn"}]}, "web.config.checks[0].kind: 'jsn' is no kind (did you mean 'json'?)"),
        ({"checks": [{**ENV, "command": "x %s"}]}, "web.config.checks[0].command: unknown key"),
        ({"checks": [{**ENV, "kind": "command"}]}, "web.config.checks[0].command: has no %s"),
        ({"checks": [{**ENV, "kind": "command", "command": "x"}]}, "web.config.checks[0].command: has no %s"),
        ({"checks": [{**ENV, "required": ["A B"]}]}, "web.config.checks[0].required[0]: 'A B' must be one word"),
        ({"checks": [{**ENV, "values": {"DRY": True}}]}, "web.config.checks[0].values.DRY: True must be text"),
        (
            {"backups": [{"layout": "dayly", "path": "/a"}]},
            "web.config.backups[0].layout: 'dayly' is no layout (did you",
        ),
        ({"backups": [{"layout": "tree", "path": "/a"}]}, "web.config.backups[0].root: is missing"),
        ({"permissions": [{"files": ["/a/b"]}]}, "web.config.permissions[0]: declares neither owner nor group"),
        (
            {"permissions": [{"files": ["/a/b"], "mode": 640}]},
            "web.config.permissions[0].mode: 640 must be a mode in octal digits and in quotes",
        ),
        ({"permissions": [{"files": ["/a/b"], "mode": "0999"}]}, "web.config.permissions[0].mode: '0999' must be"),
    ],
)
def test_what_is_wrong_is_said_under_its_path(raw: Any, problem: str) -> None:
    _config, problems = parsed(raw)
    assert [each for each in problems if each.startswith(problem)], problems
