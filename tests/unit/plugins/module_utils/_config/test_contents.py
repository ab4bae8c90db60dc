# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a configuration file must not be, and that no value gets into the words about it."""

from __future__ import annotations

import pytest

from ansible_collections.toombos.incident.plugins.module_utils._catalogue.types import FileCheck
from ansible_collections.toombos.incident.plugins.module_utils._config.contents import objection

ENV = FileCheck(("/srv/.env",), "env", required=("API_KEY",), values=(("DRY_RUN", "true"),))
JSON = FileCheck(("/srv/a.json",), "json")
INI = FileCheck(("/srv/a.ini",), "ini")
OTHER = FileCheck(("/srv/a.yml",), "command", command=("promtool", "%s"))
SECRET = b"hunter2HUNTER2"


@pytest.mark.parametrize(
    ("check", "content", "problem"),
    [
        (ENV, b"API_KEY=x\nDRY_RUN=true\n", ""),
        (ENV, b"export API_KEY='x y' # c\n\nDRY_RUN=true", ""),
        (ENV, None, "it is missing"),
        (ENV, b"", "it is empty"),
        (ENV, b" \n\n", "it is empty"),
        (ENV, b"API_KEY=" + SECRET, "DRY_RUN has not the value that it must have"),
        (ENV, b"DRY_RUN=true\nAPI_KEY=\n", "API_KEY must have a value"),
        (ENV, b"API_KEY=x\nDRY_RUN=" + SECRET, "DRY_RUN has not the value that it must have"),
        (ENV, b"API_KEY='" + SECRET + b"\nDRY_RUN=true", "Line 1 of the environment file has no closing quote."),
        (ENV, b"API_KEY=x\n" + SECRET + b"\n", "Line 2 of the environment file is not NAME=value."),
        (ENV, b"API_KEY=x\n\0\0\0\0", "it has NUL bytes: it was damaged"),
        (ENV, b"API_KEY=\xff\xfe", "line 1 is no UTF-8"),
        (JSON, b'{"a": [1]}', ""),
        (JSON, b'{"a": \n"' + SECRET, "line 2, column 1 is no JSON"),
        (JSON, b"[" * 100000, "it is nested too deeply"),
        (INI, b"# c\n[a]\nb = c\n  more\nflag\n; d\n[e]\nf: g\n", ""),
        (INI, b"b = " + SECRET + b"\n[a]\n", "line 1 cannot be read"),
        (INI, b"[a]\n=" + SECRET + b"\n", "line 2 cannot be read"),
        (OTHER, b"anything", ""),
        (OTHER, b"", "it is empty"),
        (OTHER, None, "it is missing"),
    ],
)
def test_what_is_refused(check: FileCheck, content: bytes, problem: str) -> None:
    said = objection(check, content)
    assert said == problem
    assert SECRET.decode() not in said
