# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What each kind of probe asks: one frozen value per kind, no logic."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Latency:
    """Seconds from which an answer is late; None: never."""

    warn: float | None = None
    fail: float | None = None


@dataclass(frozen=True)
class Levels:
    """From which measured value on the answer is a warning, and a failure."""

    warn: float
    fail: float


@dataclass(frozen=True)
class Condition:
    """The JSON value under ``path`` (keys and list indices, joined with dots) is one of ``values``."""

    path: str
    values: tuple[Any, ...]


@dataclass(frozen=True)
class MetricCondition:
    """Every series with this name and at least these labels is within the bounds; None: no bound.

    ``text``: as it was written.
    """

    text: str
    name: str
    labels: tuple[tuple[str, str], ...] = ()
    min: float | None = None
    max: float | None = None
    equals: float | None = None


@dataclass(frozen=True)
class HttpExpect:
    """What a good answer looks like.

    ``status``: ranges, both ends included. ``identity``: what only the right service answers, ``json``: what it answers
    when it is well. ``body``: regular expression searched in the body. ``headers``: (name in lower case, regular
    expression searched in the value). ``health``: the body is a health report of the IETF format and says so;
    ``metrics``: it has these metrics; ``jmespath``: expressions over its JSON.
    """

    status: tuple[tuple[int, int], ...] = ((200, 299),)
    identity: tuple[Condition, ...] = ()
    json: tuple[Condition, ...] = ()
    body: str | None = None
    headers: tuple[tuple[str, str], ...] = ()
    health: bool = False
    metrics: tuple[MetricCondition, ...] = ()
    jmespath: tuple[Condition, ...] = ()


@dataclass(frozen=True)
class HttpTarget:
    """One HTTP question. ``unix_socket``: connect there instead of to the URL's host."""

    url: str
    method: str = "GET"
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    unix_socket: str | None = None
    verify: bool = True
    expect: HttpExpect = HttpExpect()
    latency: Latency = Latency()


@dataclass(frozen=True)
class TcpTarget:
    """A port that accepts connections."""

    address: str
    port: int
    latency: Latency = Latency()


@dataclass(frozen=True)
class ProcessTarget:
    """Processes whose command line holds ``match``, in that directory and of that user.

    A process and its descendants count once: between ``min`` and ``max`` such trees (None: no upper bound).
    """

    match: str
    cwd: str | None = None
    user: str | None = None
    min: int = 1
    max: int | None = None


@dataclass(frozen=True)
class SupervisorTarget:
    """A program of supervisord ("group:name"), asked over the XML-RPC socket."""

    program: str
    socket: str


@dataclass(frozen=True)
class SystemdTarget:
    """A unit of systemd."""

    unit: str


@dataclass(frozen=True)
class PortOwnerTarget:
    """The process behind a listening TCP port; ``match``: regular expression searched in its command line."""

    port: int
    match: str | None = None
    user: str | None = None
    exe: str | None = None


@dataclass(frozen=True)
class DiskTarget:
    """The file system that holds ``path``; percent used."""

    path: str
    bytes: Levels
    inodes: Levels


@dataclass(frozen=True)
class MemoryTarget:
    """Memory that is not available, percent of all."""

    levels: Levels


@dataclass(frozen=True)
class LoadTarget:
    """The one-minute load average per core."""

    levels: Levels


@dataclass(frozen=True)
class CpuTarget:
    """Processor time that is used, percent of all, while the probe looks."""

    levels: Levels


@dataclass(frozen=True)
class SwapTarget:
    """Swap space that is used, percent of all."""

    levels: Levels


@dataclass(frozen=True)
class OpenFilesTarget:
    """Open files, percent of what the kernel allows, and of what the process allows itself that is nearest to it."""

    levels: Levels


@dataclass(frozen=True)
class CommandTarget:
    """A command that ends with one of ``rc``; ``stdout``: regular expression searched in what it prints."""

    command: tuple[str, ...]
    cwd: str | None = None
    rc: tuple[int, ...] = (0,)
    stdout: str | None = None


@dataclass(frozen=True)
class FileTarget:
    """A file that is there, written lately, and of the right size; seconds and bytes, None: no bound.

    ``path``: a wildcard in its last component means the newest match.
    """

    path: str
    max_age: Latency = Latency()
    min_size: int | None = None
    max_size: int | None = None


@dataclass(frozen=True)
class LogTarget:
    """How many error lines the end of a log has.

    ``match``: regular expression of an error, ``baseline``: of lines that are known to be harmless. Read are the last
    ``window`` bytes, of these only what is not older than ``since`` seconds (None: everything).
    """

    path: str
    match: str
    baseline: tuple[str, ...]
    window: int
    since: float | None
    levels: Levels


@dataclass(frozen=True)
class TlsTarget:
    """A port that speaks TLS. ``expiry``: seconds before the end of the certificate from which it is too late."""

    port: int
    address: str = "127.0.0.1"
    server_name: str | None = None
    ca_file: str | None = None
    verify: bool = True
    expiry: Latency = Latency()


@dataclass(frozen=True)
class DnsTarget:
    """A question to a name server. ``values``: must all be in the answer; ``min``: how many there must be at least."""

    name: str
    type: str = "A"
    server: str | None = None
    port: int = 53
    values: tuple[str, ...] = ()
    min: int = 1


@dataclass(frozen=True)
class UnixTarget:
    """A unix socket that accepts connections. ``expect``: regular expression searched in the answer to ``send``."""

    path: str
    send: str = ""
    expect: str | None = None
