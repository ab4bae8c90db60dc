# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A set of files in a directory, its states, and switches between them."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any, Callable, Iterable, Iterator

from ansible_collections.toombos.incident.plugins.module_utils._generations.capture import read_set
from ansible_collections.toombos.incident.plugins.module_utils._generations.types import Declaration, Entry
from ansible_collections.toombos.incident.plugins.module_utils._rollback.plan import make_switch
from ansible_collections.toombos.incident.plugins.module_utils._rollback.steps import PREFIX
from ansible_collections.toombos.incident.plugins.module_utils._rollback.transaction import Transaction
from ansible_collections.toombos.incident.plugins.module_utils._rollback.types import Settled


class World:
    """``root/set`` is the set: a tree, and with it everything below."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.set = root / "set"
        self.journal = root / "journal"
        self.set.mkdir()
        self.contents_by_digest: dict[str, bytes] = {}
        self.declared = Declaration("web", trees=(str(self.set),))

    def __truediv__(self, name: str) -> Path:
        return self.set / name

    def declare(self, **what: Any) -> None:
        """Another set: its paths are relative to the tree."""
        full = {kind: tuple(str(self.set / name) for name in names) for kind, names in what.items()}
        self.declared = Declaration("web", **full)

    def read(self) -> tuple[Entry, ...]:
        """The state of the set now; its contents are remembered."""

        def keep(entry: Entry, content: Iterable[bytes]) -> None:
            data = b"".join(content)
            self.contents_by_digest[_sha256(data)] = data

        return read_set(self.declared, keep=keep)

    def state(self, make: Callable[[World], None]) -> tuple[Entry, ...]:
        """Empty the set, let ``make`` fill it, read it."""
        for each in self.set.iterdir():
            shutil.rmtree(each) if each.is_dir() and not each.is_symlink() else each.unlink()
        make(self)
        return self.read()

    def contents(self, sha256: str) -> Iterator[bytes]:
        """In pieces."""
        data = self.contents_by_digest[sha256]
        return iter([data[at : at + 65536] for at in range(0, len(data), 65536)])

    def transaction(self, **options: Any) -> Transaction:
        """With the world's journal."""
        return Transaction(str(self.journal), **options)

    def switch(self, target: tuple[Entry, ...], **options: Any) -> Settled:
        """From what is there now."""
        with self.transaction(**options) as transaction:
            transaction.prepare(make_switch(self.read(), target), self.contents)
            return transaction.commit()

    def leftovers(self) -> list[str]:
        """Staged files and journals that nobody has settled."""
        names = [os.path.join(top, name) for top, tops, files in os.walk(self.root) for name in (*tops, *files)]
        return [name for name in names if PREFIX in name or name.startswith(f"{self.journal}/.") or "switch." in name]


def write(path: Path, content: str | bytes, mode: int = 0o644) -> Path:
    """A file, its directories made where they are missing."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    path.chmod(mode)
    return path


def _sha256(data: bytes) -> str:
    import hashlib

    return hashlib.sha256(data).hexdigest()
