# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Evidence of the lab: before a recovery changes anything, by itself, verified by everybody."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "unit/plugins/modules"))

from secret_shapes import SHAPES

WHY = ("-e", "reason='orders were changed, alice'")


def home_of(lab: Any) -> Path:
    return Path(lab.evidence["home"])


def incidents(lab: Any) -> list[Path]:
    home = home_of(lab)
    return sorted(path for path in home.glob("INC-*") if path.is_dir()) if home.exists() else []


def captures(incident: Path) -> list[dict[str, Any]]:
    return [json.loads((bag / "capture.json").read_text()) for bag in sorted(incident.glob("INC-*/"))]


def custody(incident: Path) -> list[dict[str, Any]]:
    lines = (incident / "custody.jsonl").read_text().splitlines()
    return [json.loads(line) for line in lines[:-1]]


def unpacked(path: Path) -> bytes:
    program = {".zst": "zstdcat", ".gz": "zcat"}.get(path.suffix, "cat")
    return subprocess.run([program, str(path)], capture_output=True, check=True).stdout


def planted(place: int) -> dict[str, str]:
    """Every secret of a place, of the letters that every shape may have, with the text that it stands in."""
    return {
        secret: shape.format(secret)
        for number, shape in enumerate(SHAPES)
        for secret in [f"HUNTER{place}X{number:03d}Z77Q"]
    }


@pytest.fixture
def healthy(lab: Any) -> Any:
    """A lab that is healthy before and mended after."""
    yield lab
    lab.mend()


def test_a_recovery_captures_before_it_changes_anything(healthy: Any) -> None:
    lab, known = healthy, set(incidents(healthy))
    lab.break_("hang")
    (frozen,) = lab.of("uvicorn")
    rehearsal = lab.play("recover.yml", "--check", "-e", "evidence=wanted")
    assert (rehearsal.rc, set(incidents(lab))) == (0, known), "check mode keeps nothing and writes nothing"

    run = lab.play("recover.yml", "-e", "evidence=required", *WHY)
    assert (run.rc, run.verdict["status"]) == (0, "recovered"), run.screen
    (incident,) = set(incidents(lab)) - known
    assert run.verdict["evidence"] == {
        "mode": "required",
        "incident": incident.name,
        "bags": [f"{incident.name}-lab-001"],
        "missing": [],
    }
    (capture,) = captures(incident)
    outcomes = {each["artifact"]: each for each in capture["artifacts"]}
    assert {each["outcome"] for each in outcomes.values()} <= {
        "collected",
        "empty",
        "absent",
        "denied",
        "timeout",
        "truncated",
        "error",
    }
    events = [record["event"] for record in custody(incident)]
    assert events.index("requested") < events.index("captured") < events.index("verified") < events.index("manifest")
    # The process that hung is in the bag; what runs now began after it was captured.
    processes = outcomes["processes/list"]
    payload = incident / f"{incident.name}-lab-001" / processes["files"][0]["path"]
    shown = unpacked(payload).decode()
    assert f'"pid": {frozen.pid},' in shown or f'"pid":{frozen.pid},' in shown
    assert not os.path.exists(lab.home / "evidence-staging") or not os.listdir(lab.home / "evidence-staging")

    again = lab.play("recover.yml", "-e", "evidence=required")
    assert (again.rc, again.verdict["evidence"], "changed=0" in again.screen) == (0, {}, True), "nothing to preserve"


def test_evidence_that_cannot_be_kept_does_not_keep_a_service_down(healthy: Any) -> None:
    lab = healthy
    lab.break_("stop")
    nowhere = ("-e", json.dumps({"evidence_policy": {"home": "/proc/nowhere", "signing_key": "/proc/nowhere/key"}}))
    run = lab.play("recover.yml", "-e", "evidence=required", *nowhere)
    assert (run.rc, run.verdict["status"], run.verdict["changed"]) == (2, "not_recovered", []), run.screen
    assert "evidence is required, and there is none of lab" in " ".join(run.screen.split())
    assert lab.answers("main") != 200

    run = lab.play("recover.yml", "-e", "evidence=wanted", *nowhere)
    assert (run.rc, run.verdict["status"], run.verdict["evidence"]["missing"]) == (0, "recovered", ["lab"]), run.screen
    assert "lab: there is no evidence of before" in " ".join(run.screen.split())


