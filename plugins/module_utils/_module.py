# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The AnsibleModule of modules that are given a catalogue: it may carry credentials for probes, and it is long."""

from __future__ import annotations

from typing import Any

from ansible.module_utils.basic import AnsibleModule

_CATALOGUES = ("services", "probes", "host_probes")
_LONG = ("definitions", "artifacts")  # lists of which their length says enough


class CatalogueModule(AnsibleModule):  # type: ignore[misc] # ansible is not typed
    """Of the options that hold a catalogue only the names reach the system log and the result.

    ``no_log`` would not do: it also takes every text of the catalogue, down to "http", out of the whole result.
    """

    @property
    def completed(self) -> bool:
        """Whether the controller completes the result. Ansible's own AnsibleModule does not know of that: then not."""
        return bool(getattr(self, "controller_completes", False))

    @property
    def invocation(self) -> dict[str, Any]:
        """To be handed to ``exit_json`` and ``fail_json`` in place of the raw options."""
        return {"module_args": {key: _shown(key, value) for key, value in self.params.items()}}

    def _return_formatted(self, kwargs: dict[str, Any]) -> None:
        # Also when the options themselves are refused, before anybody could hand over the invocation.
        if isinstance(getattr(self, "params", None), dict):
            kwargs.setdefault("invocation", self.invocation)
        super()._return_formatted(kwargs)

    def _log_invocation(self) -> None:
        arguments = self.invocation["module_args"]
        self.log("Invoked with " + " ".join(f"{key}={value}" for key, value in arguments.items()))


def _shown(key: str, value: Any) -> Any:
    if key in _LONG:
        return f"{len(value)} of them"
    return sorted(map(str, value)) if key in _CATALOGUES and value else value
