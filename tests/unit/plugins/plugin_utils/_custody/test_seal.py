# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A signature is one of this namespace, by an allowed key, over exactly these bytes, in exactly one form."""

from __future__ import annotations

import stat
import subprocess
import threading
from pathlib import Path

import pytest

from ansible_collections.toombos.incident.plugins.module_utils._errors import IncidentError
from ansible_collections.toombos.incident.plugins.plugin_utils._custody import seal

BODY = b'{"seq":1}\n'


@pytest.fixture
def key(tmp_path: Path) -> seal.Key:
    return seal.open_key(str(tmp_path / "deep" / "key"), create=True)


def armoured(key: seal.Key, namespace: str, body: bytes = BODY) -> str:
    command = ["ssh-keygen", "-Y", "sign", "-f", key.path, "-n", namespace]
    return subprocess.run(command, input=body, capture_output=True, check=True).stdout.decode()


def test_what_was_signed_is_accepted(key: seal.Key) -> None:
    signature = seal.sign(key, BODY)
    seal.check_signature(BODY, signature, seal.allowed_line("alice jones@desk", key))
    assert seal.signed_by(signature) == key.fingerprint
    shown = subprocess.run(["ssh-keygen", "-lf", f"{key.path}.pub"], capture_output=True, check=True, text=True).stdout
    assert key.fingerprint in shown


def test_a_signature_of_another_namespace_is_none(key: seal.Key) -> None:
    for namespace in ("git", "file", "custody@elsewhere"):
        with pytest.raises(seal.BadSignature, match="not one of this log"):
            seal.check_signature(BODY, armoured(key, namespace), f"alice {key.public}\n")


def test_our_signature_is_none_elsewhere(key: seal.Key, tmp_path: Path) -> None:
    (tmp_path / "signature").write_text(seal.sign(key, BODY))
    (tmp_path / "allowed").write_text(f"alice {key.public}\n")
    command = ["ssh-keygen", "-Y", "verify", "-f", "allowed", "-I", "alice", "-n", "git", "-s", "signature"]
    assert subprocess.run(command, input=BODY, capture_output=True, check=False, cwd=tmp_path).returncode != 0


def test_another_key_is_not_allowed(key: seal.Key, tmp_path: Path) -> None:
    other = seal.open_key(str(tmp_path / "other"), create=True)
    with pytest.raises(seal.BadSignature, match="not an allowed signer"):
        seal.check_signature(BODY, seal.sign(other, BODY), seal.allowed_line("alice", key))


def test_other_bytes_are_not_signed(key: seal.Key) -> None:
    with pytest.raises(seal.BadSignature):
        seal.check_signature(BODY + b"x", seal.sign(key, BODY), seal.allowed_line("alice", key))


def test_a_signature_in_another_form_is_none_though_ssh_would_take_it(key: seal.Key) -> None:
    signature = seal.sign(key, BODY)
    lines = signature.splitlines()
    for other in (
        signature.replace("\n", "\r\n"),
        signature + "\n",
        "\n".join([lines[0], "".join(lines[1:-1]), lines[-1], ""]),
    ):
        with pytest.raises(seal.BadSignature, match="as ssh-keygen writes it"):
            seal.check_signature(BODY, other, seal.allowed_line("alice", key))


def test_the_key_is_made_once_and_for_nobody_else(tmp_path: Path) -> None:
    path = str(tmp_path / "state" / "key")
    made: list[str] = []
    threads = [
        threading.Thread(target=lambda: made.append(seal.open_key(path, True).fingerprint)) for _each in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(made) == 4
    assert len(set(made)) == 1
    assert stat.S_IMODE(Path(path).stat().st_mode) == 0o600
    assert stat.S_IMODE(Path(path).parent.stat().st_mode) == 0o700


def test_a_missing_key_is_not_made_unless_it_is_asked_for(tmp_path: Path) -> None:
    with pytest.raises(IncidentError, match="no signing key") as caught:
        seal.open_key(str(tmp_path / "key"), create=False)
    assert "evidence_open" in caught.value.way_out
    assert list(tmp_path.iterdir()) == []


def test_a_key_in_an_agent_is_named_by_its_public_half(
    key: seal.Key, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    socket = str(tmp_path / "agent")
    agent = subprocess.Popen(["ssh-agent", "-D", "-a", socket], stdout=subprocess.DEVNULL)
    try:
        monkeypatch.setenv("SSH_AUTH_SOCK", socket)
        for _try in range(100):
            if not subprocess.run(["ssh-add", "-q", key.path], check=False, capture_output=True).returncode:
                break
        Path(key.path).unlink()
        public = seal.open_key(f"{key.path}.pub", create=False)
        assert public.path.endswith(".pub")
        seal.check_signature(BODY, seal.sign(public, BODY), seal.allowed_line("alice", key))
    finally:
        agent.terminate()
        agent.wait()


def test_a_key_with_a_passphrase_fails_at_once_with_the_way_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    path = tmp_path / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "locked", "-f", path], check=True)
    with pytest.raises(IncidentError, match="sign failed") as caught:
        seal.sign(seal.open_key(str(path), create=False), BODY)
    assert "agent" in caught.value.way_out


def test_without_ssh_keygen_it_says_what_to_install(key: seal.Key, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    with pytest.raises(IncidentError, match="OpenSSH"):
        seal.sign(key, BODY)
