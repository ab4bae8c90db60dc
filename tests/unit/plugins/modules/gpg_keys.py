# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A key ring of gpg for a test."""

from __future__ import annotations

import contextlib
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Iterator


@contextlib.contextmanager
def key_ring(*names: str) -> Iterator[list[str]]:
    """The command of gpg with a ring in which everybody of ``names`` has a key without a passphrase."""
    home = Path(tempfile.mkdtemp(prefix="gpg-", dir="/tmp"))  # the socket of its agent needs a short path
    command = ["gpg", "--homedir", str(home), "--batch", "--quiet", "--no-tty"]
    try:
        for name in names:
            whose = f"{name} <{name}@example.org>"
            make = ["--passphrase", "", "--quick-gen-key", whose, "future-default", "default", "1d"]
            subprocess.run([*command, *make], capture_output=True, check=True)
        yield command
    finally:
        subprocess.run(["gpgconf", "--homedir", str(home), "--kill", "all"], check=False)
        shutil.rmtree(home, ignore_errors=True)  # the agent removes its sockets meanwhile


def exported(gpg: list[str], name: str) -> tuple[str, str]:
    """Fingerprint and public key."""
    listed = subprocess.run([*gpg, "--with-colons", "-k", name], capture_output=True, text=True, check=True).stdout
    fingerprint = next(line.split(":")[9] for line in listed.splitlines() if line.startswith("fpr"))
    key = subprocess.run([*gpg, "--armor", "--export", fingerprint], capture_output=True, text=True, check=True).stdout
    return fingerprint, key
