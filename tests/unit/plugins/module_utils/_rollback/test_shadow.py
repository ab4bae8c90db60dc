# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The validator of a whole set sees it as it would be, before it is."""

from __future__ import annotations

import os
import sys
from typing import Any

import pytest
from switching import World, write

from ansible_collections.toombos.incident.plugins.module_utils._catalogue.types import ConfigSpec
from ansible_collections.toombos.incident.plugins.module_utils._rollback.checks import Finding
from ansible_collections.toombos.incident.plugins.module_utils._rollback.plan import make_switch
from ansible_collections.toombos.incident.plugins.module_utils._rollback.shadow import validate_set

# What it sees, as its objection.
LOOK = """
import os, sys
names = sorted(os.path.join(top, name)[2:] for top, tops, files in os.walk(".") for name in (*files, *tops))
texts = [f"{name}:{open(name).read()}" for name in names if os.path.isfile(name)]
links = [f"{name}>" for name in names if os.path.islink(name) and not os.path.exists(name)]
sys.exit(" ".join(texts + links))
"""


def old(world: World) -> None:
    write(world / ".env", "old")
    write(world / "conf/d/deep", "old")
    write(world / "conf/other", "other")
    write(world / "goes", "goes")
    write(world / "src/code", "code")
    os.symlink(".env", str(world / "link"))
    stay(world)


def stay(world: World) -> None:
    for name in ("conf/other", "src/code"):
        os.utime(str(world / name), ns=(1, 1))


def new(world: World) -> None:
    write(world / ".env", "new", 0o640)
    write(world / "conf/d/deep", "new")
    write(world / "conf/other", "other")
    write(world / "made/here", "made")
    write(world / "src/code", "code")
    os.symlink(str(world / "conf/d/deep"), str(world / "link"))
    stay(world)


def asked(world: World, *argv: str, **more: Any) -> Finding:
    target = world.state(new)
    current = world.state(old)
    spec = ConfigSpec(validate=argv or (sys.executable, "-c", LOOK), cwd=more.pop("cwd", str(world.set)), timeout=5.0)
    before = world.read()
    found = validate_set(spec, None, make_switch(current, target), world.contents, scratch=str(world.root), **more)
    assert world.read() == before
    assert sorted(os.listdir(str(world.root))) == ["set"]
    return found


def test_it_sees_what_would_be(world: World) -> None:
    found = asked(world)
    # Directories that stay as a whole are links, into which os.walk does not go.
    assert found.status == "rejected"
    assert found.message.split() == [
        ".env:new",
        "conf/d/deep:new",
        "conf/other:other",
        "link:new",
        "made/here:made",
    ]


def test_what_stays_can_be_used(world: World) -> None:
    code = "import os, sys; sys.exit(open('src/code').read() != 'code' or os.path.lexists('goes'))"
    assert asked(world, sys.executable, "-c", code) == Finding("", "accepted")


def test_no_bytecode_and_no_strange_environment(world: World) -> None:
    code = "import os, sys; sys.exit(' '.join(sorted(os.environ)) + str(sys.dont_write_bytecode))"
    assert asked(world, sys.executable, "-c", code).message == "LC_ALL PATH PYTHONDONTWRITEBYTECODETrue"


def test_its_directory_is_not_shown_and_secrets_neither(world: World) -> None:
    code = "import os, sys; sys.exit(os.getcwd() + ' password=hunter2')"
    assert asked(world, sys.executable, "-c", code).message == f"{world.set} password=***"


@pytest.mark.parametrize(
    ("argv", "status", "message"),
    [
        (("/no/such/program",), "unproven", "its validator cannot be run: /no/such/program: No such file or directory"),
        ((sys.executable, "-c", "import time; time.sleep(30)"), "unproven", "its validator did not end within 5 s"),
    ],
)
def test_what_cannot_be_run_proves_nothing(world: World, argv: tuple[str, ...], status: str, message: str) -> None:
    assert asked(world, *argv) == Finding("", status, message)


def test_only_in_place(world: World) -> None:
    said = "It can only be validated in place: "
    outside = asked(world, cwd=str(world / "conf"))
    assert outside.status == "in_place"
    assert outside.message.endswith(f" lies outside of {world / 'conf'}")
    for argument in (str(world / ".env"), f"--config={world / 'conf'}", str(world.set)):
        found = asked(world, "check", argument)
        assert (found.status, found.message[: len(said)]) == ("in_place", said)
        assert "the validator is told the path of" in found.message
    switch = make_switch(world.state(old), world.state(new))
    nothing = validate_set(ConfigSpec(), str(world.set), switch, world.contents)
    assert nothing.message == f"{said}no validator is declared"
    nowhere = validate_set(ConfigSpec(validate=("true",)), None, switch, world.contents)
    assert nowhere.status == "in_place"


def test_a_path_through_a_link_is_validated_in_place(world: World) -> None:
    write(world / "real/x", "1")
    os.symlink("real", str(world / "way"))
    world.declare(files=["way/x"])
    current = world.read()
    write(world / "real/x", "2")
    found = validate_set(
        ConfigSpec(validate=("true",)), str(world.set), make_switch(current, world.read()), world.contents
    )
    assert (found.status, "is reached through a symbolic link" in found.message) == ("in_place", True)


def test_a_content_that_cannot_be_had(world: World) -> None:
    def contents(_sha256: str) -> Any:
        raise OSError(5, "Input/output error")

    target, current = world.state(new), world.state(old)
    spec = ConfigSpec(validate=("true",), cwd=str(world.set))
    found = validate_set(spec, None, make_switch(current, target), contents, scratch=str(world.root))
    assert (found.status, "Input/output error" in found.message) == ("unproven", True)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can run it as somebody else")
def test_it_runs_as_the_service_and_may_read_what_the_service_may(world: World) -> None:
    if not os.path.exists("/usr/bin/python3"):
        pytest.skip("no Python that others can run")

    def make(content: str, mode: int, uid: int) -> Any:
        def fill(world: World) -> None:
            os.chown(str(write(world / ".env", content, mode)), uid, 0)

        return fill

    code = 'import os, sys; sys.exit(f\'{os.geteuid()} {os.access(".env", os.R_OK)} {os.stat(".").st_mode & 0o777:o}\')'
    spec = ConfigSpec(validate=("/usr/bin/python3", "-c", code), cwd=str(world.set))
    said = []
    for uid in (65534, 0):
        target, current = world.state(make("new", 0o600, uid)), world.state(make("old", 0o600, 65534))
        said.append(validate_set(spec, None, make_switch(current, target), world.contents, user="nobody").message)
    assert said == ["65534 True 700", "65534 False 700"]
