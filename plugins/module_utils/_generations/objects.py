# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Contents by their SHA-256: ``objects/ab/<sha256 of the content>``, durable, and checked whenever they are read."""

from __future__ import annotations

import contextlib
import os
import re
import stat
from typing import Collection, Iterable, Iterator

from ansible_collections.toombos.incident.plugins.module_utils._atomic import sync_directory
from ansible_collections.toombos.incident.plugins.module_utils._errors import IncidentError
from ansible_collections.toombos.incident.plugins.module_utils._generations.codec import LENGTH, Corrupt, Reader, Writer
from ansible_collections.toombos.incident.plugins.module_utils._generations.place import make_folder

NAME = re.compile(r"[0-9a-f]{64}")
UNFINISHED = ".new-"
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


class Objects:
    """All contents of a store below ``directory``, which is made with the first one."""

    def __init__(self, directory: str) -> None:
        self.directory = directory
        self._added: list[str] = []

    def path(self, sha256: str) -> str:
        """Where it is, or would be."""
        return os.path.join(self.directory, sha256[:2], sha256)

    def put(self, sha256: str, size: int, pieces: Iterable[bytes]) -> None:
        """Keep a content of which digest and size are known; one that is there and intact is not read again.

        Its name is not durable before ``sync``. Raises OSError, and what ``pieces`` raise; nothing of it stays then.
        """
        if self._is_intact(sha256, size):
            return
        folder = os.path.dirname(self.path(sha256))
        make_folder(self.directory)
        make_folder(folder)
        temporary = os.path.join(folder, f"{UNFINISHED}{os.urandom(8).hex()}")
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        try:
            with os.fdopen(os.open(temporary, flags, 0o600), "wb") as file:
                file.write(b"\0" * LENGTH)
                writer = Writer(file.write, size)
                for piece in pieces:
                    writer.feed(piece)
                header = writer.finish()
                file.seek(0)
                file.write(header)
                file.flush()
                os.fsync(file.fileno())
            os.replace(temporary, self.path(sha256))
        except BaseException:
            with contextlib.suppress(OSError):
                os.unlink(temporary)
            raise
        self._added.append(sha256)

    def sync(self) -> None:
        """Make the names of all that were put durable. Raises OSError."""
        for folder in sorted({os.path.dirname(self.path(each)) for each in self._added}):
            sync_directory(folder)
        self._added = []

    def take_back(self, spared: Collection[str] = ()) -> None:
        """Remove what was put since the last ``sync`` and is not needed, and make durable what is. Raises OSError."""
        needed = {each for each in self._added if each in spared}
        for each in self._added:
            if each not in needed:
                with contextlib.suppress(OSError):
                    os.unlink(self.path(each))
        self._added = sorted(needed)
        self.sync()

    def read(self, sha256: str) -> Iterator[bytes]:
        """The content in pieces. Raises Corrupt, at the latest in place of its end: only that makes it true."""
        import hashlib

        if not NAME.fullmatch(sha256):
            raise IncidentError(f"{sha256!r} is no SHA-256.", "Take it from an entry of a generation.")
        whole = hashlib.sha256()
        with self._opened(sha256) as reader:
            for piece in reader.content():
                whole.update(piece)
                yield piece
        if whole.hexdigest() != sha256:
            raise Corrupt(f"the content {sha256}", "has another digest")

    def names(self) -> Iterator[tuple[str, str]]:
        """Folder and name of everything that is there, in order. Raises OSError."""
        for folder in _listed(self.directory):
            path = os.path.join(self.directory, folder)
            if re.fullmatch(r"[0-9a-f]{2}", folder) and stat.S_ISDIR(os.lstat(path).st_mode):
                yield from ((folder, name) for name in _listed(path))
            else:
                yield "", folder

    def _is_intact(self, sha256: str, size: int) -> bool:
        """By its CRC: whoever has the content at hand can heal it."""
        try:
            with self._opened(sha256) as reader:
                for _piece in reader.raw():
                    pass
                return reader.size == size
        except Corrupt:
            return False

    @contextlib.contextmanager
    def _opened(self, sha256: str) -> Iterator[Reader]:
        what = f"the content {sha256}"
        try:
            descriptor = os.open(self.path(sha256), _READ)
        except FileNotFoundError:
            raise Corrupt(what, "is gone") from None
        except OSError as error:
            raise Corrupt(what, f"cannot be read: {error.strerror}") from error
        try:
            yield Reader(descriptor, what)
        except OSError as error:
            raise Corrupt(what, f"cannot be read: {error.strerror}") from error
        finally:
            os.close(descriptor)


def _listed(path: str) -> list[str]:
    try:
        return sorted(os.listdir(path))
    except FileNotFoundError:
        return []
