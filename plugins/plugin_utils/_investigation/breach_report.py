# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Signs of a breach for people: a section of a report, and rows of a table on the screen. Pure."""

from __future__ import annotations

import textwrap
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from ansible_collections.toombos.incident.plugins.plugin_utils._investigation.breach import SEVERITIES, Breach, Finding
from ansible_collections.toombos.incident.plugins.plugin_utils._investigation.markdown import name, table, text
from ansible_collections.toombos.incident.plugins.plugin_utils._screen import columns

Searches = Sequence[tuple[str, Breach]]  # host and its search, in order
TITLE = "Signs of a breach"
NOBODY = "Nobody has looked for them. `-e ioc=true` does."
HEADINGS = ("SEVERITY", "HOST", "FOUND BY", "WHAT", "EVIDENCE")
WIDEST = 3  # the column that may be wrapped
_MOST = 50  # findings of a host that are shown
_ON_SCREEN = 8
_LONGEST = 160  # characters of a finding there


def section(searches: Searches, hints: Sequence[str] = (), bags: Mapping[str, str] | None = None) -> Iterator[str]:
    """Every finding with what supports it, then what could not be looked at.

    ``hints``: hosts whose logs speak of an attack; ``bags``: host → the capture that holds its artifacts.
    """
    asked = [(host, found) for host, found in searches if found.asked]
    yield from ("", f"## {TITLE}", "")
    if not asked:
        yield NOBODY
        if hints:
            yield f"The logs of {', '.join(map(name, hints))} speak of an attack."
        return
    yield f"{in_short(searches)} That nothing is found proves nothing: who is root on a host can hide from it."
    rows = [
        (
            each.severity, name(host), text(each.check), _what(each.title, each.detail),
            ", ".join(map(name, each.supports)) or "-", name(bags[host]) if bags and bags.get(host) else "-",
        )
        for host, found in asked
        for each in found.findings[:_MOST]
    ]  # fmt: skip
    rows.sort(key=lambda row: SEVERITIES.index(row[0]))
    yield from table(("severity", "host", "found by", "what", "artifacts that hold it", "capture"), rows)
    unsaid = [f"- {line}" for host, found in searches for line in _unsaid(host, found)]
    if unsaid:
        yield from ("", "What this does not say:", "", *unsaid)


def in_short(searches: Searches) -> str:
    """One sentence: how many of each severity, and how many hosts were looked at; what nobody saw is not "nothing"."""
    counts = Counter(each.severity for _host, found in searches for each in found.findings)
    said = ", ".join(f"{counts[severity]} {severity}" for severity in SEVERITIES if counts[severity])
    looked = [found for _host, found in searches if found.asked and not found.problem]
    if not looked:
        return f"NOT SEARCHED: nobody could look at any of {len(searches)} hosts."
    partly = sum(not found.complete for found in looked)
    unseen = f", {partly} of them not completely" if partly else ""
    return f"{said or 'Nothing'} found; {len(looked)} of {len(searches)} hosts were searched{unseen}."


def rows(searches: Searches) -> list[tuple[str, ...]]:
    """The worst findings for the screen; the report has all of them. Not printable yet."""
    found: list[tuple[str, ...]] = [
        (each.severity, host, each.check, _brief(each), each.supports[0] if each.supports else "-")
        for host, search in searches
        for each in search.findings
    ]
    return sorted(found, key=lambda row: SEVERITIES.index(row[0]))[:_ON_SCREEN]


def on_screen(searches: Searches, width: int) -> list[str]:
    """The table with what was not looked at. Not printable yet."""
    worst = rows(searches)
    more = sum(len(search.findings) + search.left_out for _host, search in searches) - len(worst)
    lines = [f"{TITLE.upper()}: {in_short(searches)}"]
    if worst:
        lines += ["", *columns(HEADINGS, worst, width, WIDEST)]
    if more:
        lines.append(f"  and {more} more, in the report")
    return lines + [f"  {line}" for line in unsearched(searches)]


def unsearched(searches: Searches) -> list[str]:
    """A line for each host that was not looked at, or not completely. Not printable yet."""
    told = [f"{host}: not searched, {found.problem or 'nobody asked'}" for host, found in searches if _missing(found)]
    for host, found in searches:
        if found.blind:
            checks = ", ".join(f"{each.check} ({each.outcome})" for each in found.blind)
            told.append(f"{host}: not looked at to the end: {checks}")
    return told


def _brief(each: Finding) -> str:
    words = f"{each.title}: {each.detail}" if each.detail else each.title
    return textwrap.shorten(words, _LONGEST, placeholder=" …")


def _missing(found: Breach) -> bool:
    return bool(found.problem) or not found.asked


def _unsaid(host: str, found: Breach) -> Iterator[str]:
    if _missing(found):
        yield f"{name(host)}: not searched, {text(found.problem) or 'nobody asked'}"
        return
    for each in found.blind:
        how = f"{text(each.outcome)}, {text(each.message)}" if each.message else text(each.outcome)
        yield f"{name(host)}: {text(each.check)} was not looked at to the end: {how}"
    if not found.compared:
        yield f"{name(host)}: there is no baseline, so that what is new cannot be told from what has always been there"
    more = found.left_out + max(0, len(found.findings) - _MOST)
    if more:
        yield f"{name(host)}: {more} more findings are not shown"


def _what(title: str, detail: str) -> str:
    return f"{text(title)}: {text(detail)}" if detail else text(title)
