# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The compose program, for what only it can do: read the declared files, and create what is not there.

Version 2 (``docker compose``), version 1 (``docker-compose``) and ``podman-compose`` take the same arguments here, as
far as they have them.
"""

from __future__ import annotations

import functools
import json
import os
import re
import shutil
from dataclasses import replace
from typing import Mapping

from ansible_collections.toombos.incident.plugins.module_utils._catalogue.types import ManagerSpec
from ansible_collections.toombos.incident.plugins.module_utils._command import CommandResult, run_command
from ansible_collections.toombos.incident.plugins.module_utils._errors import ManagerError
from ansible_collections.toombos.incident.plugins.module_utils._redact import redact

_HASH_TIMEOUT = 5.0
_MOST_DEFINITION = 8 * 1024 * 1024
_HASH = re.compile(r"[0-9a-f]{64}")
_PLUGIN = "docker-compose"
_PLUGIN_DIRECTORIES = ("/usr/local/lib", "/usr/local/libexec", "/usr/lib", "/usr/libexec")
# The words of a program that is no compose, or an older one: they say nothing about the files.
_NOT_UNDERSTOOD = re.compile(
    r"is not a docker command|unknown (?:shorthand )?flag|unrecognized (?:arguments|command)|invalid choice"
    r"|compose provider|No such command"
)


def run_compose(
    spec: ManagerSpec, *arguments: str, timeout: float, stdin: bytes = b"", max_output: int = 65536
) -> CommandResult:
    """Run it for the service's project and files, against the service's engine."""
    environment = _environment(spec)
    program = spec.compose or find_compose(spec.socket or "", environment)
    if not program:
        nothing = "no compose program is installed (docker compose, docker-compose or podman-compose)"
        return CommandResult(None, "", "", False, 0.0, nothing)
    files = [word for file in spec.files for word in ("-f", file)]
    # podman-compose does not know the option: it takes the directory of the first file.
    chosen = spec.project_directory if os.path.basename(program[-1]) != "podman-compose" else None
    directory = ["--project-directory", chosen] if chosen else []
    argv = [*program, "-p", spec.project or "", *files, *directory, *arguments]
    return run_command(argv, timeout=timeout, env=environment, stdin=stdin, max_output=max_output)


def find_compose(socket: str, environment: Mapping[str, str]) -> tuple[str, ...]:
    """What the host has, without running anything; empty when there is none. On Podman's socket its own come first."""

    def has(program: str) -> bool:
        return shutil.which(program, path=environment.get("PATH")) is not None

    docker = [
        (("docker", "compose"), has("docker") and _has_plugin(environment)),
        (("docker-compose",), has("docker-compose")),
    ]
    podman = [(("podman-compose",), has("podman-compose")), (("podman", "compose"), has("podman"))]
    candidates = podman + docker if "podman" in socket else docker + podman
    return next((program for program, there in candidates if there), ())


def definition_error(spec: ManagerSpec, timeout: float) -> str:
    """Why compose rejects the declared files, one redacted line; empty when it does not, or could not be asked."""
    if not spec.files:
        return ""
    # Without -q, which not all of them know. What it prints has secrets in it and goes nowhere.
    answer = run_compose(spec, "config", timeout=timeout)
    if answer.error or answer.timed_out or answer.rc in (0, None) or _NOT_UNDERSTOOD.search(answer.stderr):
        return ""
    return _last_words(answer.stderr) or f"{spec.files[0]}: compose ends with rc {answer.rc}"


def is_changed(spec: ManagerSpec, known: str) -> bool:
    """Whether the files define the service differently from ``known``, the hash that its container carries."""
    if not spec.files or not known:
        return False
    written = tuple(_modified(file) for file in spec.files)
    now = _hash_of(spec, written)
    return bool(now) and now != known and _hash_alone(spec, written) != known


def newest_file(spec: ManagerSpec) -> float:
    """When the youngest of the files was written, in seconds since the epoch; 0 without files."""
    return max((_modified(file) for file in spec.files), default=0.0)


def create(spec: ManagerSpec, timeout: float) -> str:
    """Create and start the service as the files define it, and nothing else of the project; the program's last words.

    Raises ManagerError. An old podman-compose says that all went well whatever happened: look whether it is there.
    """
    answer = run_compose(spec, "up", "-d", "--no-deps", spec.service or "", timeout=timeout)
    said = _last_words(answer.stderr)
    if answer.rc == 0:
        return said
    why = answer.error or said or f"rc {answer.rc}"
    if answer.timed_out:
        why = f"not done after {timeout:.0f} s (an image that must be pulled? raise limits.ready_timeout)"
    raise ManagerError(f"compose could not create {spec.project}/{spec.service}: {why.rstrip('.')}.")


@functools.lru_cache(maxsize=64)
def _hash_of(spec: ManagerSpec, written: tuple[float, ...]) -> str:  # noqa: ARG001 - asked again when a file changes
    return _read_hash(run_compose(spec, "config", f"--hash={spec.service}", timeout=_HASH_TIMEOUT))


@functools.lru_cache(maxsize=64)
def _hash_alone(spec: ManagerSpec, written: tuple[float, ...]) -> str:  # noqa: ARG001 - as above
    """The hash of a container that was created with --no-deps: compose forgets depends_on then, and hashes the rest."""
    told = run_compose(spec, "config", "--format", "json", timeout=_HASH_TIMEOUT, max_output=_MOST_DEFINITION)
    try:
        model = json.loads(told.stdout)
        model["services"][spec.service].pop("depends_on", None)
    except (ValueError, KeyError, TypeError, AttributeError):
        return ""  # version 1, which hashes all of it
    place = spec.project_directory or os.path.dirname(spec.files[0])
    alone = replace(spec, files=("-",), project_directory=place)
    asked = f"--hash={spec.service}"
    return _read_hash(run_compose(alone, "config", asked, timeout=_HASH_TIMEOUT, stdin=json.dumps(model).encode()))


def _read_hash(answer: CommandResult) -> str:
    words = answer.stdout.split()
    return words[-1] if answer.rc == 0 and len(words) == 2 and _HASH.fullmatch(words[-1]) else ""


def _modified(path: str) -> float:
    try:
        return os.stat(path).st_mtime
    except OSError:
        return 0.0


def _environment(spec: ManagerSpec) -> dict[str, str]:
    kept = {name: os.environ[name] for name in ("HOME", "DOCKER_CONFIG", "CONTAINERS_CONF") if name in os.environ}
    path = os.environ.get("PATH", os.defpath)
    return {**kept, "PATH": f"{path}:/usr/local/bin", "LC_ALL": "C.UTF-8", "DOCKER_HOST": f"unix://{spec.socket}"}


def _has_plugin(environment: Mapping[str, str]) -> bool:
    own = environment.get("DOCKER_CONFIG") or os.path.join(environment.get("HOME", "/root"), ".docker")
    places = [own, *(os.path.join(directory, "docker") for directory in _PLUGIN_DIRECTORIES)]
    return any(os.access(os.path.join(place, "cli-plugins", _PLUGIN), os.X_OK) for place in places)


def _last_words(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return redact(" / ".join(lines[-4:]))[:300]
