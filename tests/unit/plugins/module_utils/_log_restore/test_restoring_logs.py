# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Logs on real file systems: what is lost comes back, what is there stays, and a second run does nothing."""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import re
import tempfile
from pathlib import Path
from typing import Any

import pytest
from log_site import OLD, TODAY, YESTERDAY, Site, lines

from ansible_collections.toombos.incident.plugins.module_utils._errors import IncidentError
from ansible_collections.toombos.incident.plugins.module_utils._recovery.freeze import Freeze, FreezeSwitch

NEW = lines(TODAY, hour=3)
ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="only root may give files away")


def only(result: dict[str, Any]) -> dict[str, Any]:
    (entry,) = result["logs"]
    return entry


def settled(site: Site, **options: Any) -> None:
    """A further run changes nothing, not even a time."""
    before = site.tree()
    result = site.run(**options)
    assert (result["changed"], result["plan"]) == (False, "")
    assert site.tree() == before


def test_a_missing_log_comes_from_the_newest_backup(site: Site) -> None:
    site.backup(OLD, "old\n")
    copy = site.backup(YESTERDAY, lines(YESTERDAY))
    os.utime(copy, ns=(5, 1_700_000_000_000_000_000))
    entry = only(site.run())
    log = site.logs / "app.log"
    assert (entry["action"], entry["state"], entry["from"], entry["to"]) == ("restore", "missing", str(copy), str(log))
    assert (entry["bytes"], entry["changed"]) == (copy.stat().st_size, True)
    assert entry["sha256"] == hashlib.sha256(copy.read_bytes()).hexdigest()
    assert log.read_text() == lines(YESTERDAY)
    assert log.stat().st_mtime_ns == 1_700_000_000_000_000_000
    assert site.names() == ["app.log"]
    settled(site)


def timeless(plan: str) -> str:
    """Without the moments in the names of what would be put beside."""
    return re.sub(r"\d{8}T\d{6}Z", "", plan)


def test_check_mode_says_the_same_and_touches_nothing(site: Site) -> None:
    site.backup(YESTERDAY, lines(YESTERDAY))
    site.backup(YESTERDAY, lines(YESTERDAY), "other.log")
    site.log("", "other.log")
    before = site.tree()
    options = {"paths": [str(site.logs)]}
    told = site.run(check_mode=True, **options)
    assert site.tree() == before
    done = site.run(**options)
    assert told["changed"] is True
    assert timeless(told["plan"]) == timeless(done["plan"])
    assert [entry["action"] for entry in told["logs"]] == [entry["action"] for entry in done["logs"]] == ["restore"] * 2


@pytest.mark.parametrize(
    "damaged", [b"", lines(YESTERDAY)[:500].encode() + bytes(4096), lines(YESTERDAY)[:500].encode(), bytes(9000)]
)
def test_what_is_replaced_stays_beside(site: Site, damaged: bytes) -> None:
    site.backup(YESTERDAY, lines(YESTERDAY))
    log = site.log(damaged)
    log.chmod(0o664)
    entry = only(site.run())
    assert entry["action"] == "restore"
    assert log.read_text() == lines(YESTERDAY)
    assert Path(entry["kept"]).read_bytes() == damaged
    assert site.names() == ["app.log", os.path.basename(entry["kept"])]
    # Both as the log was: its service writes to it through that mode.
    assert {oct(path.stat().st_mode & 0o7777) for path in site.logs.iterdir()} == {"0o664"}
    settled(site)


def test_a_damaged_log_with_lines_of_its_own_is_left_alone(site: Site) -> None:
    site.backup(YESTERDAY, lines(YESTERDAY))
    log = site.log(bytes(4096) + NEW.encode())
    entry = only(site.run())
    assert (entry["state"], entry["action"]) == ("corrupt", "merge_before")
    assert log.read_bytes() == bytes(4096) + NEW.encode()
    assert (site.logs / f"app.log.restored-{YESTERDAY}").read_text() == lines(YESTERDAY)
    settled(site)


def test_a_damaged_log_that_has_all_of_the_backup_is_left_alone(site: Site) -> None:
    site.backup(YESTERDAY, lines(YESTERDAY))
    site.log((lines(YESTERDAY) + NEW).encode() + bytes(77))
    entry = only(site.run())
    assert (entry["state"], entry["action"], entry["changed"]) == ("corrupt", "keep", False)


