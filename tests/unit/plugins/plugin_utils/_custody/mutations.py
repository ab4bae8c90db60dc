# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What may happen to evidence that lies somewhere: everything that somebody could change, by chance or on purpose."""

from __future__ import annotations

import hashlib
import os
import random
import shutil
from collections.abc import Callable
from pathlib import Path

from ansible_collections.toombos.incident.plugins.plugin_utils._custody import log as l, seal

Mutation = Callable[[random.Random, Path], None]
KEYS: list[seal.Key] = []  # of somebody else
HISTORY: list[bytes] = []  # the custody log as it was before
LOG = "custody.jsonl"


def files(root: Path, pattern: str = "**/*") -> list[Path]:
    found = [path for path in sorted(root.glob(pattern)) if path.is_file() and not path.is_symlink()]
    return [path for path in found if path.name != ".custody.lock"]


def in_bags(root: Path) -> list[Path]:
    return files(root, "INC-*/**/*")


def edit(chance: random.Random, path: Path) -> None:
    content = bytearray(path.read_bytes())
    position = chance.randrange(len(content))
    content[position] = chance.choice([byte for byte in range(256) if byte != content[position]])
    path.write_bytes(content)


def edit_any_file(chance: random.Random, root: Path) -> None:
    edit(chance, chance.choice([path for path in files(root) if path.stat().st_size]))


def edit_log(chance: random.Random, root: Path) -> None:
    edit(chance, root / LOG)


def _on_lines(change: Callable[[random.Random, list[bytes]], None]) -> Mutation:
    def mutate(chance: random.Random, root: Path) -> None:
        lines = (root / LOG).read_bytes().splitlines(keepends=True)
        change(chance, lines)
        (root / LOG).write_bytes(b"".join(lines))

    return mutate


def _drop(chance: random.Random, lines: list[bytes]) -> None:
    del lines[chance.randrange(len(lines))]


def _swap(chance: random.Random, lines: list[bytes]) -> None:
    a, b = chance.sample(range(len(lines)), 2)
    lines[a], lines[b] = lines[b], lines[a]


def _double(chance: random.Random, lines: list[bytes]) -> None:
    lines.insert(chance.randrange(len(lines)), chance.choice(lines))


def truncate(chance: random.Random, root: Path) -> None:
    path = chance.choice([root / LOG, *(path for path in in_bags(root) if path.stat().st_size)])
    os.truncate(path, chance.randrange(path.stat().st_size))


def replay(chance: random.Random, root: Path) -> None:
    (root / LOG).write_bytes(chance.choice(HISTORY))


def _sealed_by(key: seal.Key, body: bytes) -> bytes:
    return body + l.seal_line(body, key.fingerprint, seal.sign(key, body))


def sign_as_somebody_else(chance: random.Random, root: Path) -> None:
    """With a record of their own, the chain and the seal as they should be, and their key beside it."""
    found = l.read_log((root / LOG).read_bytes())
    event = l.Event("noted", detail={"number": chance.random()})
    body = found.body + l.lines_of([event], l.Actor("mallory", "desk"), l.now(), found)
    (root / LOG).write_bytes(_sealed_by(KEYS[0], body))
    (root / "allowed_signers").write_text(seal.allowed_line("mallory", KEYS[0]))


def claim_the_signer(chance: random.Random, root: Path) -> None:
    """Signed by somebody else under the name of the right key."""
    found = l.read_log((root / LOG).read_bytes())
    signer = str(found.seal["signer"])
    (root / LOG).write_bytes(found.body + l.seal_line(found.body, signer, seal.sign(KEYS[0], found.body)))


def add_a_file(chance: random.Random, root: Path) -> None:
    folder = chance.choice(sorted({path.parent for path in in_bags(root)}) + [root])
    (folder / f"x{chance.randrange(1000)}").write_bytes(chance.randbytes(chance.randrange(3)))


def remove_a_file(chance: random.Random, root: Path) -> None:
    chance.choice([*in_bags(root), *files(root, "*")]).unlink()


def rename_a_file(chance: random.Random, root: Path) -> None:
    path = chance.choice(in_bags(root))
    path.rename(path.with_name(f"{path.name}.{chance.randrange(9)}"))


def swap_two_files(chance: random.Random, root: Path) -> None:
    a, b = chance.sample(files(root, "INC-*/data/**/*"), 2)
    first, second = a.read_bytes(), b.read_bytes()
    a.write_bytes(second + b"" if second != first else b"x")
    b.write_bytes(first)


def link_instead(chance: random.Random, root: Path) -> None:
    path = chance.choice(in_bags(root))
    moved = root.parent / f"{root.name}.moved"
    shutil.move(path, moved)
    path.symlink_to(moved)


def empty_directory(chance: random.Random, root: Path) -> None:
    (chance.choice(sorted({path.parent for path in in_bags(root)})) / "x").mkdir()


def forge_a_bag(chance: random.Random, root: Path) -> None:
    """Change the payload and write all manifests anew, as the tools that make bags would."""
    payload = chance.choice([path for path in files(root, "INC-*/data/**/*") if path.stat().st_size])
    edit(chance, payload)
    bag = next(path for path in payload.parents if path.parent == root)
    for algorithm in ("sha256", "sha512"):
        for prefix in ("", "tag"):
            manifest = bag / f"{prefix}manifest-{algorithm}.txt"
            names = [line.split("  ", 1)[1] for line in manifest.read_text().splitlines()]
            digests = [(hashlib.new(algorithm, (bag / name).read_bytes()).hexdigest(), name) for name in names]
            manifest.write_text("".join(f"{digest}  {name}\n" for digest, name in digests))


def put_another_bag(chance: random.Random, root: Path) -> None:
    a, b = chance.sample([path for path in sorted(root.glob("INC-*")) if path.is_dir()], 2)
    shutil.rmtree(a)
    shutil.copytree(b, a)


def remove_a_bag(chance: random.Random, root: Path) -> None:
    shutil.rmtree(chance.choice([path for path in sorted(root.glob("INC-*")) if path.is_dir()]))


def rename_a_bag(chance: random.Random, root: Path) -> None:
    path = chance.choice(sorted(root.glob("INC-*")))
    path.rename(path.with_name(path.name.replace("web", f"db{chance.randrange(9)}")))


ALL: tuple[Mutation, ...] = (
    edit_any_file,
    edit_log,
    _on_lines(_drop),
    _on_lines(_swap),
    _on_lines(_double),
    truncate,
    replay,
    sign_as_somebody_else,
    claim_the_signer,
    add_a_file,
    remove_a_file,
    rename_a_file,
    swap_two_files,
    link_instead,
    empty_directory,
    forge_a_bag,
    put_another_bag,
    remove_a_bag,
    rename_a_bag,
)
# What the script with stock tools does not promise to find.
NOT_BY_SCRIPT = frozenset({empty_directory})
