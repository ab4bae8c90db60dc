# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import os
import sys

import pytest
from fake_programs import FakePrograms

from ansible_collections.toombos.incident.plugins.module_utils._command import CommandResult, run_command
from ansible_collections.toombos.incident.plugins.module_utils._containment import types as t
from ansible_collections.toombos.incident.plugins.module_utils._containment.backend import backends
from ansible_collections.toombos.incident.plugins.module_utils._containment.commands import (
    ask,
    complaint,
    find_program,
    told,
)
from ansible_collections.toombos.incident.plugins.module_utils._errors import IncidentError


def test_the_backends_are_there_in_order_of_preference():
    programs = FakePrograms()
    found = backends(programs.run, programs.which)
    assert tuple(found) == t.BACKENDS == ("nftables", "iptables")
    assert {backend.name for backend in found.values()} == set(found)


def test_programs_of_root_are_found_from_a_shell_without_them(tmp_path, monkeypatch):
    program = tmp_path / "incident-filter"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    assert find_program("incident-filter") == ""
    monkeypatch.setenv("PATH", str(tmp_path))
    assert find_program("incident-filter") == str(program)
    monkeypatch.setenv("PATH", "/nowhere")
    assert os.path.basename(find_program("chroot")) == "chroot"  # in /usr/sbin


def test_a_command_hears_its_text_and_answers_in_no_language():
    script = "import os, sys; print(os.environ['LC_ALL'], sys.stdin.read())"
    assert told(run_command, [sys.executable, "-c", script], "rules") == "C rules\n"


def test_a_command_that_fails_is_an_error_with_what_it_says():
    with pytest.raises(IncidentError, match="nothing like it failed: nothing: No such file or directory"):
        told(run_command, ["nothing", "like", "it"])
    script = "import sys; print('# Warning: legacy', file=sys.stderr); sys.exit('Error: no.')"
    assert complaint(ask(run_command, [sys.executable, "-c", script])) == "Error: no"


@pytest.mark.parametrize(
    ("done", "words"),
    [
        (CommandResult(None, "", "half", True, 20.0), "no answer within 20 s"),
        (CommandResult(None, "", "", False, 0.0, "nft: Permission denied"), "nft: Permission denied"),
        (CommandResult(1, "", "\n# remark\n  Error: x.\nat line 1\n", False, 0.0), "Error: x"),
        (CommandResult(3, "", "", False, 0.0), "return code 3"),
        (CommandResult(1, "", "e" * 999, False, 0.0), "e" * 300),
    ],
)
def test_a_complaint_is_one_line(done, words):
    assert complaint(done) == words
