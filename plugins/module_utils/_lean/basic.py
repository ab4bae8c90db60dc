# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Stands in for ansible.module_utils.basic on a host: the part of it that the modules of this collection use.

The real one checks options, which was done on the controller, and can do much that is not needed here; to send, compile
and import it costs a host more than a whole health check.
"""

from __future__ import annotations

import json
import os
import sys
from typing import Any, Callable, NoReturn

COMPLETES = "_incident_completes"  # beside the options: what the controller will do with the result
_HANDED_OVER: dict[str, Any] = {}


class AnsibleModule:
    """``params``, ``check_mode``, ``warn``, ``log``, ``exit_json`` and ``fail_json`` as in the real one."""

    def __init__(self, argument_spec: dict[str, dict[str, Any]], **_checked_on_the_controller: Any) -> None:
        self.params = {name: _value(spec, _HANDED_OVER.get(name)) for name, spec in argument_spec.items()}
        self.check_mode = bool(_HANDED_OVER.get("_ansible_check_mode"))
        self.controller_completes = bool(_HANDED_OVER.get(COMPLETES))
        self._warnings: list[str] = []
        if not _HANDED_OVER.get("_ansible_no_log"):
            self._log_invocation()

    def warn(self, warning: str) -> None:
        """To be shown on the controller."""
        self._warnings.append(warning)

    def log(self, text: str) -> None:
        """Into the system log of the host."""
        import syslog  # pylint: disable=import-outside-toplevel # not there on every Python

        facility = getattr(syslog, str(_HANDED_OVER.get("_ansible_syslog_facility")), syslog.LOG_USER)
        name = str(_HANDED_OVER.get("_ansible_module_name", "")).rsplit(".", 1)[-1]
        syslog.openlog(f"ansible-{name}", 0, facility)
        syslog.syslog(syslog.LOG_INFO, text.replace("\0", "?"))

    def exit_json(self, **kwargs: Any) -> NoReturn:
        """The result, and the end."""
        self._return_formatted(kwargs)
        raise SystemExit(0)

    def fail_json(self, msg: str, **kwargs: Any) -> NoReturn:
        """The failure, and the end."""
        self._return_formatted({**kwargs, "failed": True, "msg": msg})
        raise SystemExit(1)

    def _log_invocation(self) -> None:
        self.log("Invoked with " + " ".join(f"{key}={value}" for key, value in self.params.items()))

    def _return_formatted(self, kwargs: dict[str, Any]) -> None:
        kwargs.setdefault("invocation", {"module_args": self.params})
        if self._warnings:
            kwargs["warnings"] = [*kwargs.get("warnings", ()), *self._warnings]
        _answer(kwargs)


def run(main: Callable[[], None], handed_over: dict[str, Any]) -> None:
    """Run a module's ``main`` with these options, checked, and Ansible's own (``_ansible_check_mode`` and so on)."""
    _HANDED_OVER.update(handed_over)
    try:
        main()
    except Exception as error:  # nobody may leave without a result
        import traceback  # pylint: disable=import-outside-toplevel # for the rare case

        failure = {"failed": True, "msg": f"{type(error).__name__}: {error}", "exception": traceback.format_exc()}
        _answer(failure)
        raise SystemExit(1) from error


def _answer(result: dict[str, Any]) -> None:
    sys.stdout.write(f"\n{json.dumps(result)}\n")


def _value(spec: dict[str, Any], given: Any) -> Any:
    """What is a path means one of the host, so it is expanded here and not on the controller."""
    value = spec.get("default") if given is None else given
    return os.path.expanduser(os.path.expandvars(value)) if spec.get("type") == "path" and value else value
