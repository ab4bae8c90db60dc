# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The text formats of Prometheus and OpenMetrics, as far as a probe needs them: samples with labels and values."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Iterable, Mapping

_NAME = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
_LABEL = re.compile(r'\s*([a-zA-Z_][a-zA-Z0-9_]*)\s*=\s*"((?:[^"\\]|\\.)*)"\s*(,|(?=\}))')
_ESCAPES = {"\\\\": "\\", '\\"': '"', "\\n": "\n"}
_LONG = 100


@dataclass(frozen=True)
class Sample:
    """One value of one series."""

    name: str
    labels: Mapping[str, str]
    value: float


def parse_samples(text: str) -> list[Sample]:
    """All samples; comments, timestamps and exemplars are left out. Raises ValueError, naming the line."""
    samples = []
    for line in text.splitlines():
        line = line.strip()
        if not line or line.startswith("#"):
            continue
        name, labels, rest = parse_series(line)
        values = rest.split("#")[0].split()
        try:
            samples.append(Sample(name, labels, float(values[0])))
        except (IndexError, ValueError):
            raise ValueError(f"no value in {line[:_LONG]!r}") from None
    return samples


def parse_series(text: str) -> tuple[str, dict[str, str], str]:
    """Name, labels, and what follows them. Raises ValueError when it does not begin with the name of a series."""
    found = _NAME.match(text)
    if found is None:
        raise ValueError(f"no name of a metric in {text[:_LONG]!r}")
    rest, labels = text[found.end() :].lstrip(), {}
    if rest.startswith("{"):
        rest = rest[1:]
        while not rest.lstrip().startswith("}"):
            label = _LABEL.match(rest)
            if label is None:
                raise ValueError(f"the labels of {text[:_LONG]!r} cannot be read")
            labels[label.group(1)] = re.sub(r"\\.", lambda escape: _ESCAPES.get(escape[0], escape[0]), label.group(2))
            rest = rest[label.end() :]
        rest = rest.lstrip()[1:]
    return found.group(), labels, rest


def select(samples: Iterable[Sample], name: str, labels: Mapping[str, str]) -> list[Sample]:
    """Those of that name that carry at least these labels."""
    return [
        sample
        for sample in samples
        if sample.name == name and all(sample.labels.get(key) == value for key, value in labels.items())
    ]
