# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Kind tcp."""

from __future__ import annotations

import socket
from typing import Any


def test_connects(peers: Any, ask: Any) -> None:
    outcome = ask(kind="tcp", port=peers.hang().port)
    assert (outcome.status, outcome.reason, outcome.observed) == ("pass", "ok", "connected")


def test_ipv6(peers: Any, ask: Any) -> None:
    peer = peers.tcp(b"", socket.AF_INET6)
    assert ask(kind="tcp", address="::1", port=peer.port).status == "pass"
    assert ask(kind="tcp", port=peer.port).reason == "refused"


def test_refused(peers: Any, ask: Any) -> None:
    port = peers.free_port()
    outcome = ask(kind="tcp", port=port)
    assert (outcome.status, outcome.reason) == ("fail", "refused")
    assert str(port) in outcome.message


def test_slow(peers: Any, ask: Any) -> None:
    outcome = ask(kind="tcp", port=peers.hang().port, latency={"warn": 0.0000001})
    assert (outcome.status, outcome.reason) == ("warn", "slow")
