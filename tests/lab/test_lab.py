# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab itself: it is the Toombos it claims to be, and each way to break it really is what it says.

Managers, ports and processes are read directly, so that a recovery which is judged here is judged by facts.
"""

from __future__ import annotations

import contextlib
import json
import os
import pty
import signal
import socket
import stat
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from breaks import BREAKS
from names import NAMES
from processes import below, kill, until
from supervision import main_state

CLI = [sys.executable, str(Path(__file__).with_name("lab.py"))]
VALIDATE = "from src.halcytone_content_generator.config import get_settings; get_settings()"
SECRET = "lab-only-0123456789abcdef"


@pytest.fixture
def broken(lab: Any) -> Iterator[Any]:
    """A lab to break; mended after."""
    yield lab
    lab.mend()


def ask(lab: Any, service: str, path: str, body: object = None) -> tuple[int, Any]:
    """Status and JSON of one question."""
    data = None if body is None else json.dumps(body).encode()
    address = f"http://127.0.0.1:{lab.ports[service]}{path}"
    request = urllib.request.Request(address, data, {"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status, json.loads(answer.read())
    except urllib.error.HTTPError as error:
        return error.code, json.loads(error.read())


def accepts(lab: Any, service: str) -> bool:
    """Whether somebody listens."""
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", lab.ports[service]), timeout=2):
        return True
    return False


def unharmed(lab: Any, *broken: str) -> bool:
    """Whether everything else still answers."""
    return all(lab.answers(name) == 200 for name in NAMES if name not in broken)


def validate(lab: Any) -> subprocess.CompletedProcess[str]:
    """The document's own validation, in the application's directory."""
    command = [sys.executable, "-c", VALIDATE]
    return subprocess.run(command, cwd=lab.app, capture_output=True, text=True, check=False)


# --- what it imitates


def test_main_answers_as_the_real_one(lab: Any) -> None:
    assert ask(lab, "main", "/live")[0] == 200
    assert ask(lab, "main", "/health") == (200, {"status": "unknown", "service": "content-generator"})
    assert ask(lab, "main", "/startup")[0] == ask(lab, "main", "/ready")[0] == 503
    generate = "/api/v2/generate-content"
    assert ask(lab, "main", generate, {"preview_only": True})[1]["status"] == "preview"
    status, answer = ask(lab, "main", generate, {})
    assert (status, answer["status"], set(answer["channels"].values())) == (200, "success", {"failed"})


@pytest.mark.parametrize("name", ["crm", "platform"])
def test_a_mock_is_two_processes_and_the_parent_owns_the_socket(lab: Any, name: str) -> None:
    status, answer = ask(lab, name, "/health")
    assert (status, answer["status"], answer["service"]) == (200, "healthy", f"mock-{name}")
    assert ask(lab, name, "/api/v1/email/send", {"to": "nobody"})[1]["status"] == "sent"
    parent, worker = sorted(lab.of(f"mocks/{name}_service.py"), key=lambda process: "--worker" in process.command)
    assert parent.command == f"{sys.executable} mocks/{name}_service.py"
    assert worker.ppid == parent.pid


def test_the_logs_mix_formats_and_leak_a_secret(lab: Any) -> None:
    ask(lab, "main", "/live")
    log = (lab.app / "logs" / "halcytone.log").read_text()
    assert " - ERROR - Failed to initialize production services" in log
    assert f"Security config: {{'API_KEY_ENCRYPTION_KEY': '{SECRET}'}}" in log
    assert '"GET /live HTTP/1.1" 200 OK' in log


def test_the_layout_keeps_secrets_to_its_owner(lab: Any) -> None:
    for file in (".env", ".env.production", "backups/config-last-good/.env"):
        assert stat.S_IMODE((lab.app / file).stat().st_mode) == 0o600
    for place in ("scripts", "monitoring", "backups/config-daily", "backups/emergency-restore"):
        assert (lab.app / place).is_dir()


@pytest.mark.parametrize(
    ("content", "rc"),
    [("METRICS_PORT=abc", 1), ("MAINTENANCE_MODE=true", 1), ("METRICS_PORT=9200", 0), ("", 0)],
)
def test_the_configuration_refuses_what_the_real_one_refuses_and_fails_open(
    tmp_path: Path, lab: Any, content: str, rc: int
) -> None:
    (tmp_path / "src").symlink_to(lab.app / "src")
    (tmp_path / ".env").write_text(content)
    done = subprocess.run([sys.executable, "-c", VALIDATE], cwd=tmp_path, capture_output=True, check=False)
    assert done.returncode == rc


def test_the_environment_wins_over_the_file(lab: Any) -> None:
    show = VALIDATE.replace("get_settings()", "print(get_settings().METRICS_PORT)")
    done = subprocess.run(
        [sys.executable, "-c", show],
        cwd=lab.app,
        env={**os.environ, "METRICS_PORT": "1"},
        capture_output=True,
        check=True,
    )
    assert done.stdout == b"1\n"


def test_up_on_a_healthy_lab_changes_nothing(lab: Any) -> None:
    files, processes = lab.files(), lab.identities()
    lab.up()
    assert (lab.files(), lab.identities()) == (files, processes)


# --- the ways to break it


def test_stop(broken: Any) -> None:
    broken.break_("stop")
    assert (main_state(broken.socket), accepts(broken, "main"), broken.of("uvicorn")) == ("STOPPED", False, [])
    assert unharmed(broken, "main")


def test_kill(broken: Any) -> None:
    broken.break_("kill")
    assert (broken.of("crm_service.py"), accepts(broken, "crm")) == ([], False)
    assert unharmed(broken, "crm")
    assert ask(broken, "main", "/health")[0] == 200, "main does not notice"
    assert ask(broken, "main", "/api/v2/generate-content", {"preview_only": True})[1]["status"] == "error"


def test_kill_worker(broken: Any) -> None:
    (parent,) = (process for process in broken.of("crm_service.py") if "--worker" not in process.command)
    broken.break_("kill-worker")
    assert broken.of("crm_service.py") == [parent]
    assert accepts(broken, "crm"), "it listens"
    assert broken.answers("crm") == 0, "but nobody serves"
    assert unharmed(broken, "crm")


def test_kill_main(broken: Any) -> None:
    (before,) = broken.of("uvicorn")
    broken.break_("kill-main")
    assert before not in broken.of("uvicorn")


@pytest.mark.parametrize(
    ("name", "service", "words"), [("hang", "main", "uvicorn"), ("hang-crm", "crm", "crm_service")]
)
def test_hang(broken: Any, name: str, service: str, words: str) -> None:
    broken.break_(name)
    # The signal is sent, but on a busy machine not yet felt.
    until(lambda: {process.state for process in broken.of(words)} == {"T"}, "all of it stops", 10.0)
    assert accepts(broken, service), "its port still accepts"
    assert broken.answers(service) == 0
    assert main_state(broken.socket) == "RUNNING", "supervisord sees nothing"


def test_crash_loop(broken: Any) -> None:
    broken.break_("crash-loop")
    assert (main_state(broken.socket), accepts(broken, "main")) == ("FATAL", False)
    assert "content_pipeline" in (broken.app / "logs" / "halcytone.log").read_text()
    assert validate(broken).returncode == 0, "its configuration is good"
    assert unharmed(broken, "main")


def test_crash_late(broken: Any) -> None:
    broken.break_("crash-late")
    log = broken.app / "logs" / "halcytone.log"
    until(lambda: log.read_text().count("MemoryError") > 2, "supervisord starts it again, and it dies again")
    assert main_state(broken.socket) != "FATAL", "supervisord never gives it up"
    assert unharmed(broken, "main")


def test_bad_env(broken: Any) -> None:
    broken.break_("bad-env")
    assert (main_state(broken.socket), accepts(broken, "main")) == ("FATAL", False)
    refused = validate(broken)
    assert (refused.returncode, "METRICS_PORT" in refused.stderr) == (1, True)
    assert unharmed(broken, "main")


def test_unknown_setting(broken: Any) -> None:
    broken.break_("unknown-setting")
    assert (main_state(broken.socket), validate(broken).returncode, unharmed(broken, "main")) == ("FATAL", 1, True)


@pytest.mark.parametrize("name", ["empty-env", "missing-env", "truncated-env"])
def test_what_main_accepts_and_should_not(broken: Any, name: str) -> None:
    before = broken.of("uvicorn")
    broken.break_(name)
    assert (main_state(broken.socket), broken.answers("main"), validate(broken).returncode) == ("RUNNING", 200, 0)
    assert broken.of("uvicorn") != before, "it was started anew, in live mode"
    assert unharmed(broken, "main")


def test_errors(broken: Any) -> None:
    before = broken.of("uvicorn")
    broken.break_("errors")
    assert ask(broken, "main", "/live")[0] == ask(broken, "main", "/health")[0] == 500
    assert (main_state(broken.socket), broken.of("uvicorn")) == ("RUNNING", before)


def test_foreign(broken: Any) -> None:
    broken.break_("foreign")
    assert (main_state(broken.socket), broken.of("uvicorn"), broken.answers("main")) == ("STOPPED", [], 404)
    (intruder,) = broken.of("http.server")
    assert os.readlink(f"/proc/{intruder.pid}/cwd") != str(broken.app)


def test_orphan(broken: Any) -> None:
    broken.break_("orphan")
    (orphan,) = broken.of("uvicorn")
    assert (main_state(broken.socket), broken.answers("main")) == ("STOPPED", 200)
    assert os.readlink(f"/proc/{orphan.pid}/cwd") == str(broken.app)


def test_supervisord_gone(broken: Any) -> None:
    (main,) = broken.of("uvicorn")
    broken.break_("supervisord-gone")
    assert broken.of("supervisor.supervisord") == []
    assert main.pid in [process.pid for process in broken.of("uvicorn")], "main lives on"
    assert unharmed(broken)


def test_supervisord_and_main_gone(broken: Any) -> None:
    broken.break_("supervisord-and-main-gone")
    assert broken.of("supervisor.supervisord") == broken.of("uvicorn") == []
    assert unharmed(broken, "main")


def test_all_down(broken: Any) -> None:
    broken.break_("all-down")
    assert [process for process in broken.running() if "standin.py" not in process.command] == []
    assert unharmed(broken, "main", "crm", "platform"), "monitoring lives"


def test_stale_temp(broken: Any) -> None:
    broken.break_("stale-temp")
    broken.break_("stale-temp")
    work = broken.home / "tmp" / "halcytone-work"
    assert (work / "deep" / "half-written").stat().st_size == 1000
    assert (work / "link").resolve() == broken.home / "precious"
    assert (main_state(broken.socket), unharmed(broken, "main")) == ("STOPPED", True)


def test_every_break_is_tested_here_and_offered() -> None:
    here = Path(__file__).read_text()
    assert [name for name in BREAKS if f'"{name}"' not in here] == []
    shown = subprocess.run([*CLI, "breaks"], capture_output=True, text=True, check=True).stdout
    assert [line.split()[0] for line in shown.splitlines()] == list(BREAKS)


# --- its end


@pytest.mark.parametrize("name", ["hang", "kill-worker", "foreign", "orphan", "supervisord-gone"])
def test_down_leaves_nothing_whatever_was_broken(lab: Any, tmp_path: Path, name: str) -> None:
    # A lab of its own, beside the other one, as deep as a socket's path cannot be.
    home = tmp_path / ("deep" * 25)
    other = type(lab)(home, max(lab.ports.values()) + 1, say=lambda _: None)
    neighbour = lab.identities()
    other.up()
    try:
        assert len(str(other.socket)) < 108
        other.break_(name)
        assert other.running()
    finally:
        other.down()
    assert other.running() == []
    assert not any(accepts(other, service) for service in NAMES)
    assert (home.exists(), other.socket.parent.exists()) == (False, False)
    assert lab.identities() == neighbour, "the other lab is not touched"


def test_down_and_up_leave_a_directory_alone_that_is_not_a_lab(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("somebody's")
    down = subprocess.run([*CLI, "--dir", str(tmp_path), "down"], capture_output=True, text=True, check=False)
    try:
        up = subprocess.run([*CLI, "--dir", str(tmp_path), "up"], capture_output=True, text=True, check=False)
    finally:
        started = below(tmp_path)
        kill(started)
    assert started == []
    assert (down.returncode, "no lab" in down.stdout) == (0, True)
    assert (up.returncode, "other things" in up.stderr) == (1, True)
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_a_persons_shell_in_the_lab_is_none_of_its_processes(lab: Any) -> None:
    shell, terminal = pty.fork()
    if shell == 0:
        os.chdir(lab.app)
        os.execvp("sleep", ["sleep", "60"])
    try:
        until(lambda: Path(f"/proc/{shell}/comm").read_text() == "sleep\n", "the shell is there")
        assert shell not in [process.pid for process in lab.running()]
    finally:
        os.kill(shell, signal.SIGKILL)
        os.waitpid(shell, 0)
        os.close(terminal)


def test_a_verb_without_a_lab_says_how_to_start_one(tmp_path: Path) -> None:
    done = subprocess.run([*CLI, "--dir", str(tmp_path), "status"], capture_output=True, text=True, check=False)
    assert (done.returncode, "up" in done.stderr) == (1, True)
