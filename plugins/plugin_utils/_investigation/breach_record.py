# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is known of a breach of a fleet: signs, isolation and captures, as data, for the report and the screen. Pure."""

from __future__ import annotations

import json
import shlex
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.toombos.incident.plugins.plugin_utils._investigation.breach import SEVERITIES, Breach
from ansible_collections.toombos.incident.plugins.plugin_utils._investigation.breach_report import on_screen, section
from ansible_collections.toombos.incident.plugins.plugin_utils._investigation.markdown import name, table, text
from ansible_collections.toombos.incident.plugins.plugin_utils._investigation.reading import clean
from ansible_collections.toombos.incident.plugins.plugin_utils._investigation.side_by_side import iso
from ansible_collections.toombos.incident.plugins.plugin_utils._investigation.steps import Step
from ansible_collections.toombos.incident.plugins.plugin_utils._printable import printable

ISOLATED, PLANNED, OPEN, FAILED = "isolated", "would be isolated", "not isolated", "NOT ISOLATED"


@dataclass(frozen=True)
class Target:
    """A host. ``standing``: one of the words above, ``why``: what the isolation said; ``bag``: its last capture."""

    name: str
    search: Breach
    standing: str = OPEN
    why: str = ""
    bag: str = ""

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return {"standing": self.standing, "why": self.why, "capture": self.bag, "signs": self.search.to_dict()}


@dataclass(frozen=True)
class Situation:
    """A breach. ``now``: seconds since the epoch; ``contact``: whom to call, in the words of the inventory."""

    incident: str
    who: str
    why: str
    now: float
    targets: tuple[Target, ...]
    contact: str = ""

    @property
    def searches(self) -> list[tuple[str, Breach]]:
        """By host."""
        return [(each.name, each.search) for each in self.targets]

    @property
    def counts(self) -> dict[str, int]:
        """How many findings there are of each severity."""
        return {word: sum(len(each.search.of(word)) for each in self.targets) for word in SEVERITIES}

    @property
    def incomplete(self) -> list[str]:
        """Hosts that were not looked at, or not completely."""
        return [each.name for each in self.targets if not each.search.complete]

    def of(self, *standings: str) -> list[str]:
        """Hosts that stand like that."""
        return [each.name for each in self.targets if each.standing in standings]


def standing(result: Any) -> tuple[str, str]:
    """What the module ``containment`` left behind on a host, and its words. None: it never ran there."""
    if not isinstance(result, Mapping) or result.get("skipped"):
        return OPEN, ""
    why = clean(result.get("msg"))
    if result.get("failed") or result.get("unreachable"):
        return FAILED, why or "it gave no answer"
    known = {"confirmed": ISOLATED, "unchanged": ISOLATED, "planned": PLANNED}
    return known.get(str(result.get("outcome")), FAILED), why


def document(found: Situation) -> bytes:
    """The file whose digest the custody log has."""
    content = {
        "format": 1,
        "incident": found.incident,
        "time": iso(found.now),
        "who": found.who,
        "why": found.why,
        "counts": found.counts,
        "incomplete": found.incomplete,
        "hosts": {each.name: each.to_dict() for each in found.targets},
    }
    return json.dumps(content, indent=2, sort_keys=True).encode() + b"\n"


def render(found: Situation) -> str:
    """The report, as Markdown."""
    return "\n".join(_lines(found)) + "\n"


def screen(found: Situation, report: str, width: int) -> str:
    """``report``: where it was written, or why it was not."""
    lines = on_screen(found.searches, width)
    lines += [f"  {each.name}: {FAILED}: {each.why}" for each in found.targets if each.standing == FAILED]
    for step in steps(found):
        lines += textwrap.wrap(f"Next: {step.words}", width, subsequent_indent="  ")
        lines += [f"  {step.command}"] if step.command else []  # on one line, to be copied
    return printable("\n".join([*lines, f"Report: {report}"]))


def steps(found: Situation) -> list[Step]:
    """What a person does now, the most urgent first. Not printable yet."""
    whom = f": {found.contact}" if found.contact else ""
    told = [Step(f"Contact the security team immediately{whom}.", "")]
    if failed := found.of(FAILED):
        words = f"{', '.join(failed)} can still be reached by everybody: unplug it, or cut it off at the switch."
        told.append(Step(words, ""))
    if isolated := found.of(ISOLATED):
        command = (
            f"ansible-playbook release.yml -e target={shlex.quote(','.join(isolated))} "
            f"-e incident={found.incident or 'INC-…'} -e \"reason='why and who'\""
        )
        told.append(Step("Release what is isolated only when it is over.", command))
    return told


def _lines(found: Situation) -> Iterator[str]:
    yield f"# Potential security breach{f', {name(found.incident)}' if found.incident else ''}"
    yield ""
    yield f"{iso(found.now)}, by {name(found.who)}{': ' + text(found.why) if found.why else ''}."
    yield from ("", "## Next", "")
    yield from (f"- {text(f'{step.words} {step.command}')}" for step in steps(found))
    yield from ("", "## Hosts")
    yield from table(
        ("host", "stands", "capture", "because"),
        [
            (name(each.name), each.standing, name(each.bag) if each.bag else "-", text(each.why) or "-")
            for each in found.targets
        ],
    )
    yield from section(found.searches, bags={each.name: each.bag for each in found.targets})


def read_targets(
    names: Sequence[str], searches: Mapping[str, Breach], isolations: Mapping[str, Any], captures: Mapping[str, Any]
) -> tuple[Target, ...]:
    """What was registered, by host."""
    return tuple(
        Target(host, searches[host], *standing(isolations.get(host)), bag=_bag(captures.get(host))) for host in names
    )


def _bag(capture: Any) -> str:
    return clean(capture.get("bag")) if isinstance(capture, Mapping) and not capture.get("failed") else ""
