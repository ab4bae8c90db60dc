# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Clearing declared temp paths: only what the catalogue names, counted, and never through a symbolic link."""

from __future__ import annotations

import fnmatch
import os
import stat

_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


class Cleared:
    """What clearing did. ``files`` counts everything that is not a directory; ``kept`` says what was left and why."""

    def __init__(self, files: int = 0) -> None:
        self.files = files
        self.directories = 0
        self.bytes = 0
        self.kept: list[str] = []

    def __str__(self) -> str:
        kept = f"; left alone: {'; '.join(self.kept[:3])}" if self.kept else ""
        return f"removed {self.files} files and {self.directories} directories, {self.bytes} bytes{kept}"


def count_temp(declared: tuple[str, ...]) -> int:
    """How many entries the declared paths name at this moment (not what lies below them)."""
    total = 0
    for path in declared:
        try:
            parent, entries = _matches(path)
        except OSError:
            continue  # clearing it says why
        if parent is not None:
            os.close(parent)
        total += len(entries)
    return total


def clear_temp(declared: tuple[str, ...]) -> Cleared:
    """Remove what the declared paths name. A link is removed, never followed; other file systems are not entered."""
    cleared = Cleared()
    for path in declared:
        try:
            parent, entries = _matches(path, cleared)
        except OSError as error:
            cleared.kept.append(f"{path} ({error.strerror})")
            continue
        if parent is None:
            continue
        try:
            device = os.fstat(parent).st_dev
            for entry in entries:
                _remove(parent, entry, device, os.path.join(os.path.dirname(path), entry), cleared)
        finally:
            os.close(parent)
    return cleared


def _matches(path: str, cleared: Cleared | None = None) -> tuple[int | None, list[str]]:
    """The opened parent directory and the names in it that the last component means."""
    directory, pattern = os.path.split(path.rstrip("/"))
    parent = _open_without_links(directory, cleared)
    if parent is None:
        return None, []
    try:
        names = sorted(name for name in os.listdir(parent) if fnmatch.fnmatchcase(name, pattern))
    except OSError:
        os.close(parent)
        raise
    return parent, names


def _open_without_links(directory: str, cleared: Cleared | None) -> int | None:
    """Open component by component, so that no link planted on the way leads elsewhere; None when it is not there."""
    current = os.open("/", _DIRECTORY)
    for part in directory.strip("/").split("/") if directory.strip("/") else []:
        try:
            following = os.open(part, _DIRECTORY, dir_fd=current)
        except OSError as error:
            if cleared is not None and not isinstance(error, FileNotFoundError):
                cleared.kept.append(f"{directory} ({part} is a link or no directory: declare the real path)")
            return None
        finally:
            os.close(current)
        current = following
    return current


def _remove(parent: int, name: str, device: int, shown: str, cleared: Cleared) -> None:
    try:
        status = os.stat(name, dir_fd=parent, follow_symlinks=False)
        if stat.S_ISDIR(status.st_mode):
            if status.st_dev != device:
                cleared.kept.append(f"{shown} (another file system)")
                return
            _empty(parent, name, device, shown, cleared)
            os.rmdir(name, dir_fd=parent)
            cleared.directories += 1
        else:
            os.unlink(name, dir_fd=parent)
            cleared.files += 1
            cleared.bytes += status.st_size if stat.S_ISREG(status.st_mode) else 0
    except FileNotFoundError:
        return
    except OSError as error:
        cleared.kept.append(f"{shown} ({error.strerror})")


def _empty(parent: int, name: str, device: int, shown: str, cleared: Cleared) -> None:
    # O_NOFOLLOW again: between the stat and here the directory may have been swapped for a link.
    directory = os.open(name, _DIRECTORY, dir_fd=parent)
    try:
        for entry in os.listdir(directory):
            _remove(directory, entry, device, os.path.join(shown, entry), cleared)
    finally:
        os.close(directory)
