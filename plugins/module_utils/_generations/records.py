# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The files of one set in the store: manifests, and beside them proofs and labels, which rewrite no manifest."""

from __future__ import annotations

import os
import re
from typing import Any, Iterable, Mapping

from ansible_collections.toombos.incident.plugins.module_utils._atomic import sync_directory
from ansible_collections.toombos.incident.plugins.module_utils._generations import manifest
from ansible_collections.toombos.incident.plugins.module_utils._generations.codec import Corrupt
from ansible_collections.toombos.incident.plugins.module_utils._generations.objects import NAME, Objects
from ansible_collections.toombos.incident.plugins.module_utils._generations.place import make_folder
from ansible_collections.toombos.incident.plugins.module_utils._generations.sealed import read_sealed, write_sealed
from ansible_collections.toombos.incident.plugins.module_utils._generations.types import Entry, Generation, Proof

LABELS = "labels.json"
_MANIFEST = re.compile(r"(\d{6,12})\.json")
_PROOF = re.compile(r"(\d{6,12})\.proof\.json")


class Records:
    """The set ``name`` of a store; ``directory`` is the one of all sets. Reading changes nothing."""

    def __init__(self, directory: str, name: str, objects: Objects) -> None:
        self.name = name
        self.directory = os.path.join(directory, name)
        self._objects = objects
        self._bases: dict[str, tuple[Entry, ...]] = {}

    def numbers(self) -> list[int]:
        """Of all manifests, damaged ones as well."""
        return _numbers(_MANIFEST, self.files())

    def proofs(self) -> list[int]:
        """Numbers for which there is a proof."""
        return _numbers(_PROOF, self.files())

    def files(self) -> list[str]:
        """All names that are there."""
        try:
            return sorted(os.listdir(self.directory))
        except FileNotFoundError:
            return []

    def is_known(self, file: str) -> bool:
        """Whether a name is one of ours."""
        return file == LABELS or bool(_numbers(_MANIFEST, [file]) or _numbers(_PROOF, [file]))

    def read(self, number: int) -> Generation:
        """Without labels and proof. Raises Corrupt."""
        path = self._manifest(number)
        try:
            raw, _digest = read_sealed(path)
        except FileNotFoundError:
            raise Corrupt(f"the record {path}", "is gone") from None
        try:
            base, changes = _contents(raw)
            entries = self._base(base)
            if changes:
                entries = manifest.apply_changes(entries, b"".join(self._objects.read(changes)))
            return manifest.decode_manifest(raw, self.name, number, entries)
        except manifest.Malformed as error:
            raise Corrupt(f"the record {path}", f"is no manifest: {error}") from error

    def references(self, number: int) -> set[str]:
        """All contents that the generation needs, its lists of entries as well. Raises Corrupt."""
        contents = {entry.sha256 for entry in self.read(number).entries}
        return {each for each in (*contents, *_contents(read_sealed(self._manifest(number))[0])) if each}

    def write(self, generation: Generation, before: int | None) -> None:
        """Keep it; ``before``: the number of one with perhaps the same base. Raises OSError.

        All contents that its entries name are in the store. Nothing is a generation until its manifest is there.
        """
        base, changes = self._lists(generation.entries, before)
        self._objects.sync()
        make_folder(os.path.dirname(self.directory))
        make_folder(self.directory)
        write_sealed(self._manifest(generation.number), manifest.encode_manifest(generation, base, changes))

    def labels(self) -> dict[str, int]:
        """Label → number. Raises Corrupt."""
        path = os.path.join(self.directory, LABELS)
        try:
            raw, _digest = read_sealed(path)
        except FileNotFoundError:
            return {}
        try:
            if raw["name"] != self.name:
                raise Corrupt(f"the record {path}", f"is the one of {raw['name']}")
            return {str(label): int(number) for label, number in raw["labels"].items()}
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise Corrupt(f"the record {path}", "holds no labels") from error

    def write_labels(self, labels: Mapping[str, int]) -> None:
        """Replace them. Raises OSError."""
        write_sealed(os.path.join(self.directory, LABELS), {"name": self.name, "labels": dict(labels)})

    def proof(self, number: int) -> Proof | None:
        """Raises Corrupt, also for the proof of another manifest."""
        path = self._proof(number)
        try:
            raw, _digest = read_sealed(path)
        except FileNotFoundError:
            return None
        try:
            if raw.pop("manifest") != read_sealed(self._manifest(number))[1]:
                raise Corrupt(f"the record {path}", "proves something else")
            checks = tuple(dict(check) for check in raw.pop("checks"))
            return Proof(checks=checks, **raw)
        except FileNotFoundError:
            raise Corrupt(f"the record {path}", "proves what is gone") from None
        except (KeyError, TypeError, ValueError) as error:
            raise Corrupt(f"the record {path}", "is no proof") from error

    def write_proof(self, number: int, proof: Proof) -> None:
        """Bind it to the manifest of this number. Raises OSError and Corrupt."""
        values: dict[str, Any] = {
            **vars(proof),
            "checks": [dict(check) for check in proof.checks],
            "services": dict(proof.services),
            "manifest": read_sealed(self._manifest(number))[1],
        }
        write_sealed(self._proof(number), values)

    def remove(self, number: int) -> None:
        """First what depends on the manifest. Raises OSError."""
        for path in (self._proof(number), self._manifest(number)):
            if os.path.lexists(path):
                os.unlink(path)
                sync_directory(self.directory)

    def _manifest(self, number: int) -> str:
        return os.path.join(self.directory, f"{number:06d}.json")

    def _proof(self, number: int) -> str:
        return os.path.join(self.directory, f"{number:06d}.proof.json")

    def _base(self, sha256: str) -> tuple[Entry, ...]:
        if sha256 not in self._bases:
            self._bases[sha256] = manifest.decode_entries(b"".join(self._objects.read(sha256)))
        return self._bases[sha256]

    def _lists(self, entries: tuple[Entry, ...], before: int | None) -> tuple[str, str]:
        """Contents that hold the entries: base and changes."""
        whole = manifest.encode_entries(entries)
        if before is not None:
            try:
                base, _changes = _contents(read_sealed(self._manifest(before))[0])
                changes = manifest.encode_changes(self._base(base), entries)
            except (Corrupt, FileNotFoundError, manifest.Malformed):
                pass  # what is damaged is not built upon
            else:
                if not changes:
                    return base, ""
                if manifest.is_worth_it(changes, whole):
                    return base, self._put(changes)
        return self._put(whole), ""

    def _put(self, text: bytes) -> str:
        import hashlib

        digest = hashlib.sha256(text).hexdigest()
        self._objects.put(digest, len(text), (text,))
        return digest


def _numbers(pattern: re.Pattern[str], names: Iterable[str]) -> list[int]:
    found = (pattern.fullmatch(name) for name in names)
    return sorted(int(each[1]) for each in found if each and each[1] == f"{int(each[1]):06d}")


def _contents(raw: Mapping[str, Any]) -> tuple[str, str]:
    base, changes = raw.get("base"), raw.get("changes")
    if not isinstance(base, str) or not isinstance(changes, str):
        raise manifest.Malformed("it names no entries")
    if not NAME.fullmatch(base) or (changes and not NAME.fullmatch(changes)):
        raise manifest.Malformed("it names no entries")
    return base, changes
