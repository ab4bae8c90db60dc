# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a worker runs its cases: a lab, or a container. Both are made when the first case comes, and can be renewed."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from cases import CONTAINERS, LAB, Case
from container import LABEL, Container, ContainerError, Say
from faults import Scene, dismiss
from lab_world import LabWorld
from ports import free_ports
from trial import Trial, run

HOME = Path(__file__).resolve().parent.parent.parent / "build" / "chaos"


class Ground(Protocol):
    """A place for cases, one after the other."""

    def run(self, case: Case, say: Say) -> Trial:
        """Run one. Raises when the place itself does not do what it should; end() makes it usable again."""

    def stop(self) -> None:
        """Nobody waits for what runs here; it may end early, and what is left is for end()."""

    def end(self) -> None:
        """Take everything away."""

    def where(self) -> str:
        """For a person who looks at what is kept."""


class LabGround:
    """A lab in build/chaos."""

    def __init__(self, name: str, _seed: int) -> None:
        self._home = HOME / f"lab-{name}"
        self._scene: Scene | None = None

    def run(self, case: Case, say: Say) -> Trial:
        """On the lab."""
        self._scene = self._scene or self._new()
        return run(self._scene, case, say)

    def stop(self) -> None:
        """Nothing: a case on a lab is over soon, and what it has started must be known when the lab is taken down."""

    def end(self) -> None:
        """Take the lab down, with whoever holds its ports."""
        if self._scene:
            dismiss(self._scene)
            self._scene = None
        self._lab().down()
        shutil.rmtree(self._home, ignore_errors=True)

    def where(self) -> str:
        """Its directory."""
        return f"the lab is in {self._home}"

    def _new(self) -> Scene:
        self.end()  # a campaign that was killed may have left its lab up
        (self._home / "aside").mkdir(parents=True)
        lab = self._lab(free_ports())
        return Scene(lab, self._home / "aside")

    def _lab(self, base_port: int = 0) -> LabWorld:
        """The lab that is there, or a new one."""
        return LabWorld(self._home / "lab", base_port, say=lambda _words: None)


class ContainerGround:
    """A container of this campaign. The two images take turns."""

    def __init__(self, name: str, seed: int) -> None:
        self._name, self._seed = f"chaos-{os.getpid()}-{secrets.token_hex(3)}-{name}", seed
        images = [os.environ["INCIDENT_IMAGE"], os.environ.get("INCIDENT_IMAGE_OLD") or os.environ["INCIDENT_IMAGE"]]
        self._image = images[int(name) % 2 if name.isdigit() else 0]
        self._container: Container | None = None
        self._stopped = False

    def run(self, case: Case, say: Say) -> Trial:
        """In the container."""
        self._container = self._container or self._new()
        return self._container.run(self._seed, case, say)

    def stop(self) -> None:
        """Remove it under the feet of what runs in it."""
        self._stopped = True
        self.end()

    def end(self) -> None:
        """Remove it."""
        Container(self._name, self._image, HOME / self._name).down()
        self._container = None

    def _new(self) -> Container:
        container = Container(self._name, self._image, HOME / self._name)
        try:
            container.up()
        except (ContainerError, subprocess.SubprocessError):
            container.down()
            if self._stopped:
                raise
            # The start of a container fails now and then on a loaded machine.
            container.up()
        return container

    def where(self) -> str:
        """Its name."""
        return f"the container is {self._name}"


GROUNDS: dict[str, Callable[[str, int], Ground]] = {LAB: LabGround, CONTAINERS: ContainerGround}


def sweep() -> None:
    """Remove containers of campaigns that were killed."""
    engine = os.environ["INCIDENT_ENGINE"]
    words = [engine, "ps", "--all", "--filter", f"label={LABEL}", "--format", "{{.Names}}"]
    for name in subprocess.run(words, capture_output=True, text=True, check=True).stdout.split():
        pid = name.split("-")[1]
        with contextlib.suppress(OSError):
            if Path(f"/proc/{pid}/cmdline").read_bytes():
                continue
        Container(name, "", HOME / name).down()
