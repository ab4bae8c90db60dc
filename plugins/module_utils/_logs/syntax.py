# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the syntax tree of a regular expression tells: words that it needs, repeats that could take for ever."""

from __future__ import annotations

import importlib
import re
import sys
from typing import Any, Iterable, Optional, Sequence, Tuple

# Python has the parser of its own expressions under two names.
_PARSER = "re._parser" if sys.version_info >= (3, 11) else "sre_parse"
_REPEATS = ("MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT")
_MANY = 9  # a repeat of at most so many times is not worth a word
SHORTEST = 3  # a word of fewer letters is in nearly every line
_TEXTS = 50  # more alternatives are not worth looking for each
_OTHER = 128  # stands for all characters that are not ASCII
_ALL = frozenset(range(_OTHER + 1))
_NONE: frozenset[int] = frozenset()

Node = Tuple[str, Any]
Words = Optional[Tuple[str, ...]]


def parse(pattern: str, flags: int) -> tuple[list[Node], int]:
    """The tree, and the flags with those that the pattern itself sets. Raises re.error."""
    tree = importlib.import_module(_PARSER).parse(pattern, flags)
    return _nodes(tree), int(tree.state.flags)


def ignores_case(nodes: Sequence[Node], flags: int) -> bool:
    """Whether any part of it does."""
    if flags & re.IGNORECASE:
        return True
    return any(
        (name == "SUBPATTERN" and bool(value[1] & re.IGNORECASE)) or any(ignores_case(part, 0) for part in _parts(node))
        for node in nodes
        for name, value in (node,)
    )


def needed_words(nodes: Sequence[Node]) -> Words:
    """Words of which every match contains at least one; None when there are no such words of three letters or more."""
    found: list[tuple[str, ...]] = []
    run = ""
    for name, value in (*nodes, ("END", None)):
        if name == "LITERAL":
            run += chr(value)
            continue
        if len(run) >= SHORTEST:
            found.append((run,))
        run = ""
        words = _words_of(name, value)
        if words is not None:
            found.append(words)
    return max(found, key=lambda words: (min(map(len, words)), -len(words)), default=None)


def alternatives(nodes: Sequence[Node]) -> Words:
    """The texts of which every match is one; None when a match can be anything else, or one of more than 50."""
    found = [""]
    for name, value in nodes:
        ends = _texts_of(name, value)
        if ends is None or len(found) * len(ends) > _TEXTS:
            return None
        found = [text + end for text in found for end in ends]
    return _fewest(found)


def endless_repeat(nodes: Sequence[Node], fold: bool) -> str:
    """Why matching could take exponential time, in words; empty when it cannot.

    Within a repeat it must always be plain from the next character which way to go.
    """
    return _search(nodes, _NONE, False, fold)


def _words_of(name: str, value: Any) -> Words:
    if name == "SUBPATTERN":
        return needed_words(_nodes(value[3]))
    if name in _REPEATS and value[0] > 0:
        return needed_words(_nodes(value[2]))
    if name == "BRANCH":
        each = [needed_words(_nodes(part)) for part in value[1]]
        words = [word for part in each if part is not None for word in part]
        if None in each:
            return None
        return _fewest(words)
    return None


def _texts_of(name: str, value: Any) -> Words:
    if name == "LITERAL":
        return (chr(value),)
    if name == "SUBPATTERN" and not value[1] and not value[2]:  # without flags of its own
        return alternatives(_nodes(value[3]))
    if name == "IN":
        items = _nodes(value)
        return tuple(chr(item[1]) for item in items) if all(item[0] == "LITERAL" for item in items) else None
    if name == "BRANCH":
        each = [alternatives(_nodes(part)) for part in value[1]]
        return None if None in each else tuple(text for texts in each for text in texts or ())
    return None


def _fewest(words: Sequence[str]) -> tuple[str, ...]:
    """Each once; who has a longer one has the shorter one in it, too."""
    return tuple(word for word in dict.fromkeys(words) if not any(o in word and o != word for o in words))


def _search(nodes: Sequence[Node], follow: frozenset[int], looping: bool, fold: bool) -> str:
    for index, node in enumerate(nodes):
        after = _first(nodes[index + 1 :], follow, fold)
        problem = _judge(node, after, looping, fold)
        if problem:
            return problem
    return ""


