# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Records in JSON with a digest of themselves: a flipped byte anywhere in the file is noticed when it is read."""

from __future__ import annotations

import json
import os
from typing import Any, Mapping

from ansible_collections.toombos.incident.plugins.module_utils._atomic import write_atomic
from ansible_collections.toombos.incident.plugins.module_utils._generations.codec import Corrupt

_MOST_BYTES = 64 << 20  # of a record that is ours
_FLAGS = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


def write_sealed(path: str, body: Mapping[str, Any]) -> str:
    """Write it durably, old or new and nothing between; its digest. Raises OSError."""
    text = json.dumps(body, sort_keys=True, separators=(",", ":")).encode("ascii")
    digest = _digest(text)
    write_atomic(path, _form(digest, text))
    return digest


def read_sealed(path: str) -> tuple[dict[str, Any], str]:
    """The body and its digest. Raises FileNotFoundError, and Corrupt for all that is not exactly what was written."""
    what = f"the record {path}"
    try:
        with os.fdopen(os.open(path, _FLAGS), "rb") as file:
            data = file.read(_MOST_BYTES)
    except FileNotFoundError:
        raise
    except OSError as error:
        raise Corrupt(what, f"cannot be read: {error.strerror}") from error
    frame = len(_form("0" * 64, b""))
    text = data[frame - 2 : -2]
    digest = _digest(text)
    if len(data) < frame or data != _form(digest, text):
        raise Corrupt(what, "is not what was written")
    try:
        body = json.loads(text)
    except ValueError:
        body = None
    if not isinstance(body, dict):
        raise Corrupt(what, "is no record")
    return body, digest


def _form(digest: str, text: bytes) -> bytes:
    return b'{"sha256":"%s","record":%s}\n' % (digest.encode("ascii"), text)


def _digest(text: bytes) -> str:
    import hashlib

    return hashlib.sha256(text).hexdigest()
