# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Patterns are checked before anything is read."""

from __future__ import annotations

import pytest

from ansible_collections.toombos.incident.plugins.module_utils._logs.patterns import (
    BUILT_IN,
    PatternProblem,
    choose,
    compile_baseline,
    compile_pattern,
)


@pytest.mark.parametrize(
    "text",
    [
        "(a+)+$",
        "(a*)*b",
        "(a|a)*b",
        "(a|aa)+x",
        r"(\w+\s?)+x",
        r"([a-z]+)*x",
        "(x+x+)+y",
        "(a|[^b])*z",
        r"(.|\s)*foo",
        "(?:(?:ab?)+c?)+d",
        "(a?b?)*c",
        "(?i)(a|Ab)*c",
        "(?:x(?=(b+)+c))",
        r"(\d+|\w+)+!",
        "(a{1,30}){1,30}b",
    ],
)
def test_what_could_take_for_ever_is_refused(text: str) -> None:
    with pytest.raises(PatternProblem, match=r"could take for ever.*Write it without"):
        compile_pattern("own", text)


@pytest.mark.parametrize(
    "text",
    [
        r"ERROR.*timeout",
        r"(?:\d+\.)+x",
        r"(?:\d{1,3}\.){3}\d{1,3}",
        "(?:ab|cd)+x",
        "(a|ab)*c",
        "(?:foo|bar)[^:]*: .+",
        r'"(?:[^"\\]|\\.)*"',
        r"(?<!un)known (\w+) \1",
    ],
)
def test_what_ends_soon_is_not(text: str) -> None:
    assert compile_pattern("own", text).regex.pattern == text


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[", "is not valid"),
        ("(?P<a>x)(?P<a>y)", "is not valid"),
        ("", "no pattern"),
        (7, "no pattern"),
        ("a" * 1001, "no pattern"),
        ("x*", "matches every line"),
        ("a{9999999999999999999999}", "is not valid"),
        ("(" * 900, "is not valid"),
    ],
)
def test_what_is_no_pattern_is_refused(text: object, told: str) -> None:
    with pytest.raises(PatternProblem, match=told):
        compile_pattern("own", text)


@pytest.mark.parametrize(
    ("text", "words", "fold"),
    [
        ("ERROR|CRITICAL|Exception", (b"ERROR", b"CRITICAL", b"Exception"), False),
        ("(?i)Data base|QUERY", (b"data base", b"query"), True),
        ("(?i:foo)bar", (b"foo",), True),
        ("publisher|publish", (b"publish",), False),
        (r"(?:foo|ba)r.*timeout \d+", (b"timeout ",), False),
        (r"\d{3}", None, False),
        ("foo|x", None, False),
        ("(?:foo)?x", None, False),
        ("(?:foo){2}x", (b"foo",), False),
        ("größe", ("größe".encode(),), False),
        ("(?i)größe", None, True),
    ],
)
def test_words_without_which_nothing_matches(text: str, words: object, fold: bool) -> None:
    pattern = compile_pattern("own", text)
    assert (pattern.words, pattern.fold) == (words, fold)


def test_sets_and_own_patterns_keep_their_order() -> None:
    chosen = choose(["security", "errors"], {"own": "foo"})
    assert [pattern.name for pattern in chosen] == ["security", "errors", "own"]
    assert all(pattern.words for pattern in choose(list(BUILT_IN), {}))


@pytest.mark.parametrize(
    ("sets", "own", "told"),
    [
        (["error"], {}, "no set of patterns 'error'.*errors, failures"),
        (["errors"], {"errors": "x"}, "has the name of a set"),
        ([], {}, "0 patterns"),
        ([], {"a b": "x"}, "no name of a pattern"),
        ([], {f"p{index}": "x" for index in range(51)}, "51 patterns"),
    ],
)
def test_a_choice_that_cannot_be_made(sets: list[str], own: dict[str, str], told: str) -> None:
    with pytest.raises(PatternProblem, match=told):
        choose(sets, own)


def test_a_baseline_is_checked_as_well() -> None:
    with pytest.raises(PatternProblem, match=r"The baseline.*for ever"):
        compile_baseline(["fine", "(a+)+"])


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("failures", "Mock Platform service error: All connection attempts failed"),
        ("failures", "Traceback (most recent call last):"),
        ("publisher", "Email publish error: no route"),
        ("publisher", "Enhanced content generation failed: timeout"),
        ("security", "possible INTRUSION from 10.0.0.7"),
        ("database", "slow Query"),
    ],
)
def test_built_in_sets_know_the_lines_of_the_application(name: str, line: str) -> None:
    assert choose([name], {})[0].regex.search(line)
