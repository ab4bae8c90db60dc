# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a containment can stand, in the words of its result."""

from __future__ import annotations

PLANNED = "planned"  # check mode
UNCHANGED = "unchanged"
ISOLATED = "isolated"  # in force, and the host waits for the confirmation
CONFIRMED = "confirmed"  # it stays, over restarts as well
ROLLED_BACK = "rolled_back"  # what was there before is back
ROLLBACK_FAILED = "rollback_failed"
RELEASED = "released"
