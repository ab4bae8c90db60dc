# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Backups made by hand become generations: contents from there, the rest from where it is known, nothing guessed."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest
from generations_kit import ROOT, attribute, by_name, proof, snapshot, write

from ansible_collections.toombos.incident.plugins.module_utils._catalogue.types import Permission
from ansible_collections.toombos.incident.plugins.module_utils._errors import IncidentError
from ansible_collections.toombos.incident.plugins.module_utils._generations import imports, types as t
from ansible_collections.toombos.incident.plugins.module_utils._generations.capture import read_set
from ansible_collections.toombos.incident.plugins.module_utils._generations.choose import choose
from ansible_collections.toombos.incident.plugins.module_utils._generations.imports import (
    How,
    import_daily,
    import_mirror,
    import_tree,
)
from ansible_collections.toombos.incident.plugins.module_utils._generations.store import Store

OURS = (Permission(("*",), str(os.geteuid()), str(os.getegid()), 0o640),)


@pytest.fixture
def app(tmp_path: Path) -> Path:
    """An application with its configuration in place."""
    path = tmp_path / "app"
    write(path / ".env", "A=bad\n", mode=0o600)
    write(path / ".env.production", "B=bad\n", mode=0o640)
    return path


@pytest.fixture
def declared(app: Path) -> t.Declaration:
    return t.Declaration("main", (f"{app}/.env", f"{app}/.env.production"), (f"{app}/conf.d/*.ini",), (f"{app}/rules",))


def content(store: Store, entry: t.Entry) -> bytes:
    return b"".join(store.content(entry.sha256))


def test_the_last_good_one(store: Store, app: Path, declared: t.Declaration, tmp_path: Path) -> None:
    attribute(app / ".env", "user.note", b"kept")
    backup = write(tmp_path / "backups/config-last-good/.env", "A=good\n", mode=0o644, mtime_ns=10**18 + 5).parent
    done = import_mirror(store, declared, str(backup), How())
    (kept,) = done.generations
    found = by_name(kept.entries)
    assert content(store, found[".env"]) == b"A=good\n"
    assert (found[".env"].mode, found[".env"].xattrs) == (0o600, {"user.note": "a2VwdA=="})
    assert (found[".env"].mtime_ns, found[".env"].size) == (10**18 + 5, 7)
    assert content(store, found[".env.production"]) == b"B=bad\n"
    assert found["rules"].kind == t.ABSENT
    assert (kept.number, kept.created, kept.origin, kept.proof) == (1, 1e9, t.IMPORTED, None)
    assert kept.source == f"{backup}; as in place: {app}/.env.production"
    assert (done.new, done.problems) == ((1,), ())
    kept_contents = {path.name for path in Path(store.directory, "objects").rglob("*")}
    assert hashlib.sha256(b"A=bad\n").hexdigest() not in kept_contents  # nothing needs it
    assert store.verify() == []


def test_importing_the_same_again_changes_nothing(
    store: Store, app: Path, declared: t.Declaration, tmp_path: Path
) -> None:
    backup = write(tmp_path / "good/.env", "A=good\n").parent
    first = import_mirror(store, declared, str(backup), How())
    before = snapshot(Path(store.directory))
    write(app / ".env.production", "B=changed since\n")
    again = import_mirror(store, declared, str(backup), How())
    assert (again.generations, again.new) == (first.generations, ())
    assert snapshot(Path(store.directory)) == before
    write(backup / ".env", "A=better\n")
    assert import_mirror(store, declared, str(backup), How()).new == (2,)


def test_daily_ones(store: Store, app: Path, declared: t.Declaration, tmp_path: Path) -> None:
    daily = tmp_path / "config-daily"
    for name in (".env.20261125", ".env.production.20261125", ".env.production.20261124", ".env.production.20260230"):
        write(daily / name, f"{name}\n")
    write(daily / "other.conf.20261125")
    write(daily / "README")
    (daily / "old").mkdir()
    (daily / ".env.20261126").symlink_to(".env.20261125")
    done = import_daily(store, declared, str(daily), How())
    assert [each.source.partition(";")[0] for each in done.generations] == [
        f"{daily} of 2026-11-{day}" for day in (24, 25, 26)
    ]
    assert done.new == (1, 2, 3)
    old, both, linked = (by_name(each.entries) for each in done.generations)
    assert content(store, old[".env"]) == b"A=bad\n"
    assert content(store, old[".env.production"]) == b".env.production.20261124\n"
    assert content(store, both[".env"]) == b".env.20261125\n"
    assert content(store, both[".env.production"]) == b".env.production.20261125\n"
    assert content(store, linked[".env"]) == b".env.20261125\n"
    assert linked[".env"].kind == t.FILE
    assert done.problems == (
        ".env.production.20260230: there is no day 20260230",
        "README is no file with a date, name.YYYYMMDD",
        "old is no file with a date, name.YYYYMMDD",
        "other.conf.20261125 belongs to nothing in the set",
    )
    for day, number in (("2026-11-24", 1), ("2026-11-25", 2), ("2026-11-30", 3)):
        assert choose(store.generations("main"), day).number == number
    assert import_daily(store, declared, str(daily), How()).new == ()


