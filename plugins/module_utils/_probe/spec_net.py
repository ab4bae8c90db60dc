# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads the kinds of probes that look at the network below http: tls, dns and unix."""

from __future__ import annotations

from typing import Any

from ansible_collections.toombos.incident.plugins.module_utils._catalogue.fields import (
    Fields,
    Malformed,
    did_you_mean,
    read_integer_from,
    read_path,
    read_pattern,
    read_port,
    read_text,
    read_timeout,
    read_word,
)
from ansible_collections.toombos.incident.plugins.module_utils._probe.dns_message import (
    TYPES,
    build,
    canonical,
    reversed_name,
)
from ansible_collections.toombos.incident.plugins.module_utils._probe.spec_http import read_bool
from ansible_collections.toombos.incident.plugins.module_utils._probe.targets import (
    DnsTarget,
    Latency,
    TlsTarget,
    UnixTarget,
)

_DAY = 86400.0
_EXPIRY = Latency(14 * _DAY, _DAY)


def parse_tls(fields: Fields) -> TlsTarget:
    """The target of a tls probe; problems are noted in ``fields``."""
    expiry = fields.inner("expiry")
    expiry.keys("expiry", (), ("warn", "fail"))
    warn, fail = expiry.one("warn", read_timeout), expiry.one("fail", read_timeout)
    if warn is not None and fail is not None and warn < fail:
        expiry.note("warn", "is later than fail: days left count downwards")
    verify = fields.one("verify", read_bool)
    return TlsTarget(
        port=fields.one("port", read_port) or 0,
        address=fields.one("address", read_word) or "127.0.0.1",
        server_name=fields.one("server_name", _read_name),
        ca_file=fields.one("ca_file", read_path),
        verify=verify if verify is not None else True,
        expiry=Latency(
            warn if warn is not None else max(_EXPIRY.warn or 0, fail or 0),
            fail if fail is not None else min(_EXPIRY.fail or 0, warn if warn is not None else _DAY),
        ),
    )


def parse_dns(fields: Fields) -> DnsTarget:
    """The target of a dns probe; problems are noted in ``fields``."""
    expect = fields.inner("expect")
    expect.keys("expect", (), ("values", "min"))
    least = expect.one("min", read_integer_from(0))
    kind = fields.one("type", _read_type) or "A"
    name = fields.one("name", _read_name) or "."
    return DnsTarget(
        name=reversed_name(name) if kind == "PTR" else name,
        type=kind,
        server=fields.one("server", read_word),
        port=fields.one("port", read_port) or 53,
        values=expect.many("values", lambda value: _read_value(value, kind)),
        min=least if least is not None else 1,
    )


def parse_unix(fields: Fields) -> UnixTarget:
    """The target of a unix probe; problems are noted in ``fields``."""
    target = UnixTarget(
        path=fields.one("path", read_path) or "/",
        send=fields.one("send", _read_lines) or "",
        expect=fields.one("expect", read_pattern),
    )
    if target.send and not target.expect:
        fields.note("send", "says something, but expect does not say what is a good answer")
    return target


def _read_lines(value: Any) -> str:
    if not isinstance(value, str) or not value:
        raise Malformed(f"{value!r} must be text")
    return value


def _read_name(value: Any) -> str:
    name = read_word(value)
    try:
        build(0, name, "A")
    except ValueError as error:
        raise Malformed(str(error)) from error
    return name


def _read_value(value: Any, kind: str) -> str:
    text = read_text(value)
    try:
        return canonical(text, kind) if kind in ("A", "AAAA") else text
    except ValueError as error:
        raise Malformed(str(error)) from error


def _read_type(value: Any) -> str:
    word = read_word(value).upper()
    if word not in TYPES:
        raise Malformed(f"{value!r} is no type{did_you_mean(word, TYPES)}, it is one of {', '.join(TYPES)}")
    return word
