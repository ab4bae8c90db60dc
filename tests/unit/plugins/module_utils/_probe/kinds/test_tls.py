# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Kind tls: real certificates of every sort that goes wrong."""

from __future__ import annotations

import contextlib
import datetime
import ipaddress
import socket
import ssl
from pathlib import Path
from typing import Any, Callable

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from ansible_collections.toombos.incident.plugins.module_utils._tls import validity

KEY = ec.generate_private_key(ec.SECP256R1())


def certificate(folder: Path, name: str = "127.0.0.1", begins: float = -1.0, ends: float = 30.0) -> Path:
    """A certificate that signs itself, with its key; days from now."""
    now = datetime.datetime.now(datetime.timezone.utc)
    owner = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "peer")])
    alternative: Any = x509.DNSName(name)
    with contextlib.suppress(ValueError):
        alternative = x509.IPAddress(ipaddress.ip_address(name))
    built = (
        x509.CertificateBuilder()
        .subject_name(owner)
        .issuer_name(owner)
        .public_key(KEY.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now + datetime.timedelta(days=begins))
        .not_valid_after(now + datetime.timedelta(days=ends))
        .add_extension(x509.SubjectAlternativeName([alternative]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(KEY, hashes.SHA256())
    )
    private = KEY.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path = folder / "peer.pem"
    path.write_bytes(private + built.public_bytes(serialization.Encoding.PEM))
    return path


@pytest.fixture
def secure(peers: Any) -> Callable[[Path], int]:
    def make(path: Path) -> int:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(path)

        def behave(connection: socket.socket) -> None:
            with contextlib.suppress(OSError), context.wrap_socket(connection, server_side=True) as secured:
                secured.recv(1)

        return int(peers.tcp(behave).port)

    return make


@pytest.mark.parametrize(
    ("made", "asked", "status", "reason"),
    [
        ({}, {}, "pass", "ok"),
        ({"ends": 10.0}, {}, "warn", "cert_ends"),
        ({"ends": 0.5}, {}, "fail", "cert_ends"),
        ({"ends": 10.0}, {"expiry": {"warn": "5d"}}, "pass", "ok"),
        ({"ends": -0.5, "begins": -9.0}, {}, "fail", "cert_expired"),
        ({"begins": 2.0}, {}, "fail", "cert_not_yet_valid"),
        ({"name": "other.example"}, {}, "fail", "cert_wrong_name"),
        ({"name": "10.1.2.3"}, {}, "fail", "cert_wrong_name"),
        ({"name": "shop.example"}, {"server_name": "shop.example"}, "pass", "ok"),
        ({}, {"ca_file": None}, "fail", "cert_untrusted"),
        ({}, {"ca_file": None, "verify": False}, "pass", "ok"),
        ({"ends": -0.5, "begins": -9.0}, {"verify": False}, "fail", "cert_expired"),
        ({"ends": 10.0}, {"verify": False}, "warn", "cert_ends"),
        ({"begins": 2.0}, {"verify": False}, "fail", "cert_not_yet_valid"),
    ],
)
def test_certificates(secure: Any, ask: Any, tmp_path: Path, made: Any, asked: Any, status: str, reason: str) -> None:
    path = certificate(tmp_path, **made)
    raw = {"ca_file": str(path), **asked}
    outcome = ask(kind="tls", port=secure(path), **{key: value for key, value in raw.items() if value is not None})
    assert (outcome.status, outcome.reason) == (status, reason), outcome.message


@pytest.mark.parametrize(
    ("answer", "reason"),
    [(b"HTTP/1.1 400 Bad Request\r\n\r\n", "not_tls"), (b"SSH-2.0-OpenSSH\r\n", "not_tls"), (b"", "tls")],
)
def test_what_does_not_speak_tls(peers: Any, ask: Any, answer: bytes, reason: str) -> None:
    def behave(connection: socket.socket) -> None:
        connection.recv(4096)
        connection.sendall(answer)

    outcome = ask(kind="tls", port=peers.tcp(behave).port)
    assert (outcome.status, outcome.reason) in {("fail", reason), ("fail", "reset")}


def test_nobody_there_and_somebody_who_hangs(peers: Any, ask: Any) -> None:
    assert ask(kind="tls", port=peers.free_port()).reason == "refused"
    assert ask(kind="tls", port=peers.hang().port, seconds=0.3).reason == "timeout"


def test_a_handshake_that_drips_ends_at_the_deadline(peers: Any, ask: Any) -> None:
    """Every byte comes in time, and the end never comes: one deadline holds for the whole handshake."""
    slow = peers.drip(b"\x16\x03\x03\x40\x00\x02\x00\x3f\xfc\x03\x03", b"\0")
    assert ask(kind="tls", port=slow.port, seconds=0.5).reason == "timeout"


def test_a_handshake_that_is_refused(peers: Any, ask: Any) -> None:
    def behave(connection: socket.socket) -> None:
        connection.recv(4096)
        connection.sendall(b"\x15\x03\x03\x00\x02\x02\x28")  # alert: handshake failure
        connection.recv(1)

    outcome = ask(kind="tls", port=peers.tcp(behave).port)
    assert (outcome.reason, "HANDSHAKE_FAILURE" in outcome.message) == ("tls", True)


def test_certificates_to_trust_that_are_not_there(secure: Any, ask: Any, tmp_path: Path) -> None:
    outcome = ask(kind="tls", port=secure(certificate(tmp_path)), ca_file=str(tmp_path / "none.pem"))
    assert (outcome.reason, "cannot be read as certificates" in outcome.message) == ("tls", True)


@pytest.mark.parametrize("years", [1, 40])
def test_the_end_of_a_certificate_is_read_from_its_bytes(tmp_path: Path, years: int) -> None:
    path = certificate(tmp_path, ends=365.0 * years)
    text = path.read_text().partition("-----BEGIN CERT")[2]
    der = ssl.PEM_cert_to_DER_cert("-----BEGIN CERT" + text)
    read = x509.load_der_x509_certificate(der)
    assert validity(der) == (read.not_valid_before_utc.timestamp(), read.not_valid_after_utc.timestamp())
    for size in range(0, len(der), 7):
        with contextlib.suppress(ValueError):
            validity(der[:size])
            raise AssertionError("half a certificate was read")


def signed(subject: str, issuer: str, issuer_key: Any, key: Any, ca: bool) -> bytes:
    """A certificate (PEM) for 127.0.0.1 of ``subject``, signed by ``issuer``."""
    now = datetime.datetime.now(datetime.timezone.utc)
    names = [x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)]) for name in (subject, issuer)]
    built = (
        x509.CertificateBuilder()
        .subject_name(names[0])
        .issuer_name(names[1])
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=30))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
        .sign(issuer_key, hashes.SHA256())
    )
    return built.public_bytes(serialization.Encoding.PEM)


@pytest.mark.parametrize(("complete", "reason"), [(True, "ok"), (False, "cert_untrusted")])
def test_a_chain_needs_its_middle(secure: Any, ask: Any, tmp_path: Path, complete: bool, reason: str) -> None:
    root, middle = (ec.generate_private_key(ec.SECP256R1()) for _number in range(2))
    trusted = tmp_path / "root.pem"
    trusted.write_bytes(signed("root", "root", root, root, True))
    private = KEY.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    chain = [signed("leaf", "middle", middle, KEY, False), signed("middle", "root", root, middle, True)]
    served = tmp_path / "served.pem"
    served.write_bytes(private + b"".join(chain if complete else chain[:1]))
    assert ask(kind="tls", port=secure(served), ca_file=str(trusted)).reason == reason
