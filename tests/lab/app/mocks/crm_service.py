# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Stand-in for the mock crm, run as the document does: python mocks/crm_service.py."""

from __future__ import annotations

from two_processes import serve

serve("crm", "mock-crm")
