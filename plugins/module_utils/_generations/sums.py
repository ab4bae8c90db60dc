# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a backup is what its maker has made: its list of checksums, complete and signed."""

from __future__ import annotations

import os
import re
from typing import Mapping

from ansible_collections.toombos.incident.plugins.module_utils._command import run_command
from ansible_collections.toombos.incident.plugins.module_utils._errors import IncidentError
from ansible_collections.toombos.incident.plugins.module_utils._generations.names import shown
from ansible_collections.toombos.incident.plugins.module_utils._redact import redact

NAMES = ("SHA256SUMS", "sha256sums.txt")
SIGNATURE = ".sig"
NAMESPACE = "toombos-incident-backup"
_TIMEOUT = 30.0  # seconds
_MOST_BYTES = 16 << 20  # of a list
_LINE = re.compile(rb"(\\?)([0-9a-fA-F]{64}) [ *](.+)")
_TAGGED = re.compile(rb"(\\?)SHA256 \((.+)\) = ([0-9a-fA-F]{64})")
_ESCAPES = {b"\\n": b"\n", b"\\r": b"\r", b"\\\\": b"\\"}
_OTHER = "Choose another backup; this one is not what its maker has made."


def is_ours(name: str) -> bool:
    """Whether a file at the top of a backup speaks of the others."""
    return name in NAMES or name in {f"{each}{SIGNATURE}" for each in NAMES}


def check_sums(directory: str, digests: Mapping[str, str], links: frozenset[str], signers: str = "") -> bool:
    """Whether there is a list of checksums; if so, all is as it says.

    ``digests``: path within the backup → SHA-256 of every file in it. ``links``: symbolic links, for which no checksum
    stands. ``signers``: an allowed_signers file of ssh; then there must be a list, signed by one of them in the
    namespace ``toombos-incident-backup``. Raises IncidentError.
    """
    name = next((each for each in NAMES if each in digests), "")
    if not name:
        if signers:
            raise IncidentError(f"The backup {directory} has no {NAMES[0]} that could be signed.", _OTHER)
        return False
    if links:
        raise IncidentError(
            f"{shown(min(links))} in the backup {directory} is a link, for which no checksum stands.", _OTHER
        )
    path = os.path.join(directory, name)
    text = _read(path)
    if signers:
        _check_signature(path, text, signers)
    listed = _parse(path, text)
    others = {each: digest for each, digest in digests.items() if not is_ours(each)}
    for each in sorted(listed.keys() | others.keys()):
        if each not in others:
            raise IncidentError(f"{shown(each)} of {path} is not in the backup.", _OTHER)
        if each not in listed:
            raise IncidentError(f"{shown(each)} is in the backup, but not in {path}.", _OTHER)
        if listed[each] != others[each]:
            raise IncidentError(f"{shown(each)} in the backup is not what {path} says.", _OTHER)
    return True


def _read(path: str) -> bytes:
    try:
        with os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as file:
            return file.read(_MOST_BYTES)
    except OSError as error:
        raise IncidentError(f"{path} cannot be read: {error.strerror}.", "Run with become: true.") from error


def _parse(path: str, text: bytes) -> dict[str, str]:
    listed: dict[str, str] = {}
    for number, line in enumerate(text.split(b"\n"), start=1):
        line = line.rstrip(b"\r")
        if not line.strip() or line.startswith(b"#"):
            continue
        plain, tagged = _LINE.fullmatch(line), _TAGGED.fullmatch(line)
        if plain:
            escaped, digest, name = plain.groups()
        elif tagged:
            escaped, name, digest = tagged.groups()
        else:
            raise IncidentError(f"Line {number} of {path} is no checksum.", _OTHER)
        if escaped:
            name = re.sub(rb"\\.", lambda found: _ESCAPES.get(found[0], found[0]), name)
        listed[os.path.normpath(os.fsdecode(name))] = digest.decode("ascii").lower()
    return listed


def _check_signature(path: str, text: bytes, signers: str) -> None:
    signature = f"{path}{SIGNATURE}"
    if not os.path.isfile(signature):
        raise IncidentError(f"{path} is not signed: there is no {signature}.", _OTHER)
    known = ["-s", signature, "-f", signers]
    found = run_command(["ssh-keygen", "-Y", "find-principals", *known], timeout=_TIMEOUT)
    if found.error:
        raise IncidentError(
            f"The signature of {path} cannot be checked: {found.error}.", "Install OpenSSH's ssh-keygen on the host."
        )
    names = found.stdout.splitlines()
    if found.rc or not names:
        raise IncidentError(f"{path} is not signed by one of {signers}.", _OTHER)
    argv = ["ssh-keygen", "-Y", "verify", *known, "-I", names[0], "-n", NAMESPACE]
    answer = run_command(argv, timeout=_TIMEOUT, stdin=text)
    if answer.rc != 0:
        said = redact(" ".join((answer.stderr or answer.stdout).split()))[:200]
        raise IncidentError(f"The signature of {path} is not valid: {said or answer.error}.", _OTHER)