def test_older_lines_are_put_before_newer_ones(site: Site) -> None:
    site.backup(YESTERDAY, lines(YESTERDAY))
    log = site.log(NEW)
    os.utime(log, ns=(5, 1_700_000_000_123_456_789))
    entry = only(site.run())
    assert entry["action"] == "merge_before"
    assert log.read_text() == lines(YESTERDAY) + NEW
    assert log.stat().st_mtime_ns == 1_700_000_000_123_456_789
    assert Path(entry["kept"]).read_text() == NEW
    settled(site)


@pytest.mark.parametrize(
    ("live", "copy"),
    [
        (lines(YESTERDAY, word="x") + NEW, lines(YESTERDAY)),  # of the same time
        (NEW, lines(YESTERDAY)[:-1]),  # the last line of the backup has no end
    ],
)
def test_otherwise_they_are_put_beside(site: Site, live: str, copy: str) -> None:
    site.backup(YESTERDAY, copy)
    log = site.log(live)
    assert only(site.run())["action"] == "merge_before"
    assert log.read_text() == live
    assert (site.logs / f"app.log.restored-{YESTERDAY}").read_text() == copy
    settled(site)


@pytest.mark.parametrize(
    ("live", "copy", "why"),
    [
        ("no times\n", lines(YESTERDAY), "no line says when it was written"),
        (lines(OLD), lines(YESTERDAY), "the backup has newer lines, and the log has others"),
    ],
)
def test_who_cannot_tell_refuses(site: Site, live: str, copy: str, why: str) -> None:
    site.backup(YESTERDAY, copy)
    site.log(live)
    before = site.tree()
    entry = only(site.run())
    assert entry["action"] == "refuse"
    assert why in entry["reason"]
    assert entry["next"].startswith("Compare it with ")
    assert {path for path in site.tree() if "/logs/" in path} == {path for path in before if "/logs/" in path}
    assert (site.logs / "app.log").read_text() == live


@pytest.mark.parametrize("live", [None, "", NEW])
@pytest.mark.parametrize("packed", [False, True])
def test_what_was_rotated_meanwhile_is_not_missing(site: Site, live: str | None, packed: bool) -> None:
    site.backup(YESTERDAY, lines(YESTERDAY))
    rotated = (lines(YESTERDAY) + lines(TODAY, hour=1)).encode()
    site.log(gzip.compress(rotated) if packed else rotated, "app.log.1.gz" if packed else "app.log.1")
    if live is not None:
        site.log(live)
    entry = only(site.run())
    assert (entry["action"], entry["changed"]) == ("keep", False)
    assert "the backup's lines are in app.log.1" in entry["reason"]


def test_what_cannot_be_unpacked_may_have_the_lines(site: Site) -> None:
    site.backup(YESTERDAY, lines(YESTERDAY))
    site.log(b"(zstd)", "app.log.1.zst")
    entry = only(site.run())
    assert (entry["action"], entry["next"]) == ("refuse", "Unpack it beside the log and run again.")


def test_a_backup_that_is_damaged_is_passed_over(site: Site) -> None:
    site.backup(OLD, lines(OLD))
    site.backup(YESTERDAY, lines(YESTERDAY).encode() + bytes(4096))
    entry = only(site.run())
    assert (site.logs / "app.log").read_text() == lines(OLD)
    assert "passed over: " in entry["reason"]
    assert f"logs-{YESTERDAY}/app.log: it ends with 4096 NUL bytes" in entry["reason"]


@pytest.mark.parametrize(
    ("sums", "day"),
    [
        ("{good}  app.log\n", YESTERDAY),
        ("{good} *./app.log\n", YESTERDAY),
        ("{bad}  app.log\n", OLD),
        ("{good}  other.log\n", OLD),
        ("nonsense\n", OLD),
        ("", OLD),
    ],
)
def test_digests_of_a_backup_are_asked(site: Site, sums: str, day: str) -> None:
    site.backup(OLD, lines(OLD))
    copy = site.backup(YESTERDAY, lines(YESTERDAY))
    good = hashlib.sha256(copy.read_bytes()).hexdigest()
    (copy.parent / "SHA256SUMS").write_text(sums.format(good=good, bad="0" * 64))
    assert only(site.run())["action"] == "restore"
    assert (site.logs / "app.log").read_text() == lines(day)


def test_as_of(site: Site) -> None:
    for day in (OLD, YESTERDAY, TODAY):
        site.backup(day, lines(day))
    site.run(as_of="2026-11-27")
    assert (site.logs / "app.log").read_text() == lines(YESTERDAY)


