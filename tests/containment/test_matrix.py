# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every kind of traffic, before, during and after an isolation, with each packet filter."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from cells import BRIDGES, CELLS, CUT, MATRIX, OPEN, Cell, Traffic
from neighbourhood import VICTIM, Neighbourhood
from victim import BACKENDS, Victim, track

Heard = dict[Cell, tuple[bool, bool]]
_CUT = 0.6  # seconds until what was not heard is cut
_AGAIN = 20.0  # seconds until TCP has tried again


# Whether the kernel has tracked connections until then makes a difference to other rules, not to these.
_HOSTS = [(name, tracked) for name in BACKENDS for tracked in (False, True)]


@pytest.fixture(scope="module", params=_HOSTS, ids=lambda host: f"{host[0]}-{'tracked' if host[1] else 'untracked'}")
def story(request: pytest.FixtureRequest, neighbourhood: Neighbourhood) -> Iterator[tuple[str, dict[str, Heard]]]:
    """What was heard before, during and after."""
    name, tracked = request.param
    victim = Victim(neighbourhood.of[VICTIM], name)
    if tracked:
        track(victim.space)
    traffic = Traffic(neighbourhood)
    told = {"before": traffic.heard(5.0)}
    victim.isolate()
    told["during"] = traffic.heard(_CUT)
    victim.release()
    told["after"] = traffic.heard(_AGAIN)
    yield name, told
    traffic.close()
    victim.space.run("nft", "flush", "ruleset")
    victim.forget_legacy()


def test_the_table_has_all_its_cells() -> None:
    assert len(set(MATRIX)) == len(MATRIX) == 2 * 3 * 3 * 2 * 2
    assert sum(cell.stays for cell in MATRIX) == 4  # ssh of management: new and established, of both families


@pytest.mark.parametrize("cell", CELLS, ids=str)
def test_it_is_open_cut_if_it_is_not_of_the_flows_and_open_again(
    cell: Cell, story: tuple[str, dict[str, Heard]]
) -> None:
    name, told = story
    # iptables does not see what passes between ports of a bridge; docs/containment.md says so.
    cut = OPEN if cell.stays or (cell in BRIDGES and name != "nftables") else CUT
    assert [told[when][cell] for when in ("before", "during", "after")] == [OPEN, cut, OPEN]
