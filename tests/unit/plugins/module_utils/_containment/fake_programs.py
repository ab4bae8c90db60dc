# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Programs of packet filters that are not there: what they were told is written down, what they say is made up."""

from __future__ import annotations

import os

from ansible_collections.toombos.incident.plugins.module_utils._command import CommandResult


class FakePrograms:
    """``answers``: (words that are all in the command and its input, return code, output), the first that fits.

    ``asked``: (command with the name of the program alone, input) of each call.
    """

    def __init__(self, *answers):
        self.answers, self.asked = list(answers), []

    def which(self, name):
        return f"/usr/sbin/{name}"

    def run(self, argv, *, timeout, env, stdin, max_output):
        assert timeout <= 60
        assert env["LC_ALL"] == "C"
        assert max_output > 1 << 20
        command, text = " ".join([os.path.basename(argv[0]), *argv[1:]]), stdin.decode()
        self.asked.append((command, text))
        for words, code, output in self.answers:
            if all(word in f"{command}\n{text}" for word in words.split(" & ")):
                out, err = (output, "") if code == 0 else ("", output)
                return CommandResult(code, out, err, False, 0.0)
        return CommandResult(0, "", "", False, 0.0)
