# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Attributes that modules have in common."""

from __future__ import annotations


class ModuleDocFragment:
    """Fragments by name."""

    # For what runs on the controller and touches nothing.
    CONTROLLER = r"""
options: {}
attributes:
  check_mode:
    description: Can run in C(check_mode) and return changed status prediction without modifying target.
    support: full
  diff_mode:
    description: Returns details on what has changed (or possibly needs changing in C(check_mode)), when in diff mode.
    support: none
  idempotent:
    description: Never changes anything.
    support: full
  platform:
    description: Runs on the controller as an action plugin and never connects to a host.
    support: full
    platforms: posix
"""

    # For what keeps evidence on the controller.
    CUSTODIAN = r"""
options: {}
attributes:
  check_mode:
    description: Says in C(check_mode) what it would do, and writes nothing.
    support: full
  diff_mode:
    description: Records are added and never changed, so there is no difference to show.
    support: none
  idempotent:
    description: Everything that is done with evidence is a record of its own.
    support: none
  platform:
    description: Runs on the controller as an action plugin, with C(ssh-keygen), and never connects to a host.
    support: full
    platforms: posix
"""

    # For what works on hosts.
    HOST = r"""
options: {}
attributes:
  check_mode:
    description: Can run in C(check_mode) and return changed status prediction without modifying target.
    support: full
  platform:
    description: Linux with Python 3.8 or newer; nothing is installed on the host.
    support: full
    platforms: linux
"""

    # For what asks hosts and changes nothing there.
    READER = r"""
options: {}
attributes:
  check_mode:
    description: Asks in C(check_mode) as it does otherwise, so that a rehearsal tells the truth.
    support: full
  diff_mode:
    description: Nothing is changed, so there is no difference to show.
    support: none
  idempotent:
    description: Nothing is changed, however often it is asked.
    support: full
  platform:
    description: Linux with Python 3.8 or newer; nothing is installed on the host.
    support: full
    platforms: linux
"""
