# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A container that is a Toombos host: systemd as pid 1, prepared and reached over ssh as those of the scenarios."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import ansible
import recovery
from cases import Case
from trial import Trial

Say = Callable[[str], None]
LABEL = "toombos.incident.chaos"
_INSIDE = "/checkout/tests/chaos/inside.py"
_FLAGS = {"podman": ["--systemd=always"], "docker": ["--cgroupns=private", "--tmpfs=/run", "--tmpfs=/run/lock"]}
# A whole host in one connection, without a network: nothing listens, and nothing of this machine is opened.
_SSH = """Host {name}
  User root
  ProxyCommand {engine} exec -i {name} sh -c 'mkdir -p /run/sshd && exec /usr/sbin/sshd -i'
  IdentityFile {keys}/key
  IdentitiesOnly yes
  StrictHostKeyChecking no
  UserKnownHostsFile /dev/null
  LogLevel ERROR
"""
LIMIT = 600.0  # seconds of one case


class ContainerError(Exception):
    """The engine or the host in the container does not do what it should."""


class Container:
    """One host. ``home`` is a directory here that it shares."""

    def __init__(self, name: str, image: str, home: Path) -> None:
        self.engine = os.environ["INCIDENT_ENGINE"]
        self.name, self.image, self.home = name, image, home
        self.keys = home / "keys"
        self.inventory = ["-i", "molecule/inventory", "-i", str(home / "inventory.yml")]

    def up(self) -> None:
        """Boot, prepare, and render the catalogue. Raises ContainerError."""
        shutil.rmtree(self.home, ignore_errors=True)
        self.keys.mkdir(parents=True, mode=0o700)
        here = {recovery.ROOT: "/checkout", Path(ansible.__path__[0]): "/python/ansible"}
        mounts = [f"--volume={path}:{place}:ro" for path, place in here.items()]
        words = [f"--name={self.name}", f"--hostname={self.name}", f"--label={LABEL}={os.getpid()}", "--privileged"]
        words += ["--network=none", f"--volume={self.home}:/srv/chaos", *mounts, *_FLAGS[self.engine]]
        self._engine("run", "--detach", *words, self.image, "/sbin/init")
        self._booted()
        self._write()
        self._play("molecule/shared/prepare.yml", "--limit", self.name)
        recovery.render(self.name, self.inventory, self.home / "catalogue.json")

    def down(self) -> None:
        """Take it away, whatever state it is in."""
        at_once = ["--time", "0"] if self.engine == "podman" else []
        end = time.monotonic() + 30.0
        while self.name in self._engine("ps", "--all", "--filter", f"name={self.name}", "--format", "{{.Names}}"):
            # One that is just being started cannot be removed: then in the next moment.
            subprocess.run([self.engine, "rm", "--force", *at_once, self.name], capture_output=True, check=False)
            if time.monotonic() > end:
                raise ContainerError(f"{self.name} cannot be removed")
        shutil.rmtree(self.home, ignore_errors=True)

    def run(self, seed: int, case: Case, say: Say) -> Trial:
        """Run a case in it. Raises ContainerError when that could not be done."""
        settings = {"PYTHONPATH": "/python", "PYTHONPYCACHEPREFIX": "/var/tmp/python", "LC_ALL": "C.UTF-8"}
        words = [f"--env={key}={value}" for key, value in settings.items()]
        told = self.home / "told"
        with told.open("w+") as stderr:
            process = subprocess.Popen(
                [self.engine, "exec", "-i", *words, self.name, "timeout", f"{LIMIT:.0f}", "/usr/bin/python3", _INSIDE]
                + [str(seed), str(case.number)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=stderr,
                text=True,
                start_new_session=True,  # a Ctrl-C is for the campaign, which ends this one in its own way
            )
            trial = self._answered(process, case)
        if say is print:
            print(told.read_text(), end="")
        if trial is None:
            raise ContainerError(f"rc {process.returncode}: {told.read_text()[-2000:]}")
        return trial

    def _answered(self, process: subprocess.Popen[str], case: Case) -> Trial | None:
        """What it says at the end; on the way it may ask for the main job."""
        assert process.stdin is not None
        assert process.stdout is not None
        trial = None
        with process:
            for line in process.stdout:
                said = json.loads(line)
                if "playbook" in said:
                    catalogue = self.home / "catalogue.json"
                    outcome = recovery.play(self.name, self.inventory, catalogue, said["playbook"])
                    process.stdin.write(json.dumps(asdict(outcome)) + "\n")
                    process.stdin.flush()
                else:
                    trial = Trial.load(case, said["trial"])
        return trial

    def _booted(self) -> None:
        end = time.monotonic() + 60.0
        while self._engine("exec", self.name, "systemctl", "is-system-running", check=False) not in (
            "running",
            "degraded",
        ):
            if time.monotonic() > end:
                raise ContainerError(f"{self.name} has not booted")
            time.sleep(0.3)

    def _write(self) -> None:
        """How it is reached."""
        key = self.keys / "key"
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)], check=True)
        (self.keys / "ssh_config").write_text(_SSH.format(name=self.name, engine=self.engine, keys=self.keys))
        add = "install -d -m 700 ~root/.ssh && cat /srv/chaos/keys/key.pub >~root/.ssh/authorized_keys"
        self._engine("exec", self.name, "sh", "-c", add)
        host = {self.name: {"fleet_keys": str(self.keys)}}
        (self.home / "inventory.yml").write_text(json.dumps({"everything": {"hosts": host}}))

    def _play(self, *words: str) -> None:
        command = [str(Path(sys.executable).with_name("ansible-playbook")), "-i", "inventory", *self.inventory, *words]
        environment = {**os.environ, **recovery.ENV, "MOLECULE_PROJECT_DIRECTORY": str(recovery.ROOT)}
        done = subprocess.run(
            command, cwd=recovery.ROOT, env=environment, capture_output=True, text=True, check=False, timeout=400
        )
        if done.returncode:
            raise ContainerError(f"{words[0]} failed on {self.name}: {done.stdout[-2000:]}{done.stderr[-500:]}")

    def _engine(self, *words: str, check: bool = True) -> str:
        done = subprocess.run(
            [self.engine, *words], capture_output=True, text=True, check=False, timeout=120, start_new_session=True
        )
        if check and done.returncode:
            raise ContainerError(f"{self.engine} {words[0]}: {done.stderr.strip()[-500:]}")
        return done.stdout.strip()