def test_a_whole_tree_below_a_root(store: Store, app: Path, declared: t.Declaration, tmp_path: Path) -> None:
    write(app / "rules/a.yml", "bad\n", mode=0o600)
    backup = tmp_path / "emergency-restore"
    for name in (
        ".env",
        ".env.production",
        "conf.d/x.ini",
        "rules/a.yml",
        "rules/.hidden",
        "rules/sub/b.yml",
        "run.sh",
    ):
        write(backup / name, f"{name} good\n")
    (backup / "rules/link").symlink_to("a.yml")
    (app / "rules/link").symlink_to("gone")
    permissions = (*OURS, Permission((f"{app}/rules/sub",), mode=0o750), Permission((f"{app}/rules/.h*",), mode=0o400))
    done = import_tree(store, declared, str(backup), str(app), How(permissions, whole=True))
    (kept,) = done.generations
    found = {os.path.relpath(each.path, app): each for each in kept.entries}
    assert {name for name, each in found.items() if each.kind == t.FILE} == {
        ".env", ".env.production", "conf.d/x.ini", "rules/a.yml", "rules/.hidden", "rules/sub/b.yml"
    }  # fmt: skip
    for name in (".env", "conf.d/x.ini", "rules/sub/b.yml"):
        assert content(store, found[name]) == f"{name} good\n".encode()
    assert found["rules/a.yml"].mode == 0o600
    assert found["rules/.hidden"].mode == 0o400
    assert (found["rules/sub"].kind, found["rules/sub"].mode) == (t.DIRECTORY, 0o750)
    assert (found["rules/link"].kind, found["rules/link"].target) == (t.SYMLINK, "a.yml")
    assert done.problems == ("run.sh belongs to nothing in the set",)
    assert kept.source == str(backup)
    assert store.verify() == []


def test_a_backup_that_is_not_whole(store: Store, app: Path, declared: t.Declaration, tmp_path: Path) -> None:
    write(app / "rules/a.yml")
    write(app / "conf.d/x.ini")
    backup = write(tmp_path / "good/.env").parent
    missing = f"{app}/.env.production, {app}/conf.d/x.ini, {app}/rules/a.yml"
    with pytest.raises(IncidentError, match=f"is not whole: it lacks {missing}\\. Choose another"):
        import_tree(store, declared, str(backup), str(app), How(whole=True))
    (app / ".env.production").unlink()  # declared, and nowhere
    with pytest.raises(IncidentError, match=f"it lacks {app}/.env.production, "):
        import_tree(store, declared, str(backup), str(app), How(whole=True))
    assert not os.path.exists(store.directory)
    assert import_tree(store, declared, str(backup), str(app), How()).new == (1,)


@pytest.mark.parametrize(
    ("permissions", "why"),
    [
        ((), "its owner and group and mode is not declared"),
        ((Permission(("*/.env",), "0", None, 0o600),), "its group is not declared"),
        ((Permission(("*/other",), "0", "0", 0o600),), "its owner and group and mode is not declared"),
        ((Permission(("*",), "nobody-of-this-name", "0", 0o600),), "There is no user nobody-of-this-name"),
        ((Permission(("*",), "0", "no-such-group", 0o600),), "There is no group no-such-group"),
    ],
)
def test_who_owns_what_is_not_in_place_is_never_guessed(
    store: Store, app: Path, declared: t.Declaration, tmp_path: Path, permissions: tuple[Permission, ...], why: str
) -> None:
    (app / ".env").unlink()
    backup = write(tmp_path / "good/.env").parent
    with pytest.raises(IncidentError, match=rf"{why}.*Declare its owner, group and mode"):
        import_mirror(store, declared, str(backup), How(permissions))
    assert store.generations("main") == ()
    assert snapshot(Path(store.directory)) == {}
    done = import_mirror(store, declared, str(backup), How(OURS))
    assert by_name(done.generations[0].entries)[".env"].mode == 0o640


