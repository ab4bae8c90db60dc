# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import hashlib
import json
import sys
from dataclasses import replace

import pytest

from ansible_collections.toombos.incident.plugins.module_utils._catalogue.types import ManagerSpec
from ansible_collections.toombos.incident.plugins.module_utils._managers import compose_program as module

PODMAN, DOCKER = "/run/podman/podman.sock", "/var/run/docker.sock"
# Hashes what a service is made of, as version 2 does.
PROGRAM = """#!{python}
import hashlib, json, os, sys
file = sys.argv[sys.argv.index("-f") + 1]
model = json.load(sys.stdin if file == "-" else open(file))
service = model["services"]["web"]
if "--format" in sys.argv:
    print(json.dumps(model))
elif sys.argv[-1] == "--hash=web":
    print("web", hashlib.sha256(json.dumps(service, sort_keys=True).encode()).hexdigest())
elif sys.argv[-1] == "config":
    sys.stderr.write(service.get("complaint", "") + os.environ["DOCKER_HOST"])
    sys.exit(service.get("rc", 0))
"""


def executable(path, text="#!/bin/sh\n"):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)
    return path


def declared(tmp_path, **service):
    """A service that is defined in a file, and a program that reads it."""
    file = tmp_path / "compose.json"
    file.write_text(json.dumps({"services": {"web": service}}))
    program = executable(tmp_path / "program", PROGRAM.format(python=sys.executable))
    return ManagerSpec(
        "compose", project="p", service="web", socket=DOCKER, files=(str(file),), compose=(str(program),)
    )


def hash_of(**service):
    return hashlib.sha256(json.dumps(service, sort_keys=True).encode()).hexdigest()


@pytest.mark.parametrize(
    ("programs", "socket", "found"),
    [
        (["docker", "plugin", "docker-compose", "podman-compose"], DOCKER, ("docker", "compose")),
        (["docker", "docker-compose", "podman-compose"], DOCKER, ("docker-compose",)),
        (["plugin", "podman-compose"], DOCKER, ("podman-compose",)),
        (["docker", "plugin", "podman-compose", "podman"], PODMAN, ("podman-compose",)),
        (["docker-compose", "podman"], PODMAN, ("podman", "compose")),
        (["docker-compose"], PODMAN, ("docker-compose",)),
        (["docker"], DOCKER, ()),
        ([], DOCKER, ()),
    ],
)
def test_what_the_host_has_is_found_without_running_it(tmp_path, monkeypatch, programs, socket, found):
    monkeypatch.setattr(module, "_PLUGIN_DIRECTORIES", (str(tmp_path / "lib"),))
    for program in programs:
        plugin = tmp_path / "lib/docker/cli-plugins/docker-compose"
        executable(plugin if program == "plugin" else tmp_path / "bin" / program)
    environment = {"PATH": str(tmp_path / "bin"), "HOME": str(tmp_path)}
    assert module.find_compose(socket, environment) == found


def test_a_plugin_of_the_user_counts(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "_PLUGIN_DIRECTORIES", ())
    executable(tmp_path / "bin/docker")
    executable(tmp_path / ".docker/cli-plugins/docker-compose")
    environment = {"PATH": str(tmp_path / "bin"), "HOME": str(tmp_path)}
    assert module.find_compose(DOCKER, environment) == ("docker", "compose")


def test_files_that_compose_accepts_have_no_error(tmp_path):
    assert module.definition_error(declared(tmp_path, complaint="deprecated: version"), 20.0) == ""


def test_files_that_compose_rejects_have_its_last_words_without_secrets(tmp_path):
    spec = declared(tmp_path, rc=15, complaint="services.web Additional property portz is not allowed\ntoken=abc at ")
    assert module.definition_error(spec, 20.0) == (
        "services.web Additional property portz is not allowed / token=*** at unix:///var/run/docker.sock"
    )


@pytest.mark.parametrize(
    "words",
    [
        "unknown shorthand flag: 'p' in -p",
        "docker: 'compose' is not a docker command.",
        "Error: looking up compose provider failed",
        "podman-compose: error: unrecognized arguments: --project-directory",
    ],
)
def test_a_program_that_is_no_compose_proves_nothing(tmp_path, words):
    assert module.definition_error(declared(tmp_path, rc=125, complaint=words), 20.0) == ""


def test_a_program_that_cannot_be_run_proves_nothing(tmp_path):
    spec = declared(tmp_path)
    (tmp_path / "program").unlink()
    assert module.definition_error(spec, 20.0) == ""


def test_without_files_nothing_is_asked():
    spec = ManagerSpec("compose", project="p", service="web", socket=DOCKER, compose=("/none",))
    assert module.definition_error(spec, 20.0) == ""
    assert module.is_changed(spec, "a" * 64) is False
    assert module.newest_file(spec) == 0.0


def test_a_definition_is_changed_when_no_hash_of_it_is_the_containers(tmp_path):
    spec = declared(tmp_path, image="a", depends_on={"db": {}})
    assert module.is_changed(spec, hash_of(image="a", depends_on={"db": {}})) is False
    assert module.is_changed(spec, hash_of(image="b", depends_on={"db": {}})) is True
    assert module.is_changed(spec, "") is False


def test_a_container_that_was_created_without_its_dependencies_is_as_defined(tmp_path):
    spec = declared(tmp_path, image="a", depends_on={"db": {}})
    assert module.is_changed(spec, hash_of(image="a")) is False
    assert module.is_changed(spec, hash_of(image="b")) is True


def test_a_file_that_is_written_again_is_read_again(tmp_path):
    spec = declared(tmp_path, image="a")
    assert module.is_changed(spec, hash_of(image="a")) is False
    declared(tmp_path, image="b")
    assert module.is_changed(spec, hash_of(image="a")) is True


def test_a_host_without_compose_says_what_it_lacks(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "find_compose", lambda _socket, _environment: ())
    answer = module.run_compose(replace(declared(tmp_path, image="a"), compose=()), "config", timeout=5.0)
    assert answer.error.startswith("no compose program is installed")


@pytest.mark.parametrize(("program", "passed"), [("docker-compose", True), ("podman-compose", False)])
def test_podman_compose_has_no_option_for_the_directory(tmp_path, program, passed):
    path = executable(tmp_path / program, '#!/bin/sh\necho "$@"\n')
    spec = ManagerSpec("compose", project="p", service="web", project_directory="/opt/app", compose=(str(path),))
    said = module.run_compose(spec, "config", timeout=20.0).stdout.strip()
    assert said == ("-p p --project-directory /opt/app config" if passed else "-p p config")
