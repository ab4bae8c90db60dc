# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A list of checksums is complete, right, and signed where that is asked for; or the backup is refused."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
from pathlib import Path
from typing import Callable

import pytest
from generations_kit import write

from ansible_collections.toombos.incident.plugins.module_utils._errors import IncidentError
from ansible_collections.toombos.incident.plugins.module_utils._generations import types as t
from ansible_collections.toombos.incident.plugins.module_utils._generations.imports import How, import_mirror
from ansible_collections.toombos.incident.plugins.module_utils._generations.store import Store
from ansible_collections.toombos.incident.plugins.module_utils._generations.sums import NAMESPACE

KEYGEN = shutil.which("ssh-keygen")


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.fixture
def backup(tmp_path: Path) -> Path:
    """One without a list."""
    path = tmp_path / "good"
    write(path / ".env", "A=good\n")
    write(path / "sub/x y", "more\n")
    return path


@pytest.fixture
def imported(store: Store, tmp_path: Path, backup: Path) -> Callable[..., int]:
    """Imports it; how many generations came of it."""
    write(tmp_path / "app/.env")
    declared = t.Declaration("main", (f"{tmp_path}/app/.env",))
    return lambda signers="": len(import_mirror(store, declared, str(backup), How(signers=signers)).generations)


def listed(backup: Path, form: str = "{digest}  {name}\n", name: str = "SHA256SUMS") -> Path:
    lines = [form.format(digest=digest(backup / each), name=each) for each in (".env", "sub/x y")]
    return write(backup / name, "".join(lines))


FORMS = [
    "{digest}  {name}\n",
    "{digest} *{name}\n",
    "{digest}  ./{name}\n",
    "SHA256 ({name}) = {digest}\n",
    "{digest}  {name}\r\n",
]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", ["SHA256SUMS", "sha256sums.txt"])
def test_what_is_as_listed_is_imported(imported: Callable[..., int], backup: Path, form: str, name: str) -> None:
    listed(backup, form, name)
    assert imported() == 1


def test_what_the_tool_itself_writes_is_understood(imported: Callable[..., int], backup: Path) -> None:
    write(backup / "sub/a\\b\nc", "strange name\n")
    done = subprocess.run(
        "find . -type f ! -name SHA256SUMS -exec sha256sum {} +",
        shell=True,
        cwd=backup,
        capture_output=True,
        check=True,
    )
    write(backup / "SHA256SUMS", done.stdout)
    assert imported() == 1


@pytest.mark.parametrize(
    ("damage", "why"),
    [
        (lambda path: write(path / ".env", "A=evil\n"), r"\.env in the backup is not what .*SHA256SUMS says"),
        (lambda path: write(path / "sub/x y", "less\n"), r"sub/x y in the backup is not what"),
        (lambda path: (path / "sub/x y").unlink(), r"sub/x y of .*SHA256SUMS is not in the backup"),
        (lambda path: write(path / "extra"), r"extra is in the backup, but not in .*SHA256SUMS"),
        (
            lambda path: (path / "link").symlink_to(".env"),
            "link in the backup .* is a link, for which no checksum stands",
        ),
        (lambda path: write(path / "SHA256SUMS", "nonsense\n"), "Line 1 of .*SHA256SUMS is no checksum"),
        (lambda path: write(path / "SHA256SUMS", ""), r"\.env is in the backup, but not in"),
        (
            lambda path: write(
                path / "SHA256SUMS", (path / "SHA256SUMS").read_text() + "0" * 64 + "  ../../etc/passwd\n"
            ),
            r"\.\./\.\./etc/passwd of .* is not in the backup",
        ),
    ],
)
def test_what_is_not_as_listed_is_refused(
    imported: Callable[..., int], backup: Path, store: Store, damage: Callable[[Path], object], why: str
) -> None:
    listed(backup)
    damage(backup)
    with pytest.raises(IncidentError, match=rf"{why}.*Choose another backup"):
        imported()
    assert store.names() == ()


@pytest.fixture
def key(tmp_path: Path) -> Path:
    """A key, and beside it who may sign."""
    if KEYGEN is None:
        pytest.skip("no ssh-keygen")
    path = tmp_path / "key"
    subprocess.run([KEYGEN, "-q", "-t", "ed25519", "-N", "", "-f", str(path)], check=True)
    public = path.with_suffix(".pub").read_text()
    write(tmp_path / "signers", f"backup@example.com {public}")
    return path


def sign(key: Path, path: Path, namespace: str = NAMESPACE) -> None:
    path.with_name(f"{path.name}.sig").unlink(missing_ok=True)
    subprocess.run([str(KEYGEN), "-q", "-Y", "sign", "-f", str(key), "-n", namespace, str(path)], check=True)


def test_a_signed_list_is_imported(imported: Callable[..., int], backup: Path, key: Path, tmp_path: Path) -> None:
    sign(key, listed(backup))
    assert imported(str(tmp_path / "signers")) == 1
    assert imported() == 1  # the signature itself need not be listed


def test_what_is_not_signed_is_refused(imported: Callable[..., int], backup: Path, key: Path, tmp_path: Path) -> None:
    signers = str(tmp_path / "signers")
    with pytest.raises(IncidentError, match="has no SHA256SUMS that could be signed"):
        imported(signers)
    path = listed(backup)
    with pytest.raises(IncidentError, match=r"is not signed: there is no .*SHA256SUMS\.sig"):
        imported(signers)
    sign(key, path, "git")
    with pytest.raises(IncidentError, match=r"The signature of .* is not valid"):
        imported(signers)
    sign(key, path)
    write(path, path.read_text() + "\n")
    with pytest.raises(IncidentError, match=r"The signature of .* is not valid"):
        imported(signers)
    sign(key, path)
    write(
        tmp_path / "signers",
        "backup@example.com ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n",
    )
    with pytest.raises(IncidentError, match="is not signed by one of"):
        imported(signers)
    with pytest.raises(IncidentError, match="is not signed by one of"):
        imported(str(tmp_path / "no-signers"))
