# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Copy the files of the collection to build/ansible_collections/toombos/incident, and nothing else of the checkout.

ansible-test insists on that path, and takes the list of files from a git repository of its own: in a folder that the
surrounding repository ignores it would see none, and pass. A release built from there holds no cache by accident.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
MIRROR = ROOT / "build" / "ansible_collections" / "toombos" / "incident"


def collection_files() -> list[str]:
    """Tracked files and new ones that are not ignored, as far as they exist."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE).stdout
    return sorted(name for name in os.fsdecode(listed).split("\0") if name and (ROOT / name).is_file())


def copy_to(folder: Path) -> int:
    """Copy those files into a folder; returns how many."""
    names = collection_files()
    for name in names:
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, target, follow_symlinks=False)
    return len(names)


def main() -> None:
    """Make the mirror anew."""
    shutil.rmtree(MIRROR, ignore_errors=True)
    copied = copy_to(MIRROR)
    subprocess.run(["git", "init", "--quiet", str(MIRROR)], check=True)
    print(f"{copied} files in {MIRROR.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
