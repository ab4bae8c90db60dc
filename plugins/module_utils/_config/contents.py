# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What must hold of the content of one configuration file. Values never get into what is said about it."""

from __future__ import annotations

from typing import Callable, Mapping

from ansible_collections.toombos.incident.plugins.module_utils._catalogue.types import FileCheck
from ansible_collections.toombos.incident.plugins.module_utils._envfile import EnvFileError, parse_env_file


def objection(check: FileCheck, content: bytes | None) -> str:
    """Why the content is refused, in a few words without its path; empty when it is not. None: there is no such file.

    For checks of the kind command this looks only whether there is something to be checked.
    """
    if content is None:
        return "it is missing"
    if not content.strip():
        return "it is empty"
    reader = _READERS.get(check.kind)
    return reader(check, content) if reader else ""


def _env(check: FileCheck, content: bytes) -> str:
    if b"\0" in content:
        return "it has NUL bytes: it was damaged"
    try:
        values = parse_env_file(content.decode("utf-8"))
    except UnicodeDecodeError as error:
        return f"line {_line_number(content, error.start)} is no UTF-8"
    except EnvFileError as error:
        return error.message
    missing = [name for name in check.required if not values.get(name)]
    if missing:
        return f"{', '.join(missing)} must have a value"
    wrong = [name for name, value in check.values if values.get(name) != value]
    return f"{', '.join(wrong)} has not the value that it must have" if wrong else ""


def _json(_check: FileCheck, content: bytes) -> str:
    import json

    try:
        json.loads(content.decode("utf-8"))
    except UnicodeDecodeError as error:
        return f"line {_line_number(content, error.start)} is no UTF-8"
    except json.JSONDecodeError as error:
        return f"line {error.lineno}, column {error.colno} is no JSON"
    except RecursionError:
        return "it is nested too deeply"
    return ""


def _ini(_check: FileCheck, content: bytes) -> str:
    import configparser

    if b"\0" in content:
        return "it has NUL bytes: it was damaged"
    try:
        configparser.RawConfigParser(allow_no_value=True).read_string(content.decode("utf-8"))
    except UnicodeDecodeError as error:
        return f"line {_line_number(content, error.start)} is no UTF-8"
    except configparser.ParsingError as error:
        # Its own message quotes the line. One of these has no list of them, but a number.
        number = getattr(error, "lineno", None) or (error.errors[0][0] if error.errors else 0)
        return f"line {number} cannot be read"
    except (configparser.DuplicateOptionError, configparser.DuplicateSectionError) as error:
        return f"line {error.lineno} repeats what an earlier one says"
    return ""


_READERS: Mapping[str, Callable[[FileCheck, bytes], str]] = {"env": _env, "json": _json, "ini": _ini}


def _line_number(content: bytes, at: int) -> int:
    return content.count(b"\n", 0, at) + 1
