# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What processes and manager tell of a service that does not run as it should: rules, the first that applies counts."""

from __future__ import annotations

from typing import Callable

from ansible_collections.toombos.incident.plugins.module_utils._catalogue.types import Service
from ansible_collections.toombos.incident.plugins.module_utils._managers import types as manager
from ansible_collections.toombos.incident.plugins.module_utils._recovery import signs, types as t
from ansible_collections.toombos.incident.plugins.module_utils._recovery.words import (
    describe,
    odd,
    ports,
    read_logs,
    red,
    words,
)


def _port_held_by_another(service: Service, seen: t.Observation) -> t.Diagnosis | None:
    own = {process.identity for process in seen.own + seen.managed + seen.misowned}
    # A manager that publishes ports holds them itself.
    proxied = any(holder.pid in seen.manager.proxies for holder in seen.holders)
    strangers = [holder for holder in seen.holders if holder.pid != 1]
    # Socket activation: pid 1 holds the port on behalf of a service that is not there yet.
    ours = proxied or any(holder.identity in own for holder in seen.holders)
    # Without a declared identity it may be this service, started by hand. While nothing of it runs under its manager, a
    # start would fail all the same.
    known = seen.identity_declared or (seen.manager.available and not signs.is_alive(seen.manager) and not seen.managed)
    if strangers and seen.red and known and not ours:
        who = "; ".join(describe(process) for process in strangers)
        whose = "which is not this service" if seen.identity_declared else "which its manager does not know"
        return _foreign(service, f"port {ports(seen)} is held by {who}, {whose}")
    unreadable = [listener for listener in seen.listeners if not listener.pids]
    if unreadable and seen.red and not (seen.own or seen.managed):
        return _foreign(
            service, f"port {ports(seen)} is held by a process of uid {unreadable[0].uid} that cannot be read"
        )
    return None


def _foreign(service: Service, message: str) -> t.Diagnosis:
    return t.Diagnosis(
        service.name,
        t.FOREIGN,
        message,
        "Find out who started it and stop it by hand (it is never killed for you), then run the recovery again.",
    )


def _another_manager_keeps_it(service: Service, seen: t.Observation) -> t.Diagnosis | None:
    """Ended here, it would be started again there."""
    if not seen.keepers:
        return None
    who = ", ".join(f"{unit} (pid {pid})" for pid, unit in seen.keepers.items())
    return t.Diagnosis(
        service.name,
        t.SPLIT_BRAIN,
        f"is started by two managers: its own says {words(seen)}, and it is also the main process of {who}",
        f"Disable one of the two, for example systemctl disable --now {next(iter(seen.keepers.values()))}, or correct"
        " the service's manager in the catalogue.",
    )


def _runs_outside_its_manager(service: Service, seen: t.Observation) -> t.Diagnosis | None:
    alive = signs.is_alive(seen.manager)
    stray = {process.identity for process in seen.strays}
    holds_port = any(holder.identity in stray for holder in seen.holders)
    # While its manager is content and the probes are, too, its processes may hang together in a way that cannot be seen
    # (a daemon that detached itself): what serves well is not ended for its pedigree.
    # The same while its manager is merely silent: it could not be started again before that one is back.
    silent = not seen.manager.available and not seen.red
    if not stray or silent or (alive and not (holds_port and seen.red)):
        return None
    who = "; ".join(describe(process) for process in seen.strays[:3])
    return t.Diagnosis(service.name, t.ORPHAN, f"runs outside its manager ({words(seen)}): {who}")


def _runs_twice(service: Service, seen: t.Observation) -> t.Diagnosis | None:
    alive = signs.is_alive(seen.manager)
    twins = signs.copies(service.manager, seen.managed, seen.strays, seen.holding) if alive else ()
    if not twins:
        return None
    held = seen.holding
    serves = "the copy" if held & {twin.identity for twin in twins} else "the managed one"
    who = "; ".join(describe(process) for process in signs.roots(twins)[:3])
    holds = f"; {serves} holds port {ports(seen)}" if held else ""
    return t.Diagnosis(
        service.name,
        t.SPLIT_BRAIN,
        f"runs twice: {describe(seen.managed[0])} under its manager, and beside it {who}{holds}",
        "Find out who started the second copy, or it will come back.",
    )


def _runs_as_somebody_else(service: Service, seen: t.Observation) -> t.Diagnosis | None:
    user, uid = service.manager.user, signs.wrong_user(service.manager, seen.managed)
    if uid is not None:
        return t.Diagnosis(
            service.name,
            t.WRONG_USER,
            f"runs as uid {uid}, not as {user}: {describe(seen.managed[0])}",
            f"Make its manager start it as {user}, and look for files that it has written as uid {uid}.",
        )
    in_the_way = seen.red and seen.holding & {process.identity for process in seen.misowned}
    if not seen.misowned or ((signs.is_alive(seen.manager) or seen.own) and not in_the_way):
        return None
    who = "; ".join(describe(process) for process in signs.roots(seen.misowned)[:3])
    return t.Diagnosis(
        service.name,
        t.WRONG_USER,
        f"was started as another user than {user}, outside its manager: {who}",
        f"It is not ended for you, because only {user}'s processes are this service's. Stop it by hand, and run again.",
    )


