# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A module of this collection as one small script, for the standard input of a host's Python.

Ansible would send 160 files and three times as much, half of it its own library; most of a call was spent on that.
The script is a module of Ansible's kind "JSON arguments": Ansible puts the arguments in place of a marker.
"""

from __future__ import annotations

import base64
import fcntl
import json
import os
import zlib
from pathlib import Path
from typing import Any

from ansible_collections.toombos.incident.plugins.plugin_utils._lean.kept import kept
from ansible_collections.toombos.incident.plugins.plugin_utils._lean.sources import PLUGINS, needed, without_words

_SCRIPT = """\
#!/usr/bin/python
import sys
if sys.version_info < (3, 8):
    print('{"failed": true, "msg": "Python 3.8 or newer is needed, %s is %d.%d. Set ansible_python_interpreter."}'
          % ((sys.executable,) + tuple(sys.version_info[:2])))
    sys.exit(1)
import base64, zlib
exec(compile(zlib.decompress(base64.b64decode("@BOOTSTRAP@")), "<bootstrap>", "exec", dont_inherit=True))
run("@PACKED@", <<INCLUDE_ANSIBLE_MODULE_JSON_ARGS>>["arguments"], "@MODULE@")
"""


def script(module: str) -> str:
    """The script for a module (``service_recovery``), with the marker for its arguments."""
    bootstrap = (PLUGINS / "module_utils" / "_lean" / "bootstrap.py").read_text(encoding="utf-8")
    parts = {
        "@BOOTSTRAP@": _packed(without_words(bootstrap)),
        "@PACKED@": _packed(json.dumps(needed(module))),
        "@MODULE@": f"ansible_collections.toombos.incident.plugins.modules.{module}",
    }
    text = _SCRIPT
    for marker, part in parts.items():
        text = text.replace(marker, part)
    return text


def script_file(module: str, folder: str, home: str) -> str:
    """The path of the script in ``folder``, a private one of this run; once for all hosts.

    ``home``: that of Ansible, where it is kept for the runs to come.
    """
    path = os.path.join(folder, f"{module}.py")
    # The tasks of all hosts begin at the same time: one makes it, the others wait.
    with open(path, "a+", encoding="utf-8") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        if not os.fstat(file.fileno()).st_size:
            keep = os.path.join(home, "toombos.incident", "scripts")
            file.write(kept(module, _sources(module), keep, lambda: script(module)))
    return path


def _sources(module: str) -> list[Path]:
    """All that could have a part in it: which of them do is known only when it is made."""
    return [
        *Path(__file__).parent.glob("*.py"),
        *(PLUGINS / "module_utils").rglob("*.py"),
        PLUGINS / "modules" / f"{module}.py",
    ]


def arguments(values: dict[str, Any]) -> dict[str, str]:
    """In a form in which no text among them can be taken for a part of the script."""
    return {"arguments": base64.b64encode(_as_json(values).encode()).decode()}


def plain(values: dict[str, Any]) -> dict[str, Any]:
    """The values as a host gets them."""
    as_sent: dict[str, Any] = json.loads(_as_json(values))
    return as_sent


def _as_json(values: dict[str, Any]) -> str:
    return json.dumps(values, default=str)


def _packed(text: str) -> str:
    return base64.b64encode(zlib.compress(text.encode(), 9)).decode()
