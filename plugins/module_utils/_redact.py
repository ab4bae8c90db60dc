# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Takes secrets out of text and values before they reach results, diffs and messages.

It errs on the side of masking: a masked hash costs a glance into the log, a leaked password a night.
"""

from __future__ import annotations

import re
from typing import Any, Callable, Mapping

MASK = "***"

_SECRET_WORDS = (
    r"passw(?:or)?d|passphrase|pwd|secret|token|credential|api[_-]?key|access[_-]?key|private[_-]?key|signing[_-]?key|"
    r"encryption[_-]?key|license[_-]?key|authorization|auth[_-]?key|jwt|dsn|session[_-]?id|webhook"
)
# Bounded on both sides and anchored at the beginning of a word, so that a long line costs linear time.
_WORD = rf"[\w.-]{{0,80}}(?:{_SECRET_WORDS})[\w.-]{{0,80}}"
_NAME = rf"(?<![\w.-]){_WORD}"
_SCHEME = r"(?:(?:bearer|basic|digest)\s+)?"
_VALUE = rf"""(?P<quote>\\?["'])(?:(?!(?P=quote)).)*|{_SCHEME}[^\s,;&"'}}\])]+"""

_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_SECRET_NAME = re.compile(rf"{_NAME}|(?:set-)?cookie", re.IGNORECASE)


def _keep_name(found: re.Match[str]) -> str:
    quote = found.groupdict().get("quote") or ""
    return f"{found['name']}{quote}{MASK}"


def _random_looking(found: re.Match[str]) -> str:
    text = found[0]
    letters, digits = sum(map(str.isalpha, text)), sum(map(str.isdigit, text))
    return MASK if letters >= 3 and digits >= 3 and not _UUID.fullmatch(text) else text


# In this order: the ones that need more context first.
_RULES: tuple[tuple[re.Pattern[str], str | Callable[[re.Match[str]], str]], ...] = (
    (re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*-----|\Z)", re.DOTALL), MASK),
    (re.compile(r"(?P<name>\b(?:set-)?cookie\\?[\"']?\s*[:=]\s*)[^\r\n]+", re.IGNORECASE), _keep_name),
    # What pydantic quotes when a setting is wrong is the setting itself.
    (re.compile(r"(?P<name>\binput_value=)(?:.*?(?=, input_type=)|.*)"), _keep_name),
    (re.compile(r"(?P<name>\b[a-z][a-z0-9+.-]{0,30}://[^\s/:@]*:)[^\s/]+(?=@)", re.IGNORECASE), _keep_name),
    (re.compile(rf"(?P<name>{_NAME}\\?[\"']?\s*(?:=>|[:=])\s*)(?:{_VALUE})", re.IGNORECASE), _keep_name),
    (re.compile(rf"(?P<name>(?<!\S)--?{_WORD}\s+)(?:{_VALUE})", re.IGNORECASE), _keep_name),
    (re.compile(r"(?P<name>\b(?:bearer|basic)\s+)[\w.~+/=-]{8,}", re.IGNORECASE), _keep_name),
    (re.compile(r"\b(?:sk|pk|rk|ghp|gho|ghs|github_pat|glpat|xox[abpr])[-_][\w-]{10,}|\bAKIA[0-9A-Z]{12,}"), MASK),
    (re.compile(r"\beyJ[\w-]{8,}\.[\w-]{8,}(?:\.[\w-]*)?"), MASK),
    (re.compile(r"(?<![\w+=-])[\w+=-]{32,}"), _random_looking),
)


def redact(text: str) -> str:
    """The text without what looks like a secret.

    Masked are values of secret-looking names (``password=…``, ``"api_key": "…"``, ``--token …``), passwords in URLs,
    bearer tokens, cookies, private keys, ``input_value=…``, and long strings that look random.
    """
    for pattern, replacement in _RULES:
        text = pattern.sub(replacement, text)
    return text


def redact_value(value: Any, name: str = "") -> Any:
    """The same for JSON-ready values; ``name`` is the key under which the value stands."""
    if name and isinstance(value, (str, int, float)) and not isinstance(value, bool) and _SECRET_NAME.search(name):
        return MASK
    if isinstance(value, str):
        return redact(value)
    if isinstance(value, Mapping):
        return {key: redact_value(item, str(key)) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [redact_value(item, name) for item in value]
    return value
