# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which paths a recovery may clear: never a system tree, a directory that others share, or what a service needs."""

from __future__ import annotations

import fnmatch
import posixpath
import re

from ansible_collections.toombos.incident.plugins.module_utils._catalogue.fields import Malformed, read_text

# Directories made for scratch: one component below them is enough. Everywhere else a path needs three components
# (/srv/app/tmp), so that no home, no application and no mount point as a whole can be declared.
_SCRATCH = ("/tmp", "/var/tmp", "/dev/shm")
_LEAST_COMPONENTS = 3
# Nothing below these is ever temporary: the system itself, and what an investigation or a return needs.
_NEVER = (
    "/bin", "/boot", "/dev", "/etc", "/lib", "/lib32", "/lib64", "/libx32", "/lost+found", "/proc", "/run/systemd",
    "/sbin", "/snap", "/sys", "/usr", "/var/backups", "/var/log", "/var/mail", "/var/spool",
)  # fmt: skip
# Directories whose children are whole data sets of packages (/var/lib/postgresql): one component more.
_DATA = ("/var/lib",)
_WILDCARD = re.compile(r"\[[^\]]*\]|[*?]")


def read_temp(value: object) -> str:
    """An absolute path that is safe to clear, with a wildcard at most in the last component; normalised."""
    text = read_text(value)
    if not text.startswith("/"):
        raise Malformed(f"{text!r} is not an absolute path")
    if ".." in text.split("/"):
        raise Malformed(f"{text!r} must not contain '..'")
    path = "/" + posixpath.normpath(text).lstrip("/")
    parent, last = posixpath.split(path)
    if re.search(r"[*?\[]", parent):
        raise Malformed(f"{text!r} has a wildcard outside the last component")
    _refuse_dangerous(path, text)
    _refuse_vague(parent, last, text)
    return path


def covers(temp: str, path: str) -> bool:
    """Whether clearing ``temp`` would take ``path`` away: it is the path or one of the directories above it."""
    parent, last = posixpath.split(temp)
    above = parent.rstrip("/") + "/"
    if not path.startswith(above):
        return False
    return fnmatch.fnmatchcase(path[len(above) :].split("/")[0], last)


def _refuse_dangerous(path: str, text: str) -> None:
    scratch = next((root for root in _SCRATCH if _inside(path, root)), None)
    if scratch is not None:
        if path == scratch:
            raise Malformed(f"{text!r} is shared by everybody, name a path below it")
        return
    if any(_inside(path, root) for root in _NEVER):
        raise Malformed(f"{text!r} belongs to the system and is never cleared")
    least = _LEAST_COMPONENTS + any(_inside(path, root) for root in _DATA)
    if len(path.split("/")) - 1 < least:
        raise Malformed(f"{text!r} is too shallow to be cleared, a path needs {least} components here")


def _refuse_vague(parent: str, last: str, text: str) -> None:
    """A wildcard needs a name beside it; in a directory that everybody shares the name must come first."""
    if not _WILDCARD.search(last):
        return
    if not _WILDCARD.sub("", last).strip("."):
        raise Malformed(f"{text!r} is a bare wildcard, begin it with a name")
    if parent in _SCRATCH and _WILDCARD.match(last):
        raise Malformed(f"{text!r} would take what others put into {parent}, begin it with a name")


def _inside(path: str, root: str) -> bool:
    return path == root or path.startswith(root + "/")
