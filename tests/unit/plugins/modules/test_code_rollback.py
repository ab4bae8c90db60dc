# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module code_rollback with a real repository and a real service that runs on it."""

from __future__ import annotations

import contextlib
import functools
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path
from typing import Any, Callable, Iterator

import pytest

from ansible_collections.toombos.incident.plugins.module_utils._process.table import read_table
from ansible_collections.toombos.incident.plugins.modules import change_freeze, code_rollback

SERVER = """
import http.server, sys
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(%(status)s); self.end_headers(); self.wfile.write(b"%(word)s")
    def log_message(self, *_): pass
http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
"""
OTHERS = [path for path in map(shutil.which, ("python3.8", "python3.13")) if path and "shims" not in path]
GOOD, BAD, DEAD = (
    SERVER % {"status": 200, "word": "good"},
    SERVER % {"status": 500, "word": "bad"},
    "raise SystemExit(1)\n",
)

pytestmark = pytest.mark.skipif(not shutil.which("git"), reason="there is no git")


class App:
    """A service whose program is in a repository with two releases."""

    def __init__(self, home: Path, port: int, run: Callable[..., dict[str, Any]]) -> None:
        self.home, self.port, self._run = home, port, run
        self.tree = home / "app"
        self.tree.mkdir()
        self.git("init", "-q", "-b", "main")
        self.reason = "a test of a rollback"

    def git(self, *args: str) -> str:
        who = ["-c", "user.name=t", "-c", "user.email=t@example.invalid", "-c", f"safe.directory={self.tree}"]
        done = subprocess.run(["git", *who, *args], cwd=self.tree, check=True, stdout=subprocess.PIPE, text=True)
        return done.stdout.strip()

    def release(self, tag: str, program: str) -> None:
        (self.tree / "server.py").write_text(program)
        self.git("add", "-A")
        self.git("commit", "-q", "-m", tag)
        self.git("tag", tag)

    def releases(self, old: str, new: str) -> None:
        self.release("last-known-good-tag", old)
        self.release("new", new + "# new\n")

    @property
    def services(self) -> dict[str, Any]:
        return {
            "web": {
                "manager": {
                    "kind": "process",
                    "command": [sys.executable, "server.py", str(self.port)],
                    "cwd": str(self.tree),
                    "log": str(self.home / "web.log"),
                },
                "ports": [self.port],
                "probes": {
                    "up": {
                        "kind": "http",
                        "url": f"http://127.0.0.1:{self.port}/",
                        "timeout": "2s",
                        "expect": {"status": [200]},
                    }
                },
                "limits": {"attempts": 1, "ready_timeout": "8s", "stop_timeout": "5s"},
            }
        }

    def roll_back(self, check_mode: bool = False, code: dict[str, Any] | None = None, **options: Any) -> dict[str, Any]:
        return self._run(
            code_rollback,
            check_mode,
            **{
                "code": {"kind": "git", "path": str(self.tree), **(code or {})},
                "services": self.services,
                "reason": self.reason,
                "stable_for": "0s",
                "lock_timeout": "1s",
                "state_dir": str(self.home / "state"),
                "store_dir": str(self.home / "store"),
                **options,
            },
        )

    def start(self) -> None:
        """As it runs now, before anything is rolled back."""
        argv = [sys.executable, "server.py", str(self.port)]
        with open(self.home / "web.log", "ab") as log:
            subprocess.Popen(argv, cwd=self.tree, stdout=log, stderr=log, start_new_session=True)
        end = time.monotonic() + 20
        while not self.word() and time.monotonic() < end:
            time.sleep(0.05)

    def word(self) -> str:
        """What it answers."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/", timeout=5) as answer:
                return str(answer.read().decode())
        except urllib.error.HTTPError as error:
            return str(error.read().decode())
        except OSError:
            return ""

    def running(self) -> list[int]:
        found = [p for p in read_table().processes.values() if p.cwd == str(self.tree) and p.state != "Z"]
        return [process.pid for process in found]

    def close(self) -> None:
        while self.running():
            for pid in self.running():
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            time.sleep(0.02)


@pytest.fixture
def app(tmp_path: Path, free_port: Callable[[], int], run_module: Callable[..., dict[str, Any]]) -> Iterator[App]:
    made = App(tmp_path, free_port(), run_module)
    yield made
    made.close()


def test_a_bad_release_is_replaced_by_the_good_one_and_proven(app: App) -> None:
    app.releases(GOOD, BAD)
    app.start()
    rehearsal = app.roll_back(check_mode=True)
    assert (rehearsal["outcome"], rehearsal["changed"], rehearsal["recovered"]) == ("planned", True, False)
    assert "switch: from new (" in rehearsal["diff"]["prepared"]
    assert app.word() == "bad"
    assert not (app.home / "store").exists()
    result = app.roll_back()
    assert not result.get("failed"), result["msg"]
    assert (result["outcome"], result["changed"], result["recovered"]) == ("applied", True, True)
    assert result["plan"] == rehearsal["plan"]
    assert (result["healthy_before"], result["services"][0]["before"]["condition"]) == (False, "failing")
    assert result["services"][0]["action"] == "restarted"
    assert result["msg"].startswith("last-known-good-tag (")
    assert app.word() == "good"
    pids = app.running()
    again = app.roll_back()
    assert (again["outcome"], again["changed"], app.running()) == ("unchanged", False, pids)


@pytest.mark.parametrize("old", [BAD, DEAD])
def test_when_the_old_release_is_worse_the_new_one_comes_back(app: App, old: str) -> None:
    app.releases(old, GOOD)
    app.start()
    result = app.roll_back(code={"deploy": ["cat", "server.py"]})
    assert (result["failed"], result["outcome"], result["changed"]) == (True, "rolled_back", True)
    assert (result["healthy_before"], result["recovered"]) == (True, True)
    assert "in place web is " in result["msg"]
    assert result["deploys"][1]["output"].endswith("# new")
    assert app.word() == "good"
    assert app.git("symbolic-ref", "HEAD") == "refs/heads/main"


def test_two_sick_releases_fail_and_leave_what_was_there(app: App) -> None:
    app.releases(DEAD, BAD)
    app.start()
    result = app.roll_back()
    assert (result["failed"], result["outcome"], result["recovered"]) == (True, "rolled_back", False)
    assert app.word() == "bad"


def test_already_there_and_sick_fails_without_a_change(app: App) -> None:
    app.releases(GOOD, BAD)
    app.start()
    result = app.roll_back(ref="new")
    assert (result["failed"], result["outcome"], result["changed"]) == (True, "unchanged", False)
    assert app.word() == "bad"


def test_a_frozen_host_is_not_touched(app: App, run_module: Callable[..., dict[str, Any]]) -> None:
    app.releases(GOOD, BAD)
    where = {"state_dir": str(app.home / "state"), "owner": "alice", "reason": "evidence comes first"}
    run_module(change_freeze, **where)
    result = app.roll_back()
    assert "changes are frozen by alice" in result["msg"]
    assert app.roll_back(freeze="by the inventory")["msg"].count("by the inventory") == 1
    run_module(change_freeze, **{**where, "state": "thawed"})
    run_module(change_freeze, **{**where, "services": ["web"]})
    assert "web is held by alice" in app.roll_back()["msg"]
    assert (app.git("rev-parse", "HEAD"), app.running()) == (app.git("rev-parse", "new"), [])


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"reason": "short"}, "needs a reason"),
        ({"code": {"path": "app"}}, "code.path must be an absolute path"),
        ({"code": {"path": "/does/not/exist"}}, "cannot be used: No such file"),
        ({"code": {"user": "nobody-at-all"}}, "There is no user"),
        ({"code": {"deploy": "./deploy.sh"}}, "code.deploy must be a list"),
        ({"code": {"branch": "x"}}, "code.branch is not known"),
        ({"ref": "no-such-tag"}, "Tags that are here: "),
        ({"only": ["wbe"]}, "web"),
        ({"services": {}}, "declares no service"),
    ],
)
@pytest.mark.parametrize("check_mode", [False, True])
def test_wrong_input_is_refused_with_the_way_out(
    app: App, options: dict[str, Any], words: str, check_mode: bool
) -> None:
    app.releases(GOOD, BAD)
    result = app.roll_back(check_mode, **options)
    assert result["failed"]
    assert words in result["msg"]
    assert app.git("rev-parse", "HEAD") == app.git("rev-parse", "new")
    assert app.running() == []


@pytest.fixture
def open_app(free_port: Callable[[], int], run_module: Callable[..., dict[str, Any]]) -> Iterator[App]:
    """One that every user can get at: pytest keeps its own directories from them."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        made = App(Path(folder), free_port(), run_module)
        yield made
        made.close()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_everything_in_the_tree_is_done_as_its_owner(open_app: App) -> None:
    app = open_app
    app.releases(GOOD, GOOD)
    (app.tree / "server.py").write_text(GOOD + "# edited\n")
    subprocess.run(["chown", "-R", "nobody:", str(app.tree)], check=True)
    wrong = app.roll_back(code={"user": "root"})
    assert "belongs to nobody, not to root" in wrong["msg"]
    result = app.roll_back(code={"user": "nobody", "deploy": ["sh", "-c", "id -un; umask; echo >> deployed"]})
    assert "outcome" in result, result["msg"]
    assert (result["outcome"], result["deploys"][0]["output"]) == ("applied", "nobody\n0022")
    owners = {path.lstat().st_uid for path in app.tree.rglob("*") if "__pycache__" not in path.parts}
    assert owners == {65534}
    (app.tree / "server.py").write_text(GOOD + "# edited again\n")
    os.chown(app.tree / "server.py", 65534, 65534)
    back = app.roll_back(ref="new", code={"deploy": ["grep", "-q", "edited", "server.py"]})
    assert back["outcome"] == "rolled_back"
    edited = app.tree / "server.py"
    assert (edited.read_text(), edited.stat().st_uid) == (GOOD + "# edited again\n", 65534)
    place = Path(result["preserved"]["path"])
    assert (place.stat().st_uid, place.stat().st_mode & 0o777) == (0, 0o700)
    assert {path.stat().st_mode & 0o777 for path in place.iterdir()} == {0o600}


