# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import time

import pytest

from ansible_collections.toombos.incident.plugins.module_utils._managers import types as t
from ansible_collections.toombos.incident.plugins.module_utils._managers.container import read_container, read_moment

NOW = 1_800_000_000.0


def stamp(ago):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(NOW - ago))


@pytest.mark.parametrize(
    ("status", "code", "state", "words"),
    [
        ("created", 0, t.STOPPED, "created"),
        ("running", 0, t.RUNNING, "running"),
        ("restarting", 1, t.BACKOFF, "restarting (exit code 1)"),
        ("paused", 0, t.FROZEN, "paused"),
        ("exited", 0, t.STOPPED, "exited (exit code 0)"),
        ("exited", 3, t.FAILED, "exited (exit code 3)"),
        ("stopped", 143, t.FAILED, "stopped (exit code 143)"),
        ("removing", 0, t.STOPPING, "removing"),
        ("dead", 1, t.FAILED, "dead (exit code 1)"),
        ("sleeping", 0, t.UNKNOWN, "sleeping"),
    ],
)
def test_each_status_has_its_word(told, status, code, state, words):
    container = read_container(told("p-web-1", status, State={"ExitCode": code}))
    assert (container.state(NOW), container.words) == (state, words)


@pytest.mark.parametrize(
    ("restarts", "age", "state"),
    [(2, 3, t.BACKOFF), (7, 9, t.BACKOFF), (1, 3, t.RUNNING), (2, 11, t.RUNNING), (2, -60, t.RUNNING)],
)
def test_podman_shows_a_crash_loop_in_count_and_age_only(told, restarts, age, state):
    container = read_container(told("p-web-1", State={"StartedAt": stamp(age)}, RestartCount=restarts))
    assert container.state(NOW) == state
    assert f"restarted {restarts} times" in container.words


@pytest.mark.parametrize(
    ("status", "code", "policy", "retries", "ago", "state"),
    [
        ("stopped", 7, "always", 0, 1, t.BACKOFF),
        ("exited", 7, "unless-stopped", 0, 4, t.BACKOFF),
        ("stopped", 7, "on-failure", 0, 1, t.BACKOFF),
        ("stopped", 7, "on-failure", 9, 1, t.BACKOFF),
        ("stopped", 7, "on-failure", 2, 1, t.FAILED),  # it was started again as often as it may be
        ("stopped", 7, "no", 0, 1, t.FAILED),
        ("stopped", 7, "", 0, 1, t.FAILED),
        ("stopped", 7, "always", 0, 6, t.FAILED),  # nobody came
        ("stopped", 7, "always", 0, -60, t.FAILED),
        ("stopped", 0, "always", 0, 1, t.STOPPED),
    ],
)
def test_between_two_lives_a_container_waits_for_the_next(told, status, code, policy, retries, ago, state):
    policies = {"RestartPolicy": {"Name": policy, "MaximumRetryCount": retries}}
    ended = {"ExitCode": code, "FinishedAt": stamp(ago)}
    container = read_container(told("p-web-1", status, State=ended, RestartCount=2, HostConfig=policies))
    assert container.state(NOW) == state


def test_a_killed_container_says_what_killed_it(told):
    state = {"ExitCode": 137, "OOMKilled": True, "Error": "password=hunter2 was wrong"}
    container = read_container(told("p-web-1", "exited", State=state, RestartCount=4))
    assert container.words == (
        "exited (exit code 137, killed for lack of memory, restarted 4 times, password=*** was wrong)"
    )


def test_an_unwell_container_tells_the_last_line_of_its_health_check(told):
    log = [{"Output": "fine"}, {"ExitCode": 1, "Output": "trying\n token=abcdef  refused\n\n"}]
    container = read_container(told("p-web-1", State={"Health": {"Status": "unhealthy", "Log": log}}))
    assert (container.state(NOW), container.words) == (t.RUNNING, "running (unhealthy: token=*** refused)")
    well = read_container(told("p-web-1", State={"Health": {"Status": "healthy", "Log": log}}))
    assert well.words == "running (healthy)"


def test_what_a_health_check_prints_is_bounded(told):
    health = {"Status": "unhealthy", "Log": [{"Output": "no. " * 100_000}]}
    assert len(read_container(told("p-web-1", State={"Health": health})).words) < 200


@pytest.mark.parametrize(
    ("check", "age", "state"),
    [
        ({"Interval": 10**9, "Timeout": 10**9, "Retries": 2, "StartPeriod": 5 * 10**9}, 8, t.STARTING),
        ({"Interval": 10**9, "Timeout": 10**9, "Retries": 2, "StartPeriod": 5 * 10**9}, 10, t.RUNNING),
        ({}, 179, t.STARTING),
        ({}, 181, t.RUNNING),
    ],
)
def test_a_health_check_that_never_comes_to_a_result_is_not_waited_for_for_ever(told, check, age, state):
    config = {**told("p-web-1")["Config"], "Healthcheck": check}
    health = {"Health": {"Status": "starting"}, "StartedAt": stamp(age)}
    assert read_container(told("p-web-1", State=health, Config=config)).state(NOW) == state


def test_published_ports_are_read_with_their_addresses(told):
    ports = {
        "80/tcp": [{"HostIp": "127.0.0.1", "HostPort": "8080"}, {"HostIp": "", "HostPort": "81"}],
        "443/tcp": None,
        "53/udp": [{"HostIp": "::", "HostPort": "x"}, "odd"],
    }
    container = read_container(told("p-web-1", NetworkSettings={"Ports": ports}))
    assert container.ports == (("127.0.0.1", 8080), ("0.0.0.0", 81))


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("1970-01-01T00:00:10Z", 10.0),
        ("1970-01-01T01:00:10.123456789+01:00", 10.0),
        ("0001-01-01T00:00:00Z", 0.0),
        ("2026-99-99T00:00:00Z", 0.0),
        ("yesterday", 0.0),
        (None, 0.0),
        (12, 0.0),
    ],
)
def test_moments(text, seconds):
    assert read_moment(text) == seconds


@pytest.mark.parametrize(
    "odd",
    [
        {},
        {"State": None, "Config": [], "NetworkSettings": "x", "RestartCount": "many"},
        {"State": {"Pid": None, "Health": {"Log": [None]}, "ExitCode": float("inf")}, "Config": {"Labels": 3}},
    ],
)
def test_missing_and_odd_fields_are_harmless(odd):
    container = read_container(odd)
    assert (container.pid, container.state(NOW)) == (None, t.UNKNOWN)
