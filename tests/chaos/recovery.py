# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Running a recovery: the module as Ansible runs it on a host, or the whole main job."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from world import World

ROOT = Path(__file__).resolve().parent.parent.parent
MODULE = "ansible_collections.toombos.incident.plugins.modules.service_recovery"
HARD_LIMIT = 120.0  # seconds; whatever takes longer hangs
DEADLINE = "90s"
# Of a lab's services, which start in a second: a case should not wait for what never comes.
READY_TIMEOUT = "20s"
IMPATIENT = {"toombos_probe_timeout": "1500ms", "toombos_preview_timeout": "2s", "toombos_probe_period": "500ms"}
BUSY = "Another recovery is at work"
ENV = {"ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"), "ANSIBLE_NOCOLOR": "1", "COLUMNS": "120", "LC_ALL": "C.UTF-8"}


@dataclass(frozen=True)
class Outcome:
    """A recovery that has ended. ``causes``: service → condition of the root causes, ``sick`` of all that are red."""

    rc: int
    seconds: float
    recovered: bool = False
    changed: bool = False
    message: str = ""
    causes: dict[str, str] = field(default_factory=dict)
    sick: dict[str, str] = field(default_factory=dict)
    hung: bool = False
    raw: str = ""

    @property
    def refused(self) -> bool:
        """Whether it did not begin because another one is at work."""
        return self.rc != 0 and BUSY in self.message


class Running:
    """A recovery that was started."""

    def __init__(self, command: list[str], env: dict[str, str], playbook: bool) -> None:
        self._playbook = playbook
        self._began = time.monotonic()
        self.process = subprocess.Popen(
            command,
            cwd=ROOT,
            env={**os.environ, **ENV, **env},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def cut(self, after: float, how: signal.Signals) -> bool:
        """Send it a signal after so many seconds; False when it was faster."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(max(0.0, after - (time.monotonic() - self._began)))
            return False
        self.process.send_signal(how)
        return True

    def outcome(self) -> Outcome:
        """Wait for its end, but not for ever."""
        hung = False
        try:
            out, err = self.process.communicate(timeout=HARD_LIMIT)
        except subprocess.TimeoutExpired:
            hung = True
            self.process.send_signal(signal.SIGABRT)  # faulthandler says where
            time.sleep(0.5)
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
            out, err = self.process.communicate()
        seconds = time.monotonic() - self._began
        read = _read_playbook if self._playbook else _read_module
        try:
            return Outcome(self.process.returncode, seconds, hung=hung, raw=out + err, **read(out))
        except (ValueError, KeyError, IndexError):
            return Outcome(self.process.returncode, seconds, hung=hung, raw=out + err, message=(out + err)[-300:])


def module(lab: World, stable_for: str, patience: str) -> Running:
    """Start the module, which waits so long for another one."""
    lab.render_catalogue()
    catalogue = json.loads(lab.catalogue.read_text())
    options = {
        "services": catalogue["incident_services"],
        "host_probes": catalogue["incident_host_probes"],
        "stable_for": stable_for,
        "deadline": DEADLINE,
        "lock_timeout": patience,
        "state_dir": str(lab.state),
        "reason": "chaos",
    }
    file = lab.home / "module-arguments.json"
    # In one step: on a busy machine the run before this one has perhaps not read it yet.
    new = file.with_suffix(f".{os.getpid()}-{threading.get_ident()}")
    new.write_text(json.dumps({"ANSIBLE_MODULE_ARGS": options}))
    new.replace(file)
    command = [sys.executable, "-X", "faulthandler", "-m", MODULE, str(file)]
    # What is there already is ansible-core, on a host that has none of its own.
    path = [str(ROOT / ".ansible" / "collections"), *filter(None, [os.environ.get("PYTHONPATH")])]
    return Running(command, {"PYTHONPATH": os.pathsep.join(path)}, playbook=False)


def play(target: str, inventory: list[str], catalogue: Path, stable_for: str) -> Outcome:
    """Run the main job. ``inventory``: arguments beside the inventory of Toombos."""
    policy = json.dumps(
        {
            # What comes after a restart has trials of its own.
            "incident_policy": {"stable_for": stable_for, "deadline": DEADLINE, "ladder": ["restart"]},
            "incident_evidence": {"mode": "skip", "reason": "a campaign looks at what a recovery does"},
        }
    )
    command = [_tool("ansible-playbook"), "-i", "inventory", *inventory, "recover.yml", "-e", f"target={target}"]
    return Running([*command, "-e", f"@{catalogue}", "-e", policy], {}, playbook=True).outcome()


def render(target: str, inventory: list[str], file: Path) -> None:
    """Write the inventory's own catalogue of this host to a file here, but less patient."""
    wanted = "{{ {'incident_services': incident_services, 'incident_host_probes': incident_host_probes} | to_json }}"
    arguments = json.dumps({"content": wanted, "dest": str(file)})
    command = [_tool("ansible"), target, "-i", "inventory", *inventory, "-m", "ansible.builtin.copy", "-a", arguments]
    here = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable, "ansible_become": False}
    command += ["-e", json.dumps({**IMPATIENT, **here})]
    subprocess.run(command, cwd=ROOT, env={**os.environ, **ENV}, check=True, text=True, capture_output=True)
    content = json.loads(file.read_text())
    content["incident_services"]["main"]["limits"]["ready_timeout"] = READY_TIMEOUT
    file.write_text(json.dumps(content))


def _tool(name: str) -> str:
    return str(Path(sys.executable).with_name(name))


def _read_module(out: str) -> dict[str, Any]:
    content = json.loads(out)
    services = content.get("services", [])
    return {
        "recovered": bool(content.get("recovered")),
        "changed": bool(content.get("changed")),
        "message": str(content.get("msg", "")),
        "causes": {cause["service"]: cause["condition"] for cause in content.get("verdict", {}).get("root_causes", [])},
        "sick": {one["name"]: one["condition"] for one in services if one["condition"] != "healthy"},
    }


def _read_playbook(out: str) -> dict[str, Any]:
    verdict = json.loads(out.rstrip().splitlines()[-1].partition("INCIDENT_VERDICT ")[2])
    causes = {cause["service"]: cause["condition"] for cause in verdict["root_causes"]}
    return {
        "recovered": verdict["status"] in ("recovered", "healthy"),
        "changed": bool(verdict["changed"]),
        "message": verdict["status"],
        "causes": causes,
        "sick": causes,
    }
