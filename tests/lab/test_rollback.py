# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The ladder on the lab: a broken configuration is found, rolled back and confirmed, without a hint of a person."""

from __future__ import annotations

import io
import json
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "unit/plugins/modules"))

from gpg_keys import exported, key_ring

from ansible_collections.toombos.incident.plugins.module_utils._generations.store import Store
from ansible_collections.toombos.incident.plugins.module_utils._generations.types import BEFORE_ROLLBACK

BROKEN = {
    "bad-env": "METRICS_PORT",
    "unknown-setting": "maintenance_mode",
    "empty-env": "/.env: it is empty",
    "missing-env": "/.env: it is missing",
    "truncated-env": "DRY_RUN_MODE, USE_MOCK_SERVICES must have a value",
}
SECRET = "lab-only-0123456789abcdef"
NOBODY = ("-e", "reason='nobody was asked, a test'")


def unpacked(path: Path, content: bytes) -> bytes:
    """What a file of a bag was on the host."""
    program = {".zst": "zstdcat", ".gz": "zcat"}.get(path.suffix, "cat")
    return subprocess.run([program], input=content, capture_output=True, check=True).stdout


@pytest.fixture
def healthy(lab: Any) -> Any:
    """A lab that is healthy before and mended after."""
    yield lab
    lab.mend()


@pytest.fixture
def proven(healthy: Any) -> Any:
    """One whose configuration is known to be good."""
    run = healthy.play("recover.yml")
    assert (run.rc, run.verdict["status"], run.verdict["changed"]) == (0, "healthy", []), run.screen
    return healthy


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_configuration_ends_healthy(proven: Any, name: str) -> None:
    lab, good = proven, (proven.app / ".env").read_bytes()
    others = {(process.pid, process.start) for words in ("standin.py", "mocks/") for process in lab.of(words)}
    lab.break_(name)
    bad = (lab.app / ".env").read_bytes() if (lab.app / ".env").exists() else None
    assert bad != good

    files = lab.files()
    rehearsal = lab.play("recover.yml", "--check", "--diff")
    assert (rehearsal.rc, rehearsal.verdict["status"]) == (0, "check_mode"), rehearsal.screen
    assert "roll_back_config main" in rehearsal.screen
    assert lab.files() == files, "check mode writes nothing"

    run = lab.play("recover.yml", "-vvv")
    assert (run.rc, run.verdict["status"], run.verdict["changed"]) == (0, "recovered", ["lab"]), run.screen
    assert run.verdict["plan_hash"] == rehearsal.verdict["plan_hash"]
    assert BROKEN[name] in " ".join(run.screen.split())
    assert "configuration rolled back" in run.screen
    assert "is confirmed" in " ".join(run.screen.split())
    assert (lab.app / ".env").read_bytes() == good
    assert (lab.app / ".env").stat().st_mode & 0o777 == 0o600
    assert [lab.answers(each) for each in lab.ports] == [200] * 7
    assert {(process.pid, process.start) for words in ("standin.py", "mocks/") for process in lab.of(words)} == others
    assert SECRET not in run.screen + rehearsal.screen
    kept = Store(str(lab.home / "store" / "generations"))
    before = [each for each in kept.generations("main") if each.origin == BEFORE_ROLLBACK][-1]
    (entry,) = [each for each in before.entries if each.path.endswith("/.env")]
    assert (b"".join(kept.content(entry.sha256)) if entry.sha256 else None) == bad, "nothing is lost"
    assert (lab.home / "store" / "generations").stat().st_mode & 0o777 == 0o700


@pytest.mark.skipif(not shutil.which("gpg"), reason="there is no gpg")
def test_the_broken_version_is_in_a_sealed_package_before_it_goes(proven: Any) -> None:
    lab = proven
    lab.break_("bad-env")
    bad = (lab.app / ".env").read_bytes()
    with key_ring("alice") as gpg:
        fingerprint, key = exported(gpg, "alice")
        sealed = {
            "seal": {"method": "gpg", "recipients": [fingerprint], "keys": [key]},
            "keep": ["open", "personal", "secret"],
        }
        evidence = {**lab.evidence, "mode": "required", **sealed}
        run = lab.play("recover.yml", "-e", json.dumps({"incident_evidence": evidence}))
        assert (run.rc, run.verdict["status"]) == (0, "recovered"), run.screen
        home = Path(str(evidence["home"]), run.verdict["evidence"]["incident"])
        (package,) = home.glob("*.tar.gpg")
        opened = subprocess.run([*gpg, "-d", str(package)], capture_output=True, check=True).stdout
    assert bad not in package.read_bytes()
    with tarfile.open(fileobj=io.BytesIO(opened)) as archive:
        names = [each for each in archive.getnames() if "/service_config/main/" in each]
        files = {name: archive.extractfile(name) for name in names}
        kept = [unpacked(Path(name), file.read()) for name, file in files.items() if file]
    assert bad in kept, "beside what else it declares"
    assert SECRET not in run.screen


def test_healthy_again_means_nothing_to_do(proven: Any) -> None:
    proven.break_("missing-env")
    assert proven.play("recover.yml").verdict["status"] == "recovered"
    again = proven.play("recover.yml")
    assert (again.rc, again.verdict["status"], again.verdict["changed"]) == (0, "healthy", []), again.screen


def test_where_nothing_is_known_good_a_valid_backup_helps(healthy: Any) -> None:
    lab = healthy
    good = (lab.app / ".env").read_text()
    daily = lab.app / "backups" / "config-daily"
    (daily / ".env.20261125").write_text(good + "# of that day\n")
    (daily / ".env.20261126").write_text(good.replace("9100", "abc"))
    for service in ("main.json", "supervisord.json"):
        Path(lab.home, "store", "good", service).unlink(missing_ok=True)
    lab.break_("bad-env")
    run = lab.play("recover.yml")
    assert (run.rc, run.verdict["status"]) == (0, "recovered"), run.screen
    assert (lab.app / ".env").read_text().startswith(good)


def test_a_person_rolls_back_by_hand(proven: Any) -> None:
    lab, good = proven, (proven.app / ".env").read_text()
    lab.break_("bad-env")
    nothing = lab.play("rollback_config.yml", *NOBODY)
    assert nothing.rc == 2
    assert "Name the services" in nothing.screen
    shown = lab.play("rollback_config.yml", "--check", "--diff", "-e", "svc=main", *NOBODY)
    assert shown.rc == 0, shown.screen
    assert "METRICS_PORT" in shown.screen
    assert "abc" not in shown.screen, "that it has changed, never the value"
    assert "METRICS_PORT=abc" in (lab.app / ".env").read_text()
    done = lab.play("rollback_config.yml", "-e", "svc=main", *NOBODY)
    assert done.rc == 0, done.screen
    assert "confirmed: main runs on main-0" in " ".join(done.screen.split())
    assert (lab.app / ".env").read_text() == good
    again = lab.play("rollback_config.yml", "-e", "svc=main", *NOBODY)
    assert (again.rc, "changed=0" in again.screen, "unchanged" in again.screen) == (0, True, True), again.screen
    unknown = lab.play("rollback_config.yml", "-e", "svc=main", "-e", "to=next-week", *NOBODY)
    assert unknown.rc == 2
    assert "There are: main-0" in " ".join(unknown.screen.split())
