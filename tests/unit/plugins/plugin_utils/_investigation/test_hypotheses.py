# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Situations and the hypothesis that comes first; what nobody may talk the ranking into."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.toombos.incident.plugins.plugin_utils._investigation.hypotheses import PATTERNS, Ranking, rank
from ansible_collections.toombos.incident.plugins.plugin_utils._investigation.signs import SIGNS

STARTUP, PERFORMANCE, NETWORK = "service_startup", "performance", "network"
CONFIGURATION, EXTERNAL = "configuration", "external_dependency"
FULL = [("disk", "fail"), ("memory", "pass")]
FINE = [("disk", "pass"), ("memory", "pass"), ("cpu", "pass")]

# Conditions of services; then what is known of resources, logs, slow answers and reasons of checks.
SITUATIONS: dict[str, tuple[dict[str, Any], str, str]] = {
    "a rejected configuration": ({"web": "bad_config"}, CONFIGURATION, "high"),
    "a rejected configuration, logs agree": (
        {"web": "bad_config", "logs": {"configuration": 3}},
        CONFIGURATION,
        "high",
    ),
    "somebody else's configuration": ({"web": "wrong_service"}, CONFIGURATION, "medium"),
    "another user": ({"web": "wrong_user"}, CONFIGURATION, "medium"),
    "an expired certificate": ({"web": "unknown", "reason": "cert_expired"}, CONFIGURATION, "medium"),
    "an expired certificate where all count as healthy": ({"reason": "cert_expired"}, CONFIGURATION, "medium"),
    "a missing configuration file": ({"web": "failing", "file": "missing"}, CONFIGURATION, "low"),
    "dies at every start": ({"web": "crash_loop"}, STARTUP, "medium"),
    "given up": ({"web": "failed"}, STARTUP, "medium"),
    "given up, and no room": ({"web": "failed", "about": FULL}, STARTUP, "high"),
    "stopped": ({"web": "down"}, STARTUP, "low"),
    "everything is down": ({"web": "down", "db": "down", "payments": "down"}, STARTUP, "low"),
    "the manager is gone": ({"web": "manager_gone"}, STARTUP, "low"),
    "another process on the port": ({"web": "foreign"}, STARTUP, "medium"),
    "the program was deleted": ({"web": "deleted"}, STARTUP, "medium"),
    "runs outside its manager": ({"web": "orphan"}, STARTUP, "low"),
    "monitoring is down": ({"metrics": "down"}, STARTUP, "low"),
    "does not answer": ({"web": "hung"}, PERFORMANCE, "medium"),
    "does not answer, and the disk is full": ({"web": "hung", "about": FULL}, PERFORMANCE, "high"),
    "does not answer, and the database is busy": (
        {"web": "hung", "logs": {"database_trouble": 9}},
        PERFORMANCE,
        "medium",
    ),
    "answers slowly": ({"latency": 2.5}, PERFORMANCE, "medium"),
    "answers very slowly": ({"latency": 7.0}, PERFORMANCE, "medium"),
    "late by the limit of its probe": ({"reason": "slow", "latency": 1.0}, PERFORMANCE, "medium"),
    "the disk is full, all else is well": ({"about": FULL}, PERFORMANCE, "medium"),
    "workers are missing": ({"web": "degraded"}, PERFORMANCE, "medium"),
    "waits for its database": ({"web": "blocked", "db": "down"}, EXTERNAL, "medium"),
    "a third party is down": ({"web": "blocked", "payments": "down", "external": ["payments"]}, EXTERNAL, "high"),
    "a third party hangs": ({"web": "blocked", "payments": "hung", "external": ["payments"]}, EXTERNAL, "high"),
    "a third party is down, nobody needs it now": (
        {"payments": "failing", "external": ["payments"]},
        EXTERNAL,
        "medium",
    ),
    "a name is not resolved": ({"web": "unknown", "reason": "nxdomain"}, NETWORK, "medium"),
    "no way to an address": ({"web": "failing", "reason": "unreachable"}, NETWORK, "medium"),
    "the host cannot be reached": ({"assessment": "unreachable"}, NETWORK, "medium"),
    "users are cut off": ({"outside": "refused"}, NETWORK, "medium"),
    "an intruder, all else is well": ({"search": ["critical"]}, "security_breach", "high"),
    "an intruder, and everything is down": (
        {"search": ["critical"], "web": "bad_config", "about": FULL},
        "security_breach",
        "high",
    ),
}


def look(world: Any, told: dict[str, Any]) -> Ranking:
    """The ranking for one host in a situation."""
    reason, latency = told.get("reason", "ok"), told.get("latency", 0.01)
    red = "fail" if "web" in told else "warn"
    check = world.check("web", "pass" if reason == "ok" else red, reason, latency=latency)
    about = [world.about(kind, status) for kind, status in told.get("about", FINE if told.get("web") == "hung" else ())]
    if "file" in told:
        message = "/etc/web.conf: No such file or directory"
        about.append(world.about("file", "fail", reason=told["file"], message=message))
    conditions = {name: told[name] for name in ("payments", "db", "metrics") if name in told}
    found = world.assessment(world.service("web", told.get("web", "healthy"), check), about=about, **conditions)
    if "assessment" in told:
        found = getattr(world, told["assessment"])
    outside = {"w1": [world.check("web", "fail", told["outside"])]} if "outside" in told else {}
    search = world.search(*told["search"]) if "search" in told else None
    hosts = {"w1": (found, world.logs(**told.get("logs", {})), search)}
    return rank(world.fleet(hosts, told.get("external", ()), outside))


