# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest

from ansible_collections.toombos.incident.plugins.module_utils._envfile import EnvFileError, parse_env_file


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("", {}),
        ("\n\n  \n# only words\n", {}),
        ("A=1", {"A": "1"}),
        ("A=1\nB=2\n", {"A": "1", "B": "2"}),
        ("A=1\nA=2\n", {"A": "2"}),
        ("A=\nB=2\n", {"A": "", "B": "2"}),
        ("A=   # nothing\nB=2\n", {"A": "", "B": "2"}),
        ("A=", {"A": ""}),
        ("export A=1\n  export\tB = 2 \n", {"A": "1", "B": "2"}),
        ("exported=1", {"exported": "1"}),
        ("A=a b c  # words\n", {"A": "a b c"}),
        ("A=a#b\n", {"A": "a#b"}),
        ("A=#b\n", {"A": ""}),
        ("A='a # b' # c\n", {"A": "a # b"}),
        ('A="a # b"# c\n', {"A": "a # b"}),
        ("URL=postgres://u:p@h/db?x=1&y=2\n", {"URL": "postgres://u:p@h/db?x=1&y=2"}),
        (r"A='it\'s \n \\ $HOME'", {"A": r"it's \n \ $HOME"}),
        (r'A="say \"hi\"\n\tand \$HOME \\ \x"', {"A": 'say "hi"\n\tand $HOME \\ \\x'}),
        ("A=$HOME/${B}\n", {"A": "$HOME/${B}"}),
        ('KEY="-----BEGIN\nabc\n-----END"\nB=2\n', {"KEY": "-----BEGIN\nabc\n-----END", "B": "2"}),
        ('A="one \\\ntwo"\n', {"A": "one two"}),
        ("A=\"\"\nB=''\n", {"A": "", "B": ""}),
        ("\ufeffA=1\r\nB='2'\r\nC=3 # x\r\n", {"A": "1", "B": "2", "C": "3"}),
        ("A=it's\n", {"A": "it's"}),
        ('JSON={"a": 1}\n', {"JSON": '{"a": 1}'}),
        ("with.dot=1\n_x9=2\n", {"with.dot": "1", "_x9": "2"}),
        ("ÄÖ = 1".replace("ÄÖ", "A") + "\nB=ü€\n", {"A": "1", "B": "ü€"}),
    ],
)
def test_what_is_understood(text, values):
    assert parse_env_file(text) == values


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("A=1\nsecret\n", "Line 2 of the environment file is not NAME=value"),
        ("A=1\n\n9X=secret\n", "Line 3 of the environment file is not NAME=value"),
        ("=secret\n", "Line 1 of the environment file is not NAME=value"),
        ("A B=secret\n", "Line 1 of the environment file is not NAME=value"),
        ('A=1\nB="secret\nC=2\n', "Line 2 of the environment file has no closing quote"),
        ("A='secret\nB=2'\n", "Line 1 of the environment file has no closing quote"),
        ("A='secret\n", "Line 1 of the environment file has no closing quote"),
        ('A="x\ny" secret\n', "Line 2 of the environment file goes on after the closing quote"),
        ("A='x'secret\n", "Line 1 of the environment file goes on after the closing quote"),
    ],
)
def test_an_error_names_the_line_and_never_the_value(text, said):
    with pytest.raises(EnvFileError) as error:
        parse_env_file(text)
    assert str(error.value).startswith(said)
    assert "secret" not in str(error.value)
