# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options of what reads and writes the custody log of an incident."""

from __future__ import annotations


class ModuleDocFragment:
    """Fragments by name."""

    DOCUMENTATION = r"""
options:
  home:
    description:
      - The evidence home on the controller, or the directory of the incident in it.
      - The default is C(toombos-incident/evidence) below C($XDG_DATA_HOME), or C(~/.local/share).
    type: str
  signing_key:
    description:
      - The private key that signs the custody log, or the public half of one that is in an agent.
      - The default is C(toombos-incident/custody_ed25519) below C($XDG_STATE_HOME), or C(~/.local/state).
        M(toombos.incident.evidence_open) makes it when it is missing.
    type: str
  who:
    description: Who does this, for the records. The default is the user on the controller.
    type: str
  reason:
    description: Why, for the records.
    type: str
    default: ""
"""

    # Where it need not be named.
    INCIDENT = r"""
options:
  incident:
    description:
      - The number of the incident, such as V(INC-2026-1124-0001). Three digits at its end and small letters are
        understood.
      - Empty means the one that O(home) is the directory of, and for M(toombos.incident.evidence_open) the next number
        of today.
    type: str
    default: ""
"""