@pytest.mark.parametrize("name", SITUATIONS)
def test_what_comes_first(world: Any, name: str) -> None:
    told, pattern, confidence = SITUATIONS[name]
    ranking = look(world, told)
    assert ranking.top, ranking.leads
    assert (ranking.top.pattern, ranking.top.confidence) == (pattern, confidence)
    assert ranking.affected == ("w1",)


def test_there_are_enough_situations_and_every_pattern_has_some() -> None:
    assert len(SITUATIONS) >= 25
    assert {pattern for _told, pattern, _sure in SITUATIONS.values()} == set(PATTERNS)


@pytest.mark.parametrize("name", SITUATIONS)
def test_a_score_is_the_sum_of_its_named_signs(world: Any, name: str) -> None:
    for each in look(world, SITUATIONS[name][0]).hypotheses:
        signs = (*each.supporting, *each.contradicting)
        assert each.score == round(sum(sign.points * len(sign.hosts) / sign.of for sign in signs), 2) > 0
        assert all(sign.evidence and sign.says for sign in signs)
        assert all(sign.points > 0 for sign in each.supporting)
        assert all(sign.points < 0 for sign in each.contradicting)


@pytest.mark.parametrize(
    "told",
    [
        {},
        {"latency": 0.3},
        {"about": [("cpu", "fail"), ("load", "fail")]},
        {"about": [("memory", "warn")]},
        {"search": ["high", "medium"]},
        {"logs": {"network": 9, "configuration": 9, "dependency": 9, "security": 9}},
        {"logs": {"startup": 1000000}},
    ],
)
def test_no_sign_is_no_hypothesis(world: Any, told: dict[str, Any]) -> None:
    ranking = look(world, told)
    assert (ranking.hypotheses, ranking.affected) == ((), ())


def test_weak_signs_are_told_as_what_they_are(world: Any) -> None:
    (lead,) = look(world, {"latency": 0.3}).leads
    assert (lead.pattern, [sign.name for sign in lead.supporting]) == (PERFORMANCE, ["slower_than_usual"])
    # Nobody knows why it is red, and nothing is invented.
    ranking = look(world, {"web": "failing", "reason": "bad_status"})
    assert (ranking.hypotheses, ranking.affected) == ((), ("w1",))


def test_a_log_that_claims_other_things_never_comes_first(world: Any) -> None:
    loud = {
        "network": 10**6,
        "dependency": 10**6,
        "resources": 10**6,
        "database_trouble": 10**6,
        "configuration": 10**6,
    }
    ranking = look(world, {"web": "down", "logs": loud})
    first, *others = ranking.hypotheses
    assert max(each.score for each in others) > first.score, "it would come first by its score"
    assert first.pattern == STARTUP
    assert all(each.only_in_logs and each.confidence in ("low", "medium") for each in others)


def test_a_million_lines_say_no_more_than_one(world: Any) -> None:
    one, many = (look(world, {"web": "hung", "logs": {"network": count}}) for count in (1, 10**6))
    assert [each.score for each in one.hypotheses] == [each.score for each in many.hypotheses]


def test_what_speaks_against_it_is_counted_and_shown(world: Any) -> None:
    alone = look(world, {"web": "hung"}).top
    full = look(world, {"web": "hung", "about": ()}).top
    assert alone
    assert full
    assert (alone.score, full.score) == (3.0, 4.0)
    assert [(sign.name, sign.points) for sign in alone.contradicting] == [("resources_fine", -1)]


def test_a_validator_that_accepts_speaks_against_the_configuration(world: Any) -> None:
    ranking = look(world, {"web": "crash_loop", "logs": {"configuration": 3}})
    assert [each.pattern for each in ranking.hypotheses] == [STARTUP]


def test_a_third_party_that_hangs_is_not_our_performance(world: Any) -> None:
    hangs = look(world, {"web": "blocked", "payments": "hung", "external": ["payments"]})
    assert PERFORMANCE not in [each.pattern for each in hangs.hypotheses]
    assert PERFORMANCE in [each.pattern for each in look(world, {"web": "blocked", "payments": "hung"}).hypotheses]


def test_what_runs_into_its_timeout_is_not_a_slow_answer(world: Any) -> None:
    ranking = look(world, {"web": "failing", "reason": "timeout", "latency": 5.0})
    assert "very_slow" not in [sign.name for each in ranking.hypotheses for sign in each.supporting]
    assert (ranking.hypotheses, ranking.affected) == ((), ("w1",))


# --- fleets


