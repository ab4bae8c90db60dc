# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Environment files as dotenv libraries write and read them, without a shell and without expansion."""

from __future__ import annotations

import re

from ansible_collections.toombos.incident.plugins.module_utils._errors import IncidentError

_NAME = re.compile(r"[ \t]*(?:export[ \t]+)?([A-Za-z_][A-Za-z0-9_.]*)[ \t]*=[ \t]*")
_REST = re.compile(r"[ \t]*(?:#[^\n]*)?(?:\n|\Z)")
_SKIP = re.compile(r"[ \t]*(?:#[^\n]*)?(?:\n|\Z)")
_SINGLE = re.compile(r"'((?:[^'\\]|\\.)*)'", re.DOTALL)
_DOUBLE = re.compile(r'"((?:[^"\\]|\\.)*)"', re.DOTALL)
_COMMENT = re.compile(r"(?:^|[ \t])#.*$")
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", '"': '"', "\\": "\\", "$": "$", "`": "`", "\n": ""}


class EnvFileError(IncidentError):
    """A line of an environment file cannot be read. The message names its number, never its content."""


def parse_env_file(text: str) -> dict[str, str]:
    """Names and values, in the file's order; the last of several equal names wins.

    Understood are comments, ``export``, blanks around ``=``, single quotes (only the quote and the backslash can be
    escaped), double quotes (also n, r, t, $ and a line end; may span lines), inline comments after a blank,
    CRLF and a byte order mark. ``$`` is never expanded. Raises EnvFileError.
    """
    source = text[1:] if text.startswith("\ufeff") else text
    source = source.replace("\r\n", "\n")
    values: dict[str, str] = {}
    at = 0
    while at < len(source):
        blank = _SKIP.match(source, at)
        if blank:
            at = blank.end()
            continue
        name = _NAME.match(source, at)
        if not name:
            raise _problem(source, at, "is not NAME=value")
        values[name.group(1)], at = _value(source, name.end())
    return values


def _value(source: str, at: int) -> tuple[str, int]:
    """The value that begins at ``at`` and where the next line begins."""
    quote = source[at : at + 1]
    if quote not in ("'", '"') or not quote:
        line = source[at:].partition("\n")[0]
        return _COMMENT.sub("", line).strip(), at + len(line) + 1
    quoted = (_SINGLE if quote == "'" else _DOUBLE).match(source, at)
    if not quoted or (quote == "'" and "\n" in quoted.group()):
        raise _problem(source, at, "has no closing quote")
    rest = _REST.match(source, quoted.end())
    if not rest:
        raise _problem(source, quoted.end(), "goes on after the closing quote")
    unescape = _unescape_single if quote == "'" else _unescape_double
    return _ESCAPE.sub(unescape, quoted.group(1)), rest.end()


def _unescape_single(found: re.Match[str]) -> str:
    return found.group(1) if found.group(1) in "'\\" else found.group()


def _unescape_double(found: re.Match[str]) -> str:
    return _ESCAPES.get(found.group(1), found.group())


def _problem(source: str, at: int, what: str) -> EnvFileError:
    number = source.count("\n", 0, at) + 1
    return EnvFileError(f"Line {number} of the environment file {what}.", "Write NAME=value.")
