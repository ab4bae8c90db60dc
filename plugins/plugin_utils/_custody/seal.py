# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Signatures over the custody log, made and checked by ssh-keygen, in a namespace of their own.

A signature that was made for anything else (a commit, a file, a login) is none here, and the other way round.
"""

from __future__ import annotations

import base64
import binascii
import fcntl
import hashlib
import os
import re
import struct
import tempfile
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass

from ansible_collections.toombos.incident.plugins.module_utils._command import CommandResult, run_command
from ansible_collections.toombos.incident.plugins.module_utils._errors import IncidentError
from ansible_collections.toombos.incident.plugins.plugin_utils._custody.log import NAMESPACE

_TIMEOUT = 30.0  # seconds; a key may be on a token that somebody has to touch
_BEGIN, _END = "-----BEGIN SSH SIGNATURE-----\n", "-----END SSH SIGNATURE-----\n"
_WIDTH = 70  # of the lines between them, as ssh-keygen writes them
_MAGIC = b"SSHSIG"


class BadSignature(IncidentError):
    """A signature is not one of those who may sign, or not over this."""


@dataclass(frozen=True)
class Key:
    """``path``: what ssh-keygen is given; of a key in an agent it is the public half. ``public``: type and key."""

    path: str
    public: str
    fingerprint: str


def open_key(path: str, create: bool) -> Key:
    """The signing key at ``path``, made where it is missing and ``create`` says so. Raises IncidentError, OSError."""
    if create and not (os.path.exists(path) or os.path.exists(f"{path}.pub")):
        _make(path)
    public_path = path if path.endswith(".pub") else f"{path}.pub"
    try:
        with open(public_path, encoding="ascii") as file:
            public = " ".join(file.read().split()[:2])
        blob = base64.b64decode(public.split(" ")[1], validate=True)
    except (FileNotFoundError, IndexError, ValueError) as error:
        raise IncidentError(
            f"There is no signing key at {path}.",
            "Open the incident with evidence_open, which makes it, or name another one as signing_key.",
        ) from error
    return Key(path if os.path.exists(path) else public_path, public, _fingerprint(blob))


def _make(path: str) -> None:
    """Once, whoever else does the same at this moment."""
    directory = os.path.dirname(path) or "."
    os.makedirs(directory, mode=0o700, exist_ok=True)
    with open(os.path.join(directory, ".custody-key.lock"), "ab") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if os.path.exists(path):
            return
        with tempfile.TemporaryDirectory(dir=directory) as private:
            made = os.path.join(private, "key")
            _keygen(["-q", "-t", "ed25519", "-N", "", "-C", "custody", "-f", made], b"")
            os.rename(f"{made}.pub", f"{path}.pub")
            os.rename(made, path)


def allowed_line(principal: str, key: Key) -> str:
    """The line of an allowed_signers file that lets this key sign custody logs, and nothing else."""
    return f'{re.sub(r"[^A-Za-z0-9._@-]", "-", principal) or "custody"} namespaces="{NAMESPACE}" {key.public}\n'


def sign(key: Key, body: bytes) -> str:
    """The signature of the key over the bytes, in ssh's armour. Raises IncidentError."""
    answer = _keygen(["-Y", "sign", "-f", key.path, "-n", NAMESPACE], body)
    if not is_canonical(answer.stdout):
        raise IncidentError("ssh-keygen has written a signature in a form that is not known.", "Update OpenSSH.")
    return answer.stdout


def check_signature(body: bytes, signature: str, allowed_signers: str) -> None:
    """Raises BadSignature unless one of those in the text ``allowed_signers`` has signed exactly these bytes."""
    if not is_canonical(signature):
        raise BadSignature("The signature is not written as ssh-keygen writes it.")
    with tempfile.TemporaryDirectory() as private:
        paths = {"signature": signature, "allowed": allowed_signers}
        for name, text in paths.items():
            paths[name] = os.path.join(private, name)
            with open(paths[name], "w", encoding="utf-8") as file:
                file.write(text)
        known = ["-s", paths["signature"], "-f", paths["allowed"]]
        try:
            principals = _keygen(["-Y", "find-principals", *known], b"").stdout.splitlines()
            if not principals:
                raise IncidentError("nobody")
        except IncidentError as error:
            raise BadSignature(f"It is signed by {signed_by(signature)}, which is not an allowed signer.") from error
        try:
            _keygen(["-Y", "verify", *known, "-I", principals[0], "-n", NAMESPACE], body)
        except IncidentError as error:
            raise BadSignature(f"The signature by {principals[0]} is not one of this log.") from error


def is_canonical(signature: str) -> bool:
    """Whether it is in the one form that ssh-keygen writes; it reads others, which would be changes nobody sees."""
    if not (signature.startswith(_BEGIN) and signature.endswith(_END)):
        return False
    text = signature[len(_BEGIN) : -len(_END)]
    try:
        blob = base64.b64decode(text.replace("\n", ""), validate=True)
    except (binascii.Error, ValueError):
        return False
    return text == "\n".join(textwrap.wrap(base64.b64encode(blob).decode(), _WIDTH)) + "\n"


def signed_by(signature: str) -> str:
    """The fingerprint of the key that a signature names; empty when it names none, or is not a canonical one."""
    if not is_canonical(signature):
        return ""
    blob = base64.b64decode(signature[len(_BEGIN) : -len(_END)])
    try:
        (length,) = struct.unpack_from(">I", blob, len(_MAGIC) + 4)
    except struct.error:
        return ""
    begin = len(_MAGIC) + 8
    return _fingerprint(blob[begin : begin + length]) if blob.startswith(_MAGIC) else ""


def _fingerprint(blob: bytes) -> str:
    return "SHA256:" + base64.b64encode(hashlib.sha256(blob).digest()).decode().rstrip("=")


def _keygen(arguments: Sequence[str], stdin: bytes) -> CommandResult:
    """Without a terminal: a key that needs a passphrase has to be in an agent."""
    environment = {**os.environ, "LC_ALL": "C", "SSH_ASKPASS_REQUIRE": "never"}
    answer = run_command(["ssh-keygen", *arguments], timeout=_TIMEOUT, stdin=stdin, env=environment)
    if answer.error:
        raise IncidentError(f"ssh-keygen cannot be run: {answer.error}.", "Install OpenSSH's client programs.")
    if answer.rc:
        complaint = " ".join((answer.stderr or answer.stdout).split())[:300]
        raise IncidentError(
            f"ssh-keygen {' '.join(arguments[:2])} failed: {complaint}.",
            "Check the signing key. One with a passphrase has to be in an agent; name its public half as signing_key.",
        )
    if answer.timed_out or answer.rc is None:
        raise IncidentError(f"ssh-keygen did not answer within {_TIMEOUT:.0f}s.", "Is the key on a token, or locked?")
    return answer
