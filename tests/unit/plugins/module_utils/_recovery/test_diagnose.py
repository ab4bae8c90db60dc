# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One observation, one condition: the table of how services lie."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.toombos.incident.plugins.module_utils._catalogue.types import ManagerSpec, Workers
from ansible_collections.toombos.incident.plugins.module_utils._managers import types as manager
from ansible_collections.toombos.incident.plugins.module_utils._managers.types import ManagerState
from ansible_collections.toombos.incident.plugins.module_utils._probe.types import FAIL, PASS, UNKNOWN, WARN, Check
from ansible_collections.toombos.incident.plugins.module_utils._process.types import Listener, Process
from ansible_collections.toombos.incident.plugins.module_utils._recovery import types as t
from ansible_collections.toombos.incident.plugins.module_utils._recovery.diagnose import diagnose, root_causes

MAIN = Process(10, 1, 5, "S", ("serve", "web"), "/usr/bin/serve", "/srv", 1000)
WORKER = Process(11, 10, 6, "S", ("worker",), "/usr/bin/serve", "/srv", 1000)
FROZEN = Process(10, 1, 5, "T", ("serve", "web"), "/usr/bin/serve", "/srv", 1000)
STRAY = Process(20, 1, 7, "S", ("serve", "web"), "/usr/bin/serve", "/srv", 1000)
OLDER = Process(9, 1, 4, "S", ("serve", "web"), "/usr/bin/serve", "/srv", 1000)
BY_HAND = Process(20, 19, 7, "S", ("serve", "web"), "/usr/bin/serve", "/srv", 1000)
OTHER_STRAY = Process(20, 1, 7, "S", ("serve", "web", "--again"), "/usr/bin/serve", "/srv", 1000)
WORKER_2 = Process(12, 10, 6, "S", ("worker",), "/usr/bin/serve", "/srv", 1000)
CORPSE = Process(13, 10, 6, "Z", (), None, None, 1000)
AS_ROOT = Process(10, 1, 5, "S", ("serve", "web"), "/usr/bin/serve", "/srv", 0)
HOMELESS = Process(10, 1, 5, "S", ("serve", "web"), "/usr/bin/serve", "/srv (deleted)", 1000)
STRANGER = Process(30, 1, 8, "S", ("nc", "-l"), "/usr/bin/nc", "/", 0)
INIT = Process(1, 0, 1, "S", ("init",), None, None, 0)


def check(status: str = PASS, reason: str = "ok", probe: str = "live") -> Check:
    return Check("web", probe, "http", status, reason, f"{probe} said so")


GOOD = (check(),)
REFUSED = (check(FAIL, "refused"),)
SLOW = (check(FAIL, "timeout"), check(UNKNOWN, "deadline", "deep"))
BAD = (check(FAIL, "bad_status"), check())


def listen(*pids: int) -> tuple[Listener, ...]:
    return (Listener(7003, "127.0.0.1", pids, 1000),)


def says(state: str, pid: int | None = None, detail: str = "") -> ManagerState:
    return ManagerState(True, state, pid, detail)


def seen(**values: Any) -> t.Observation:
    values.setdefault("manager", says(manager.RUNNING, 10))
    return t.Observation(**values)


RUNS: dict[str, Any] = {"managed": (MAIN, WORKER), "own": (MAIN, WORKER), "listeners": listen(11), "holders": (WORKER,)}
GONE = ManagerState(False, manager.UNKNOWN, None, "no socket")

