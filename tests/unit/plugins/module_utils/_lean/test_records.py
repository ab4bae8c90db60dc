# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What stands in for dataclasses on hosts behaves as the real one does, for every class that is sent there."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import ansible_collections.toombos.incident.plugins.module_utils as ours
from ansible_collections.toombos.incident.plugins.module_utils._lean import records

ROOT = Path(next(iter(ours.__path__)))


def make(module: Any) -> Any:
    """A base, one that adds to it, and one with a fresh default."""

    @module.dataclass(frozen=True)
    class Base:
        first: int
        second: str = "two"

    @module.dataclass(frozen=True)
    class Added(Base):
        second: str = "zwei"
        third: tuple[int, ...] = ()

        @property
        def double(self) -> int:
            return self.first * 2

    @module.dataclass(frozen=True)
    class Fresh:
        items: list[int] = module.field(default_factory=list)
        inner: Any = None

        def __str__(self) -> str:
            return "fresh"

    return SimpleNamespace(Base=Base, Added=Added, Fresh=Fresh)


@pytest.fixture(params=[dataclasses, records], ids=["real", "ours"])
def both(request: pytest.FixtureRequest) -> Any:
    """Every test runs with the real one, too: it says what is right."""
    return SimpleNamespace(module=request.param, **vars(make(request.param)))


def test_fields_come_in_order_those_of_the_base_first(both: Any) -> None:
    made = both.Added(1, "x", (3,))
    assert (made.first, made.second, made.third, made.double) == (1, "x", (3,), 2)
    assert both.Added(1).second == "zwei"
    assert both.Added(third=(1,), first=5) == both.Added(5, third=(1,))
    assert repr(both.Added(1)).endswith("Added(first=1, second='zwei', third=())")


def test_equal_are_those_of_the_same_class_with_the_same_values(both: Any) -> None:
    assert both.Base(1) == both.Base(1)
    assert both.Base(1) != both.Base(2)
    assert both.Base(1, "zwei") != both.Added(1)
    assert len({both.Base(1), both.Base(1), both.Base(2)}) == 2
    with pytest.raises(TypeError):
        hash(both.Fresh())


@pytest.mark.parametrize(
    ("args", "kwargs"), [((), {}), ((1, 2, 3, 4), {}), ((1,), {"first": 1}), ((1,), {"fourth": 1})]
)
def test_what_cannot_be_made_is_refused(both: Any, args: tuple[int, ...], kwargs: dict[str, int]) -> None:
    with pytest.raises(TypeError):
        both.Added(*args, **kwargs)


def test_nothing_can_be_changed(both: Any) -> None:
    made = both.Base(1)
    with pytest.raises(both.module.FrozenInstanceError):
        made.first = 2
    with pytest.raises(both.module.FrozenInstanceError):
        del made.first
    assert made.first == 1


def test_a_default_that_is_made_is_not_shared(both: Any) -> None:
    one, other = both.Fresh(), both.Fresh()
    one.items.append(1)
    assert other.items == []
    assert both.Fresh([7]).items == [7]
    assert str(one) == "fresh"


def test_copies_and_dictionaries(both: Any) -> None:
    inner = both.Base(1)
    made = both.module.replace(both.Fresh([1]), inner={"a": [inner, (inner,)]})
    assert both.module.asdict(made) == {
        "items": [1],
        "inner": {"a": [{"first": 1, "second": "two"}, ({"first": 1, "second": "two"},)]},
    }
    with pytest.raises(TypeError):
        both.module.replace(inner, unknown=1)


def test_nothing_else_of_dataclasses_is_used_on_hosts() -> None:
    uses = set()
    for path in ROOT.rglob("*.py"):
        source = path.read_text(encoding="utf-8")
        uses |= set(re.findall(r"^[ \t]*@dataclass\b.*$", source, re.MULTILINE))
        for names in re.findall(r"^from dataclasses import (.*)$", source, re.MULTILINE):
            assert set(names.split(", ")) <= {"asdict", "dataclass", "field", "replace"}, path
        assert "import dataclasses" not in source, path
    assert uses == {"@dataclass(frozen=True)"}
