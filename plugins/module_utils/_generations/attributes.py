# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Extended attributes: POSIX ACLs, capabilities and users' own."""

from __future__ import annotations

import base64
import errno
import os
from typing import Mapping

_NONE_HERE = (errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS)


def read_attributes(of: int | str) -> Mapping[str, str] | None:
    """Name → value in base64, of a descriptor or of a path (a link itself); None: the file system has none to give.

    Raises OSError; ENODATA when one has gone meanwhile.
    """
    follow = isinstance(of, int)
    try:
        names = os.listxattr(of, follow_symlinks=follow)
    except OSError as error:
        if error.errno in _NONE_HERE:
            return None
        raise
    values = {name: os.getxattr(of, name, follow_symlinks=follow) for name in sorted(names)}
    return {name: base64.b64encode(value).decode("ascii") for name, value in values.items()}
