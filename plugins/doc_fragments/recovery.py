# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options of what changes a host: who may, in spite of what, and where its records are."""

from __future__ import annotations


class ModuleDocFragment:
    """Fragments by name."""

    # Who, and past which brakes.
    DOCUMENTATION = r"""
options:
  lock_timeout:
    description:
      - How long to wait for another recovery of this host before it is refused, for example for the one that a lost
        controller has left behind.
    type: str
    default: 30s
  owner:
    description: Who runs it. Shown with the reason.
    type: str
    default: an unnamed run
  freeze:
    description:
      - A reason not to change anything on this host; empty means none. The freeze switch on the host itself, which
        M(toombos.incident.change_freeze) sets, holds as well, and is asked before every step that changes something.
    type: str
    default: ""
  takeover:
    description:
      - Take services over that somebody else has leased, or that a recovery holds that hangs. The other one is fenced
        off, it cannot change anything any more. Needs O(reason).
    type: bool
    default: false
  break_glass:
    description: Start services also where their circuit breaker is open. Needs O(reason), and is put on record.
    type: bool
    default: false
"""

    # Where a reason is not always needed.
    REASON = r"""
options:
  reason:
    description: Why. Shown to whoever finds the services leased, and kept with every override.
    type: str
    default: ""
"""

    # Where the collection keeps its records on the host.
    PLACES = r"""
options:
  state_dir:
    description: Directory on the host for records until the next boot, such as locks, leases and the restart budget.
    type: path
    default: /run/toombos-incident
  store_dir:
    description: Directory on the host for what must last, such as generations of configuration. Not within one.
    type: path
    default: /var/lib/toombos-incident
"""