def _judge(node: Node, after: frozenset[int], looping: bool, fold: bool) -> str:
    name, value = node
    if name in _REPEATS:
        return _judge_repeat(value, after, looping, fold)
    if name == "BRANCH" and looping:
        starts = [_first(_nodes(part), after, fold) for part in value[1]]
        if sum(map(len, starts)) > len(_NONE.union(*starts)):
            return "alternatives within a repeat begin with the same character"
    if name in ("ASSERT", "ASSERT_NOT"):
        return _search(_nodes(value[1]), _NONE, False, fold)
    return next(filter(None, (_search(part, after, looping, fold) for part in _parts(node))), "")


def _judge_repeat(value: Any, after: frozenset[int], looping: bool, fold: bool) -> str:
    least, most, body = int(value[0]), int(value[1]), _nodes(value[2])
    start = _first(body, _NONE, fold)
    if looping and least != most and start & after:
        return "a repeat within a repeat"
    many = most > _MANY
    return _search(body, after | start if many else after, looping or many, fold)


def _first(nodes: Sequence[Node], follow: frozenset[int], fold: bool) -> frozenset[int]:
    """The characters with which a match of the nodes can begin; ``follow``: with which what comes after them can."""
    found = _NONE
    for node in nodes:
        start, may_be_empty = _start(node, fold)
        found |= start
        if not may_be_empty:
            return found
    return found | follow


def _start(node: Node, fold: bool) -> tuple[frozenset[int], bool]:
    """The first characters of one node, and whether it can match nothing at all."""
    name, value = node
    if name in ("AT", "ASSERT", "ASSERT_NOT"):
        return _NONE, True
    if name in ("GROUPREF", "GROUPREF_EXISTS"):
        return _ALL, True
    if name in ("LITERAL", "NOT_LITERAL", "ANY", "IN"):
        return _characters(name, value, fold), False
    empty = [_can_be_empty(part, fold) for part in _parts(node)]
    return _NONE.union(*(_first(part, _NONE, fold) for part in _parts(node))), (
        any(empty) or (name in _REPEATS and value[0] == 0)
    )


def _can_be_empty(nodes: Sequence[Node], fold: bool) -> bool:
    return all(_start(node, fold)[1] for node in nodes)


def _characters(name: str, value: Any, fold: bool) -> frozenset[int]:
    if name == "ANY":
        return _ALL
    if name == "IN":
        items = _nodes(value)
        found = _NONE.union(*(_item(item, fold) for item in items))
        # Of characters beyond ASCII some remain, whichever are taken away.
        return (_ALL - found) | {_OTHER} if items[0][0] == "NEGATE" else found
    one = _item(("LITERAL", value), fold)
    return one if name == "LITERAL" else (_ALL - one) | {_OTHER}


def _item(item: Node, fold: bool) -> frozenset[int]:
    name, value = item
    if name == "NEGATE":
        return _NONE
    if name == "CATEGORY":
        return _category(str(value))
    low, high = value if name == "RANGE" else (value, value)
    codes = set(range(min(low, _OTHER), min(high, _OTHER) + 1))
    if fold:
        codes |= {ord(chr(code).swapcase()) for code in codes if code < _OTHER}
    return frozenset(codes)


def _category(name: str) -> frozenset[int]:
    sign = next((sign for part, sign in (("DIGIT", "d"), ("SPACE", "s"), ("WORD", "w")) if name.endswith(part)), "")
    member = re.compile(rf"\{sign}" if sign else ".", re.ASCII).match
    found = frozenset(code for code in range(_OTHER) if member(chr(code)))
    return _ALL - found if "_NOT_" in name else found | ({_OTHER} if not sign else _NONE)


def _parts(node: Node) -> list[list[Node]]:
    """The sequences of nodes below a node."""
    name, value = node
    if name == "SUBPATTERN":
        return [_nodes(value[3])]
    if name == "BRANCH":
        return [_nodes(part) for part in value[1]]
    if name in _REPEATS:
        return [_nodes(value[2])]
    if name == "ATOMIC_GROUP":
        return [_nodes(value)]
    if name in ("ASSERT", "ASSERT_NOT"):
        return [_nodes(value[1])]
    if name == "GROUPREF_EXISTS":
        return [_nodes(part) for part in value[1:] if part is not None]
    return []


def _nodes(sequence: Iterable[Any]) -> list[Node]:
    return [(str(name), value) for name, value in sequence]
