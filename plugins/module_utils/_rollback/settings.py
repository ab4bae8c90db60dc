# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Names of settings in a file, each with a digest of its value: enough to say what differs, and nothing to leak.

A file that is not certainly of a known format has none: every byte of it could be a secret. So could a name that does
not read like one.
"""

from __future__ import annotations

import json
import re
from typing import Any, Callable, Iterator, Mapping, Sequence, Tuple

from ansible_collections.toombos.incident.plugins.module_utils._envfile import EnvFileError, parse_env_file
from ansible_collections.toombos.incident.plugins.module_utils._redact import redact

Setting = Tuple[str, str]  # name, digest of the value
HIDDEN = "(a name that is not shown)"
_DEEPEST = 40  # levels of JSON
_LONGEST_PART = 32
# A word of a name: all small, all capital, or camel case of words that can be read, with a short number at its end.
_PART = re.compile(r"(?:[A-Z]+|[a-z]+(?:[A-Z][a-z]+){0,4}|(?:[A-Z][a-z]+){1,5})[0-9]{0,3}")
_YAML = re.compile(r"( *)((?:- +)*)([A-Za-z_][\w.-]*) *:(?: +(.*))?$")
_BLOCK = re.compile(r"[|>][+-]?[0-9]?[+-]? *(?:#.*)?$")


def settings_of(path: str, content: bytes) -> list[Setting] | None:
    """In the order of the file; None: of no known format, or not certainly."""
    name = path.rpartition("/")[2].lower()
    read = next((each for pattern, each in _FORMATS if re.search(pattern, name)), None)
    if read is None or b"\0" in content:
        return None
    try:
        text = content.decode("utf-8")
        return [(shown_name(name), _digest(value)) for name, value in read(text)]
    except (ValueError, RecursionError, EnvFileError):
        return None


def shown_name(name: str) -> str:
    """The name, or that there is one: what could be a secret in the place of a name is not shown."""
    parts = [part for part in re.split(r"[_.\-\[\] ]+", name) if part]
    plain = parts and all(len(part) <= _LONGEST_PART and _PART.fullmatch(part) for part in parts)
    return name if plain and len(name) <= 120 and redact(f"{name} ") == f"{name} " else HIDDEN


def _env(text: str) -> Iterator[tuple[str, Any]]:
    for name, value in parse_env_file(text).items():
        # The end of a line in base64 looks like a name.
        yield (name if value.strip("=") or not value else "="), value


def _json(text: str) -> Iterator[tuple[str, Any]]:
    return _leaves("", json.loads(text), 0)


def _leaves(name: str, value: Any, depth: int) -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping) and value and depth < _DEEPEST:
        for key, each in value.items():
            yield from _leaves(f"{name}.{key}" if name else str(key), each, depth + 1)
    elif isinstance(value, list) and value and depth < _DEEPEST:
        for each in value:
            yield from _leaves(f"{name}[]", each, depth + 1)
    else:
        yield name, json.dumps(value, sort_keys=True)


def _ini(text: str) -> Iterator[tuple[str, Any]]:
    import configparser

    parser = configparser.RawConfigParser(delimiters=("=",), comment_prefixes=("#", ";"), default_section="")
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    try:
        parser.read_string(text)
    except configparser.Error as error:
        raise ValueError("no INI") from error
    for section in parser.sections():
        for name, value in parser.items(section):
            # Where a line goes on, or has nothing but padding, it may be no setting at all.
            odd = not value.strip("=") and value
            yield ("=" if odd else f"{section}.{name}"), value


def _yaml(text: str) -> Iterator[tuple[str, Any]]:
    """By lines, without a library: whatever is no ``name:`` belongs to the value of the last one."""
    levels: list[tuple[int, str]] = []
    name, value, block = "", "", -1
    for line in text.splitlines():
        indent = len(line) - len(line.lstrip(" "))
        if block >= 0 and (indent > block or not line.strip()):
            value += f"\n{line}"
            continue
        block = -1
        stripped = line.strip()
        if not stripped or stripped.startswith("#") or stripped in ("---", "..."):
            continue
        found = _YAML.match(line)
        if not found:
            value += f"\n{stripped}"
            continue
        yield name, value
        indent += len(found[2])
        levels = [each for each in levels if each[0] < indent] + [(indent, found[3])]
        name, value = ".".join(each for _indent, each in levels), found[4] or ""
        if _BLOCK.match(value):
            block = indent
    yield name, value


_Reader = Callable[[str], Iterator[Tuple[str, Any]]]
_FORMATS: Sequence[tuple[str, _Reader]] = (
    (r"(?:^|\.)env(?:\.[a-z0-9_-]+)*$", _env),
    (r"\.json$", _json),
    (r"\.(?:ini|cfg)$", _ini),
    (r"\.ya?ml$", _yaml),
)


def _digest(value: Any) -> str:
    import hashlib

    return hashlib.sha256(str(value).encode("utf-8", "surrogatepass")).hexdigest()
