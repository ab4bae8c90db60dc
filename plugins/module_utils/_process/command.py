# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a process runs a declared command, although an interpreter and relative paths change how it looks."""

from __future__ import annotations

import os
import re
from typing import Sequence

from ansible_collections.toombos.incident.plugins.module_utils._process.types import Process

_INTERPRETERS = frozenset({"python", "pypy", "node", "nodejs", "deno", "bun", "ruby", "perl", "php", "java", "lua"})
_INTERPRETERS |= {"sh", "bash", "dash", "ash", "ksh", "zsh"}
_VERSION = re.compile(r"[-.\d]+$")


def same_command(command: Sequence[str], process: Process, cwd: str | None) -> bool:
    """True when the process's arguments are the command's.

    Tolerated are: another path or version of the same interpreter (``python`` and ``/venv/bin/python3.11``), relative
    against absolute paths (each side's against its own directory), and the interpreter that the kernel puts in front
    of a script (``uvicorn app:app`` runs as ``/venv/bin/python3 /venv/bin/uvicorn app:app``).
    """
    if not command or not process.argv:
        return False
    base = cwd or process.cwd
    program = _same_program(command[0], process.argv[0], process.exe, base, process.cwd)
    if program and _same_arguments(command[1:], process.argv[1:], base, process.cwd):
        return True
    script = _script_and_arguments(process.argv)
    return (
        bool(script)
        and _same_program(command[0], script[0], None, base, process.cwd)
        and _same_arguments(command[1:], script[1:], base, process.cwd)
    )


def is_interpreter(path: str) -> bool:
    """Whether this program runs scripts, judged by its name."""
    return bool(_interpreter(path))


def _script_and_arguments(argv: Sequence[str]) -> Sequence[str]:
    """What follows ``#! interpreter [one option]``; empty when the first argument is no interpreter."""
    if not _interpreter(argv[0]):
        return ()
    return argv[2:] if len(argv) > 1 and argv[1].startswith("-") and argv[1] not in ("-c", "-m") else argv[1:]


def _interpreter(path: str) -> str:
    """``python`` for ``/usr/bin/python3.11``; empty for a program that is no interpreter."""
    name = _VERSION.sub("", os.path.basename(path))
    return name if name in _INTERPRETERS else ""


def _same_program(declared: str, actual: str, exe: str | None, base: str | None, cwd: str | None) -> bool:
    interpreter = _interpreter(declared)
    if interpreter and interpreter == _interpreter(actual):
        return True
    if "/" not in declared:
        return declared == os.path.basename(actual)
    if "/" not in actual:
        # Started by its bare name through PATH: only the executable itself can tell.
        return exe is not None and os.path.realpath(_absolute(declared, base)) == exe
    return _same_path(declared, actual, base, cwd)


def _same_arguments(declared: Sequence[str], actual: Sequence[str], base: str | None, cwd: str | None) -> bool:
    return len(declared) == len(actual) and all(
        one == other or _same_path(one, other, base, cwd) for one, other in zip(declared, actual)
    )


def _same_path(declared: str, actual: str, base: str | None, cwd: str | None) -> bool:
    one, other = _absolute(declared, base), _absolute(actual, cwd)
    if os.path.basename(one) != os.path.basename(other):
        return False
    # The file system is only asked when the names already agree.
    return one == other or os.path.realpath(one) == os.path.realpath(other)


def _absolute(path: str, base: str | None) -> str:
    return os.path.normpath(os.path.join(base or "/", path))
