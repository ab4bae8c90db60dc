# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who does the procedure: three probes, stop what is red, clear temporary files, ordered start, wait, smoke test."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import yaml
from hosts import HERE, Fleet

ROOT = HERE.parent.parent
THEIRS = HERE / "competitors"
BIN = Path(sys.executable).parent
FLOOR, BASH, PLAYBOOK, PYINFRA, OURS, SHIPPED = (
    "ssh true",
    "bash, parallel ssh",
    "playbook",
    "pyinfra",
    "recover.yml",
    "recover.yml, as shipped",
)


@dataclass(frozen=True)
class Competitor:
    """``command`` is run in the checkout. ``recovers`` is false for the floor, which does nothing."""

    name: str
    command: Sequence[str]
    environment: dict[str, str] = field(default_factory=dict)
    recovers: bool = True


def competitors(fleet: Fleet, names: Sequence[str]) -> list[Competitor]:
    """Those of these names, ready to run."""
    home = fleet.home
    addresses = [host.address for host in fleet.hosts]
    ssh = [str(home / "ssh_config"), *addresses]
    control = {"SUPERVISORCTL": f"{BIN}/supervisorctl -c /run/bench/supervisord.conf"}
    play = [str(BIN / "ansible-playbook"), *inventory(fleet)]
    ours = {"ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"), "XDG_STATE_HOME": str(home / "controller")}
    plain = {"ANSIBLE_CONFIG": str(THEIRS / "plain.cfg")}
    supervisorctl = f"supervisorctl_path={BIN}/supervisorctl"
    shipped = "bench_failures=2 bench_period=1s bench_stable_for=2s evidence=wanted"
    made = [
        Competitor(FLOOR, [str(THEIRS / "floor.sh"), *ssh], recovers=False),
        Competitor(BASH, [str(THEIRS / "parallel_ssh.sh"), *ssh], control),
        Competitor(PLAYBOOK, [*play, "-e", supervisorctl, str(THEIRS / "plain.yml")], plain),
        Competitor(OURS, [*play, "recover.yml"], ours),
        Competitor(SHIPPED, [*play, "-e", shipped, "recover.yml"], ours),
    ]
    pyinfra = home / "venv" / "bin" / "pyinfra"
    if pyinfra.exists():
        command = [str(pyinfra), "-y", "--parallel", str(len(addresses)), str(_pyinfra_inventory(fleet))]
        made.insert(3, Competitor(PYINFRA, [*command, str(THEIRS / "pyinfra_deploy.py")], control))
    return [each for each in made if each.name in names]


def inventory(fleet: Fleet) -> list[str]:
    """Options of Ansible: the hosts, and as many forks."""
    addresses = {"ansible_ssh_common_args": f"-F {fleet.home}/ssh_config"}
    hosts = {host.name: {"ansible_host": host.address} for host in fleet.hosts}
    written = fleet.home / "hosts.yml"
    written.write_text(yaml.safe_dump({"bench": {"hosts": hosts, "vars": addresses}}))
    forks = ["--forks", str(len(hosts))]
    return ["-i", str(THEIRS / "inventory.yml"), "-i", str(written), *forks]


def _pyinfra_inventory(fleet: Fleet) -> Path:
    data = {
        "ssh_user": "root",
        "ssh_key": str(fleet.home / "id"),
        "ssh_known_hosts_file": str(fleet.home / "known_hosts"),
        "ssh_strict_host_key_checking": "yes",
    }
    written = fleet.home / "pyinfra_inventory.py"
    written.write_text(f"hosts = {[(host.address, data) for host in fleet.hosts]!r}\n")
    return written
