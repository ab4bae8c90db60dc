# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The causes are found in what molecule, Ansible and pytest really print, and the noise around them is not."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent.parent / "tools"))

from stage_causes import BRIEF, GAP, LINES, WIDTH, brief, causes

RECAP = """\
PLAY RECAP *********************************************************************
one                        : ok=1    changed=0    unreachable=0    failed=0    skipped=0    rescued=0    ignored=0
"""
MEANT_TO_FAIL = f"""\
INFO     [default > side_effect] Executing

PLAY [Break it for good] *******************************************************

TASK [Recover it] **************************************************************
fatal: [one]: FAILED! => {{"changed": false, "msg": "as it was meant to"}}

{RECAP}
INFO     [default > side_effect] Executed: Successful
"""
CONVERGE = """\
INFO     [default > converge] Executing

PLAY [Converge] ****************************************************************

TASK [Run what fails] **********************************************************
[ERROR]: Task failed: Module failed: non-zero return code
Origin: /src/molecule/default/converge.yml:5:7

3   gather_facts: false
4   tasks:
5     - name: Run what fails
        ^ column 7

fatal: [one]: FAILED! => {"changed": true, "cmd": ["sh", "-c", "exit 3"], "delta": "0:00:00.002", "msg": "non-zero \
return code", "rc": 3, "stderr": "the real cause", "stderr_lines": ["the real cause"], "stdout": "", "stdout_lines": []}

PLAY RECAP *********************************************************************
one                        : ok=0    changed=0    unreachable=0    failed=1    skipped=0    rescued=0    ignored=0

CRITICAL Ansible return code was 2, command was: ansible-playbook --inventory /tmp/molecule.184t.default/inventory
\x1b[31mERROR    [default > converge] \x1b[31mExecuted: Failed\x1b[0m
WARNING  [default > converge] An error occurred during the test sequence action: 'converge'. Cleaning up.
"""
CLEAN_UP = """\
INFO     [default > cleanup] Executing

TASK [Remove] ******************************************************************
""" + "".join(f'ok: [one] => (item={number}) => {{\n    "msg": "removed {number}"\n}}\n' for number in range(50))
YAML = f"""\
TASK [Copy the unit] ***********************************************************
ok: [two]
fatal: [one]: FAILED! =>
    changed: false
    module_stderr: |-
        sh: 1: /usr/bin/python3.13: not found

        in front of an empty line, and behind it
    msg: |-
        The module interpreter '/usr/bin/python3.13' was not found.
    rc: 127

{RECAP}"""
IGNORED = f"""\
TASK [Ask the hosts] ***********************************************************
fatal: [one]: UNREACHABLE! => changed=false
  msg: |-
    Failed to connect to the host via ssh: Connection refused
...ignoring

{RECAP}"""
PYTEST = """\
.....F....                                                               [100%]
=================================== FAILURES ===================================
_________________________________ test_bad_env _________________________________
[gw0] linux -- Python 3.11.14 /src/.venv/bin/python

    def wait_for(what: str, seconds: float) -> None:
        while not ready():
            if time.monotonic() > end:
>               raise TimeoutError(f"it did not come to pass in {seconds:.0f}s that {what}")
E               TimeoutError: it did not come to pass in 60s that supervisord gives main up

tests/lab/lab.py:61: TimeoutError
----------------------------- Captured stdout call -----------------------------
up: supervisord
=========================== short test summary info ============================
FAILED tests/lab/test_lab.py::test_bad_env - TimeoutError: it did not come to pass in 60s
1 failed, 10 passed in 62.10s (0:01:02)
"""
TRACEBACK = """\
loading
Traceback (most recent call last):
  File "/src/tools/mirror.py", line 46, in <module>
    main()
FileNotFoundError: [Errno 2] No such file or directory: 'git'
"""