@pytest.mark.skipif(not ROOT, reason="only root may give files away")
def test_owners_are_those_in_place(store: Store, app: Path, declared: t.Declaration, tmp_path: Path) -> None:
    os.chown(app / ".env", 1234, 5678)
    os.chown(app / ".env.production", 1, 1)
    backup = write(tmp_path / "good/.env").parent
    (kept,) = import_mirror(store, declared, str(backup), How(OURS)).generations
    assert [(each.uid, each.gid) for each in kept.entries if each.kind == t.FILE] == [(1234, 5678), (1, 1)]


@pytest.mark.parametrize("target", ["/etc/passwd", "../../etc/passwd", "..", "sub/../../x"])
def test_links_that_lead_out_are_refused(
    store: Store, app: Path, declared: t.Declaration, tmp_path: Path, target: str
) -> None:
    backup = tmp_path / "good"
    write(backup / ".env")
    (backup / ".env.production.20261125").symlink_to(target)
    for call in (
        lambda: import_mirror(store, declared, str(backup), How()),
        lambda: import_daily(store, declared, str(backup), How()),
        lambda: import_tree(store, declared, str(backup), str(app), How()),
    ):
        with pytest.raises(IncidentError, match=r"is a link that leads out of it"):
            call()


def test_what_is_something_else_in_place_is_refused(
    store: Store, app: Path, declared: t.Declaration, tmp_path: Path
) -> None:
    (app / ".env").unlink()
    (app / ".env").symlink_to(".env.production")
    backup = write(tmp_path / "good/.env").parent
    with pytest.raises(IncidentError, match=r"\.env is a symlink in place, and a file in the backup"):
        import_mirror(store, declared, str(backup), How())


def test_a_name_that_could_be_two_files_is_refused(store: Store, app: Path, tmp_path: Path) -> None:
    write(app / "sub/.env")
    declared = t.Declaration("main", (f"{app}/.env", f"{app}/sub/.env"))
    backup = write(tmp_path / "good/.env").parent
    with pytest.raises(IncidentError, match=rf"could be {app}/.env or {app}/sub/.env\. Import it with a root"):
        import_mirror(store, declared, str(backup), How())
    write(backup / "sub/.env", "sub\n")
    (kept,) = import_tree(store, declared, str(backup), str(app), How()).generations
    assert [content(store, each) for each in kept.entries] == [b"KEY=value\n", b"sub\n"]


def test_directories_without_a_backup(store: Store, app: Path, declared: t.Declaration, tmp_path: Path) -> None:
    with pytest.raises(IncidentError, match="There is no backup at"):
        import_mirror(store, declared, str(tmp_path / "nowhere"), How())
    write(tmp_path / "empty/other.txt")
    for call in (import_mirror, import_daily):
        with pytest.raises(IncidentError, match=r"Nothing in the backup .*/empty belongs to the set: other\.txt"):
            call(store, declared, str(tmp_path / "empty"), How())


def test_hard_links_in_place_do_not_tie_what_differs(
    store: Store, app: Path, declared: t.Declaration, tmp_path: Path
) -> None:
    (app / ".env.production").unlink()
    os.link(app / ".env", app / ".env.production")
    assert [each.link for each in read_set(declared)][:2] == [1, 1]
    backup = write(tmp_path / "good/.env").parent
    (kept,) = import_mirror(store, declared, str(backup), How()).generations
    assert [each.link for each in kept.entries] == [0, 0, 0]


def test_a_backup_that_is_changed_meanwhile_is_refused(
    store: Store, declared: t.Declaration, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    backup = write(tmp_path / "good/.env").parent
    original = imports.backups.mirrored

    def mirrored(*arguments: object) -> object:
        result = original(*arguments)  # type: ignore[arg-type]
        write(backup / ".env", "exchanged\n")
        return result

    monkeypatch.setattr(imports.backups, "mirrored", mirrored)
    with pytest.raises(IncidentError, match="was changed while the backup was imported"):
        import_mirror(store, declared, str(backup), How())
    assert snapshot(Path(store.directory)) == {}


def test_an_imported_one_is_never_good_by_itself(
    store: Store, app: Path, declared: t.Declaration, tmp_path: Path
) -> None:
    backup = write(tmp_path / "good/.env", "A=good\n").parent
    (kept,) = import_mirror(store, declared, str(backup), How()).generations
    with pytest.raises(IncidentError, match="it was imported"):
        store.prove(kept, proof(kept.created))
    assert store.keep(declared).number == 2
