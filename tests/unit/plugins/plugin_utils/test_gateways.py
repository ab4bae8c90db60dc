# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Over which machines others are reached."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.toombos.incident.plugins.plugin_utils._gateways import against, jumps

COMMON = "ansible_ssh_common_args"


@pytest.mark.parametrize(
    ("known", "over"),
    [
        ({}, []),
        ({COMMON: ""}, []),
        ({COMMON: "-o ControlMaster=auto -o ServerAliveInterval=10"}, []),
        ({COMMON: "-J bastion"}, ["bastion"]),
        ({COMMON: "-Jops@bastion:2222,Second"}, ["bastion", "second"]),
        ({COMMON: "-o ProxyJump=ops@192.0.2.7"}, ["192.0.2.7"]),
        ({COMMON: "-oProxyJump=[2001:db8::7]:2222"}, ["2001:db8::7"]),
        ({COMMON: "-o 'ProxyJump ssh://ops@bastion:22'"}, ["bastion"]),
        ({COMMON: "-o ProxyJump=none"}, ["none"]),
        ({"ansible_ssh_extra_args": "-o PROXYJUMP=bastion"}, ["bastion"]),
        ({"ansible_ssh_args": "-C -J bastion -v"}, ["bastion"]),
        ({COMMON: "-o ProxyCommand='ssh -q -W %h:%p ops@bastion'"}, ["ssh", "bastion"]),
        ({COMMON: """-o ProxyCommand="sh -c 'nc -x proxy:1080 %h %p'\""""}, ["sh", "nc", "proxy"]),
        ({COMMON: "-J 'bastion"}, ["bastion"]),
        ({COMMON: "-J"}, []),
    ],
)
def test_every_way_to_name_a_jump_host(known: dict[str, str], over: list[str]) -> None:
    assert [each for each in jumps(known) if each] == over


FLEET: dict[str, dict[str, Any]] = {
    "bastion": {"ansible_host": "192.0.2.7", COMMON: "-J 192.0.2.7"},
    "gate-2": {},
    "control": {"ansible_connection": "local"},
    **{f"web-{number}": {COMMON: "-o ProxyJump=192.0.2.7"} for number in range(1, 8)},
    "db-1": {COMMON: "-J Gate-2"},
}


@pytest.mark.parametrize(
    ("target", "words"),
    [
        ("bastion", "bastion is the jump host of web-1, web-2, web-3, web-4, web-5 and 2 more: isolated, nobody"),
        ("gate-2", "gate-2 is the jump host of db-1:"),
        ("control", "control is the controller itself"),
        ("web-1", ""),
        ("unknown", ""),
    ],
)
def test_who_others_depend_on_is_told_with_whom(target: str, words: str) -> None:
    found = against([target], FLEET)
    assert (len(found) == 1 and words in found[0]) if words else not found
    assert all("force=true" in each for each in found)