def test_a_directory_and_a_wildcard_mean_what_is_there_and_what_was(site: Site) -> None:
    for name in ("a.log", "b.log", "b.txt", "b.log.1", ".c.log"):
        site.backup(YESTERDAY, lines(YESTERDAY, word=name), name)
    site.log(lines(YESTERDAY, word="a.log"), "a.log")
    result = site.run(paths=[str(site.logs)])
    assert [(os.path.basename(entry["path"]), entry["action"]) for entry in result["logs"]] == [
        ("a.log", "keep"),
        ("b.log", "restore"),
        ("b.log.1", "merge_before"),
    ]
    assert (site.logs / f"b.log.1.restored-{YESTERDAY}").read_text() == lines(YESTERDAY, word="b.log.1")
    assert "b.txt" not in site.names()
    assert site.run(paths=[f"{site.logs}/b.t*"])["changed"]
    settled(site, paths=[f"{site.logs}/*"])


def test_a_truncated_rotated_log_comes_back_whatever_its_number_was(site: Site) -> None:
    packed = gzip.compress((lines(OLD) * 30).encode())
    site.backup(YESTERDAY, packed, "app.log.1.gz")
    site.backup(YESTERDAY, lines(YESTERDAY))
    site.log(lines(YESTERDAY) + NEW)
    site.log(packed[: len(packed) // 2], "app.log.2.gz")
    result = site.run()
    entry = result["logs"][-1]
    assert (os.path.basename(entry["path"]), entry["action"]) == ("app.log.2.gz", "restore")
    assert (site.logs / "app.log.2.gz").read_bytes() == packed
    assert Path(entry["kept"]).read_bytes() == packed[: len(packed) // 2]
    settled(site)


def test_a_damaged_rotated_log_of_which_no_backup_knows_the_beginning_is_refused(site: Site) -> None:
    site.backup(YESTERDAY, gzip.compress(b"something else\n"), "app.log.1.gz")
    site.backup(YESTERDAY, lines(YESTERDAY))
    site.log(lines(YESTERDAY))
    data = gzip.compress(os.urandom(5000).hex().encode())[:900]
    site.log(data, "app.log.1.gz")
    entry = site.run()["logs"][-1]
    assert (entry["action"], entry["path"]) == ("refuse", str(site.logs / "app.log.1.gz"))
    assert (site.logs / "app.log.1.gz").read_bytes() == data


def test_what_rotation_has_dropped_is_not_brought_back(site: Site) -> None:
    site.backup(YESTERDAY, lines("20261120"), "app.log.2")
    site.backup(YESTERDAY, lines("20261124"), "app.log.1")
    site.backup(YESTERDAY, lines(YESTERDAY))
    site.log(NEW)
    site.log(lines(YESTERDAY), "app.log.1")
    site.log(lines("20261124"), "app.log.2")
    settled(site)
    # One from between them is missing, and comes back, under a name that nothing is renamed to.
    site.log(lines("20261110"), "app.log.3")
    assert site.run()["changed"]
    assert (site.logs / f"app.log.2.restored-{YESTERDAY}").read_text() == lines("20261120")


@pytest.mark.parametrize(
    ("existing", "sibling", "copy", "declared", "mode"),
    [
        (None, None, 0o600, "", 0o600),
        (None, None, 0o666, "", 0o644),
        (None, 0o640, 0o644, "", 0o640),
        (None, 0o666, 0o644, "", 0o644),
        (None, 0o664, 0o664, "", 0o644),
        (None, None, 0o600, "0640", 0o640),
        (0o640, None, 0o600, "", 0o640),
        (0o600, None, 0o644, "0644", 0o644),
    ],
)
def test_who_may_read_it(site: Site, existing: Any, sibling: Any, copy: int, declared: str, mode: int) -> None:
    if copy == 0o666:  # a copy that everybody may write is not believed
        copy = 0o664
    site.backup(YESTERDAY, lines(YESTERDAY)).chmod(copy)
    if existing is not None:
        site.log("").chmod(existing)
    if sibling is not None:
        site.log("x\n", "other.log").chmod(sibling)
    assert only(site.run(mode=declared))["action"] == "restore"
    assert (site.logs / "app.log").stat().st_mode & 0o7777 == mode


def test_a_declared_mode_is_mended_once(site: Site) -> None:
    site.backup(YESTERDAY, lines(YESTERDAY))
    site.log(lines(YESTERDAY)).chmod(0o600)
    result = site.run(mode="0644")
    assert [(entry["action"], entry["changed"]) for entry in result["logs"]] == [("permit", True), ("keep", False)]
    assert (site.logs / "app.log").stat().st_mode & 0o7777 == 0o644
    settled(site, mode="0644")


@ROOT
def test_it_belongs_to_whom_the_other_logs_belong(site: Site) -> None:
    site.backup(YESTERDAY, lines(YESTERDAY))
    os.chown(site.log("x\n", "other.log"), 1234, 1235)
    os.chown(site.logs, 99, 99)
    site.run()
    status = (site.logs / "app.log").stat()
    assert (status.st_uid, status.st_gid) == (1234, 1235)
    assert site.run(owner="77")["logs"][0]["action"] == "permit"
    assert (site.logs / "app.log").stat().st_uid == 77


@ROOT
def test_who_is_not_root_does_not_leave_it_to_the_wrong_user(site: Site) -> None:
    site.backup(YESTERDAY, lines(YESTERDAY))
    site.log("x\n", "other.log")
    for folder in (site.home, *site.home.parents):
        if folder == Path(tempfile.gettempdir()):
            break
        folder.chmod(0o755)
    os.chown(site.logs, 1234, 1234)
    site.run(check_mode=True)  # all that is imported then is there
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        os.setgroups([])
        os.setgid(1234)
        os.setuid(1234)
        os.write(writing, repr(site.run(check_mode=True)["logs"]).encode())
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as answer:
        told = answer.read()
    assert os.waitpid(child, 0)[1] == 0
    assert "app.log would belong to 0:0" in told
    assert "become: true" in told


def test_everything_is_written_down(site: Site) -> None:
    site.backup(YESTERDAY, lines(YESTERDAY))
    site.run(who="alice", reason="password=geheim123 of the disk")
    record = json.loads((site.home / "lib" / "log_restore.jsonl").read_text())
    assert (record["by"], record["action"], record["path"]) == ("alice", "restore", str(site.logs / "app.log"))
    assert "geheim123" not in record["wish"]
    assert (site.home / "lib" / "log_restore.jsonl").stat().st_mode & 0o777 == 0o600


def test_a_frozen_host_is_not_changed(site: Site) -> None:
    site.backup(YESTERDAY, lines(YESTERDAY))
    FreezeSwitch(str(site.home / "run")).set(Freeze("evidence first", "alice", 1.0))
    with pytest.raises(IncidentError, match="Changes are frozen by alice"):
        site.run()
    assert site.names() == []
    assert site.run(check_mode=True)["changed"]
    site.log(lines(YESTERDAY))
    assert not site.run()["changed"]


def test_a_rotated_log_with_a_date_comes_back_under_its_name(site: Site) -> None:
    old, other = gzip.compress(lines(OLD).encode()), gzip.compress(lines("20261125").encode())
    site.backup(YESTERDAY, old, f"app.log-{OLD}.gz")
    site.backup(YESTERDAY, other, "app.log-20261125.gz")
    site.backup(YESTERDAY, lines(YESTERDAY))
    site.log(lines(YESTERDAY) + NEW)
    site.log(other, "app.log-20261125.gz")
    entry = site.run()["logs"][-1]
    assert (entry["action"], entry["to"]) == ("restore", str(site.logs / f"app.log-{OLD}.gz"))
    assert (site.logs / f"app.log-{OLD}.gz").read_bytes() == old
    settled(site)


def test_a_damaged_rotated_log_comes_from_a_copy_of_its_own_kind_only(site: Site) -> None:
    text = lines(OLD, 200).encode()
    site.backup(OLD, text, "app.log.1")
    site.backup(YESTERDAY, gzip.compress(text), "app.log.1.gz")
    site.backup(YESTERDAY, lines(YESTERDAY))
    site.log(lines(YESTERDAY))
    site.log(text[:3000] + bytes(500), "app.log.1")
    entry = site.run()["logs"][-1]
    assert (entry["action"], entry["from"]) == ("restore", str(site.home / f"backups/logs-{OLD}/app.log.1"))
    assert (site.logs / "app.log.1").read_bytes() == text


def test_everything_is_gone(site: Site) -> None:
    site.backup(YESTERDAY, lines(OLD), "app.log.1")
    site.backup(YESTERDAY, lines(YESTERDAY))
    result = site.run()
    assert [entry["action"] for entry in result["logs"]] == ["restore", "merge_before"]
    assert site.names() == ["app.log", f"app.log.1.restored-{YESTERDAY}"]
    settled(site)


def test_what_was_put_beside_is_no_log(site: Site) -> None:
    site.backup(YESTERDAY, lines(YESTERDAY))
    site.log("")
    site.run()
    site.log("x\n", f"app.log.restored-{YESTERDAY}")
    assert [entry["path"] for entry in site.run(paths=[f"{site.logs}/*"])["logs"]] == [str(site.logs / "app.log")]
