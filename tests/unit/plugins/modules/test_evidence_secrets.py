# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Secrets are planted where hosts have them; none of them is in clear in an unsealed bag, nor in what a call says."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import subprocess
import sys
import tarfile
from dataclasses import asdict
from pathlib import Path
from typing import Any, Iterator

import pytest
from secret_shapes import SHAPES

from ansible_collections.toombos.incident.plugins.module_utils._evidence import compress, types as t
from ansible_collections.toombos.incident.plugins.modules import evidence_capture
from ansible_collections.toombos.incident.plugins.plugin_utils._evidence.definitions import built_in

PLACES = ("log", "rotated", "environment", "arguments", "config")
KEY = "-----BEGIN OPENSSH PRIVATE KEY-----\n{}\n{}\n-----END OPENSSH PRIVATE KEY-----\n"


def value(place: str, number: int) -> str:
    """Of the letters that every shape may have."""
    return f"HUNTER{PLACES.index(place)}X{number:03d}Z77Q"


def planted(place: str) -> list[str]:
    return [shape.format(value(place, number)) for number, shape in enumerate(SHAPES)]


@pytest.fixture
def victim(tmp_path: Path) -> Iterator[int]:
    """A process with secrets in its environment and among its arguments."""
    environment = {f"E{number}": text for number, text in enumerate(planted("environment"))}
    words = [word for text in planted("arguments") for word in text.split(" ")]
    code = "import time; print(1, flush=True); time.sleep(99)"
    process = subprocess.Popen([sys.executable, "-c", code, *words], stdout=subprocess.PIPE, env=environment)
    assert process.stdout is not None
    assert process.stdout.readline() == b"1\n"
    yield process.pid
    process.kill()
    process.wait()
    process.stdout.close()


@pytest.fixture
def asked(tmp_path: Path) -> list[dict[str, Any]]:
    """Everything that is gone with the next restart as it comes along, and what was planted in files."""
    around = ["2026-11-24 10:00:00 INFO all is well, request 123e4567-e89b-12d3-a456-426614174000"] * 40
    lines = [line for text in planted("log") for line in (*around, f"2026-11-24 10:00:01 ERROR {text}")]
    (tmp_path / "app.log").write_text("\n".join([*lines, KEY.format(value("log", 900), "x" * 64), *around]))
    (tmp_path / "app.log.1.gz").write_bytes(gzip.compress("\n".join(planted("rotated")).encode()))
    (tmp_path / "env").write_text("\n".join(planted("config")))
    (tmp_path / "id_rsa").write_text(KEY.format(value("config", 901), "y" * 64))
    (tmp_path / "shadow").write_text(f"root:$6${value('config', 902)}:19000:0:99999:7:::\n")
    volatile = [each for each in built_in() if each.tier == t.VOLATILE and not each.name.startswith("network/filter")]
    more = [
        t.Artifact("x/secret", 4, (_files(tmp_path / "*"),), 10.0, 1 << 20, t.SECRET),
        t.Artifact("x/logs", 3, (_files(tmp_path / "app.log*"),), 10.0, 16 << 20, t.PERSONAL),
        t.Artifact("x/errors", 3, (t.Source("command", ("sh", "-c", _COMPLAIN)), _files("/proc/version")), 9.0, 99),
    ]
    return [asdict(each) for each in (*volatile, *more)]


_COMPLAIN = f"echo 'password={value('log', 903)}' >&2; exit 3"


def _files(path: object) -> t.Source:
    return t.Source("files", (str(path),))


def everything(result: dict[str, Any]) -> Iterator[tuple[str, bytes]]:
    """Name and unpacked content of each file of the bag."""
    whole = b"".join(Path(part["path"]).read_bytes() for part in result["package"]["parts"])
    with tarfile.open(fileobj=io.BytesIO(whole)) as archive:
        for member in archive:
            file = archive.extractfile(member)
            assert file is not None
            content = file.read()
            if member.name.endswith(".gz"):
                content = gzip.decompress(content)
            elif member.name.endswith(".zst"):
                done = subprocess.run(
                    [str(compress.find_zstd()), "-dc"], input=content, capture_output=True, check=True
                )
                content = done.stdout
            yield member.name, content


def test_no_planted_secret_is_in_clear(
    run_module: Any, victim: int, asked: list[dict[str, Any]], tmp_path: Path, logged: list[str]
) -> None:
    assert len(SHAPES) * len(PLACES) >= 200
    services = {"shop": {"logs": [str(tmp_path / "app.log")], "config": {"files": [str(tmp_path / "env")]}}}
    result = run_module(
        evidence_capture,
        incident="INC-2026-1124-0001",
        bag="INC-2026-1124-0001-web-1-001",
        directory=str(tmp_path / "captures"),
        definitions=asked,
        services=services,
        reserve="0",
    )
    outcomes = {each["artifact"]: each["outcome"] for each in result["artifacts"]}
    assert outcomes["x/logs"] == outcomes["service_logs/shop"] == outcomes["processes/list"] == "collected"
    assert outcomes["x/secret"] == outcomes["processes/environment"] == outcomes["service_config/shop"] == "denied"
    seen = dict(everything(result))
    # They were there to be found: what is around them is.
    log = next(content for name, content in seen.items() if "/x/logs/" in name and b"all is well" in content)
    assert log.count(b"123e4567-e89b-12d3-a456-426614174000") == 41 * len(SHAPES) - len(SHAPES) + 40
    assert log.count(b"***") >= len(SHAPES)
    assert any(f'"pid":{victim},'.encode() in content for content in seen.values())
    seen.update(result=json.dumps(result).encode(), log="\n".join(logged).encode())
    for name, content in seen.items():
        at = content.find(b"HUNTER")
        assert at < 0, f"{name}: {content[max(0, at - 80) : at + 80]!r}"


def test_what_was_masked_is_marked_and_the_original_digested(run_module: Any, tmp_path: Path) -> None:
    (tmp_path / "a.log").write_text("fine\n")
    (tmp_path / "b.log").write_text("password=hunter2\n")
    asked = [asdict(t.Artifact("x/logs", 3, (_files(tmp_path / "*.log"),), 9.0, 1 << 20, t.PERSONAL))]
    options = {"incident": "INC-2026-1124-0001", "definitions": asked, "reserve": "0"}
    for number, (redact, kept) in enumerate([("auto", b"password=***\n"), ("never", b"password=hunter2\n")]):
        place = str(tmp_path / "captures")
        result = run_module(evidence_capture, bag=f"b-{number:03d}", directory=place, redact=redact, **options)
        seen = {name.partition("/")[2]: content for name, content in everything(result)}
        assert seen["data/x/logs/0002"] == kept
        first, second = json.loads(seen["capture.json"])["artifacts"][0]["files"]
        assert (first["redacted"], second["redacted"]) == (False, redact == "auto")
        assert second["original_sha256"] == hashlib.sha256(b"password=hunter2\n").hexdigest()
