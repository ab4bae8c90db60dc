# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Compression with what a host has: its zstd as a process of its own, else Python's zlib."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import threading
import zlib
from typing import Callable, Protocol

NONE, GZIP, ZSTD = "none", "gzip", "zstd"
SUFFIXES = {NONE: "", GZIP: ".gz", ZSTD: ".zst"}
_DIRECTORIES = ("/usr/bin", "/usr/local/bin", "/bin")  # not PATH: what is found there runs as root
_BLOCK = 1 << 18
Write = Callable[[bytes], None]


class Broken(Exception):
    """The compression failed; what was written is worth nothing."""


class Compressor(Protocol):
    """Takes the original piece by piece and hands the compressed bytes to the ``Write`` that it was made with."""

    def feed(self, data: bytes) -> None:
        """A piece of the original. May raise what ``Write`` raises, or Broken."""

    def finish(self) -> None:
        """The end of the original; everything was handed over when it returns."""

    def abandon(self) -> None:
        """Let go of everything, without a result."""


def find_zstd() -> str | None:
    """The path of the host's zstd."""
    paths = (f"{directory}/zstd" for directory in _DIRECTORIES)
    return next((path for path in paths if os.access(path, os.X_OK)), None)


def make_compressor(kind: str, write: Write, zstd: str | None = None) -> Compressor:
    """``kind`` is NONE, GZIP or ZSTD; ``zstd`` is the path of the program for the last."""
    if kind == ZSTD and zstd is not None:
        return _Program([zstd, "-q", "-c", "-3"], write)
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


class _Program:
    """A filter in a process group of its own; a thread carries what it puts out."""

    def __init__(self, argv: list[str], write: Write) -> None:
        self._write = write
        self._failure: BaseException | None = None
        self._process = subprocess.Popen(
            argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, start_new_session=True
        )
        self._carrier = threading.Thread(target=self._carry, daemon=True)
        self._carrier.start()

    def feed(self, data: bytes) -> None:
        try:
            if self._process.stdin is not None:
                self._process.stdin.write(data)
        except OSError as error:
            self.abandon()
            raise (self._failure or Broken(f"zstd went away: {error.strerror}")) from error

    def finish(self) -> None:
        with contextlib.suppress(OSError):  # it has gone away: its return code says so
            if self._process.stdin is not None:
                self._process.stdin.close()
        self._carrier.join()
        rc = self._process.wait()
        if self._failure is not None:
            raise self._failure
        if rc:
            raise Broken(f"zstd ended with return code {rc}")

    def abandon(self) -> None:
        if self._process.poll() is None:  # else its number may be somebody else's by now
            os.killpg(self._process.pid, signal.SIGKILL)
        with contextlib.suppress(OSError):
            if self._process.stdin is not None:
                self._process.stdin.close()
        self._carrier.join()
        self._process.wait()

    def _carry(self) -> None:
        stream = self._process.stdout
        if stream is None:
            return
        try:
            while True:
                data = stream.read1(_BLOCK)  # type: ignore[attr-defined] # a BufferedReader
                if not data:
                    return
                self._write(data)
        except BaseException as error:  # noqa: BLE001 # to be raised where the original is fed
            self._failure = error
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
        finally:
            stream.close()
