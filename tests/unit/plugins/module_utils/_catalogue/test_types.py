# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who needs whom, through others too."""

from __future__ import annotations

from ansible_collections.toombos.incident.plugins.module_utils._catalogue.types import Catalogue, ManagerSpec, Service

NEEDS = {"db": (), "cache": ("db",), "web": ("cache", "db"), "graphs": ()}
CATALOGUE = Catalogue(
    {name: Service(name, ManagerSpec("systemd", unit=name), depends_on=needs) for name, needs in NEEDS.items()},
    tuple(NEEDS),
)


def test_dependencies_are_followed_to_the_end() -> None:
    assert CATALOGUE.dependencies("web") == {"cache", "db"}
    assert CATALOGUE.dependencies("cache") == {"db"}
    assert CATALOGUE.dependencies("graphs") == frozenset()


def test_dependents_are_everything_that_would_be_blocked() -> None:
    assert CATALOGUE.dependents("db") == {"cache", "web"}
    assert CATALOGUE.dependents("web") == frozenset()
