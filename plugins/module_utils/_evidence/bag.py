# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The layout of a bag: BagIt 1.0 (RFC 8493), written so that it is complete or recognisably is not.

The payload is stored first; the manifests follow, and ``bagit.txt`` comes last: without it nothing is a bag.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from typing import Any, Iterable, Mapping

from ansible_collections.toombos.incident.plugins.module_utils._errors import IncidentError
from ansible_collections.toombos.incident.plugins.module_utils._evidence.types import Stored

_DECLARATION = "BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n"
_ALGORITHMS = ("sha256", "sha512")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")  # what no tool and no file system takes for anything else


def check_name(name: str) -> None:
    """Raises IncidentError for the name of a bag that cannot be one of a file."""
    if not _NAME.fullmatch(name):
        raise IncidentError(f"{name!r} cannot be the name of a bag.", "Use letters, digits, dots and dashes.")


def new_bag(folder: str, name: str) -> str:
    """Make the private directory of a bag, and ``folder`` for it; its path. Raises OSError, also when it is there."""
    os.makedirs(folder, mode=0o700, exist_ok=True)
    path = os.path.join(folder, name)
    os.mkdir(path, 0o700)
    os.mkdir(os.path.join(path, "data"), 0o700)
    return path


def close_bag(
    path: str, stored: Iterable[Stored], capture: Mapping[str, Any], info: Mapping[str, str]
) -> tuple[str, ...]:
    """Write what makes the payload below ``path`` a bag.

    ``capture`` becomes ``capture.json``; ``info`` are the labels and values of ``bag-info.txt``, to which the octet
    and stream count is added. Raises OSError.

    The names of all tag files come back. Nothing is forced to the disk: a bag is packed as soon as it is closed, and
    the record of the package is what lasts.
    """
    files = sorted(stored, key=lambda each: each.path)
    oxum = f"{sum(each.stored for each in files)}.{len(files)}"
    tags = {
        "capture.json": json.dumps(capture, indent=1, sort_keys=True) + "\n",
        "bag-info.txt": "".join(
            f"{label}: {_folded(value)}\n" for label, value in {**info, "Payload-Oxum": oxum}.items()
        ),
        "manifest-sha256.txt": "".join(f"{each.sha256}  {each.path}\n" for each in files),
        "manifest-sha512.txt": "".join(f"{each.sha512}  {each.path}\n" for each in files),
    }
    for name, text in tags.items():
        _write(os.path.join(path, name), text)
    tags["bagit.txt"] = _DECLARATION
    for algorithm in _ALGORITHMS:
        lines = (
            f"{hashlib.new(algorithm, text.encode()).hexdigest()}  {name}\n" for name, text in sorted(tags.items())
        )
        _write(os.path.join(path, f"tagmanifest-{algorithm}.txt"), "".join(lines))
    _write(os.path.join(path, "bagit.txt"), _DECLARATION)
    return tuple(sorted(tags)) + tuple(f"tagmanifest-{algorithm}.txt" for algorithm in _ALGORITHMS)


def _folded(value: str) -> str:
    """On one line, whatever somebody has given as a reason."""
    return " ".join(value.split())


def _write(path: str, text: str) -> None:
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    with os.fdopen(os.open(path, flags, 0o600), "wb") as file:
        file.write(text.encode())
