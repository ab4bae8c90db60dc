# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a host does by itself when its isolation was not confirmed in time: what was there before."""

from __future__ import annotations

from ansible_collections.toombos.incident.plugins.module_utils._containment.host import Host

_PATIENCE = 1.0  # seconds for whoever is at work just now; later it is hung


def run(store_dir: str, state_dir: str, identity: str, backend: str) -> str:
    """``identity``: of the isolation that ends, another one is left alone; ``backend``: what holds its rules.

    Idempotent. Raises when rules are left.
    """
    host = Host(store_dir, state_dir)
    with host.locked("the deadline of the isolation", _PATIENCE, takeover=True):
        return host.engine.undo(identity, backend)
