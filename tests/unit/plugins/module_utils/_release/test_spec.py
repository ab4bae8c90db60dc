# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The option ``code``, and what may name a release."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.toombos.incident.plugins.module_utils._errors import IncidentError
from ansible_collections.toombos.incident.plugins.module_utils._release.spec import meaning_of, parse_code
from ansible_collections.toombos.incident.plugins.module_utils._release.types import Spec

GIT = {"kind": "git", "path": "/opt/app"}
LINK = {"kind": "symlink", "current": "/opt/app/current", "releases": "/opt/app/releases"}


def test_what_is_not_said_has_a_default() -> None:
    assert parse_code(GIT) == Spec("git", "/opt/app", good="last-known-good-tag")
    assert parse_code(LINK) == Spec("symlink", "/opt/app/current", releases="/opt/app/releases")


def test_everything_that_can_be_said() -> None:
    full = {**GIT, "user": "app", "good": "v1", "deploy": ["./d", 1], "deploy_timeout": "5m", "submodules": "no"}
    assert parse_code({**full, "remote": "up"}) == Spec(
        "git", "/opt/app", "app", "v1", ("./d", "1"), 300.0, "up", submodules=False
    )
    full = {**LINK, "marker": "REVISION", "validate": ["test", "-e", "x"], "validate_timeout": "3s"}
    spec = parse_code(full)
    assert (spec.marker, spec.validate, spec.validate_timeout) == ("REVISION", ("test", "-e", "x"), 3.0)


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ({}, "code.kind must be one of git, symlink"),
        ({"kind": "svn"}, "code.kind must be"),
        ({**GIT, "path": "/"}, "code.path must be an absolute path"),
        ({**LINK, "releases": "releases"}, "code.releases must be"),
        ({**GIT, "releases": "/x"}, "code.releases is not known for kind git"),
        ({**GIT, "deploy": "./d; rm -rf /"}, "code.deploy must be a list"),
        ({**GIT, "deploy": [["x"]]}, "code.deploy must be a list"),
        ({**GIT, "remote": "--upload-pack=x"}, "code.remote is a name"),
        ({**LINK, "marker": "../x"}, "code.marker a path within"),
        ({**GIT, "user": ["x"]}, "code.user must be text"),
        ({**GIT, "deploy_timeout": "soon"}, "code.deploy_timeout: 'soon' is not a duration"),
        ({**GIT, "submodules": "perhaps"}, "neither true nor false"),
    ],
)
def test_what_is_wrong_is_said(code: dict[str, Any], words: str) -> None:
    with pytest.raises(IncidentError, match=words):
        parse_code(code)


@pytest.mark.parametrize("ref", ["v1.2", "release/2026-11", "main~2", "HEAD^", "abc1234", "v1+build.3", "a@b", "v1#2"])
def test_references(ref: str) -> None:
    assert meaning_of(ref, parse_code(GIT)) == ref


def test_a_path_names_a_release_only_where_releases_are_directories() -> None:
    assert meaning_of("/opt/app/good", parse_code(LINK)) == "/opt/app/good"
    with pytest.raises(IncidentError, match="cannot name a release"):
        meaning_of("/opt/app/good", parse_code(GIT))
