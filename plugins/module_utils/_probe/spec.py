# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads one probe as written in the catalogue; every problem at once, each under the path of its key."""

from __future__ import annotations

from typing import Any, Callable, Mapping, Tuple

from ansible_collections.toombos.incident.plugins.module_utils._catalogue.fields import (
    Fields,
    Malformed,
    did_you_mean,
    read_command,
    read_integer,
    read_integer_from,
    read_path,
    read_pattern,
    read_port,
    read_timeout,
    read_word,
)
from ansible_collections.toombos.incident.plugins.module_utils._errors import IncidentError
from ansible_collections.toombos.incident.plugins.module_utils._probe import targets
from ansible_collections.toombos.incident.plugins.module_utils._probe.spec_http import (
    parse_http,
    read_bool,
    read_latency,
)
from ansible_collections.toombos.incident.plugins.module_utils._probe.types import Probe, Schedule
from ansible_collections.toombos.incident.plugins.module_utils._values import parse_duration

# The keys that a kind needs, those that it may have, and its parser.
Kind = Tuple[Tuple[str, ...], Tuple[str, ...], Callable[[Fields], Any]]
_HARMLESS = ("GET", "HEAD", "OPTIONS")
_PERCENT = targets.Levels(80.0, 90.0)
_LOAD = targets.Levels(1.5, 4.0)
_CPU = targets.Levels(75.0, 90.0)


class ProbeSpecError(IncidentError):
    """A probe cannot be read; ``problems`` holds one line per offending key."""

    def __init__(self, problems: list[str]) -> None:
        self.problems = list(problems)
        super().__init__("The probe is not valid: " + "; ".join(self.problems) + ".", "Correct these keys.")


def parse_probe(
    name: str, raw: Mapping[str, Any], *, service: str = "", where: str, kinds: Mapping[str, Kind] | None = None
) -> Probe:
    """The probe ``name`` of ``service`` (empty: of the host). ``where`` is the path of the entry, for the problems.

    ``kinds``: what may be asked; by default everything that a host can be asked. Raises ProbeSpecError with all
    problems of the entry.
    """
    known = _KINDS if kinds is None else kinds
    problems: list[str] = []
    fields = Fields(raw, where, problems)
    schedule = _parse_schedule(fields)
    kind = fields.one("kind", lambda value: _read_kind(value, known))
    target = None
    if kind is not None:
        required, optional, parse = known[kind]
        fields.keys(f"a probe of kind {kind}", ("kind", *required), (*optional, "safe", *_SCHEDULE))
        target = parse(fields)
        _insist_on_safety(fields, target)
    elif fields.readable and not fields.has("kind"):
        fields.note("kind", f"is missing, it is one of {', '.join(known)}")
    if problems:
        raise ProbeSpecError(problems)
    return Probe(name=name, kind=str(kind), target=target, service=service, schedule=schedule)


def _insist_on_safety(fields: Fields, target: Any) -> None:
    """A probe is asked again and again, at the worst of times: only what is harmless may be one."""
    safe = fields.one("safe", read_bool)
    method = getattr(target, "method", "GET")
    if safe is False:
        fields.note("safe", "what is not safe must not be asked again and again, ask something harmless instead")
    elif safe is None and method not in _HARMLESS:
        fields.note("method", f"{method} may change something: say safe: true if asking this never does")


def _read_kind(value: Any, known: Mapping[str, Kind]) -> str:
    if not isinstance(value, str) or value not in known:
        listed = ", ".join(known)
        raise Malformed(f"{value!r} is no kind of probe{did_you_mean(value, known)}, it is one of {listed}")
    return str(value)


def _read_delay(value: Any) -> float:
    try:
        return parse_duration(value)
    except IncidentError as error:
        raise Malformed(str(error).rstrip(".")) from error


_SCHEDULE: Mapping[str, Callable[[Any], Any]] = {
    "initial_delay": _read_delay,
    "period": read_timeout,
    "timeout": read_timeout,
    "success_threshold": read_integer_from(1),
    "failure_threshold": read_integer_from(1),
}


def _parse_schedule(fields: Fields) -> Schedule:
    values = {key: fields.one(key, read) for key, read in _SCHEDULE.items()}
    return Schedule(**{key: value for key, value in values.items() if value is not None})


def _read_user(value: Any) -> str:
    return read_word(str(value) if isinstance(value, int) and not isinstance(value, bool) else value)


def _read_level(value: Any) -> float:
    try:
        level = float(value) if isinstance(value, (int, float, str)) and not isinstance(value, bool) else -1.0
    except ValueError:
        level = -1.0
    if not 0 < level < float("inf"):
        raise Malformed(f"{value!r} must be a number above 0")
    return level


def _read_percent(value: Any) -> float:
    level = _read_level(value)
    if level > 100:
        raise Malformed(f"{value!r} is no percentage")
    return level


def _levels(fields: Fields, read: Callable[[Any], float], default: targets.Levels) -> targets.Levels:
    warn, fail = fields.one("warn", read), fields.one("fail", read)
    levels = targets.Levels(
        warn if warn is not None else min(default.warn, fail if fail is not None else default.warn),
        fail if fail is not None else max(default.fail, warn if warn is not None else default.fail),
    )
    if levels.warn > levels.fail:
        fields.note("warn", f"{levels.warn:g} is above fail ({levels.fail:g})")
    return levels


def _inner_levels(fields: Fields, key: str) -> targets.Levels:
    inner = fields.inner(key)
    inner.keys(key, (), ("warn", "fail"))
    return _levels(inner, _read_percent, _PERCENT)


def _parse_tcp(fields: Fields) -> targets.TcpTarget:
    return targets.TcpTarget(
        address=fields.one("address", read_word) or "127.0.0.1",
        port=fields.one("port", read_port) or 0,
        latency=read_latency(fields),
    )


