# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The controller's half of a module that runs on hosts: checks its options, sends it as one small script."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from ansible import constants as C
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator, ValidationResult
from ansible.module_utils.errors import UnsupportedError
from ansible.plugins.action import ActionBase

from ansible_collections.toombos.incident.plugins.module_utils._lean.basic import COMPLETES
from ansible_collections.toombos.incident.plugins.plugin_utils._lean.script import arguments, plain, script_file


class LeanAction(ActionBase):  # type: ignore[misc] # ansible is not typed
    """Like Ansible's own action for modules, with ``module`` (``service_recovery``) and its ``options`` known."""

    _supports_check_mode = True
    _supports_async = True
    module: str
    options: dict[str, Any]
    _shared_loader_obj: Any

    def run(self, tmp: Any = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        checked = self._check()
        if checked.error_messages:
            unknown = isinstance(checked.errors[0], UnsupportedError)
            about = f"Unsupported parameters for ({self._task.action}) module: " if unknown else ""
            return {**result, "failed": True, "msg": about + checked.errors.msg}
        result.update(self.carry_out(checked.validated_parameters, task_vars or {}))
        return result

    def carry_out(self, options: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        """What is to be done with options that are valid; the result."""
        found = self._send(options, task_vars)
        return found if self._task.async_val else self.complete(found, options)

    def call(self, module: str, options: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        """Send another module of the collection, over the same connection; its result."""
        own, self.module = self.module, module
        try:
            self._connection._shell.tmpdir = None  # that of the call before is gone
            return self._send(options, task_vars)
        finally:
            self.module = own

    def _send(self, options: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        in_background = self._task.async_val and not self._connection.has_native_async
        found: dict[str, Any] = self._execute_module(
            # What runs in the background is collected by somebody else.
            module_args={**options, COMPLETES: not self._task.async_val},
            task_vars=task_vars,
            wrap_async=in_background,
        )
        if not in_background:
            self._remove_tmp_path(self._connection._shell.tmpdir)
        return found

    def complete(self, result: dict[str, Any], options: dict[str, Any]) -> dict[str, Any]:  # noqa: ARG002 - a hook
        """The result as the task's; what the host has left to the controller is done here."""
        return result

    def _check(self) -> ValidationResult:
        rules = {key: value for key, value in self.options.items() if key != "supports_check_mode"}
        # The path of a host is not to be expanded with the variables of the controller.
        rules["argument_spec"] = {
            name: {**option, "type": "str"} if option["type"] == "path" else option
            for name, option in rules["argument_spec"].items()
        }
        # It copies them deeply, with everything that Ansible has tagged on to them; as they are sent they are plain.
        return ArgumentSpecValidator(**rules).validate(plain(self._task.args))

    def _configure_module(self, module_name: str, module_args: dict[str, Any], task_vars: dict[str, Any]) -> Any:
        """Everything as Ansible does it, interpreter and ``become`` included, but with the script as the module."""
        if module_name != self._task.action:  # the wrapper for tasks in the background
            return super()._configure_module(module_name, module_args, task_vars)
        path = script_file(self.module, C.DEFAULT_LOCAL_TMP, C.ANSIBLE_HOME)
        found = SimpleNamespace(resolved=True, plugin_resolved_path=path)
        loaders = self._shared_loader_obj
        finder = SimpleNamespace(find_plugin_with_context=lambda *_args, **_kwargs: found)
        self._shared_loader_obj = SimpleNamespace(module_loader=finder)
        try:
            return super()._configure_module(module_name, arguments(module_args), task_vars)
        finally:
            self._shared_loader_obj = loaders
