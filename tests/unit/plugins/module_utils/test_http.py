# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The HTTP client against real peers, most of them hostile."""

from __future__ import annotations

import datetime
import ipaddress
import socket
import ssl
import subprocess
import sys
from pathlib import Path
from typing import Any, Callable

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from ansible_collections.toombos.incident.plugins.module_utils._clock import Clock
from ansible_collections.toombos.incident.plugins.module_utils._http import (
    MAX_HEAD,
    HttpProblem,
    HttpResponse,
    request,
)

CLOCK = Clock()
MODULE = HttpProblem.__module__


def get(url: str, seconds: float = 10.0, method: str = "GET", **options: Any) -> HttpResponse:
    return request(method, url, deadline=CLOCK.monotonic() + seconds, clock=CLOCK, **options)


def problem(url: str, seconds: float = 10.0, **options: Any) -> HttpProblem:
    with pytest.raises(HttpProblem) as caught:
        get(url, seconds, **options)
    return caught.value


@pytest.mark.parametrize(
    ("answer", "status", "body"),
    [
        pytest.param(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi", 200, b"hi", id="length"),
        pytest.param(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi and more", 200, b"hi", id="more-than-length"),
        pytest.param(b"HTTP/1.1 200 OK\r\nContent-Length: 2, 2\r\n\r\nhi", 200, b"hi", id="same-length-twice"),
        pytest.param(b"HTTP/1.0 200 OK\r\n\r\nhi", 200, b"hi", id="until-close"),
        pytest.param(b"HTTP/1.1 200\r\n\r\n", 200, b"", id="no-phrase"),
        pytest.param(b"HTTP/1.1 503 No\nContent-Length: 2\n\nhi", 503, b"hi", id="bare-line-feeds"),
        pytest.param(b"HTTP/1.1 301 Gone\r\nLocation: /x\r\nContent-Length: 0\r\n\r\n", 301, b"", id="redirect"),
        pytest.param(b"HTTP/1.1 204 No\r\nContent-Length: 5\r\n\r\n", 204, b"", id="204-has-no-body"),
        pytest.param(b"HTTP/1.1 101 Switch\r\n\r\nxx", 101, b"", id="101-is-final"),
        pytest.param(
            b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi", 200, b"hi", id="interim"
        ),
        pytest.param(
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 99\r\n\r\n"
            b"2;note=x\r\nhi\r\n1 \r\n!\r\n0\r\nTrailer: x\r\n\r\n",
            200,
            b"hi!",
            id="chunked",
        ),
        pytest.param(b"HTTP/1.1 200 \xfc\r\nX: \xff\r\n\r\n\xff\xfe", 200, b"\xff\xfe", id="not-utf8"),
    ],
)
def test_reads_every_way_of_framing_a_body(peers: Any, answer: bytes, status: int, body: bytes) -> None:
    response = get(peers.tcp(answer).url)
    assert (response.status, response.body, response.truncated) == (status, body, False)


@pytest.mark.parametrize(
    ("answer", "reason", "words"),
    [
        pytest.param(b"SSH-2.0-OpenSSH_9.2\r\n", "not_http", "SSH-2.0", id="banner"),
        pytest.param(b"H", "incomplete", "in the middle of its headers", id="one-byte"),
        pytest.param(b"\x00\xff\x01", "not_http", "not HTTP", id="binary"),
        pytest.param(b"HTTP/2 200\r\n\r\n", "not_http", "HTTP/2", id="other-version"),
        pytest.param(b"HTTP/1.1 abc\r\n\r\n", "not_http", "abc", id="no-status"),
        pytest.param(b"", "incomplete", "without an answer", id="silent-close"),
        pytest.param(b"HTTP/1.1 200 OK\r\nContent-Le", "incomplete", "middle of its headers", id="half-headers"),
        pytest.param(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhi", "incomplete", "2 of 9 bytes", id="short-body"),
        pytest.param(b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", "not_http", "no length", id="negative-length"),
        pytest.param(
            b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", "not_http", "1, 2", id="two-lengths"
        ),
        pytest.param(
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n", "not_http", "transfer coding", id="unknown-coding"
        ),
        pytest.param(
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", "not_http", "no size", id="bad-chunk"
        ),
        pytest.param(
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nhello", "not_http", "longer", id="long-chunk"
        ),
        pytest.param(
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + b"1" * 9000,
            "not_http",
            "size",
            id="endless-size",
        ),
        pytest.param(
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhe", "incomplete", "2 of 7", id="half-chunk"
        ),
        pytest.param(
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n", "incomplete", "last chunk", id="no-end"
        ),
        pytest.param(
            b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * (MAX_HEAD // 6), "too_large", "header block", id="endless-headers"
        ),
        pytest.param(
            b"HTTP/1.1 200 OK\r\nX: " + b"y" * MAX_HEAD + b"\r\n\r\n", "too_large", "header block", id="long-header"
        ),
        pytest.param(b"HTTP/1.1 100 C\r\n\r\n" * 6000, "too_large", "header block", id="endless-interim"),
    ],
)
def test_names_the_way_in_which_an_answer_is_none(peers: Any, answer: bytes, reason: str, words: str) -> None:
    found = problem(peers.tcp(answer).url)
    assert found.reason == reason
    assert words in found.message


def test_nothing_listens(peers: Any) -> None:
    found = problem(f"http://127.0.0.1:{peers.free_port()}/")
    assert (found.reason, "nothing listens" in found.message) == ("refused", True)


def test_accepts_and_hangs(peers: Any) -> None:
    assert problem(peers.hang().url, 0.2).reason == "timeout"


@pytest.mark.parametrize(
    ("first", "drop"),
    [
        pytest.param(b"HTTP/1.1 200 OK\r\n", b"X: y\r\n", id="headers"),
        pytest.param(b"HTTP/1.1 200 OK\r\n\r\n", b".", id="body"),
        pytest.param(b"HTTP/1.1 200 OK\r\nContent-Length: 99999\r\n\r\n", b".", id="length"),
        pytest.param(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\n.\r\n", id="chunks"),
        pytest.param(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"0", id="chunk-size"),
    ],
)
def test_a_slow_drip_does_not_extend_the_deadline(peers: Any, first: bytes, drop: bytes) -> None:
    assert problem(peers.drip(first, drop).url, 0.3).reason == "timeout"


def test_a_deadline_that_has_passed_is_a_timeout_before_anything_is_sent(peers: Any) -> None:
    peer = peers.tcp(b"HTTP/1.1 200 OK\r\n\r\n")
    assert problem(peer.url, -1.0).reason == "timeout"
    assert peer.requests == []


@pytest.mark.parametrize("answer", [b"", b"HTTP/1.1 200", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhi"])
def test_reset_by_the_peer(peers: Any, answer: bytes) -> None:
    assert problem(peers.reset_after(answer).url).reason == "reset"


@pytest.mark.parametrize(
    "head",
    [
        pytest.param(b"HTTP/1.1 200 OK\r\n\r\n", id="endless"),
        pytest.param(b"HTTP/1.1 200 OK\r\nContent-Length: 999999999999\r\n\r\n", id="length"),
        pytest.param(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nFFFFFFFF\r\n", id="chunk"),
    ],
)
def test_a_huge_body_is_cut(peers: Any, head: bytes) -> None:
    def behave(connection: socket.socket) -> None:
        connection.recv(65536)
        connection.sendall(head)
        while True:
            connection.sendall(b"x" * 65536)

    response = get(peers.tcp(behave).url, max_body=1000)
    assert (response.body, response.truncated) == (b"x" * 1000, True)


def test_chunks_are_cut_where_the_bound_is(peers: Any) -> None:
    answer = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n3\r\ndef\r\n0\r\n\r\n"
    response = get(peers.tcp(answer).url, max_body=4)
    assert (response.body, response.truncated) == (b"abcd", True)


def test_a_body_of_exactly_the_bound_is_whole(peers: Any) -> None:
    response = get(peers.tcp(b"HTTP/1.0 200 OK\r\n\r\nabcd").url, max_body=4)
    assert (response.body, response.truncated) == (b"abcd", False)


def test_head_has_no_body(peers: Any) -> None:
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"
    assert get(peers.tcp(answer).url, method="HEAD").body == b""


def test_headers_are_joined_and_lower_case(peers: Any) -> None:
    answer = b"HTTP/1.1 200 OK\r\nX-A:  1 \r\nx-a: 2\r\nno colon\r\n\r\n"
    assert get(peers.tcp(answer).url).headers == {"x-a": "1, 2"}


def test_what_is_sent(peers: Any) -> None:
    peer = peers.tcp(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
    get(peer.url + "a?b=c#d", method="POST", headers={"accept": "text/x", "X-A": "ü"}, body=b"{}")
    head, _blank, body = peer.requests[0].partition(b"\r\n\r\n")
    lines = head.decode().split("\r\n")
    assert lines[0] == "POST /a?b=c HTTP/1.1"
    assert set(lines[1:]) == {
        f"Host: 127.0.0.1:{peer.port}",
        "User-Agent: toombos-incident",
        "accept: text/x",
        "Accept-Encoding: identity",
        "Content-Length: 2",
        "X-A: ü",
        "Connection: close",
    }
    assert body == b"{}"


@pytest.mark.parametrize(
    ("method", "headers"), [("GET X", {}), ("GET", {"A B": "c"}), ("GET", {"A": "b\r\nC: d"}), ("GET", {"A\n": "b"})]
)
def test_nothing_is_smuggled_into_the_request(peers: Any, method: str, headers: dict[str, str]) -> None:
    peer = peers.tcp(b"HTTP/1.1 200 OK\r\n\r\n")
    with pytest.raises(ValueError, match=r"is not|has control characters"):
        get(peer.url, method=method, headers=headers)
    assert peer.requests == []


def test_an_answer_before_the_whole_question_was_read(peers: Any) -> None:
    def behave(connection: socket.socket) -> None:
        connection.recv(1000)
        connection.sendall(b"HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n")
        connection.shutdown(socket.SHUT_RDWR)

    response = get(peers.tcp(behave).url, method="POST", body=b"x" * 5_000_000)
    assert response.status == 413


def test_a_peer_that_does_not_read_the_question(peers: Any) -> None:
    peer = peers.tcp(lambda connection: peer.closing.wait(30))
    assert problem(peer.url, 0.3, method="POST", body=b"x" * 20_000_000).reason == "timeout"


def test_over_a_unix_socket(peers: Any, tmp_path: Path) -> None:
    path = tmp_path / "s"
    peer = peers.unix(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi", path)
    assert get("http://localhost/RPC2", unix_socket=str(path)).body == b"hi"
    assert peer.requests[0].startswith(b"GET /RPC2 HTTP/1.1\r\nHost: localhost\r\n")


def test_a_unix_socket_that_is_not_there(tmp_path: Path) -> None:
    assert problem("http://localhost/", unix_socket=str(tmp_path / "none")).reason == "refused"


def test_a_listener_on_ipv6_only(peers: Any) -> None:
    peer = peers.tcp(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi", socket.AF_INET6)
    assert get(f"http://[::1]:{peer.port}/").body == b"hi"
    assert f"Host: [::1]:{peer.port}".encode() in peer.requests[0]


def test_a_name_that_does_not_resolve(monkeypatch: pytest.MonkeyPatch) -> None:
    def resolve(host: str, port: int, *options: Any) -> Any:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    found = problem("http://nowhere.example/")
    assert (found.reason, "nowhere.example" in found.message) == ("dns", True)


def test_importing_the_client_does_not_cost_ssl() -> None:
    heavy = "('ssl', 'http.client', 'urllib.request', 'email', 'asyncio')"
    code = f"import sys, {MODULE}; print([name for name in {heavy} if name in sys.modules])"
    path = str(Path(sys.modules[MODULE].__file__ or "").parents[5])
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, check=False, capture_output=True, text=True, env={"PYTHONPATH": path})
    assert (done.stdout, done.stderr) == ("[]\n", "")


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "peer")])
    now = datetime.datetime.now(datetime.timezone.utc)
    built = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "peer.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(private + built.public_bytes(serialization.Encoding.PEM))
    return path


@pytest.fixture
def secure(peers: Any, certificate: Path) -> Callable[[bytes], str]:
    def make(answer: bytes) -> str:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)

        def behave(connection: socket.socket) -> None:
            with context.wrap_socket(connection, server_side=True) as secured:
                secured.recv(65536)
                secured.sendall(answer)
                if not answer:
                    secured.recv(65536)

        return f"https://127.0.0.1:{peers.tcp(behave).port}/"

    return make


ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"


def test_tls_verifies_by_default(secure: Callable[[bytes], str]) -> None:
    found = problem(secure(ANSWER))
    assert (found.reason, "self-signed" in found.message.replace(" ", "-")) == ("cert_untrusted", True)


def test_tls_without_verification(secure: Callable[[bytes], str]) -> None:
    assert get(secure(ANSWER), verify=False).body == b"hi"


def test_tls_with_a_trusted_certificate(
    secure: Callable[[bytes], str], certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    assert get(secure(ANSWER)).body == b"hi"


def test_tls_peer_that_hangs_after_the_handshake(secure: Callable[[bytes], str]) -> None:
    assert problem(secure(b""), 0.5, verify=False).reason == "timeout"


def test_tls_peer_that_hangs_in_the_handshake(peers: Any) -> None:
    assert problem(f"https://127.0.0.1:{peers.hang().port}/", 0.2).reason == "timeout"


def test_tls_peer_that_speaks_plainly(peers: Any) -> None:
    peer = peers.tcp(lambda connection: connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n"))
    assert problem(f"https://127.0.0.1:{peer.port}/").reason == "not_tls"
