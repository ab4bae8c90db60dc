# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads typed fields out of one mapping of the catalogue, and notes every problem under the path of its key."""

from __future__ import annotations

import posixpath
import re
import shlex
from typing import Any, Callable, Iterable, Mapping, Sequence, TypeVar

from ansible_collections.toombos.incident.plugins.module_utils._errors import IncidentError
from ansible_collections.toombos.incident.plugins.module_utils._values import parse_duration

T = TypeVar("T")

NAME = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,62}")
NAME_RULE = "a name begins with a letter and has letters, digits, '_', '-' or '.' (at most 63)"


class Malformed(Exception):
    """A value cannot be read; the text completes the sentence "<path>: …"."""


def kind_of(value: Any) -> str:
    """What YAML calls a value: values can be long, and say less than their kind when that is wrong."""
    kinds = ((str, "text"), (bool, "a truth value"), (int, "a number"), (float, "a number"), (Mapping, "a mapping"))
    return next((word for kind, word in kinds if isinstance(value, kind)), "nothing" if value is None else "a list")


def nearest(word: object, known: Iterable[str]) -> str | None:
    """The known word that ``word`` is probably meant to be."""
    import difflib

    return next(iter(difflib.get_close_matches(str(word), list(known), n=1)), None)


def did_you_mean(word: object, known: Iterable[str]) -> str:
    """`` (did you mean 'x'?)`` when a known word is close, else nothing."""
    near = nearest(word, known)
    return f" (did you mean {near!r}?)" if near else ""


def read_text(value: Any) -> str:
    """A line of text that is not blank."""
    if not isinstance(value, str):
        raise Malformed(f"{value!r} must be text (in quotes when YAML reads it as something else)")
    if not value.strip() or any(ord(letter) < 32 for letter in value):
        raise Malformed(f"{value!r} must be one line of text that is not blank")
    return str(value)


def read_word(value: Any) -> str:
    """Text without blanks that cannot be taken for an option of a command."""
    text = read_text(value)
    if re.search(r"\s", text) or text.startswith("-"):
        raise Malformed(f"{text!r} must be one word that does not begin with '-'")
    return text


def read_path(value: Any) -> str:
    """An absolute path, normalised: no trailing slash, no ``//``, ``.`` or ``..``."""
    text = read_text(value)
    if not text.startswith("/"):
        raise Malformed(f"{text!r} is not an absolute path")
    return "/" + posixpath.normpath(text).lstrip("/")


def read_integer(value: Any) -> int:
    """A whole number. Digits in a string count: ansible-core before 2.19 renders templates as strings."""
    if isinstance(value, int) and not isinstance(value, bool):
        return int(value)
    if isinstance(value, str) and re.fullmatch(r"-?[0-9]{1,18}", value.strip()):
        return int(value)
    raise Malformed(f"{value!r} must be a whole number")


def read_integer_from(least: int) -> Callable[[Any], int]:
    """Reader of a whole number that is ``least`` or more."""

    def read(value: Any) -> int:
        number = read_integer(value)
        if number < least:
            raise Malformed(f"{number} must be {least} or more")
        return number

    return read


def read_port(value: Any) -> int:
    """A TCP port."""
    number = read_integer(value)
    if not 1 <= number <= 65535:
        raise Malformed(f"{number} is out of range, a port is 1 to 65535")
    return number


def read_timeout(value: Any) -> float:
    """Seconds of a duration that is longer than nothing."""
    try:
        seconds = parse_duration(value)
    except IncidentError as error:
        raise Malformed(str(error).rstrip(".")) from error
    if seconds <= 0:
        raise Malformed(f"{value!r} must be longer than zero")
    return seconds


def read_command(value: Any) -> tuple[str, ...]:
    """Arguments of a command: a list, or a string that is split as a shell would (nothing is expanded)."""
    if isinstance(value, str):
        try:
            words = shlex.split(value)
        except ValueError as error:
            raise Malformed(f"{value!r} cannot be split into arguments ({error})") from error
    elif isinstance(value, (list, tuple)) and all(_is_word(word) for word in value):
        words = [str(word) for word in value]
    else:
        raise Malformed(f"{value!r} must be a string or a list of strings")
    if not words or not words[0].strip():
        raise Malformed(f"{value!r} names no command")
    if any("\0" in word for word in words):
        raise Malformed("an argument must not hold a NUL character")
    return tuple(words)


def _is_word(value: Any) -> bool:
    # A templated port in a command arrives as a number from some cores and as text from others.
    return isinstance(value, (str, int)) and not isinstance(value, bool)


def read_pattern(value: Any) -> str:
    """A regular expression that says something: one that matches the empty text would match every process."""
    text = read_text(value)
    try:
        pattern = re.compile(text)
    except re.error as error:
        raise Malformed(f"{text!r} is not a regular expression ({error})") from error
    if pattern.search(""):
        raise Malformed(f"{text!r} matches everything")
    return text


class Fields:
    """One mapping of the catalogue. Readers return None (or nothing) and note a problem when a value is wrong.

    A key whose value is null counts as not written.
    """

    def __init__(self, raw: Any, where: str, problems: list[str]) -> None:
        self.where = where
        self.problems = problems
        self.readable = isinstance(raw, Mapping)
        self._raw: Mapping[Any, Any] = raw if isinstance(raw, Mapping) else {}
        if not self.readable:
            self.note("", f"must be a mapping, not {kind_of(raw)}")

    def note(self, key: object, text: str) -> None:
        """Note a problem of ``key``, or of the mapping itself when ``key`` is empty."""
        path = f"{self.where}.{key}" if key != "" else self.where
        self.problems.append(f"{path}: {text}")

    def keys(self, owner: str, required: Sequence[str], optional: Sequence[str]) -> None:
        """Note unknown and missing keys; ``owner`` says what has these keys ("a service")."""
        known = (*required, *optional)
        for key in self._raw:
            if key not in known:
                self.note(key, f"unknown key{did_you_mean(key, known)}, {owner} has {', '.join(known)}")
        for key in required:
            if self.readable and self.raw(key) is None:
                self.note(key, f"is missing, {owner} needs it")

    def raw(self, key: str) -> Any:
        """The value as written, None when it is not there."""
        return self._raw.get(key)

    def has(self, key: str) -> bool:
        """Whether the key is written."""
        return self.raw(key) is not None

    def items(self) -> Sequence[tuple[Any, Any]]:
        """The pairs as written."""
        return tuple(self._raw.items())

    def one(self, key: str, read: Callable[[Any], T]) -> T | None:
        """The value of ``key`` through ``read``."""
        value = self.raw(key)
        if value is None:
            return None
        try:
            return read(value)
        except Malformed as problem:
            self.note(key, str(problem))
            return None

    def many(self, key: str, read: Callable[[Any], T]) -> tuple[T, ...]:
        """The list of ``key``, each item through ``read``; an item that comes twice is a problem."""
        value = self.raw(key)
        if value is None:
            return ()
        if not isinstance(value, (list, tuple)):
            self.note(key, f"must be a list, not {kind_of(value)}")
            return ()
        found: list[T] = []
        for index, item in enumerate(value):
            try:
                read_item = read(item)
            except Malformed as problem:
                self.note(f"{key}[{index}]", str(problem))
                continue
            if read_item in found:
                self.note(f"{key}[{index}]", f"{item!r} is written twice")
            else:
                found.append(read_item)
        return tuple(found)

    def inner(self, key: str) -> Fields:
        """The mapping under ``key``; an empty one when it is not written."""
        value = self.raw(key)
        return Fields({} if value is None else value, f"{self.where}.{key}", self.problems)
