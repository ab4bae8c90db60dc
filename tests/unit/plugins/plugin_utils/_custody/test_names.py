# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Numbers of incidents are forgiving in, exact out; names of bags can mean one host only."""

from __future__ import annotations

import pytest

from ansible_collections.toombos.incident.plugins.module_utils._errors import IncidentError
from ansible_collections.toombos.incident.plugins.plugin_utils._custody.names import (
    bag_name,
    is_safe_path,
    read_incident,
    split_bag,
)


@pytest.mark.parametrize("text", ["INC-2025-0124-0001", "INC-2025-0124-001", " inc-2025-0124-001 "])
def test_both_ways_of_writing_mean_the_same(text: str) -> None:
    assert read_incident(text) == "INC-2025-0124-0001"


@pytest.mark.parametrize(
    "text",
    ["", "INC-2025-0124-01", "INC-2025-1324-0001", "INC-2025-0230-0001", "../x", "INC-2025-0124-00011"],
)
def test_what_is_no_number_is_refused_with_the_way_out(text: str) -> None:
    with pytest.raises(IncidentError) as caught:
        read_incident(text)
    assert "INC-2026-1125-0001" in caught.value.way_out


@pytest.mark.parametrize("host", ["web-1", "10.0.0.7", "_gateway", "web-001"])
def test_a_bag_can_be_told_apart_again(host: str) -> None:
    assert split_bag(bag_name("INC-2025-0124-0001", host, 7)) == ("INC-2025-0124-0001", host, 7)


@pytest.mark.parametrize("host", ["ü", "a/b", "..", "a b", "x" * 300])
def test_a_host_whose_name_is_no_file_gets_one_of_its_own(host: str) -> None:
    found = split_bag(bag_name("INC-2025-0124-0001", host, 7))
    assert found is not None
    assert found[1] != host
    assert is_safe_path(bag_name("INC-2025-0124-0001", host, 7))


@pytest.mark.parametrize(
    "name",
    ["x", "INC-2025-0124-001-a-001", "INC-2025-0124-0001-a-01", "INC-2025-0124-0001-a/b-001", ""],
)
def test_other_names_are_not_those_of_bags(name: str) -> None:
    assert split_bag(name) is None


@pytest.mark.parametrize("path", ["data/a/0001", "bag-info.txt", "data/a+b=c,d@e"])
def test_a_path_in_a_bag_is_plain(path: str) -> None:
    assert is_safe_path(path)


@pytest.mark.parametrize(
    "path", ["", "/a", "a/../b", "..", ".", "a//b", "a/", "-a", ".a", "a\n", "ä", "a%b", "a b", "a\\b", "x" * 201]
)
def test_a_path_that_could_mean_something_else_is_none(path: str) -> None:
    assert not is_safe_path(path)
