# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Masks secrets in names, one by one: masked as a text, a line of records loses fields, and tools lose the record."""

from __future__ import annotations

import os
import re
from typing import Callable, Iterable

from ansible_collections.toombos.incident.plugins.module_utils._redact import redact

# What a name must have in it for one of the rules of ``_redact``; but for that of long random texts, which as names are
# digests: git and package managers have thousands.
_SUSPECT = re.compile(r"[=:\s]|AKIA|eyJ|(?:[spr]k|gh[pos]|github_pat|glpat|xox[abpr])[-_]")


class NameMask:
    """A function: name → name without what looks like a secret. ``changed``: whether there was any."""

    def __init__(self) -> None:
        self.changed = False

    def __call__(self, name: str) -> str:
        if not _SUSPECT.search(name):
            return name
        masked = "/".join(redact(each) if _SUSPECT.search(each) else each for each in name.split("/"))
        self.changed = self.changed or masked != name
        return masked

    def path(self, path: bytes) -> bytes:
        """The same for bytes, as the kernel has them."""
        return os.fsencode(self(os.fsdecode(path)))


class NoMask(NameMask):
    """Leaves everything as it is."""

    def __call__(self, name: str) -> str:
        return name

    def path(self, path: bytes) -> bytes:
        """The same."""
        return path


NO_MASK = NoMask()


class OfNames:
    """A reader of names and times. ``masked``: the same with secrets in names masked, and records that stay whole."""

    def __init__(self, masked: Callable[[NameMask], Iterable[bytes]]) -> None:
        self.masked = masked

    def __call__(self) -> Iterable[bytes]:
        return self.masked(NO_MASK)
