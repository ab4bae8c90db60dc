# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""TAP version 14, with the details of every check as a YAML block.

A blocked check is a plain ``not ok``: harnesses count what carries ``# SKIP`` as passed, and it has not. A warning is
``ok``. Which of the statuses it was stands in the block.
"""

from __future__ import annotations

import re
from typing import Any

import yaml

from ansible_collections.toombos.incident.plugins.module_utils._probe.types import PASS, WARN
from ansible_collections.toombos.incident.plugins.plugin_utils._render.report import Answer, Report

_PLAIN = re.compile("[A-Za-z_]+")


class _Dumper(yaml.SafeDumper):
    """Writes a text on one line, in quotes, whatever is in it: TAP is read line by line."""

    def ignore_aliases(self, data: Any) -> bool:
        del data
        return True


def _quoted(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=None if _PLAIN.fullmatch(text) else '"')


_Dumper.add_representer(str, _quoted)


def render(report: Report) -> str:
    """The whole stream."""
    lines = ["TAP version 14", f"1..{len(report.answers)}"]
    if not report.answers:
        lines[1] += " # no checks"
    for number, answer in enumerate(report.answers, 1):
        word = "ok" if answer.status in (PASS, WARN) else "not ok"
        lines += [f"{word} {number} - {_escape(answer.name)}", *_block(answer)]
    return "\n".join(lines) + "\n"


def _block(answer: Answer) -> list[str]:
    details = {key: value for key, value in answer.__dict__.items() if value is not None}
    # No line is ever folded: a width that no text reaches.
    text = yaml.dump(details, Dumper=_Dumper, sort_keys=False, width=1 << 30, allow_unicode=True)
    return ["  ---", *(f"  {line}" for line in text.rstrip("\n").split("\n")), "  ..."]


def _escape(text: str) -> str:
    """A description in which nothing is a directive."""
    return text.replace("\\", "\\\\").replace("#", "\\#")
