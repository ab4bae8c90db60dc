# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Isolation by iptables and ip6tables, for hosts without nft: both families, or none."""

from __future__ import annotations

import os
from typing import Any, Iterable

from ansible_collections.toombos.incident.plugins.module_utils._command import run_command
from ansible_collections.toombos.incident.plugins.module_utils._containment import types as t, xtables
from ansible_collections.toombos.incident.plugins.module_utils._containment.commands import (
    Run,
    Which,
    ask,
    complaint,
    find_program,
    told,
)
from ansible_collections.toombos.incident.plugins.module_utils._errors import IncidentError

# The programs that a host calls by this name come first: ufw, docker and people use them, too.
_VARIANTS = ("", "-legacy", "-nft")
_PROGRAMS = {4: "iptables", 6: "ip6tables"}
_NAMES = {4: "IPv4", 6: "IPv6"}
_LOCK = "5"  # seconds to wait for others who change rules now


class Iptables:
    """Our chains are asked first. Others who put a rule before them are noticed (``intact``)."""

    name = t.IPTABLES

    def __init__(self, run: Run = run_command, which: Which = find_program, proc: str = "/proc") -> None:
        self._run, self._which, self._proc = run, which, proc
        self._chosen: str | None = None

    def unusable(self) -> str:
        reasons = [self._fails(variant) for variant in _VARIANTS]
        works = [variant for variant, reason in zip(_VARIANTS, reasons) if not reason]
        if works:
            self._chosen = works[0]
            return ""
        return next((reason for reason in reasons if "not installed" not in reason), reasons[0])

    def rehearse(self, flows: Iterable[t.Flow]) -> str:
        flows = tuple(flows)
        texts = []
        for family in self._families():
            text = xtables.isolation(family, flows, self._filter(family))
            self._load(family, text, "isolate", "--test")
            texts.append(f"# {_NAMES[family]}\n{text}")
        return "".join(texts)

    def isolate(self, flows: Iterable[t.Flow]) -> None:
        flows = tuple(flows)
        self.rehearse(flows)
        families = self._families()
        before = {family: self._filter(family) for family in families}
        for number, family in enumerate(families):
            try:
                self._load(family, xtables.isolation(family, flows, before[family]), "isolate")
            except IncidentError as error:
                self._take_back(families[:number], before, error)
                raise

    def release(self) -> None:
        # What the host calls iptables may be another one by now.
        for variant in [each for each in _VARIANTS if self._tools(each)]:
            for family in self._families():
                if self._may_be_there(variant, family):
                    self._remove(variant, family)

    def ours(self) -> str:
        each = ((family, xtables.ours(self._filter(family))) for family in self._families())
        return "".join(f"# {_NAMES[family]}\n{text}" for family, text in each if text)

    def others(self) -> str:
        each = ((family, xtables.others(self._saved(family))) for family in self._families())
        return "".join(f"# {_NAMES[family]}\n{text}" for family, text in each if text)

    def intact(self, expected: str) -> bool:
        first = all(xtables.first(self._filter(family)) for family in self._families())
        return first and bool(expected) and self.ours() == expected

    def counters(self) -> list[dict[str, Any]]:
        return [
            {**counter, "chain": f"{_NAMES[family]} {counter['chain']}"}
            for family in self._families()
            for counter in xtables.counters(self._filter(family, "--counters"))
        ]

    def _families(self) -> tuple[int, ...]:
        """Those that the kernel speaks; the one that fails more often first, so that less has to be taken back."""
        return (6, 4) if os.path.exists(f"{self._proc}/net/if_inet6") else (4,)

    def _fails(self, variant: str) -> str:
        for family in self._families():
            for verb in ("save", "restore"):
                name = f"{_PROGRAMS[family]}{variant}-{verb}"
                if not self._which(name):
                    return f"{name} is not installed"
            done = ask(
                self._run, [self._program(family, "restore", variant), "--test", "--noflush"], _rehearsal(family)
            )
            if done.rc != 0:
                return f"{_PROGRAMS[family]}{variant}: {complaint(done)}"
        return ""

    def _tools(self, variant: str) -> bool:
        names = [f"{_PROGRAMS[family]}{variant}-{verb}" for family in self._families() for verb in ("save", "restore")]
        return all(map(self._which, names))

    def _variant(self) -> str:
        if self._chosen is None:
            reason = self.unusable()
            if reason:
                raise IncidentError(f"iptables does not work here: {reason}.", "Install nftables.")
        return self._chosen or ""

    def _program(self, family: int, verb: str, variant: str | None = None) -> str:
        variant = self._variant() if variant is None else variant
        return self._which(f"{_PROGRAMS[family]}{variant}-{verb}")

    def _filter(self, family: int, *options: str) -> str:
        return self._saved(family, "--table", "filter", *options)

    def _saved(self, family: int, *options: str) -> str:
        return told(self._run, [self._program(family, "save"), *options])

    def _load(self, family: int, text: str, verb: str, *options: str, variant: str | None = None) -> None:
        argv = [self._program(family, "restore", variant), "--noflush", "--wait", _LOCK, *options]
        done = ask(self._run, argv, text)
        if done.rc != 0:
            raise IncidentError(
                f"{os.path.basename(argv[0])} did not {verb} this host for {_NAMES[family]}: {complaint(done)}.",
                "Nothing was changed for it.",
            )

    def _take_back(self, families: Iterable[int], before: dict[int, str], error: IncidentError) -> None:
        for family in families:
            try:
                self._load(family, xtables.back(before[family], self._filter(family)), "take back the isolation of")
            except IncidentError as second:
                raise IncidentError(
                    f"{error.message} What was put in place for {_NAMES[family]} before could not be taken back, "
                    f"and is in force: {second.message}",
                    f"Release the host, or remove the chains {', '.join(xtables.CHAINS.values())} by hand.",
                ) from error

    def _may_be_there(self, variant: str, family: int) -> bool:
        """To ask iptables-legacy for a table makes it, so that is not done where there is none."""
        if variant != "-legacy" or variant == self._chosen:
            return True
        names = f"{self._proc}/net/{'ip' if family == 4 else 'ip6'}_tables_names"
        try:
            with open(names, encoding="ascii") as file:
                return "filter" in file.read().split()
        except OSError:
            return False

    def _remove(self, variant: str, family: int) -> None:
        saved = told(self._run, [self._program(family, "save", variant), "--table", "filter"])
        text = xtables.release(saved)
        if text:
            self._load(family, text, "release", variant=variant)


def _rehearsal(family: int) -> str:
    return xtables.isolation(family, (), "")