TABLE = {
    "serves under its manager": (seen(**RUNS, checks=GOOD), t.HEALTHY, "healthy"),
    "a warning is healthy and said": (
        seen(**RUNS, checks=(check(WARN, "slow"),)),
        t.HEALTHY,
        "healthy, but live: slow",
    ),
    "answers before startsecs are over": (
        seen(**{**RUNS, "manager": says(manager.STARTING, 10)}, checks=GOOD),
        t.HEALTHY,
        "healthy",
    ),
    "is starting": (
        seen(manager=says(manager.STARTING, 10), managed=(MAIN,), own=(MAIN,), checks=REFUSED),
        t.STARTING,
        "starting",
    ),
    "is stopped": (seen(manager=says(manager.STOPPED), checks=REFUSED), t.DOWN, "stopped"),
    "is restarted again and again": (
        seen(manager=says(manager.BACKOFF, None, "exited too quickly"), checks=REFUSED),
        t.CRASH_LOOP,
        "exited too quickly",
    ),
    "was given up": (
        seen(manager=says(manager.FAILED), checks=REFUSED, last_error="KeyError: x"),
        t.FAILED,
        "KeyError: x",
    ),
    "is not known to its manager": (seen(manager=says(manager.UNKNOWN), checks=REFUSED), t.UNKNOWN, "unknown"),
    "is frozen": (
        seen(managed=(FROZEN,), own=(FROZEN,), listeners=listen(10), holders=(FROZEN,), checks=SLOW),
        t.HUNG,
        "stopped by a signal",
    ),
    "was suspended by its manager, whose helper accepts connections": (
        seen(manager=says(manager.FROZEN, 10, "paused"), managed=(MAIN,), checks=GOOD),
        t.HUNG,
        "paused",
    ),
    "some replicas do not run": (
        seen(manager=says(manager.PARTIAL, 10, "1 of 2 containers run"), managed=(MAIN,), checks=GOOD),
        t.DEGRADED,
        "1 of 2 containers run; the others answer",
    ),
    "some replicas do not run, and the others answer badly": (
        seen(manager=says(manager.PARTIAL, 10, "1 of 2 containers run"), managed=(MAIN,), checks=BAD),
        t.DEGRADED,
        "1 of 2 containers run; live: bad_status",
    ),
    "its manager holds its port for it": (
        seen(
            manager=ManagerState(True, manager.RUNNING, 10, proxies=(30,)),
            managed=(MAIN,),
            listeners=listen(30),
            holders=(STRANGER,),
            checks=BAD,
        ),
        t.FAILING,
        "bad_status",
    ),
    "its manager has something to say": (
        seen(manager=ManagerState(True, manager.RUNNING, 10, notes=("is defined differently",)), checks=GOOD),
        t.HEALTHY,
        "healthy, but is defined differently",
    ),
    "is deadlocked": (seen(**RUNS, checks=SLOW), t.HUNG, "runs (running) but does not answer: live, deep"),
    "answers badly": (seen(**RUNS, checks=BAD), t.FAILING, "bad_status"),
    "does not listen": (
        seen(managed=(MAIN,), own=(MAIN,), checks=REFUSED),
        t.FAILING,
        "nothing listens on port 7003",
    ),
    "its port is held by a stranger": (
        seen(manager=says(manager.FAILED), listeners=listen(30), holders=(STRANGER,), checks=BAD),
        t.FOREIGN,
        "pid 30",
    ),
    "a stranger even answers well": (
        seen(
            manager=says(manager.RUNNING, 10),
            managed=(MAIN,),
            own=(MAIN,),
            listeners=listen(30),
            holders=(STRANGER,),
            checks=GOOD,
        ),
        t.HEALTHY,
        "healthy",
    ),
    "a stranger that cannot be read": (
        seen(manager=says(manager.STOPPED), listeners=listen(), checks=BAD),
        t.FOREIGN,
        "uid 1000",
    ),
    "pid 1 holds the socket for a stopped unit": (
        seen(manager=says(manager.STOPPED), listeners=listen(1), holders=(INIT,), checks=REFUSED),
        t.DOWN,
        "stopped",
    ),
    "runs outside a manager that gave up": (
        seen(manager=says(manager.FAILED), own=(STRAY,), listeners=listen(20), holders=(STRAY,), checks=GOOD),
        t.ORPHAN,
        "pid 20",
    ),
    "its manager is silent and it serves on": (
        seen(manager=GONE, own=(STRAY,), listeners=listen(20), holders=(STRAY,), checks=GOOD),
        t.UNKNOWN,
        "answers, but its manager does not",
    ),
    "its manager died and it serves badly": (
        seen(manager=GONE, own=(STRAY,), listeners=listen(20), holders=(STRAY,), checks=BAD),
        t.ORPHAN,
        "no socket",
    ),
    "its probe could not be carried out": (
        seen(**RUNS, checks=(check(FAIL, "cannot_run"), check(UNKNOWN, "deadline", "deep"))),
        t.UNKNOWN,
        "could not be asked",
    ),
    "a restart would not mend its certificate": (
        seen(**RUNS, checks=(check(FAIL, "cert_expired"), check(FAIL, "cannot_run", "deep"))),
        t.UNKNOWN,
        "live: cert_expired",
    ),
    "an expired certificate does not hide that it hangs": (
        seen(**RUNS, checks=(check(FAIL, "cert_expired"), check(FAIL, "bad_status", "deep"))),
        t.FAILING,
        "bad_status",
    ),
    "a secret in its command line": (
        seen(
            manager=says(manager.FAILED),
            listeners=listen(30),
            holders=(Process(30, 1, 8, "S", ("nc", "--password=hunter2"), "/usr/bin/nc", "/", 0),),
            checks=BAD,
        ),
        t.FOREIGN,
        "pid 30 (uid 0, nc --password=",
    ),
    "its manager died and took it along": (seen(manager=GONE, checks=REFUSED), t.MANAGER_GONE, "no socket"),
    "answers although nothing of it can be seen": (
        seen(manager=GONE, checks=GOOD),
        t.UNKNOWN,
        "answers, but its manager",
    ),
    "answers although it is stopped": (seen(manager=says(manager.STOPPED), checks=GOOD), t.UNKNOWN, "answers, but"),
    "an idle second copy beside the one that serves": (
        seen(**{**RUNS, "own": (MAIN, WORKER, STRAY)}, checks=GOOD),
        t.SPLIT_BRAIN,
        "beside it pid 20",
    ),
    "a second copy that somebody's shell has started": (
        seen(managed=(MAIN,), own=(MAIN, BY_HAND), listeners=listen(20), holders=(BY_HAND,), checks=GOOD),
        t.SPLIT_BRAIN,
        "the copy holds port 7003",
    ),
    "a second copy from before the managed one": (
        seen(managed=(MAIN,), own=(MAIN, OLDER), checks=BAD),
        t.SPLIT_BRAIN,
        "beside it pid 9",
    ),
    "a second program that looks alike": (
        seen(**{**RUNS, "own": (MAIN, WORKER, OTHER_STRAY)}, checks=GOOD),
        t.HEALTHY,
        "healthy",
    ),
    "another manager runs it as well": (
        seen(**{**RUNS, "own": (MAIN, WORKER, STRAY)}, keepers={20: "web.service"}, checks=GOOD),
        t.SPLIT_BRAIN,
        "main process of web.service (pid 20)",
    ),
    "all its workers are dead behind a living parent": (
        seen(managed=(MAIN,), own=(MAIN,), listeners=listen(10), holders=(MAIN,), checks=SLOW),
        t.WORKER_DEAD,
        "2 of 2 workers are missing below pid 10",
    ),
    "a dead worker that nobody collects": (
        seen(**{**RUNS, "managed": (MAIN, WORKER, WORKER_2)}, corpses=(CORPSE,), checks=BAD),
        t.WORKER_DEAD,
        "worker pid 13 is dead and not collected by pid 10",
    ),
    "some of its workers are dead": (seen(**RUNS, checks=GOOD), t.DEGRADED, "1 of 2 workers are missing"),
    "ended, and nobody has collected it": (
        seen(ended=(CORPSE,), collector=INIT, checks=REFUSED),
        t.ZOMBIE,
        "pid 13 has ended, but pid 1",
    ),
    "ended, and the parent that has not collected it is still in its control group": (
        seen(managed=(OLDER,), own=(OLDER,), ended=(CORPSE,), collector=OLDER, checks=REFUSED),
        t.ZOMBIE,
        "pid 13 has ended, but pid 9",
    ),
    "ended, its manager knows, and the init process is about to collect it": (
        seen(
            manager=says(manager.FAILED),
            ended=(replace(CORPSE, ppid=1),),
            collector=INIT,
            checks=REFUSED,
            last_error="KeyError: x",
        ),
        t.FAILED,
        "last error in its log: KeyError: x",
    ),
    "ended below the init process, and its manager does not know": (
        seen(ended=(replace(CORPSE, ppid=1),), collector=INIT, checks=REFUSED),
        t.ZOMBIE,
        "pid 13 has ended, but pid 1",
    ),
    "runs as the wrong user": (
        seen(managed=(AS_ROOT,), own=(), listeners=listen(10), holders=(AS_ROOT,), checks=GOOD),
        t.WRONG_USER,
        "runs as uid 0, not as 1000",
    ),
    "was started as the wrong user by hand": (
        seen(manager=says(manager.STOPPED), misowned=(AS_ROOT,), checks=GOOD),
        t.WRONG_USER,
        "was started as another user than 1000",
    ),
    "a wrong user's copy holds its port": (
        seen(managed=(MAIN,), own=(MAIN,), misowned=(STRANGER,), listeners=listen(30), holders=(STRANGER,), checks=BAD),
        t.WRONG_USER,
        "pid 30",
    ),
    "answers as another service": (
        seen(**RUNS, checks=(check(FAIL, "wrong_service"),)),
        t.WRONG_SERVICE,
        "answers as another service",
    ),
    "its directory was deleted under it": (
        seen(managed=(HOMELESS,), own=(HOMELESS,), checks=BAD),
        t.DELETED,
        "/srv was deleted or replaced while it runs",
    ),
    "what it runs on is gone": (
        seen(manager=says(manager.STOPPED), absent=("/srv",), checks=REFUSED),
        t.DELETED,
        "/srv",
    ),
    "it serves on after an upgrade": (
        seen(managed=(HOMELESS, WORKER, WORKER_2), own=(HOMELESS,), checks=GOOD),
        t.HEALTHY,
        "healthy, but still runs on /srv",
    ),
    "it serves well from beside the tree of a content manager": (
        seen(managed=(MAIN,), own=(MAIN, STRAY), listeners=listen(20), holders=(STRAY,), checks=GOOD),
        t.HEALTHY,
        "healthy",
    ),
    "it serves badly from beside the tree of a content manager": (
        seen(managed=(MAIN,), own=(MAIN, STRAY), listeners=listen(20), holders=(STRAY,), checks=BAD),
        t.ORPHAN,
        "pid 20",
    ),
    "its configuration is rejected": (
        seen(manager=says(manager.FAILED), checks=REFUSED, config_error="PORT: not a number"),
        t.BAD_CONFIG,
        "PORT: not a number",
    ),
    "it answers, but was started on a file that must not be": (
        seen(**RUNS, checks=GOOD, config_fault="/srv/.env is empty"),
        t.BAD_CONFIG,
        "answers, but runs on a configuration that must not be: /srv/.env is empty",
    ),
    "it is down, and its file must not be": (
        seen(manager=says(manager.STOPPED), checks=REFUSED, config_fault="/srv/.env is empty"),
        t.BAD_CONFIG,
        "would run on a configuration that must not be: /srv/.env is empty",
    ),
    "its identity was never declared": (
        seen(listeners=listen(30), holders=(STRANGER,), checks=GOOD, identity_declared=False),
        t.HEALTHY,
        "healthy",
    ),
    "its identity was never declared, and its port was taken while it was down": (
        seen(
            manager=says(manager.FAILED),
            listeners=listen(30),
            holders=(STRANGER,),
            checks=BAD,
            identity_declared=False,
        ),
        t.FOREIGN,
        "pid 30",
    ),
}


