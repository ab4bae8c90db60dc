# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The shipped inventory, rendered as a run would."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, Callable

import pytest

ROOT = Path(__file__).resolve().parents[3]

# One real run per rendering: what a module would be given, after all templates.
PLAYBOOK = """
- hosts: toombos
  gather_facts: false
  tasks:
    - ansible.builtin.copy:
        content: "{{ vars_wanted | to_json }}"
        dest: "{{ rendered_file }}"
        mode: "0600"
      vars:
        vars_wanted:
          services: "{{ incident_services }}"
          host_probes: "{{ incident_host_probes }}"
          policy: "{{ incident_policy }}"
          target: "{{ incident_target }}"
          state_dir: "{{ incident_state_dir }}"
          groups: "{{ groups }}"
"""

Render = Callable[..., dict[str, Any]]


@pytest.fixture(scope="session")
def render_inventory(tmp_path_factory: pytest.TempPathFactory) -> Render:
    """Render the shipped inventory through ansible-playbook; keyword arguments are variables to override."""

    def render(**overrides: Any) -> dict[str, Any]:
        work = tmp_path_factory.mktemp("inventory")
        (work / "render.yml").write_text(PLAYBOOK)
        (work / "ansible.cfg").write_text("")
        extra = {**overrides, "ansible_become": False, "rendered_file": str(work / "out.json")}
        (work / "extra.json").write_text(json.dumps(extra))
        command = [
            str(Path(sys.executable).with_name("ansible-playbook")),
            "-i",
            str(ROOT / "inventory"),
            str(work / "render.yml"),
        ]
        settings = {
            "ANSIBLE_CONFIG": str(work / "ansible.cfg"),
            "ANSIBLE_HOME": str(work),
            "ANSIBLE_LOCAL_TEMP": str(work / "tmp"),
        }
        run = subprocess.run(
            [*command, "-e", f"@{work / 'extra.json'}"],
            env={**os.environ, **settings, "ANSIBLE_NOCOLOR": "1", "ANSIBLE_REMOTE_TEMP": str(work / "remote")},
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        assert run.returncode == 0, run.stdout + run.stderr
        rendered: dict[str, Any] = json.loads((work / "out.json").read_text())
        return {**rendered, "warnings": run.stderr}

    return render


@pytest.fixture(scope="session")
def toombos(render_inventory: Render) -> dict[str, Any]:
    """The shipped inventory as it is."""
    return render_inventory()
