# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""TLS on a connected socket, with the reason for which a certificate is not accepted."""

from __future__ import annotations

import socket
import time
from typing import TYPE_CHECKING

from ansible_collections.toombos.incident.plugins.module_utils._clock import Clock
from ansible_collections.toombos.incident.plugins.module_utils._connect import NetworkProblem, explain, remaining

if TYPE_CHECKING:
    import ssl

TLS = "tls"
NOT_TLS = "not_tls"
CERT_EXPIRED = "cert_expired"
CERT_NOT_YET_VALID = "cert_not_yet_valid"
CERT_WRONG_NAME = "cert_wrong_name"
CERT_UNTRUSTED = "cert_untrusted"

# X509_V_ERR_* of OpenSSL (x509_vfy.h).
_VERIFY_CODES = {
    9: CERT_NOT_YET_VALID,
    10: CERT_EXPIRED,
    62: CERT_WRONG_NAME,  # host name mismatch
    64: CERT_WRONG_NAME,  # IP address mismatch
}
# What OpenSSL calls an answer that is no TLS at all.
_NOT_TLS = frozenset({"WRONG_VERSION_NUMBER", "UNKNOWN_PROTOCOL", "PACKET_LENGTH_TOO_LONG", "BAD_RECORD_TYPE"})
_SEQUENCE, _UTC_TIME, _GENERALIZED_TIME, _VERSION = 0x30, 0x17, 0x18, 0xA0


def wrap_tls(
    sock: socket.socket, host: str, *, verify: bool, deadline: float, clock: Clock, ca_file: str | None = None
) -> ssl.SSLSocket:
    """The socket after the handshake. ``host``: the name to ask for and to check. Raises NetworkProblem."""
    import ssl  # costs 10 ms to import: only TLS pays

    doing = "TLS handshake"
    try:
        context = ssl.create_default_context(cafile=ca_file)
    except (OSError, ssl.SSLError) as error:
        raise NetworkProblem(TLS, f"{ca_file} cannot be read as certificates: {error}") from None
    if not verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    sock.settimeout(remaining(deadline, clock, doing))
    try:
        return context.wrap_socket(sock, server_hostname=host)
    except OSError as error:
        raise explain_secured(error, doing) from None


def explain_secured(error: OSError, doing: str) -> NetworkProblem:
    """As ``explain``, for a connection that may be secured."""
    if type(error).__module__ != "ssl":  # ssl need not be imported to know that it was not used
        return explain(error, doing)
    code = getattr(error, "verify_code", 0)
    detail = getattr(error, "verify_message", "") or getattr(error, "reason", "") or str(error)
    plain = NOT_TLS if getattr(error, "reason", "") in _NOT_TLS else TLS
    reason = _VERIFY_CODES.get(code, CERT_UNTRUSTED) if code else plain
    return NetworkProblem(reason, f"TLS failed ({detail}): {doing}")


def validity(certificate: bytes) -> tuple[float, float]:
    """When a certificate (DER) begins and ends, in seconds since the epoch. Raises ValueError.

    Python tells this only of certificates that it has verified.
    """
    _tag, body, _rest = _element(certificate)
    _tag, to_be_signed, _rest = _element(body)
    tag, _content, rest = _element(to_be_signed)
    if tag == _VERSION:
        _tag, _content, rest = _element(rest)  # the serial number
    for _field in ("signature algorithm", "issuer"):
        _tag, _content, rest = _element(rest)
    tag, period, _rest = _element(rest)
    if tag != _SEQUENCE:
        raise ValueError("not a certificate")
    first_tag, first, rest = _element(period)
    last_tag, last, _rest = _element(rest)
    return _moment(first_tag, first), _moment(last_tag, last)


def _element(data: bytes) -> tuple[int, bytes, bytes]:
    """Tag, content, and what follows, of the first element. Raises ValueError."""
    if len(data) < 2:
        raise ValueError("not a certificate")
    tag, length, start = data[0], data[1], 2
    if length & 0x80:
        count = length & 0x7F
        start += count
        length = int.from_bytes(data[2:start], "big")
    if len(data) < start + length:
        raise ValueError("not a certificate")
    return tag, data[start : start + length], data[start + length :]


def _moment(tag: int, content: bytes) -> float:
    forms = {_UTC_TIME: "%y%m%d%H%M%SZ", _GENERALIZED_TIME: "%Y%m%d%H%M%SZ"}
    if tag not in forms:
        raise ValueError("not a certificate")
    import calendar  # pylint: disable=import-outside-toplevel # it brings datetime along, and few calls need it

    return float(calendar.timegm(time.strptime(content.decode("ascii"), forms[tag])))
