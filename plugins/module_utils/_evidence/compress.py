# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Compression with what a host has: its zstd as a process of its own, else Python's zlib; and programs as filters."""

from __future__ import annotations

import contextlib
import fcntl
import os
import subprocess
import threading
import zlib
from typing import Callable, Protocol, Sequence

from ansible_collections.toombos.incident.plugins.module_utils._evidence import children

NONE, GZIP, ZSTD = "none", "gzip", "zstd"
SUFFIXES = {NONE: "", GZIP: ".gz", ZSTD: ".zst"}
_DIRECTORIES = ("/usr/bin", "/usr/local/bin", "/bin")  # not PATH: what is found there runs as root
_BLOCK = 1 << 18
_PIPE = 1 << 20
_SET_PIPE_SIZE = 1031  # F_SETPIPE_SZ, whose name Python knows since 3.10
_LAST_WORDS = 500
Write = Callable[[bytes], None]


class Broken(Exception):
    """The compression failed; what was written is worth nothing."""


class Compressor(Protocol):
    """Takes the original piece by piece and hands the compressed bytes to the ``Write`` that it was made with."""

    def feed(self, data: bytes) -> None:
        """A piece of the original. May raise what ``Write`` raises, or Broken."""

    def finish(self) -> None:
        """The end of the original; everything was handed over when it returns."""

    def abandon(self) -> object:
        """Let go of everything, without a result."""


def find_zstd() -> str | None:
    """The path of the host's zstd."""
    return find_program("zstd")


def find_program(name: str) -> str | None:
    """The path of a program of the host."""
    paths = (f"{directory}/{name}" for directory in _DIRECTORIES)
    return next((path for path in paths if os.access(path, os.X_OK)), None)


def make_compressor(kind: str, write: Write, zstd: str | None = None) -> Compressor:
    """``kind`` is NONE, GZIP or ZSTD; ``zstd`` is the path of the program for the last."""
    if kind == ZSTD and zstd is not None:
        return Filter([zstd, "-q", "-c", "-3"], write)
    return _Gzip(write) if kind == GZIP else _Plain(write)


class _Plain:
    def __init__(self, write: Write) -> None:
        self.feed = write

    def finish(self) -> None:
        """Nothing is held back."""

    def abandon(self) -> None:
        """Nothing is held."""


class _Gzip:
    def __init__(self, write: Write) -> None:
        self._write = write
        self._stream = zlib.compressobj(4, zlib.DEFLATED, 31)

    def feed(self, data: bytes) -> None:
        self._write(self._stream.compress(data))

    def finish(self) -> None:
        self._write(self._stream.flush())

    def abandon(self) -> None:
        """Nothing is held."""


class Filter:
    """A program through which bytes go; a thread carries what it puts out. Raises OSError when it cannot be started."""

    def __init__(self, argv: Sequence[str], write: Write) -> None:
        self._name = os.path.basename(argv[0])
        self._write = write
        self._failure: BaseException | None = None
        self._words = os.memfd_create("words")
        try:
            self._process = children.start(
                argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._words, bufsize=0, cwd="/"
            )
        except BaseException:
            os.close(self._words)
            raise
        self._streams = [stream.fileno() for stream in (self._process.stdin, self._process.stdout) if stream]
        for descriptor in self._streams:
            # So that both sides can work at the same time. Some kernels, or a user with many pipes, do not permit it.
            with contextlib.suppress(OSError):
                fcntl.fcntl(descriptor, _SET_PIPE_SIZE, _PIPE)
        self._carrier = threading.Thread(target=self._carry, daemon=True)
        self._carrier.start()

    def feed(self, data: bytes) -> None:
        view = memoryview(data)
        try:
            while view:
                view = view[os.write(self._streams[0], view) :]
        except OSError as error:
            words = self.abandon()
            raise (self._failure or Broken(f"{self._name} went away: {words or error.strerror}")) from error

    def finish(self) -> None:
        self._close_input()
        self._carrier.join()
        rc = children.wait(self._process)
        words = self._last_words()
        if self._failure is not None:
            raise self._failure
        if rc:
            raise Broken(f"{self._name} ended with return code {rc}" + (f": {words}" if words else ""))

    def abandon(self) -> str:
        """Let go of everything; what it has complained about."""
        children.kill(self._process)
        self._close_input()
        self._carrier.join()
        children.wait(self._process)
        return self._last_words()

    def _close_input(self) -> None:
        if self._process.stdin is not None:
            self._process.stdin.close()

    def _last_words(self) -> str:
        if self._words < 0:
            return ""
        said = os.pread(self._words, _LAST_WORDS, 0)
        os.close(self._words)
        self._words = -1
        return " ".join(said.decode("utf-8", "replace").split())

    def _carry(self) -> None:
        stream = self._process.stdout
        if stream is None:
            return
        try:
            while True:
                data = os.read(self._streams[1], _BLOCK)
                if not data:
                    return
                self._write(data)
        except BaseException as error:  # noqa: BLE001 # to be raised where the original is fed
            self._failure = error
            children.kill(self._process)
        finally:
            stream.close()
