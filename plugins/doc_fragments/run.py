# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options of what works through the parts of one run."""

from __future__ import annotations


class ModuleDocFragment:
    """Fragments by name."""

    # What was assessed.
    DOCUMENTATION = r"""
options:
  targets:
    description: Names of the targets, from M(toombos.incident.guard).
    type: list
    elements: str
    required: true
  assessments:
    description: Name of the variable in which each target's assessment is registered.
    type: str
    required: true
"""

    # What the responder and the inventory want.
    ASKED = r"""
options:
  inputs:
    description: The inputs, from M(toombos.incident.guard).
    type: dict
    required: true
  policy:
    description: The policy, from M(toombos.incident.guard).
    type: dict
    required: true
"""

    # What was preserved before.
    PRESERVED = r"""
options:
  evidence:
    description:
      - How evidence is kept, as M(toombos.incident.guard) returns it. With V(required) as C(mode) nothing may be
        changed unless every host of the roll-out was captured.
    type: dict
    default: {}
  opened:
    description: Name of the variable in which the opening of the incident's record is registered.
    type: str
    default: ""
  captures:
    description: Name of the variable in which each host's capture is registered. Empty means that nothing was captured.
    type: str
    default: ""
"""
