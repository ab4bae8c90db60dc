# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The other ways to run: as an AWX project from a plain checkout, and as an installed collection by its full name."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
BIN = Path(sys.executable).parent


def copy_of_the_checkout(target: Path) -> Path:
    """What `git clone` would bring, with what is not committed yet."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, check=True, capture_output=True).stdout.decode()
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, target / name)
    return target


def run(command: list[Any], cwd: Path, home: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """A command with a home of its own and nothing of ours in its environment."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith("ANSIBLE_")}
    settings = {**kept, "HOME": str(home), "PATH": f"{BIN}:{os.environ['PATH']}", "ANSIBLE_NOCOLOR": "1", **environment}
    return subprocess.run(
        command,
        cwd=cwd,
        env=settings,
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        timeout=240,
        check=False,
    )


def awx_inventory(source: Path, target: Path, home: Path) -> None:
    """What AWX makes of an inventory file: it imports the file once, and hands every job a script that prints it."""
    command = ["ansible-inventory", "-i", source, "--list", "--export"]
    exported = run(command, target.parent.parent, home)
    assert exported.returncode == 0, exported.stderr
    target.parent.mkdir()
    target.write_text(f"#!/usr/bin/env python3\nprint({exported.stdout!r})\n")
    target.chmod(0o700)


def last_line(text: str) -> dict[str, Any]:
    """The machine-readable line."""
    line = next(line for line in reversed(text.splitlines()) if "INCIDENT_VERDICT" in line)
    content = json.loads(line.partition("INCIDENT_VERDICT ")[2])
    assert isinstance(content, dict)
    return content


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """An ephemeral home, as a job's container has one."""
    place = tmp_path / "ephemeral-home"
    place.mkdir()
    return place


def test_awx_runs_a_plain_checkout(fleet: Any, tmp_path: Path, home: Path) -> None:
    web = fleet(2)
    private = tmp_path / "private"
    project = copy_of_the_checkout(private / "project")
    assert not (project / ".ansible").exists(), "no link that make has laid"

    # The project update.
    collections = tmp_path / "requirements_collections"
    requirements = project / "collections" / "requirements.yml"
    install = ["ansible-galaxy", "collection", "install", "-r", requirements, "--offline"]
    done = run(install, project, home, ANSIBLE_COLLECTIONS_PATH=str(collections))
    assert done.returncode == 0, done.stdout + done.stderr
    assert (collections / "ansible_collections" / "toombos" / "incident" / "MANIFEST.json").exists()

    # The jobs: everything is text, there is no terminal, and the home goes away.
    awx_inventory(web.inventory, private / "inventory" / "hosts", home)
    (private / "env").mkdir()
    search = f"{collections}:{project}/.ansible/collections"

    def job(ident: str, **survey: str) -> tuple[subprocess.CompletedProcess[str], list[dict[str, Any]]]:
        (private / "env" / "extravars").write_text(json.dumps({"target": "web", "force": "false", "svc": "", **survey}))
        command = ["ansible-runner", "run", private, "-p", "recover.yml", "--ident", ident]
        finished = run(command, tmp_path, home, ANSIBLE_COLLECTIONS_PATH=search)
        events = private / "artifacts" / ident / "job_events"
        return finished, [json.loads(path.read_text()) for path in sorted(events.glob("*.json"))]

    planned = job("plan", plan="only", max_hosts="2")[0]
    assert planned.returncode == 0, planned.stdout + planned.stderr
    assert (last_line(planned.stdout)["status"], web.up()) == ("plan_only", [])

    recovered, events = job("recover", plan="")
    assert recovered.returncode == 0, recovered.stdout + recovered.stderr
    assert last_line(recovered.stdout)["status"] == "recovered"
    assert web.up() == ["w1", "w2"]
    stats = next(event for event in events if event["event"] == "playbook_on_stats")["event_data"]
    assert stats["artifact_data"]["incident_verdict"]["status"] == "recovered"

    refused = job("refused", plan="", max_hosts="1")[0]
    assert refused.returncode == 2
    assert last_line(refused.stdout)["status"] == "refused"
    assert (private / "artifacts" / "refused" / "status").read_text() == "failed"

    web.break_for_good("w2")
    web.close()
    failed, events = job("failed", plan="")
    assert failed.returncode == 2
    assert (private / "artifacts" / "failed" / "status").read_text() == "failed"
    assert (last_line(failed.stdout)["status"], last_line(failed.stdout)["red"]) == ("not_recovered", ["w2"])
    stats = next(event for event in events if event["event"] == "playbook_on_stats")["event_data"]
    assert stats["artifact_data"]["incident_verdict"]["red"] == ["w2"], "a workflow knows which hosts, also then"


def test_an_installed_collection_is_called_by_its_full_name(fleet: Any, tmp_path: Path, home: Path) -> None:
    web = fleet(1)
    source = copy_of_the_checkout(tmp_path / "any-name")
    built = run(["ansible-galaxy", "collection", "build", "--output-path", tmp_path / "dist"], source, home)
    assert built.returncode == 0, built.stderr
    (tarball,) = (tmp_path / "dist").glob("toombos-incident-*.tar.gz")
    collections = tmp_path / "collections"
    install = ["ansible-galaxy", "collection", "install", "--offline", "--no-deps", tarball, "-p", collections]
    assert run(install, tmp_path, home).returncode == 0

    empty = tmp_path / "elsewhere"
    empty.mkdir()
    command = ["ansible-playbook", "-i", web.inventory, "toombos.incident.recover", "-e", "target=web"]
    done = run(command, empty, home, ANSIBLE_COLLECTIONS_PATH=str(collections))
    assert done.returncode == 0, done.stdout + done.stderr
    assert last_line(done.stdout)["status"] == "recovered"
    triage = run([*command[:3], "toombos.incident.triage"], empty, home, ANSIBLE_COLLECTIONS_PATH=str(collections))
    assert last_line(triage.stdout)["status"] == "healthy"
    assert web.up() == ["w1"]
