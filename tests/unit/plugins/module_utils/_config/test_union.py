# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sets of several services that are switched as one."""

from __future__ import annotations

import pytest

from ansible_collections.toombos.incident.plugins.module_utils._config.union import covers, union
from ansible_collections.toombos.incident.plugins.module_utils._errors import IncidentError
from ansible_collections.toombos.incident.plugins.module_utils._generations.types import FILE, Declaration, Entry


def test_hard_links_of_different_sets_stay_apart() -> None:
    one = [Entry("/a", FILE, link=1), Entry("/b", FILE, link=1), Entry("/c", FILE, link=2), Entry("/g", FILE)]
    two = [Entry("/d", FILE, link=1), Entry("/e", FILE, link=1), Entry("/f", FILE, link=2), Entry("/g", FILE)]
    found = {entry.path: entry.link for entry in union({"one": one, "two": two})}
    assert list(found) == ["/a", "/b", "/c", "/d", "/e", "/f", "/g"]
    assert found["/a"] == found["/b"] != 0
    assert found["/d"] == found["/e"] != 0
    assert len({found[path] for path in "/a /c /d /f".split()}) == 4
    assert found["/g"] == 0


def test_what_was_not_declared_is_not_covered() -> None:
    declared = Declaration("web", ("/a/.env",), ("/a/*.yml",), ("/a/conf.d",))
    paths = ["/a/.env", "/a/x.yml", "/a/conf.d", "/a/conf.d/deep/x", "/a/.x.yml", "/a/b/x.yml", "/a/conf.dx", "/b"]
    assert [path for path in paths if covers(declared, path)] == paths[:4]


def test_a_path_cannot_be_two_things() -> None:
    with pytest.raises(IncidentError, match="/a belongs to one and to two"):
        union({"one": [Entry("/a", FILE, sha256="x")], "two": [Entry("/a", FILE, sha256="y")]})