def test_a_run_of_molecule_tells_what_failed_and_not_the_cleaning_up() -> None:
    told = causes(MEANT_TO_FAIL + CONVERGE + CLEAN_UP, but_last=60)
    assert told[:3] == [
        GAP,
        "TASK [Run what fails] **********************************************************",
        "[ERROR]: Task failed: Module failed: non-zero return code",
    ]
    assert any(line.startswith("fatal: [one]") and '"the real cause"' in line for line in told)
    assert not [line for line in told if "as it was meant to" in line or "removed" in line or "\x1b" in line]


def test_an_action_that_succeeded_once_is_read_when_it_fails_the_second_time() -> None:
    first = CONVERGE.replace("the real cause", "rescued").replace("Executed: Failed", "Executed: Successful")
    told = "\n".join(causes(first + CONVERGE))
    assert "the real cause" in told
    assert 'rescued"' not in told


def test_a_result_as_yaml_is_shown_to_its_end() -> None:
    told = causes("PLAY [All] ****\n\n" + YAML)
    assert "        in front of an empty line, and behind it" in told
    assert told[-2:] == ["    rc: 127", ""]


def test_a_failure_that_is_ignored_is_no_cause() -> None:
    assert causes(IGNORED) == []
    assert "Connection refused" in "\n".join(causes(IGNORED.replace("...ignoring\n", "")))


def test_pytest_tells_the_test_and_its_error() -> None:
    told = causes(PYTEST)
    assert "_________________________________ test_bad_env _________________________________" in told
    assert "E               TimeoutError: it did not come to pass in 60s that supervisord gives main up" in told
    assert "FAILED tests/lab/test_lab.py::test_bad_env - TimeoutError: it did not come to pass in 60s" in told
    assert "up: supervisord" not in told


def test_a_traceback_is_shown_with_the_line_before_it() -> None:
    assert causes(TRACEBACK) == [GAP, *TRACEBACK.splitlines()]


def test_linters_tell_by_their_own_words() -> None:
    log = "ok\nERROR: plugins/modules/x.py:3:1: E302: 2 blank lines\ntools/x.py:4: error: Missing return  [return]\n"
    assert causes(log) == [GAP, *log.splitlines()]


def test_what_is_shown_anyway_is_not_shown_twice() -> None:
    assert causes(PYTEST, but_last=len(PYTEST.splitlines())) == []
    assert causes(TRACEBACK, but_last=60) == []


def test_many_causes_and_long_lines_are_bounded() -> None:
    told = causes(YAML * 100)
    assert len(told) == LINES + 1
    assert told[-1].startswith(f"{GAP} ")
    assert told[-1].endswith(" more lines that tell something")
    (line,) = causes(f"fatal: [one]: FAILED! => {{{'x' * 5000}, rc: 3}}")[1:]
    assert len(line) < WIDTH + 20
    assert line.endswith("xx, rc: 3}")


def test_a_log_without_a_cause_tells_none() -> None:
    assert causes("") == []
    assert causes("all is well\n" * 100, but_last=60) == []


def test_what_failed_is_named_in_few_lines():
    many = [f"FAILED tests/x.py::test_{number} - assert {number}" for number in range(BRIEF + 3)]
    assert brief("\n".join(["fatal: [one]: not this", *many, "3 failed in 1 s"])) == [*many[:BRIEF], f"{GAP} 3 more"]
    assert brief("   1 of 8\nWRONG seed 1 case 2: kill: worse: main\nchaos: 7 cases right, 1 wrong") == [
        "WRONG seed 1 case 2: kill: worse: main"
    ]


def test_of_an_action_that_went_well_nothing_is_named():
    (line,) = brief(MEANT_TO_FAIL + CONVERGE + CLEAN_UP)
    assert line.startswith("fatal: [one]: FAILED!")
    assert "as it was meant to" not in line


def test_where_nothing_names_it_the_last_words_are_shown():
    assert brief("one\ntwo \n\n") == ["two"]
    assert brief("") == []