def _manager_is_gone(service: Service, seen: t.Observation) -> t.Diagnosis | None:
    if seen.manager.available:
        return None
    if not seen.red and seen.checks:
        return odd(service, f"answers, but its manager does not ({seen.manager.detail})")
    return t.Diagnosis(
        service.name, t.MANAGER_GONE, seen.manager.detail or "its manager is gone", "Start the manager itself."
    )


def _lacks_what_it_runs_on(service: Service, seen: t.Observation) -> t.Diagnosis | None:
    """Its program or directory was deleted under it: gone for good, or replaced by an upgrade."""
    if not seen.red or not (seen.absent or signs.deleted(seen.managed)):
        return None
    if seen.absent:
        gone = ", ".join(seen.absent)
        return t.Diagnosis(
            service.name, t.DELETED, f"{gone} is not there", f"Bring {gone} back; without it no start can succeed."
        )
    old = ", ".join(signs.deleted(seen.managed))
    return t.Diagnosis(service.name, t.DELETED, f"{old} was deleted or replaced while it runs; {red(seen)}")


def _configuration_is_rejected(service: Service, seen: t.Observation) -> t.Diagnosis | None:
    if not seen.config_error:
        return None
    files = ", ".join(service.config.files + service.manager.files) or "its configuration"
    return t.Diagnosis(
        service.name,
        t.BAD_CONFIG,
        f"the configuration is rejected: {seen.config_error}",
        f"Correct {files} (a restart would not help), check it with the service's validate command, then run again.",
    )


def _runs_on_what_must_not_be(service: Service, seen: t.Observation) -> t.Diagnosis | None:
    """It may answer all the same: an empty file is a valid one for many programs, and means other things."""
    if not seen.config_fault:
        return None
    state = "answers, but runs" if seen.managed and not seen.red else "would run" if not seen.managed else "runs"
    return t.Diagnosis(
        service.name,
        t.BAD_CONFIG,
        f"{state} on a configuration that must not be: {seen.config_fault}",
        "Correct it (a restart would not help), then run again.",
    )


def _has_ended_uncollected(service: Service, seen: t.Observation) -> t.Diagnosis | None:
    # Others may be left in its control group, the negligent parent among them: they do not make up for it.
    if not seen.ended or not seen.red:
        return None
    # Who starts the host collects its orphans sooner or later, and a manager that knows of the end tells more about it.
    if seen.ended[0].ppid == 1 and not signs.is_alive(seen.manager):
        return None
    parent = describe(seen.collector) if seen.collector else "its parent"
    return t.Diagnosis(
        service.name,
        t.ZOMBIE,
        f"pid {seen.ended[0].pid} has ended, but {parent} has not collected it, and its manager says {words(seen)}",
        read_logs(service),
    )


_CONDITIONS = {
    manager.STOPPED: t.DOWN,
    manager.BACKOFF: t.CRASH_LOOP,
    manager.FAILED: t.FAILED,
    manager.FROZEN: t.HUNG,
}


def _manager_says_not_running(service: Service, seen: t.Observation) -> t.Diagnosis | None:
    state = seen.manager.state
    if state in (manager.RUNNING, manager.STARTING, manager.STOPPING):
        return None
    if state == manager.PARTIAL:
        answers = red(seen) if seen.red else "the others answer"
        return t.Diagnosis(service.name, t.DEGRADED, f"{words(seen)}; {answers}", read_logs(service))
    # The helper that publishes the port of something frozen accepts connections all the same.
    if not seen.red and seen.checks and state not in (manager.BACKOFF, manager.FROZEN):
        return odd(service, f"answers, but its manager says {words(seen)} and no process of it can be seen")
    condition = _CONDITIONS.get(state, t.UNKNOWN)
    error = f"; last error in its log: {seen.last_error}" if seen.last_error else ""
    return t.Diagnosis(service.name, condition, f"{words(seen)}{error}", read_logs(service))


RULES: tuple[Callable[[Service, t.Observation], t.Diagnosis | None], ...] = (
    _port_held_by_another,
    _another_manager_keeps_it,
    _runs_outside_its_manager,
    _runs_twice,
    _runs_as_somebody_else,
    _manager_is_gone,
    _lacks_what_it_runs_on,
    _configuration_is_rejected,
    _runs_on_what_must_not_be,
    _has_ended_uncollected,
    _manager_says_not_running,
)
