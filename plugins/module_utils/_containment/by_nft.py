# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Isolation by nftables: tables of our own, which appear and go in one transaction each."""

from __future__ import annotations

from typing import Any, Iterable

from ansible_collections.toombos.incident.plugins.module_utils._command import CommandResult, run_command
from ansible_collections.toombos.incident.plugins.module_utils._containment import nft, nft_listing, types as t
from ansible_collections.toombos.incident.plugins.module_utils._containment.commands import (
    Run,
    Which,
    ask,
    complaint,
    find_program,
    told,
)
from ansible_collections.toombos.incident.plugins.module_utils._errors import IncidentError


class Nftables:
    """It works beside everything else that filters: a packet that one of them drops is gone."""

    name = t.NFTABLES

    def __init__(self, run: Run = run_command, which: Which = find_program) -> None:
        self._run, self._nft = run, which("nft")

    def unusable(self) -> str:
        if not self._nft:
            return "nft is not installed"
        done = self._load(nft.isolation((), bridge=False), "--check")
        return "" if done.rc == 0 else complaint(done)

    def rehearse(self, flows: Iterable[t.Flow]) -> str:
        flows = tuple(flows)
        # Not every kernel has tables for bridges. One that has none gets what there is: see what is left open.
        text = nft.isolation(flows, bridge=True)
        if self._load(text, "--check").rc == 0:
            return text
        text = nft.isolation(flows, bridge=False)
        done = self._load(text, "--check")
        if done.rc != 0:
            raise IncidentError(
                f"nft would not isolate this host: {complaint(done)}.", "Nothing was changed. Try the other backend."
            )
        return text

    def isolate(self, flows: Iterable[t.Flow]) -> None:
        done = self._load(self.rehearse(flows))
        if done.rc != 0:
            raise IncidentError(
                f"nft did not isolate this host: {complaint(done)}.", "Nothing was changed. Try the other backend."
            )

    def release(self) -> None:
        there = self._there()
        if not there:
            return
        done = self._load(nft.release(there))
        if done.rc != 0 and self._there():
            raise IncidentError(
                f"nft did not release this host: {complaint(done)}.",
                "By hand: " + "; ".join(f"nft delete table {family} {nft.TABLE}" for family in there) + ".",
            )

    def ours(self) -> str:
        return nft_listing.canonical(self._listing("--stateless"))

    def others(self) -> str:
        return nft_listing.others(told(self._run, [self._nft, "--stateless", "list", "ruleset"]))

    def intact(self, expected: str) -> bool:
        # Where our chains stand among those of others does not matter: none of these can take a drop back.
        return bool(expected) and self.ours() == expected

    def counters(self) -> list[dict[str, Any]]:
        return nft_listing.counters(self._listing())

    def _listing(self, *options: str) -> str:
        each = ([self._nft, *options, "list", "table", family, nft.TABLE] for family in self._there())
        return "".join(told(self._run, argv) for argv in each)

    def _there(self) -> list[str]:
        return nft_listing.families_of(told(self._run, [self._nft, "list", "tables"]))

    def _load(self, text: str, *options: str) -> CommandResult:
        return ask(self._run, [self._nft, *options, "-f", "-"], text)
