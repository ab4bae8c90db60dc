# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the inventory says about maintenance mode, and what it must not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ansible_collections.toombos.incident.plugins.module_utils._errors import IncidentError
from ansible_collections.toombos.incident.plugins.module_utils._maintenance.types import (
    Flag,
    Switch,
    read_switch,
    refuse_configuration,
)

FLAG = {"path": "/run/shop/maintenance.json"}


def test_everything_is_read() -> None:
    raw = {
        "flag": {**FLAG, "mode": "0640", "owner": "www-data", "group": "adm", "content": "on"},
        "on": [["a", 1]],
        "off": [["b"]],
        "timeout": "1m",
    }
    flag = Flag("/run/shop/maintenance.json", 0o640, "www-data", "adm", "on")
    assert read_switch(raw) == Switch((("a", "1"),), (("b",),), flag, 60.0)
    assert read_switch({"flag": FLAG}) == Switch(flag=Flag("/run/shop/maintenance.json"))


@pytest.mark.parametrize("words", [(True, False), ("true", "false"), ("True", "False"), ("on", "off")])
def test_yaml_reads_on_and_off_as_truth_values(words: tuple[Any, Any]) -> None:
    assert read_switch({words[0]: [["a"]], words[1]: [["b"]]}) == Switch((("a",),), (("b",),))


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        ([], "must be a mapping of flag, on, off, timeout"),
        ({}, "has neither a flag nor both on and off"),
        ({"flags": FLAG}, "does not know flags; it has flag, on, off, timeout"),
        ({"on": [["a"]]}, "has neither a flag nor both"),
        ({"flag": FLAG, "on": [["a"]]}, "has only one of on and off"),
        ({"flag": FLAG, "on": ["reload nginx"], "off": [["b"]]}, "on must be a list of commands, each a list of words"),
        ({"flag": FLAG, "on": "reload", "off": [["b"]]}, "on must be a list of commands"),
        ({"flag": FLAG, "on": [[]], "off": [["b"]]}, "on must be a list of commands"),
        ({"flag": FLAG, "on": [["a\0"]], "off": [["b"]]}, "on must be a list of commands"),
        ({"flag": "/run/x"}, "flag must be a mapping of path, mode"),
        ({"flag": {"path": "run/x"}}, "'run/x' is no absolute, plain path"),
        ({"flag": {"path": "/run/../etc/x"}}, "is no absolute, plain path"),
        ({"flag": {"path": "/"}}, "is no absolute, plain path"),
        ({"flag": {**FLAG, "mode": 420}}, "420 is no mode"),
        ({"flag": {**FLAG, "mode": "0649"}}, "'0649' is no mode"),
        ({"flag": {**FLAG, "colour": "red"}}, "does not know colour"),
        ({"flag": FLAG, "timeout": "1h"}, "timeout must be up to 300 s"),
        ({"flag": FLAG, "timeout": 0}, "timeout must be up to 300 s"),
    ],
)
def test_what_is_wrong_is_said(raw: Any, said: str) -> None:
    with pytest.raises(IncidentError, match=said):
        read_switch(raw)


def flag_at(path: object) -> Switch:
    return Switch(flag=Flag(str(path)))


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("/srv/shop/.env.production", "is an env file, not a flag"),
        ("/etc/shop.env", "is an env file, not a flag"),
        ("/srv/shop/settings.ini", "is configuration of the service shop"),
        ("/srv/shop/conf.d/10.conf", "is configuration of the service shop"),
        ("/srv/shop/tree/a/b", "is configuration of the service shop"),
        ("/etc/default/shop", "is configuration of the service shop"),
    ],
)
def test_configuration_is_no_flag(path: str, said: str) -> None:
    config = {"files": ["/srv/shop/settings.ini"], "globs": ["/srv/shop/conf.d/*.conf"], "trees": ["/srv/shop/tree/"]}
    services = {"bare": {}, "shop": {"manager": {"env_file": "/etc/default/shop"}, "config": config}}
    with pytest.raises(IncidentError, match=said):
        refuse_configuration(flag_at(path), services)
    refuse_configuration(flag_at("/run/shop/maintenance.json"), services)
    refuse_configuration(Switch((("a",),), (("b",),)), services)


def test_a_link_to_an_env_file_is_one(tmp_path: Path) -> None:
    (tmp_path / "flag").symlink_to(tmp_path / ".env")
    with pytest.raises(IncidentError, match="is an env file"):
        refuse_configuration(flag_at(tmp_path / "flag"), {})
