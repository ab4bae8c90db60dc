# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What command lines of intruders have, and those of administrators seldom. Pure."""

from __future__ import annotations

import re

_LONGEST = 8192
_TEMPORARY = r"/(?:tmp|var/tmp|dev/shm)/"
_SHELL = r"(?:/\S{0,80}/)?(?:ba|da|z|k|c)?sh\b"
# Only repeats that are bounded or of one class, so that a long line costs linear time.
_SIGNS: tuple[tuple[str, re.Pattern[str]], ...] = (
    (
        "downloads and runs",
        re.compile(rf"\b(?:curl|wget|fetch)\b[^|;&]{{0,1000}}\|\s*(?:sudo\s+)?(?:{_SHELL}|python|perl)"),
    ),
    (
        "opens a shell to the network",
        re.compile(r"/dev/(?:tcp|udp)/|\bn(?:c|cat|etcat)\b[^|;&]{0,200}\s-\w{0,5}[ec]\b"),
    ),
    ("unpacks and runs", re.compile(rf"\b(?:base64|openssl|xxd)\b[^|;&]{{0,1000}}\|\s*(?:{_SHELL}|python|perl)")),
    ("runs from where everybody may write", re.compile(rf"(?:^|[\s;&|=!'\"-])@?{_TEMPORARY}[^\s;&|'\"]")),
    ("makes a program setuid", re.compile(r"\bchmod\b[^|;&]{0,200}(?:[ug]?\+\w{0,3}s|\b[4267][0-7]{3}\b)")),
)


def told(text: str) -> tuple[str, ...]:
    """The signs in a command line, in words."""
    head = text[:_LONGEST]
    return tuple(word for word, pattern in _SIGNS if pattern.search(head))