def _parse_process(fields: Fields) -> targets.ProcessTarget:
    least = fields.one("min", read_integer_from(0))
    most = fields.one("max", read_integer_from(0))
    target = targets.ProcessTarget(
        match=fields.one("match", read_pattern) or "",
        cwd=fields.one("cwd", read_path),
        user=fields.one("user", _read_user),
        min=least if least is not None else min(1, most if most is not None else 1),
        max=most,
    )
    if target.max is not None and target.min > target.max:
        fields.note("min", f"{target.min} is above max ({target.max})")
    return target


def _parse_supervisor(fields: Fields) -> targets.SupervisorTarget:
    return targets.SupervisorTarget(fields.one("program", read_word) or "", fields.one("socket", read_path) or "")


def _parse_systemd(fields: Fields) -> targets.SystemdTarget:
    return targets.SystemdTarget(fields.one("unit", read_word) or "")


def _parse_port_owner(fields: Fields) -> targets.PortOwnerTarget:
    expect = fields.inner("expect")
    expect.keys("expect", (), ("match", "user", "exe"))
    if not any(expect.has(key) for key in ("match", "user", "exe")):
        expect.note("", "says nothing: the owner is told by match, user or exe")
    return targets.PortOwnerTarget(
        port=fields.one("port", read_port) or 0,
        match=expect.one("match", read_pattern),
        user=expect.one("user", _read_user),
        exe=expect.one("exe", read_path),
    )


def _parse_disk(fields: Fields) -> targets.DiskTarget:
    return targets.DiskTarget(
        path=fields.one("path", read_path) or "/",
        bytes=_inner_levels(fields, "bytes"),
        inodes=_inner_levels(fields, "inodes"),
    )


def _parse_memory(fields: Fields) -> targets.MemoryTarget:
    return targets.MemoryTarget(_levels(fields, _read_percent, _PERCENT))


def _parse_cpu(fields: Fields) -> targets.CpuTarget:
    return targets.CpuTarget(_levels(fields, _read_percent, _CPU))


def _parse_swap(fields: Fields) -> targets.SwapTarget:
    return targets.SwapTarget(_levels(fields, _read_percent, _PERCENT))


def _parse_open_files(fields: Fields) -> targets.OpenFilesTarget:
    return targets.OpenFilesTarget(_levels(fields, _read_percent, _PERCENT))


def _parse_load(fields: Fields) -> targets.LoadTarget:
    return targets.LoadTarget(_levels(fields, _read_level, _LOAD))


def _parse_command(fields: Fields) -> targets.CommandTarget:
    expect = fields.inner("expect")
    expect.keys("expect", (), ("rc", "stdout"))
    several = isinstance(expect.raw("rc"), (list, tuple))
    codes = expect.many("rc", read_integer) if several else (expect.one("rc", read_integer) or 0,)
    return targets.CommandTarget(
        command=fields.one("command", read_command) or (),
        cwd=fields.one("cwd", read_path),
        rc=codes or targets.CommandTarget.rc,
        stdout=expect.one("stdout", read_pattern),
    )


_Parser = Callable[[Fields], Any]


# kind → its keys (those it needs, those it may have) and its parser.
# What most catalogues do not hold is imported when it is read.
def _file(fields: Fields) -> targets.FileTarget:
    from ansible_collections.toombos.incident.plugins.module_utils._probe.spec_files import parse_file

    return parse_file(fields)


def _log(fields: Fields) -> targets.LogTarget:
    from ansible_collections.toombos.incident.plugins.module_utils._probe.spec_files import parse_log

    return parse_log(fields)


def _tls(fields: Fields) -> targets.TlsTarget:
    from ansible_collections.toombos.incident.plugins.module_utils._probe.spec_net import parse_tls

    return parse_tls(fields)


def _dns(fields: Fields) -> targets.DnsTarget:
    from ansible_collections.toombos.incident.plugins.module_utils._probe.spec_net import parse_dns

    return parse_dns(fields)


def _unix(fields: Fields) -> targets.UnixTarget:
    from ansible_collections.toombos.incident.plugins.module_utils._probe.spec_net import parse_unix

    return parse_unix(fields)


_KINDS: Mapping[str, tuple[tuple[str, ...], tuple[str, ...], _Parser]] = {
    "http": (("url",), ("method", "headers", "body", "unix_socket", "verify", "expect", "latency"), parse_http),
    "tcp": (("port",), ("address", "latency"), _parse_tcp),
    "process": (("match",), ("cwd", "user", "min", "max"), _parse_process),
    "supervisor": (("program", "socket"), (), _parse_supervisor),
    "systemd": (("unit",), (), _parse_systemd),
    "port_owner": (("port", "expect"), (), _parse_port_owner),
    "disk": (("path",), ("bytes", "inodes"), _parse_disk),
    "memory": ((), ("warn", "fail"), _parse_memory),
    "load": ((), ("warn", "fail"), _parse_load),
    "cpu": ((), ("warn", "fail"), _parse_cpu),
    "swap": ((), ("warn", "fail"), _parse_swap),
    "open_files": ((), ("warn", "fail"), _parse_open_files),
    "command": (("command",), ("cwd", "expect"), _parse_command),
    "file": (("path",), ("max_age", "min_size", "max_size"), _file),
    "tls": (("port",), ("address", "server_name", "ca_file", "verify", "expiry"), _tls),
    "dns": (("name",), ("type", "server", "port", "expect"), _dns),
    "unix": (("path",), ("send", "expect"), _unix),
    "log": (("path",), ("match", "baseline", "window", "since", "warn", "fail"), _log),
}
KINDS = tuple(_KINDS)
HOST_KINDS: Mapping[str, Kind] = _KINDS
