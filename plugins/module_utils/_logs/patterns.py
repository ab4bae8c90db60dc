# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Named patterns: those that come with the collection, and the user's own, checked before anything is read."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Mapping, Sequence

from ansible_collections.toombos.incident.plugins.module_utils._errors import IncidentError
from ansible_collections.toombos.incident.plugins.module_utils._logs.syntax import (
    endless_repeat,
    ignores_case,
    needed_words,
    parse,
)

_LONGEST = 1000
_MOST = 50
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,39}")

# What responders look for, by the situation in which they do.
BUILT_IN: Mapping[str, str] = {
    "errors": "ERROR|CRITICAL|Exception",
    # Errors that bear no level: "Email publish error: ...", "content generation failed: ...", tracebacks.
    "failures": r"(?i)failed\b|failure\b|error:|traceback",
    "publisher": r"(?i)publisher|publish error|publish(?:ing)? failed|generation failed",
    "database": "(?i)database|query",
    "security": r"(?i)attack|breach|intrusion|unauthori[sz]ed|forbidden|brute.?force|injection",
}


class PatternProblem(IncidentError):
    """A pattern cannot be used; the message names it."""


@dataclass(frozen=True)
class Pattern:
    """A regular expression with its name.

    ``words``: bytes of which every line that matches contains at least one (None: any line may match); they are to be
    searched in the line with its ASCII letters lowered when ``fold`` is set.
    """

    name: str
    regex: re.Pattern[str]
    words: tuple[bytes, ...] | None
    fold: bool


def choose(sets: Sequence[str], own: Mapping[str, Any]) -> tuple[Pattern, ...]:
    """The built-in patterns named ``sets``, then the user's ``own`` (name → expression). Raises PatternProblem."""
    unknown = [name for name in sets if name not in BUILT_IN]
    if unknown:
        raise PatternProblem(
            f"There is no set of patterns {unknown[0]!r}.",
            f"Known are {', '.join(BUILT_IN)}; write others as patterns.",
        )
    both = [name for name in own if name in sets]
    if both:
        raise PatternProblem(f"The pattern {both[0]!r} has the name of a set.", "Give it another name.")
    chosen = {**{name: BUILT_IN[name] for name in sets}, **own}
    if not chosen or len(chosen) > _MOST:
        raise PatternProblem(f"{len(chosen)} patterns are given.", f"Give one at least, and {_MOST} at most.")
    return tuple(compile_pattern(name, text) for name, text in chosen.items())


def compile_pattern(name: str, text: Any) -> Pattern:
    """One pattern; ``\\w``, ``\\d`` and ``(?i)`` mean ASCII. Raises PatternProblem."""
    if not _NAME.fullmatch(str(name)):
        raise PatternProblem(f"{name!r} is no name of a pattern.", "Use up to 40 letters, digits, - and _.")
    regex, fold, words = _compile(f"The pattern {name}", text)
    return Pattern(str(name), regex, words, fold)


def compile_baseline(texts: Sequence[Any]) -> tuple[re.Pattern[str], ...]:
    """Regular expressions of lines that are known to be harmless. Raises PatternProblem."""
    return tuple(_compile("The baseline", text)[0] for text in texts)


def _compile(about: str, text: Any) -> tuple[re.Pattern[str], bool, tuple[bytes, ...] | None]:
    if not isinstance(text, str) or not 0 < len(text) <= _LONGEST:
        raise PatternProblem(
            f"{about}: {str(text)[:40]!r} is no pattern.", f"Write a text of 1 to {_LONGEST} characters."
        )
    try:
        nodes, flags = parse(text, re.ASCII)
        fold = ignores_case(nodes, flags)
        problem = endless_repeat(nodes, fold)
        regex = re.compile(text, re.ASCII)
    except (re.error, OverflowError, RecursionError, ValueError) as error:
        raise PatternProblem(f"{about}: {text!r} is not valid: {error}.", "Correct the regular expression.") from error
    if regex.match(""):
        raise PatternProblem(f"{about}: {text!r} matches every line.", "Say what a line must contain.")
    if problem:
        raise PatternProblem(
            f"{about}: {text!r} could take for ever on a line that does not match: {problem}.",
            "Write it without, for example (a+)+ as a+, (a|ab)* as (ab?)*, or give words to look for.",
        )
    words = needed_words(nodes)
    if words is not None:
        words = tuple(word.lower() if fold and word.isascii() else word for word in words)
        if fold and not all(map(str.isascii, words)):
            words = None  # which of its letters are to be lowered is not for bytes to say
    return regex, fold, None if words is None else tuple(word.encode("utf-8", "replace") for word in words)
