# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Seals a stream to recipients, with the host's age or gpg. Where anything is wrong there is no result at all."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from typing import Any, Callable, Mapping, Sequence

from ansible_collections.toombos.incident.plugins.module_utils._clock import Clock
from ansible_collections.toombos.incident.plugins.module_utils._errors import IncidentError
from ansible_collections.toombos.incident.plugins.module_utils._evidence import compress
from ansible_collections.toombos.incident.plugins.module_utils._evidence.commands import Command, first_line

AGE, GPG = "age", "gpg"
_AGE_RECIPIENT = re.compile(r"age1[0-9a-z]{20,2000}|ssh-(?:ed25519|rsa) [A-Za-z0-9+/=]+(?: .*)?")
_KEY_ID = re.compile(r"(?:0x)?((?:[0-9A-F]{40}|[0-9A-F]{16}))")
_SECONDS = 20.0  # for a tool to say something about itself or about nothing
# How what they put out begins; gpg: a packet with the session key for a public key.
_BEGINNINGS: Mapping[str, Callable[[bytes], bool]] = {
    AGE: lambda data: data.startswith(b"age-encryption.org/v1\n"),
    GPG: lambda data: data[0] in b"\x84\x85\x86\xc1",
}
_BEGINNING = 22


@dataclass(frozen=True)
class Seal:
    """``recipients``: of age, or fingerprints (or addresses) of the public ``keys`` of gpg."""

    method: str
    recipients: tuple[str, ...]
    keys: tuple[str, ...] = ()


def read_seal(raw: Mapping[str, Any] | None) -> Seal | None:
    """Of the option. Raises IncidentError."""
    if raw is None:
        return None
    seal = Seal(raw["method"], tuple(each.strip() for each in raw["recipients"]), tuple(raw.get("keys") or ()))
    if not seal.recipients or not all(seal.recipients):
        raise IncidentError("seal: there is nobody who could open it.", "Give recipients.")
    if seal.method == AGE:
        for recipient in seal.recipients:
            if not _AGE_RECIPIENT.fullmatch(recipient):
                raise IncidentError(f"seal: {recipient!r} is no recipient of age.", "Write age1..., the public key.")
    elif not seal.keys:
        raise IncidentError("seal: the host does not know the recipients' keys.", "Give the public keys in keys.")
    return seal


class Sealing:
    """The tool, ready to seal. ``folder``: a new private directory, for public keys.

    Raises IncidentError when it is not there, or when sealing nothing does not work.
    """

    def __init__(self, seal: Seal, folder: str, clock: Clock) -> None:
        self.method = seal.method
        program = compress.find_program(seal.method)
        if program is None:
            raise IncidentError(f"The host has no {seal.method}.", "Install it there, or do not seal.")
        self.version = first_line([program, "--version"], _SECONDS, clock)
        os.mkdir(folder, 0o700)
        if seal.method == AGE:
            self._argv = [program, *(word for each in seal.recipients for word in ("-r", each))]
        else:
            self._argv = _gpg(program, seal, folder, clock)
        self._try()

    def filter(self, write: compress.Write) -> compress.Filter:
        """What is fed to it comes out sealed at ``write``. Raises OSError, and from its methods Broken as well."""
        return compress.Filter(self._argv, _Checked(_BEGINNINGS[self.method], write))

    def _try(self) -> None:
        sealed = bytearray()
        try:
            tried = self.filter(sealed.extend)
            tried.finish()
        except (OSError, compress.Broken) as error:
            raise IncidentError(f"It cannot be sealed: {error}.", "Correct the recipients and the keys.") from error
        if not sealed:
            raise IncidentError(f"{self.method} seals nothing.", "Look at what it is on this host.")


class _Checked:
    """Lets nothing through that does not begin as sealed content does."""

    def __init__(self, fits: Callable[[bytes], bool], write: compress.Write) -> None:
        self._fits = fits
        self._write = write
        self._begun = b""
        self._good = False

    def __call__(self, data: bytes) -> None:
        if not self._good:
            self._begun += data
            if len(self._begun) < _BEGINNING:
                return
            if not self._fits(self._begun):
                raise compress.Broken("what comes out is not sealed")
            data, self._good = self._begun, True
        self._write(data)


def _gpg(program: str, seal: Seal, folder: str, clock: Clock) -> list[str]:
    """Without any key ring: the keys are those that were given, and no others."""
    base = [program, "--homedir", folder, "--batch", "--no-tty", "--no-options", "--quiet"]
    open_to: set[str] = set()
    files: list[str] = []
    for number, key in enumerate(seal.keys):
        path = os.path.join(folder, f"{number}.key")
        with open(path, "x", encoding="utf-8") as file:
            file.write(key)
        names = _names(b"".join(Command([*base, "--with-colons", "--show-keys", path], _by(clock), clock).output()))
        wanted = [recipient for recipient in seal.recipients if _normal(recipient) in names]
        if not wanted:
            raise IncidentError("seal: one of the keys is of none of the recipients.", "Name its fingerprint.")
        open_to.update(wanted)
        files += ["--recipient-file", path]
    unknown = sorted(set(seal.recipients) - open_to)
    if unknown:
        raise IncidentError(f"seal: there is no key of {', '.join(unknown)}.", "Give it in keys.")
    return [*base, "--trust-model", "always", "--compress-algo", "none", *files, "--encrypt"]


def _by(clock: Clock) -> float:
    return clock.monotonic() + _SECONDS


def _names(listing: bytes) -> set[str]:
    """Fingerprint, long number and addresses of the one key that gpg has listed. Raises IncidentError."""
    rows = [line.split(":") for line in listing.decode("utf-8", "replace").splitlines()]
    keys = [row for row in rows if row[0] == "pub"]
    if len(keys) != 1 or keys[0][1] in ("e", "r", "d"):
        raise IncidentError(
            "seal: each of keys must hold exactly one public key that is neither expired nor revoked.",
            "Write what gpg --armor --export FINGERPRINT prints.",
        )
    primary = next(row[9] for row in rows if row[0] == "fpr")
    addresses = [re.findall(r"<([^<>]+)>", row[9]) or [row[9]] for row in rows if row[0] == "uid"]
    return {primary, primary[-16:], *(_normal(address) for each in addresses for address in each)}


def _normal(recipient: str) -> str:
    found: Sequence[str] = _KEY_ID.findall(recipient.replace(" ", "").upper())
    return found[0] if _KEY_ID.fullmatch(recipient.replace(" ", "").upper()) else recipient.lower()