def test_skipping_needs_a_reason_which_is_recorded(healthy: Any) -> None:
    lab = healthy
    lab.break_("stop")
    refused = lab.play("recover.yml", "-e", "evidence=skip", "-e", '{"incident_evidence": {}}')
    assert (refused.rc, refused.verdict["status"]) == (2, "refused")
    assert "needs a reason" in refused.verdict["problems"][0]
    run = lab.play("recover.yml", "-e", "evidence=skip", *WHY)
    assert (run.rc, run.verdict["evidence"]["mode"]) == (0, "skip")
    assert "Evidence was skipped: orders were changed, alice" in " ".join(run.screen.split())


def test_a_capture_is_verified_by_playbook_and_shell_and_one_byte_is_found(lab: Any) -> None:
    known, files, processes = set(incidents(lab)), lab.files(), lab.identities()
    run = lab.play("capture.yml", "-e", "evidence=wanted", "-e", "evidence_profile=quick", *WHY)
    assert run.rc == 0, run.screen
    (incident,) = set(incidents(lab)) - known
    ours = {name: what for name, what in lab.files().items() if "/evidence" not in name and "custody" not in name}
    assert ours == {name: what for name, what in files.items() if "/evidence" not in name and "custody" not in name}
    assert lab.identities() == processes
    number = ("-e", f"incident={incident.name}")
    assert lab.play("verify.yml", *number).rc == 0
    shell = ["sh", str(incident / "verify.sh"), str(incident), str(incident / "allowed_signers")]
    assert subprocess.run(shell, check=False, capture_output=True).returncode == 0

    # The same incident again is the next number; nothing is overwritten.
    assert lab.play("capture.yml", "-e", "evidence=wanted", "-e", "evidence_profile=quick", *number, *WHY).rc == 0
    assert [bag.name[-3:] for bag in sorted(incident.glob("INC-*/"))] == ["001", "002"]

    payload = next(
        path for path in sorted(incident.glob("INC-*-001/data/**/*")) if path.is_file() and path.stat().st_size
    )
    content = bytearray(payload.read_bytes())
    content[len(content) // 2] ^= 1
    payload.write_bytes(content)
    found = lab.play("verify.yml", *number)
    assert found.rc == 2
    assert payload.name in found.screen
    assert subprocess.run(shell, check=False, capture_output=True).returncode == 1


def test_no_secret_is_in_clear_on_the_screen_however_much_it_says(lab: Any) -> None:
    known = set(incidents(lab))
    logs = ("halcytone.log", "crm-mock.log", "platform-mock.log")
    places = {place: planted(number) for number, place in enumerate((*logs, "environment", "arguments"))}
    for log in logs:
        with (lab.app / "logs" / log).open("a", encoding="utf-8") as file:
            file.write("".join(f"2026-11-25 10:00:00 - app - INFO - {text}\n" for text in places[log].values()))
    words = [word for text in places["arguments"].values() for word in text.split(" ")]
    process = subprocess.Popen(
        [sys.executable, "-c", "import time; time.sleep(300)", *words],
        env={f"E{number}": text for number, text in enumerate(places["environment"].values())},
    )
    try:
        run = lab.play("capture.yml", "-vvv", "-e", "evidence=wanted", "-e", "evidence_profile=quick", *WHY)
    finally:
        process.kill()
        process.wait()
    assert run.rc == 0, run.screen
    (incident,) = set(incidents(lab)) - known
    kept = b"".join(unpacked(path) for path in incident.rglob("*") if path.is_file())
    assert f"{process.pid}".encode() in kept, "the process with the secrets was captured"
    assert kept.count(b" - app - INFO - password=") >= len(logs), "and so were the logs"
    secrets = [secret for texts in places.values() for secret in texts]
    assert len(secrets) == 200
    assert [secret for secret in secrets if secret in run.screen or secret.encode() in kept] == []