@pytest.mark.parametrize(("observation", "condition", "words"), TABLE.values(), ids=TABLE.keys())
def test_condition(build: Any, observation: t.Observation, condition: str, words: str, request: Any) -> None:
    workers = Workers(2) if "worker" in request.node.callspec.id else Workers()
    spec = ManagerSpec(kind="supervisor", program="web", match="serve web", user="1000")
    catalogue = build.catalogue(build.service("web", manager=spec, workers=workers))
    diagnosis = diagnose(catalogue, {"web": observation})["web"]
    assert (diagnosis.condition, words in diagnosis.message) == (condition, True), diagnosis
    assert diagnosis.healthy is (condition == t.HEALTHY)


def test_every_condition_of_the_vocabulary_is_in_the_table() -> None:
    words = {value for name, value in vars(t).items() if name.isupper() and isinstance(value, str)}
    steps = {t.REFUSE, t.ROLL_BACK_CONFIG, t.STOP, t.END_PROCESSES, t.CLEAR_TEMP, t.START, t.WAIT_READY, t.VERIFY}
    other = {"FAIL", "WARN"}
    values = {getattr(t, name) for name in other} | {t.UNANSWERED}
    conditions = words - steps - values | {t.UNKNOWN}
    assert conditions - {t.BLOCKED} == {condition for _seen, condition, _words in TABLE.values()}


