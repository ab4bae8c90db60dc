# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run ansible-test in the mirror of this checkout: ``ansible_test.py sanity | units | integration [option ...]``.

``sanity`` judges what is released, on this Python, and whether it compiles and can be imported on the oldest and the
newest one of this machine as well. Unit tests are left to ruff and mypy, which are stricter. ``sanity --everything``
judges all files on every Python.

It supplies what ansible-test takes for granted: the file it bootstraps pip with (a download elsewhere), older Pythons
on the path, as far as this machine has any, and a look at whether there were files to test at all.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from mirror import MIRROR, ROOT

PIP_STAND_IN = ROOT / "tools" / "get_pip.py"
# The names under which the releases 2.16/2.17, 2.18/2.19 and 2.20/2.21 look for it.
PIP_CACHE = ("get_pip_23_1_2.py", "get_pip_24_2.py", "get_pip_25_2.py")
OLDEST, NEWER = 8, 4  # minor versions: the oldest Python of hosts, and how many newer ones than this may be there
MUST_SEE = ("plugins/modules/health_check.py", "plugins/modules/service_recovery.py")


def supply_pip() -> None:
    """Put the stand-in where ansible-test looks before it downloads; a real one that is there stays."""
    cache = Path.home() / ".ansible" / "test" / "cache"
    cache.mkdir(parents=True, exist_ok=True)
    for name in PIP_CACHE:
        if not (cache / name).exists():
            shutil.copyfile(PIP_STAND_IN, cache / name)


def environment() -> dict[str, str]:
    """This environment with the folders of other Pythons (pyenv's, as its shims may lead nowhere) before the path."""
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    others = sorted(str(path.parent) for path in pyenv.glob("versions/*/bin/python3.*[0-9]") if path.is_file())
    own = str(Path(sys.executable).parent)
    return {**os.environ, "PATH": os.pathsep.join(dict.fromkeys([own, *others, os.environ["PATH"]]))}


def check_files(env: dict[str, str]) -> None:
    """Stop when ansible-test does not see the modules: it would pass on nothing."""
    command = ["ansible-test", "env", "--list-files"]
    listed = subprocess.run(command, cwd=MIRROR, env=env, check=True, stdout=subprocess.PIPE, text=True).stdout
    files = listed.split()
    missing = sorted(set(MUST_SEE) - set(files))
    if missing:
        sys.exit(f"ansible-test sees {len(files)} files, and these are not among them: {', '.join(missing)}.")
    print(f"ansible-test sees {len(files)} files.", flush=True)


def pythons(env: Mapping[str, str]) -> list[str]:
    """Those from the oldest that hosts may have on which can be started here, the oldest first: ``3.8``."""
    found = []
    for minor in range(OLDEST, sys.version_info[1] + NEWER):
        program = shutil.which(f"python3.{minor}", path=env["PATH"])
        if program and not subprocess.run([program, "-c", ""], check=False, stderr=subprocess.DEVNULL).returncode:
            found.append(f"3.{minor}")
    return found


def commands(arguments: Sequence[str], env: Mapping[str, str]) -> list[list[str]]:
    """What to run, one after the other."""
    verb, *options = arguments
    own = "{}.{}".format(*sys.version_info)
    if verb != "sanity":
        return [[verb, *options, "--python", own]]
    if "--everything" in options:
        return [[verb]]
    there = pythons(env)
    others = [each for each in dict.fromkeys((*there[:1], *there[-1:])) if each != own]
    loads = ["--test", "compile", "--test", "import"]
    return [
        [verb, *options, "--exclude", "tests/unit/", "--python", own],
        *([verb, *options, "--exclude", "tests/unit/", *loads, "--python", each] for each in others),
    ]


def main(arguments: Sequence[str]) -> int:
    """Run one of ansible-test's commands; returns its exit code."""
    supply_pip()
    env = environment()
    check_files(env)
    codes = [
        subprocess.run(["ansible-test", *each, "--local", "--color", "no"], cwd=MIRROR, env=env, check=False).returncode
        for each in commands(arguments, env)
    ]
    return max(codes)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
