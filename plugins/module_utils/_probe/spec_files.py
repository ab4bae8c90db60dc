# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads the kinds of probes that look at files: file and log."""

from __future__ import annotations

import os
import re
from typing import Any

from ansible_collections.toombos.incident.plugins.module_utils._catalogue.fields import (
    Fields,
    Malformed,
    read_integer_from,
    read_path,
    read_pattern,
    read_timeout,
)
from ansible_collections.toombos.incident.plugins.module_utils._probe.spec_http import read_latency
from ansible_collections.toombos.incident.plugins.module_utils._probe.targets import (
    FileTarget,
    Levels,
    LogTarget,
)

_ERROR = r"ERROR|CRITICAL|Exception"
_WINDOW = 256 * 1024
_MOST = 64 * 1024 * 1024
_SIZE = re.compile(r"(\d+)\s*([KMG]?)i?B?", re.IGNORECASE)
_UNITS = {"": 1, "k": 1024, "m": 1024**2, "g": 1024**3}


def parse_file(fields: Fields) -> FileTarget:
    """The target of a file probe; problems are noted in ``fields``."""
    target = FileTarget(
        path=fields.one("path", _read_glob) or "/",
        max_age=read_latency(fields, "max_age"),
        min_size=fields.one("min_size", read_size),
        max_size=fields.one("max_size", read_size),
    )
    if target.min_size is not None and target.max_size is not None and target.min_size > target.max_size:
        fields.note("min_size", f"{target.min_size} is above max_size ({target.max_size})")
    return target


def parse_log(fields: Fields) -> LogTarget:
    """The target of a log probe; problems are noted in ``fields``."""
    least = read_integer_from(1)
    warn, fail = fields.one("warn", least), fields.one("fail", least)
    if warn is None and fail is None and fields.readable:
        fields.note("", "says nothing: from how many errors on is it a warning (warn) or a failure (fail)?")
    if warn is not None and fail is not None and warn > fail:
        fields.note("warn", f"{warn} is above fail ({fail})")
    return LogTarget(
        path=fields.one("path", _read_glob) or "/",
        match=fields.one("match", read_pattern) or _ERROR,
        baseline=fields.many("baseline", read_pattern),
        window=min(fields.one("window", read_size) or _WINDOW, _MOST),
        since=fields.one("since", read_timeout),
        levels=Levels(warn if warn is not None else float("inf"), fail if fail is not None else float("inf")),
    )


def read_size(value: Any) -> int:
    """Bytes of ``4096``, ``"64K"``, ``"10MiB"``."""
    found = _SIZE.fullmatch(str(value).strip())
    if isinstance(value, bool) or not found:
        raise Malformed(f"{value!r} is not a size, write for example 4096, 64K or 10M")
    return int(found.group(1)) * _UNITS[found.group(2).lower()]


def _read_glob(value: Any) -> str:
    path = read_path(value)
    if any(sign in os.path.dirname(path) for sign in "*?["):
        raise Malformed(f"{path!r}: a wildcard may stand in the last component only")
    return path
