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
    SHORTEST,
    Node,
    alternatives,
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
    "failures": r"(?i)failed\b|failure\b|error:|traceback|:\s*\"(?:error|critical|fatal)\"",
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
    searched in the line with its ASCII letters lowered when ``fold`` is set. ``plain``: a line that contains one of
    them matches.
    """

    name: str
    regex: re.Pattern[str]
    words: tuple[bytes, ...] | None
    fold: bool
    plain: bool = False


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
    return _compile(f"The pattern {name}", str(name), text)


def compile_baseline(texts: Sequence[Any]) -> tuple[re.Pattern[str], ...]:
    """Regular expressions of lines that are known to be harmless. Raises PatternProblem."""
    return tuple(_compile("The baseline", "baseline", text).regex for text in texts)


def _compile(about: str, name: str, text: Any) -> Pattern:
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
    words, plain = _words(nodes, fold)
    return Pattern(name, regex, words, fold, plain)


def _words(nodes: Sequence[Node], fold: bool) -> tuple[tuple[bytes, ...] | None, bool]:
    """``words`` and ``plain`` of a pattern."""
    texts = alternatives(nodes)
    plain = texts is not None and all(len(text) >= SHORTEST and _simple(text) for text in texts)
    words = texts if plain else needed_words(nodes)
    # Which letters beyond ASCII are to be lowered is not for bytes to say; U+FFFD stands for any that are no text.
    if words is None or (fold and not all(map(str.isascii, words))) or any("\ufffd" in word for word in words):
        return None, False
    return tuple((word.lower() if fold else word).encode("utf-8", "replace") for word in words), plain


def _simple(text: str) -> bool:
    """As bytes it is found exactly where it is found as text, and within a line."""
    return text.isascii() and text.isprintable()