def test_one_host_that_is_odd_does_not_hide_what_the_others_have(world: Any) -> None:
    waiting = world.assessment(web="blocked", payments="down")
    hosts = {f"w{number}": waiting for number in range(1, 10)}
    ranking = rank(world.fleet({**hosts, "w10": world.assessment(web="bad_config")}, ["payments"]))
    first, *others = ranking.hypotheses
    assert (first.pattern, len(first.hosts)) == (EXTERNAL, 9)
    (odd,) = [each for each in others if each.pattern == CONFIGURATION]
    assert (odd.hosts, odd.confidence, odd.score) == (("w10",), "high", 0.6)


def test_the_one_sick_host_of_many_is_not_diluted_by_healthy_ones(world: Any) -> None:
    hosts = {f"w{number}": world.assessment() for number in range(1, 10)}
    ranking = rank(world.fleet({**hosts, "w10": world.assessment(web="bad_config")}))
    assert (ranking.affected, ranking.hypotheses[0].score) == (("w10",), 6.0)


def test_a_fleet_that_cannot_be_reached(world: Any) -> None:
    ranking = rank(world.fleet(dict.fromkeys(("w1", "w2", "w3"), (world.unreachable, None))))
    (only,) = ranking.hypotheses
    assert (only.pattern, only.score, only.hosts) == (NETWORK, 5.0, ("w1", "w2", "w3"))


def test_what_all_hosts_show_speaks_for_something_outside(world: Any) -> None:
    waiting = world.assessment(web="blocked", db="down")
    fleet = world.fleet(dict.fromkeys(("w1", "w2", "w3"), waiting))
    assert [sign.name for sign in rank(fleet).hypotheses[0].supporting] == ["waits", "everywhere"]
    fleet = world.fleet({"w1": waiting, "w2": waiting, "w3": world.assessment()})
    assert [sign.name for sign in rank(fleet).hypotheses[0].supporting] == ["waits"]


def test_what_the_controller_sees_speaks_for_and_against(world: Any) -> None:
    hosts = {"w1": world.assessment(world.service("web", "failing", world.check("web", "fail", "unreachable")))}
    alone = rank(world.fleet(hosts)).hypotheses[0]
    seen = rank(world.fleet(hosts, outside={"w1": [world.check(), world.check("db")]})).hypotheses[0]
    assert (alone.pattern, alone.score, seen.score) == (NETWORK, 4.0, 2.0)
    measured = world.check("web", "fail", "over_limit", kind="prometheus", probe="error_rate")
    ranking = rank(world.fleet({"w1": world.assessment()}, outside={"w1": [measured]}))
    assert [(each.pattern, each.score) for each in ranking.hypotheses] == [(PERFORMANCE, 2.0)]


def test_one_host_of_many_that_cannot_be_reached_may_just_be_off(world: Any) -> None:
    hosts = {"w1": (world.unreachable, None), "w2": world.assessment(), "w3": world.assessment()}
    (only,) = rank(world.fleet(hosts)).hypotheses
    assert (only.pattern, only.score, only.confidence) == (NETWORK, 2.0, "low")
    assert [sign.name for sign in only.contradicting] == ["only_here"]


@pytest.mark.parametrize(
    "missing", [None, {}, {"skipped": True}, {"failed": True, "msg": "x"}, {"verdict": {}}, "text"]
)
def test_what_is_missing_is_no_sign_of_anything(world: Any, missing: Any) -> None:
    ranking = rank(world.fleet({"w1": (missing, missing)}))
    assert (ranking.hypotheses, ranking.affected) == ((), ("w1",))


def test_nothing_at_all() -> None:
    from ansible_collections.toombos.incident.plugins.plugin_utils._investigation.facts import Fleet

    assert rank(Fleet(())) == Ranking((), (), ())


def test_the_order_is_the_same_whatever_the_order_of_hosts(world: Any) -> None:
    hosts = {
        "w1": world.assessment(web="bad_config"),
        "w2": world.assessment(web="hung"),
        "w3": (world.unreachable, None),
        "w4": world.assessment(web="crash_loop"),
    }
    forward, backward = (rank(world.fleet(dict(order))) for order in (hosts.items(), reversed(hosts.items())))
    told = [[(each.pattern, each.score) for each in ranking.hypotheses] for ranking in (forward, backward)]
    assert told[0] == told[1]
    assert len(told[0]) == 4


def test_equal_scores_keep_the_order_of_the_document(world: Any) -> None:
    ranking = rank(world.fleet({"w1": world.assessment(web="hung"), "w2": world.assessment(web="crash_loop")}))
    assert [(each.pattern, each.score) for each in ranking.hypotheses] == [(STARTUP, 2.0), (PERFORMANCE, 2.0)]


def test_signs_have_names_of_their_own_and_points_for_known_patterns() -> None:
    assert len({sign.name for sign in SIGNS}) == len(SIGNS)
    for sign in SIGNS:
        assert sign.points.keys() <= PATTERNS.keys()
        assert not (sign.hearsay and sign.alarm)
        assert all(sign.points.values())
