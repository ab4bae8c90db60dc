# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Verification of a whole store: every content, every record, and that nothing is missing or strange."""

from __future__ import annotations

import os
from typing import Sequence

from ansible_collections.toombos.incident.plugins.module_utils._generations.codec import Corrupt
from ansible_collections.toombos.incident.plugins.module_utils._generations.objects import NAME, UNFINISHED, Objects
from ansible_collections.toombos.incident.plugins.module_utils._generations.records import Records


def verify(objects: Objects, sets: Sequence[Records]) -> list[str]:
    """One line for each problem. What a killed writer left unfinished is none: it never was anything."""
    problems, intact = _objects(objects)
    for records in sets:
        problems += _records(records, intact)
    return problems


def _objects(objects: Objects) -> tuple[list[str], dict[str, bool]]:
    """Problems, and content → whether it is intact."""
    problems: list[str] = []
    intact: dict[str, bool] = {}
    for folder, name in objects.names():
        if name.startswith(UNFINISHED):
            continue
        if not NAME.fullmatch(name) or name[:2] != folder:
            problems.append(f"{os.path.join(objects.directory, folder, name)} is nothing of the store's")
            continue
        try:
            for _piece in objects.read(name):
                pass
            intact[name] = True
        except Corrupt as error:
            problems.append(error.short)
            intact[name] = False
    return problems, intact


def _records(records: Records, intact: dict[str, bool]) -> list[str]:
    problems = [
        f"{os.path.join(records.directory, name)} is nothing of the store's"
        for name in records.files()
        if not records.is_known(name) and not name.startswith(".")
    ]
    numbers = records.numbers()
    for number in numbers:
        try:
            generation = records.read(number)
            records.proof(number)
            needed = records.references(number)
        except Corrupt as error:
            problems.append(error.short)
            continue
        problems += [
            f"{generation.id} needs the content {each}, which is {'damaged' if each in intact else 'gone'}"
            for each in sorted(needed)
            if not intact.get(each)
        ]
    problems += [
        f"proof {number} of {records.name} proves what is gone" for number in records.proofs() if number not in numbers
    ]
    try:
        labels = records.labels()
    except Corrupt as error:
        return [*problems, error.short]
    return problems + [
        f"the label {label} of {records.name} stands for what is gone"
        for label, number in sorted(labels.items())
        if number not in numbers
    ]