def test_no_secret_is_told(app: App) -> None:
    app.releases(GOOD, BAD)
    shutil.copy(app.tree / "server.py", app.tree / "password=geheim-17-geheim")
    result = app.roll_back(code={"deploy": ["sh", "-c", "echo api_key=geheim-18-geheim; exit 1"]})
    assert result["outcome"] == "rollback_failed"
    assert "geheim-18" not in json.dumps({**result, "invocation": None})


@pytest.mark.parametrize("python", [sys.executable, *OTHERS])
def test_as_a_host_gets_it(app: App, python: str) -> None:
    """The script that is sent, on a Python that has nothing else."""
    lean = pytest.importorskip("ansible_collections.toombos.incident.plugins.plugin_utils._lean.script")
    app.releases(GOOD, BAD)
    marker = "<<INCLUDE_ANSIBLE_MODULE_JSON_ARGS>>"
    options = {
        "code": {"kind": "git", "path": str(app.tree), "deploy": ["true"]},
        "services": app.services,
        "reason": app.reason,
        "state_dir": str(app.home / "state"),
        "store_dir": str(app.home / "store"),
    }
    text = lean.script("code_rollback").replace(marker, json.dumps(lean.arguments(options)), 1)
    run = functools.partial(subprocess.run, input=text.encode(), capture_output=True, check=False, cwd="/")
    done = run([python, "-I", "-S", "-"])
    result = json.loads(done.stdout)
    assert (result["outcome"], result["recovered"]) == ("applied", True), result
    assert done.stderr == b""
