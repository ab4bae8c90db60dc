# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The script, run by a Python without anything else, as on a host."""

from __future__ import annotations

import base64
import datetime
import json
import os
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.toombos.incident.plugins.plugin_utils._lean import script as lean, sources

MARKER = "<<INCLUDE_ANSIBLE_MODULE_JSON_ARGS>>"
HOSTILE = '"""\'\'\'\\";import os;os.abort()#' + MARKER + "{{ x }}\n\0\u2028\U0001f600äß%s@PACKED@"
OTHERS = [path for path in map(shutil.which, ("python3.8", "python3.13")) if path and "shims" not in path]


def run(text: str, arguments: dict[str, Any], python: str = sys.executable) -> dict[str, Any]:
    """The result. Isolated: no site-packages, no environment, nothing of this checkout."""
    whole = text.replace(MARKER, json.dumps(lean.arguments(arguments)), 1)
    done = subprocess.run([python, "-I", "-S", "-"], input=whole.encode(), capture_output=True, check=False, cwd="/")
    result: dict[str, Any] = json.loads(done.stdout)
    assert done.stderr == b""
    assert bool(done.returncode) == bool(result.get("failed"))
    return result


@pytest.fixture
def module_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The script of a module with this body."""

    def write(body: str) -> str:
        basic = sources.PLUGINS / "module_utils" / "_lean"
        lines = ["from ansible.module_utils.basic import AnsibleModule", "def main():", textwrap.indent(body, "    ")]
        (tmp_path / "modules").mkdir()
        (tmp_path / "modules" / "tried.py").write_text("\n".join(lines) + "\n")
        shutil.copytree(basic, tmp_path / "module_utils" / "_lean")
        monkeypatch.setattr(sources, "PLUGINS", tmp_path)
        return lean.script("tried")

    return write


@pytest.mark.parametrize("python", [sys.executable, *OTHERS])
@pytest.mark.parametrize("module", ["health_check", "service_recovery"])
def test_a_host_needs_nothing_but_python(module: str, python: str, tmp_path: Path) -> None:
    service = {
        "manager": {"kind": "process", "command": ["/bin/sleep", "1"], "cwd": "/", "log": str(tmp_path / "log")},
        "probes": {"live": {"kind": "tcp", "port": 1, "failure_threshold": 1}},
    }
    options = {"services": {"main": service}, "state": "assessed", "state_dir": str(tmp_path)}
    result = run(lean.script(module), options, python)
    assert "down" in str(result) or "refused" in str(result)
    assert result["invocation"]["module_args"]["services"] == ["main"]


def test_the_freeze_is_set_and_a_second_time_is_no_change(tmp_path: Path) -> None:
    options = {"owner": "me", "reason": HOSTILE.replace("\0", ""), "state_dir": str(tmp_path)}
    text = lean.script("change_freeze")
    assert [run(text, options)["changed"] for _time in range(2)] == [True, False]


def test_arguments_arrive_to_the_letter(module_of: Any) -> None:
    text = module_of("m = AnsibleModule(argument_spec={'text': {'type': 'str'}})\nm.exit_json(got=m.params['text'])")
    assert run(text, {"text": HOSTILE})["got"] == HOSTILE


def test_check_mode_defaults_and_warnings(module_of: Any) -> None:
    text = module_of(
        "m = AnsibleModule(argument_spec={'a': {'type': 'str', 'default': 'x'}, 'b': {'type': 'str'}})\n"
        "m.warn('careful')\n"
        "m.fail_json(msg='no', check=m.check_mode, failed=False)"
    )
    result = run(text, {"_ansible_check_mode": True, "_ansible_diff": False})
    assert result["invocation"] == {"module_args": {"a": "x", "b": None}}
    assert (result["msg"], result["check"], result["warnings"]) == ("no", True, ["careful"])


def test_a_path_is_one_of_the_host(module_of: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    text = module_of("m = AnsibleModule(argument_spec={'p': {'type': 'path'}})\nm.exit_json(got=m.params['p'])")
    monkeypatch.setenv("WHERE", "there")
    assert run(text, {"p": "~/$WHERE"})["got"] == os.path.expanduser("~/there")


def test_a_mistake_of_ours_is_a_failure_with_the_line_that_made_it(module_of: Any) -> None:
    result = run(module_of('"""Words."""\n# more\nraise RuntimeError("bad luck")'), {})
    assert result["msg"] == "RuntimeError: bad luck"
    assert 'tried.py", line 5' in result["exception"]
    assert 'raise RuntimeError("bad luck")' in result["exception"]


def test_an_old_python_is_told_what_to_do() -> None:
    old = lean.script("health_check").replace("(3, 8)", "(99, 0)")
    result = run(old, {})
    assert "ansible_python_interpreter" in result["msg"]
    compile(old.partition("import base64")[0], "head", "exec")


def test_the_file_is_made_once(tmp_path: Path) -> None:
    run_of = tmp_path / "run"
    run_of.mkdir()
    first = lean.script_file("health_check", str(run_of), str(tmp_path))
    before = os.stat(first)
    assert lean.script_file("health_check", str(run_of), str(tmp_path)) == first
    assert os.stat(first).st_mtime_ns == before.st_mtime_ns
    assert os.listdir(run_of) == ["health_check.py"]


def test_the_next_run_finds_what_this_one_has_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    texts = []
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        texts.append(Path(lean.script_file("health_check", str(tmp_path / name), str(tmp_path))).read_text())
        monkeypatch.setattr(lean, "needed", lambda _module: pytest.fail("it is there"))
    assert texts == [texts[0]] * 2


def test_a_vaulted_value_is_sent_in_clear_and_everything_else_as_json() -> None:
    class Vaulted:
        def __str__(self) -> str:
            return "clear"

    packed = lean.arguments({"a": Vaulted(), "b": [1, None, True]})
    assert json.loads(base64.b64decode(packed["arguments"])) == {"a": "clear", "b": [1, None, True]}


def test_values_are_checked_as_a_host_gets_them() -> None:
    when = datetime.date(2026, 11, 25)
    assert lean.plain({"services": {"main": {"since": when, "ports": (1, 2)}}, 3: None}) == {
        "services": {"main": {"since": "2026-11-25", "ports": [1, 2]}},
        "3": None,
    }
