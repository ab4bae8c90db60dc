# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The report: an investigation as Markdown for people. Pure.

Every text from a host goes through ``markdown.text`` or ``markdown.name``, so that it stays text.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ansible_collections.toombos.incident.plugins.plugin_utils._investigation import report_facts as facts
from ansible_collections.toombos.incident.plugins.plugin_utils._investigation.breach_report import section
from ansible_collections.toombos.incident.plugins.plugin_utils._investigation.finders import Evidence
from ansible_collections.toombos.incident.plugins.plugin_utils._investigation.hypotheses import Counted, Hypothesis
from ansible_collections.toombos.incident.plugins.plugin_utils._investigation.investigation import Investigation
from ansible_collections.toombos.incident.plugins.plugin_utils._investigation.markdown import name, table, text
from ansible_collections.toombos.incident.plugins.plugin_utils._investigation.side_by_side import iso
from ansible_collections.toombos.incident.plugins.plugin_utils._investigation.steps import next_step
from ansible_collections.toombos.incident.plugins.plugin_utils._rollout import HEALTHY

_MOST = 12  # pieces of evidence that are shown of a sign
NOTHING = "Nothing is wrong as far as probes can tell, so there is no hypothesis."
NO_SIGN = "Something is wrong, but no sign points to one of the failure patterns. Start from what is red below."


def render(found: Investigation) -> str:
    """The whole report."""
    sections = (
        _head(found),
        _in_short(found),
        _hypotheses(found),
        _leads(found),
        _symptoms(found),
        _breach(found),
        facts.services(found.fleet),
        facts.latencies(found.fleet),
        facts.resources(found.fleet),
        facts.ports(found.fleet),
        facts.side_by_side(found),
        facts.timeline(found),
        facts.changes(found),
        facts.logs(found.fleet),
        facts.gaps(found.fleet),
    )
    return "\n".join(line for section in sections for line in section) + "\n"


def _head(found: Investigation) -> Iterator[str]:
    asked = found.asked
    about = f" of {name(asked.incident)}" if asked.incident else ""
    yield f"# Investigation{about}"
    yield ""
    what = ", ".join(map(name, asked.services)) or "all services"
    hosts = len(found.fleet.hosts)
    yield f"{iso(asked.now)}, by {name(asked.owner)}. {hosts} hosts, {what}; logs: {text(asked.window)}."
    yield "Nothing was changed on any host. Times in logs are those of the hosts' own clocks."


def _in_short(found: Investigation) -> Iterator[str]:
    hosts = found.fleet.hosts
    good = sum(host.state == HEALTHY for host in hosts)
    gone = len(hosts) - len(found.fleet.judged)
    judged = f", {gone} could not be judged" if gone else ""
    yield from _title("In short")
    yield f"- {good} of {len(hosts)} hosts are healthy{judged}."
    confirmed = [each for each in found.symptoms if each.confirmed]
    if confirmed:
        why = ", ".join(dict.fromkeys(each.type.title for each in confirmed if each.type.severity == found.severity))
        yield f"- Suggested severity: **{found.severity}** ({text(why)})."
    elif not found.well:
        yield "- No symptom of the list of incident types fits: classify it by hand."
    top = found.ranking.top
    if top:
        yield f"- First hypothesis: **{top.title}**, score {_points(top.score)}, confidence {_sure(top)}."
    else:
        yield f"- {conclusion(found)}"


def conclusion(found: Investigation) -> str:
    """The sentence in the place of a hypothesis."""
    return NOTHING if found.well else NO_SIGN


def _hypotheses(found: Investigation) -> Iterator[str]:
    yield from _title("Hypotheses")
    if not found.ranking.hypotheses:
        yield conclusion(found)
        return
    affected = len(found.ranking.affected)
    yield (
        f"A sign counts its points on every host that shows it, as a share of the {affected} affected hosts. "
        "Confidence is about the hosts that a hypothesis explains."
    )
    yield from table(
        ("rank", "hypothesis", "score", "confidence", "explains"),
        [
            (str(place), each.title, _points(each.score), _sure(each), f"{len(each.hosts)} of {affected} hosts")
            for place, each in enumerate(found.ranking.hypotheses, 1)
        ],
    )
    for place, each in enumerate(found.ranking.hypotheses, 1):
        yield from _hypothesis(place, each, found)


def _hypothesis(place: int, each: Hypothesis, found: Investigation) -> Iterator[str]:
    yield ""
    yield f"### {place}. {each.title}: {_points(each.score)}"
    yield from table(
        ("sign", "points", "hosts", "adds"),
        [
            (sign.says, f"{sign.points:+d}", f"{len(sign.hosts)} of {sign.of}", f"{sign.share:+.2f}")
            for sign in (*each.supporting, *each.contradicting)
        ],
    )
    for title, signs in (("Evidence", each.supporting), ("Against it", each.contradicting)):
        yield from _evidence_of(title, signs)
    step = next_step(each, found.fleet)
    yield from ("", f"Next: {step.words}", "", "```console", f"$ {step.command}", "```")


def _evidence_of(title: str, signs: Sequence[Counted]) -> Iterator[str]:
    if not signs:
        return
    yield from ("", f"{title}:", "")
    for sign in signs:
        yield f"- {sign.says}{' (only a log says so)' if sign.hearsay else ''}"
        yield from (f"  - {_fact(each)}" for each in sign.evidence[:_MOST])
        if len(sign.evidence) > _MOST:
            yield f"  - and {len(sign.evidence) - _MOST} more"


def _fact(each: Evidence) -> str:
    where = f"{name(each.host)}/{name(each.service)}" if each.service else name(each.host)
    return f"{where}, {text(each.what)}: {text(each.text)}"


def _leads(found: Investigation) -> Iterator[str]:
    if not found.ranking.leads:
        return
    yield from _title("Noticed, but too weak to be a hypothesis")
    for lead in found.ranking.leads:
        signs = "; ".join(f"{sign.says} ({sign.points:+d})" for sign in (*lead.supporting, *lead.contradicting))
        yield f"- {lead.title}: {signs}"
        yield from (f"  - {_fact(each)}" for sign in lead.supporting for each in sign.evidence[:3])


def _symptoms(found: Investigation) -> Iterator[str]:
    if not found.symptoms:
        return
    yield from _title("Incident types that fit")
    for each in found.symptoms:
        unsure = "" if each.confirmed else ", if it is confirmed: only logs say so"
        yield f"- **{each.type.severity}**{unsure}: {text(each.type.title)}"
        yield from (f"  - {_fact(fact)}" for fact in each.evidence[:_MOST])


def _breach(found: Investigation) -> Iterator[str]:
    hosts = found.fleet.hosts
    hints = [host.name for host in hosts if host.logs.named("security")]
    return section([(host.name, host.breach) for host in hosts], hints)


def _title(words: str) -> tuple[str, ...]:
    return ("", f"## {words}", "")


def _points(score: float) -> str:
    return f"{score:.1f}"


def _sure(each: Hypothesis) -> str:
    return f"{each.confidence}, only logs say so" if each.only_in_logs else each.confidence
