# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is chosen is what was named, and a name that means nothing is refused with those that are near."""

from __future__ import annotations

import pytest

from ansible_collections.toombos.incident.plugins.module_utils._errors import IncidentError
from ansible_collections.toombos.incident.plugins.module_utils._evidence import types as t
from ansible_collections.toombos.incident.plugins.module_utils._evidence.wish import read_artifact
from ansible_collections.toombos.incident.plugins.plugin_utils._evidence.definitions import built_in
from ansible_collections.toombos.incident.plugins.plugin_utils._evidence.selection import select, wire

ALL = built_in()


def names(profile: str = "full", only: tuple[str, ...] = (), exclude: tuple[str, ...] = ()) -> set[str]:
    return {each.name for each in select(ALL, profile, only, exclude, ["main"])}


def test_the_full_profile_is_everything_and_the_quick_one_ends_with_the_logs() -> None:
    assert names() == {each.name for each in ALL}
    assert names("quick") == {each.name for each in ALL if each.tier <= t.SERVICES}


def test_only_and_exclude_choose_by_name_and_wildcard() -> None:
    assert names(only=("processes/list", "clock/*")) == {"processes/list"} | {
        each.name for each in ALL if each.name.startswith("clock/")
    }
    assert "processes/list" not in names(exclude=("processes/*",))
    assert names(only=("processes/*",), exclude=("processes/[!l]*",)) == {"processes/list", "processes/limits"}


@pytest.mark.parametrize("option", ["only", "exclude"])
def test_a_name_that_means_nothing_is_refused(option: str) -> None:
    with pytest.raises(IncidentError, match=f"{option} names 'proceses/list'") as caught:
        names(**{option: ("proceses/list",)})
    assert "processes/list" in caught.value.way_out


def test_nothing_left_is_refused_unless_services_are_meant() -> None:
    with pytest.raises(IncidentError, match="profile quick has none"):
        names("quick", only=("packages/*",))
    assert names(only=("service_logs/main",)) == set()
    with pytest.raises(IncidentError, match="service_logs/other"):
        names(only=("service_logs/other",))


def test_every_artifact_arrives_as_it_was_sent() -> None:
    assert [read_artifact(wire(each)) for each in ALL] == list(ALL)
