# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a host does by itself when a rollback was not confirmed in time: it goes back to what was there before."""

from __future__ import annotations

from typing import Any, Mapping

from ansible_collections.toombos.incident.plugins.module_utils._config.back import put_back
from ansible_collections.toombos.incident.plugins.module_utils._config.work import Work
from ansible_collections.toombos.incident.plugins.module_utils._recovery.lock import recovery_lock


def run(params: Mapping[str, Any], before: Mapping[str, str]) -> str:
    """``params``: of the rollback; ``before``: service → id of the generation to put back. Idempotent.

    Whoever holds the host's lock is past its time: it is fenced off rather than waited for. Raises when the files could
    not be put back; that a service does not come up on what was there before is no failure of this.
    """
    why = f"not confirmed in time: {params['reason'] or 'no reason given'}"
    asked = {**params, "only": list(before), "owner": "the confirm window", "reason": why, "takeover": True}
    work = Work(asked)
    with recovery_lock(work.state_dir, why, True, clock=work.clock):
        changed = put_back(work, {name: work.entries(name, identity) for name, identity in before.items()})
        words = f"{', '.join(before.values())} {'is back in place' if changed else 'was in place'}"
        # What it ran on may have been better than what it goes back to: then the engine does not restart it.
        recovery = work.engine.recover(work.request(force=changed))
    sick = [f"{each.service} is {each.condition}" for each in recovery.after.found.values() if not each.healthy]
    return f"{words}; {'; '.join(sick) or 'all is healthy'}"