@pytest.mark.parametrize(
    ("observation", "expected"),
    [
        (seen(**RUNS, checks=BAD), t.BLOCKED),
        (seen(**RUNS, checks=SLOW), t.BLOCKED),
        (seen(manager=says(manager.FROZEN, 10), managed=(MAIN,), checks=SLOW), t.HUNG),
        (seen(managed=(FROZEN,), own=(FROZEN,), listeners=listen(10), holders=(FROZEN,), checks=SLOW), t.HUNG),
        (seen(manager=says(manager.STOPPED), checks=REFUSED), t.DOWN),
        (seen(**RUNS, checks=GOOD), t.HEALTHY),
    ],
)
def test_only_what_lives_and_fails_can_be_blocked(build: Any, observation: t.Observation, expected: str) -> None:
    catalogue = build.catalogue(build.service("db", port=1), build.service("web", depends_on=("db",)))
    found = diagnose(catalogue, {"db": seen(manager=says(manager.STOPPED), checks=REFUSED), "web": observation})
    assert found["web"].condition == expected
    if expected == t.BLOCKED:
        assert "waits for db" in found["web"].message


def test_there_is_one_root_cause_per_chain(build: Any) -> None:
    catalogue = build.catalogue(
        build.service("db", port=1),
        build.service("api", port=2, depends_on=("db",)),
        build.service("web", port=3, depends_on=("api",)),
        build.service("other", port=4),
    )
    down = seen(manager=says(manager.STOPPED), checks=REFUSED)
    found = diagnose(catalogue, {"db": down, "api": seen(**RUNS, checks=BAD), "web": down, "other": down})
    assert [cause.service for cause in root_causes(catalogue, found)] == ["db", "other"]
