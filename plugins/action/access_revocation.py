# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Controller side of the module access_revocation: sends it as one small script."""

from __future__ import annotations

from ansible_collections.toombos.incident.plugins.module_utils._access.options import ACCESS_REVOCATION
from ansible_collections.toombos.incident.plugins.plugin_utils._lean.action import LeanAction


class ActionModule(LeanAction):
    """See the module's documentation."""

    module = "access_revocation"
    options = ACCESS_REVOCATION
