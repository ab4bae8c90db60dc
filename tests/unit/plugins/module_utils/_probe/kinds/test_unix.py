# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Kind unix: a socket file proves nothing, somebody must be behind it."""

from __future__ import annotations

import contextlib
import os
import socket
import tempfile
import threading
from pathlib import Path
from typing import Any, Iterator

import pytest


@pytest.fixture
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Answers PING with +PONG, and everything else with silence."""
    path = str(tmp_path_factory.mktemp("u") / "s")
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(path)
    listener.listen()

    def serve() -> None:
        while True:
            try:
                connection, _address = listener.accept()
            except OSError:
                return
            with connection:
                if connection.recv(100) == b"PING\r\n":
                    for part in (b"+PO", b"NG\r\n"):
                        connection.sendall(part)
                    connection.recv(1)

    threading.Thread(target=serve, daemon=True).start()
    yield path
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()


def test_it_accepts(ask: Any, daemon: str) -> None:
    assert ask(kind="unix", path=daemon).status == "pass"


def test_it_answers(ask: Any, daemon: str) -> None:
    assert ask(kind="unix", path=daemon, send="PING\r\n", expect=r"^\+PONG").status == "pass"
    wrong = ask(kind="unix", path=daemon, send="QUIT\r\n", expect="PONG")
    assert (wrong.status, wrong.reason) == ("fail", "bad_output")


def test_it_keeps_silent(ask: Any, daemon: str) -> None:
    assert ask(kind="unix", path=daemon, expect="hello", seconds=0.3).reason == "timeout"


def test_nobody_is_behind_it(ask: Any, tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("u") / "s"
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(path))
    assert ask(kind="unix", path=str(path)).reason == "refused"


def test_it_is_not_there_or_something_else(ask: Any, tmp_path: Path) -> None:
    assert ask(kind="unix", path=str(tmp_path / "none")).reason == "missing"
    (tmp_path / "file").write_text("")
    outcome = ask(kind="unix", path=str(tmp_path / "file"))
    assert (outcome.reason, outcome.message.endswith("is not a socket")) == ("missing", True)


def test_it_listens_and_does_not_accept(ask: Any, tmp_path_factory: pytest.TempPathFactory) -> None:
    path = str(tmp_path_factory.mktemp("u") / "s")
    with socket.socket(socket.AF_UNIX) as hung, contextlib.ExitStack() as waiting:
        hung.bind(path)
        hung.listen(0)
        with contextlib.suppress(BlockingIOError):
            while True:
                client = waiting.enter_context(socket.socket(socket.AF_UNIX))
                client.setblocking(False)
                client.connect(path)
        outcome = ask(kind="unix", path=path, seconds=0.3)
        assert (outcome.reason, "does not accept" in outcome.message) == ("timeout", True)
        threading.Timer(0.2, hung.accept).start()
        assert ask(kind="unix", path=path).status == "pass", "it comes back before the deadline"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may become somebody else")
def test_it_may_not_be_used(ask: Any) -> None:
    with tempfile.TemporaryDirectory() as folder, socket.socket(socket.AF_UNIX) as listener:
        os.chmod(folder, 0o755)
        path = os.path.join(folder, "s")
        listener.bind(path)
        listener.listen()
        os.chmod(path, 0o600)
        child = os.fork()
        if not child:
            os.setuid(65534)
            os._exit(0 if ask(kind="unix", path=path).reason == "denied" else 1)
        assert os.waitpid(child, 0)[1] == 0


def test_an_answer_hides_its_secrets(ask: Any, peers: Any, tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("u") / "s"

    def behave(connection: socket.socket) -> None:
        connection.sendall(b"x" * 170 + b" redis://app:hunter2hunter2@db/")

    peers.unix(behave, path)
    outcome = ask(kind="unix", path=str(path), expect="PONG")
    assert outcome.observed["answer"].startswith("xxx")
    assert "hunter" not in str(outcome.observed)
