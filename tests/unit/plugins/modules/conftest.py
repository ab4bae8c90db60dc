# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the tests of modules with real services share."""

from __future__ import annotations

import contextlib
import json
import random
import socket
import sys
from pathlib import Path
from typing import Any, Callable

import pytest
from ansible.module_utils import basic

sys.path.insert(0, str(Path(__file__).resolve().parent))


@pytest.fixture
def free_port() -> Callable[[], int]:
    """Ports below the range that the kernel lends to clients: nobody takes them before a service does. Each once."""
    given: set[int] = set()

    def find() -> int:
        while True:
            port = random.randrange(20000, 32000)
            with contextlib.suppress(OSError), socket.socket() as probe:
                probe.bind(("127.0.0.1", port))
                if port not in given:
                    given.add(port)
                    return port

    return find


@pytest.fixture
def logged(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What would have gone to the system log."""
    lines: list[str] = []
    monkeypatch.setattr(basic.AnsibleModule, "log", lambda self, msg, log_args=None: lines.append(str(msg)))
    return lines


@pytest.fixture
def run_module(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], logged: list[str]
) -> Callable[..., dict[str, Any]]:
    """Call it with a module and its options, as Ansible does: arguments in, JSON out. The module's result."""

    def call(module: Any, check_mode: bool = False, **options: Any) -> dict[str, Any]:
        arguments = {**options, "_ansible_check_mode": check_mode, "_ansible_no_log": False}
        monkeypatch.setattr(basic, "_ANSIBLE_ARGS", json.dumps({"ANSIBLE_MODULE_ARGS": arguments}).encode())
        monkeypatch.setattr(basic, "_ANSIBLE_PROFILE", "legacy", raising=False)  # since ansible-core 2.19
        with pytest.raises(SystemExit) as ended:
            module.main()
        result: dict[str, Any] = json.loads(capfd.readouterr().out)
        assert bool(ended.value.code) == bool(result.get("failed"))
        return result

    return call


@pytest.fixture(scope="session")
def hostile_names() -> list[bytes]:
    """What a file can be called, and what tools stumble over: two thousand names and more."""
    dice = random.Random(4)
    letters = [
        b"%",
        b"\r",
        b"\n",
        b"|",
        b"\xff",
        b"\xc3\xa4",
        b"\xed\xb3\xbf",
        b" ",
        b"..",
        b"-",
        b"'",
        b'"',
        b"\\",
        b"$(",
    ]
    letters += [
        b"\t",
        b"\x1b[31m",
        b"\xe2\x80\xae",
        b"%0a",
        b"*",
        b"?",
        b"[",
        b"~",
        b"#",
        b"{{",
        b"a",
        b"<",
        b"&",
        b"\x01",
    ]
    names = {b"...", b"-rf", b"%", b"|", b" ", b"\xff" * 255, b"a" * 255, b"\n", b"..data", b"#x", b"\xc3\xa4" * 127}
    while len(names) < 2100:
        names.add(b"".join(dice.choice(letters) for _letter in range(dice.randrange(1, 12)))[:255])
    return sorted(names - {b".", b".."})
