# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Names as people read them, and which may be a set's or a label."""

from __future__ import annotations

import re

from ansible_collections.toombos.incident.plugins.module_utils._errors import IncidentError
from ansible_collections.toombos.incident.plugins.module_utils._generations.moments import end_of

LAST_KNOWN_GOOD = "last_known_good"
NEWEST_VALID = "newest_valid"
SET_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,62}")
_LABEL = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,62}")


def shown(path: str) -> str:
    """A path for messages: what is no UTF-8 or cannot be printed is escaped."""
    text = path.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    return "".join(sign if sign.isprintable() else repr(sign)[1:-1] for sign in text)


def check_set_name(name: str) -> None:
    """Raises IncidentError for what cannot be the name of a set, which is one of a directory as well."""
    if not SET_NAME.fullmatch(name):
        raise IncidentError(
            f"{name!r} cannot be the name of a set.", "Use letters, digits, dots, dashes, and a letter first."
        )


def number_of(word: str, name: str) -> int | None:
    """The number that the word means as an id of the set: ``main-000007``, ``000007`` or ``7``."""
    digits = word[len(name) + 1 :] if word.startswith(f"{name}-") else word
    return int(digits) if re.fullmatch(r"[0-9]{1,12}", digits) else None


def check_label(label: str, name: str) -> None:
    """Raises IncidentError for a label that would be read as something else when somebody goes back to it."""
    way_out = "Give another one, such as before-upgrade."
    if not _LABEL.fullmatch(label):
        raise IncidentError(
            f"{label!r} cannot be a label: letters, digits, dots, dashes and underscores, at most 63.", way_out
        )
    if label in (LAST_KNOWN_GOOD, NEWEST_VALID):
        raise IncidentError(f"{label!r} cannot be a label: it means a choice of its own.", way_out)
    if number_of(label, name) is not None:
        raise IncidentError(f"{label!r} cannot be a label: it reads as the id of a generation.", way_out)
    if end_of(label) is not None:
        raise IncidentError(f"{label!r} cannot be a label: it reads as a date.", way_out)
