# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which paths may be declared as temporary."""

from __future__ import annotations

import fnmatch
import posixpath

import pytest
from hypothesis import given, strategies as st

from ansible_collections.toombos.incident.plugins.module_utils._catalogue.fields import Malformed
from ansible_collections.toombos.incident.plugins.module_utils._catalogue.temp import covers, read_temp

TOO_SHALLOW = "is too shallow to be cleared"
SYSTEM = "belongs to the system and is never cleared"
SHARED = "is shared by everybody"
BARE = "is a bare wildcard"
OTHERS = "would take what others put into"


@pytest.mark.parametrize(
    ("path", "problem"),
    [
        ("/", TOO_SHALLOW),
        ("//", TOO_SHALLOW),
        ("/*", TOO_SHALLOW),
        ("/srv", TOO_SHALLOW),
        ("/srv/app", TOO_SHALLOW),
        ("/srv/app/", TOO_SHALLOW),
        ("/srv/app/.", TOO_SHALLOW),
        ("/srv/*", TOO_SHALLOW),
        ("/home", TOO_SHALLOW),
        ("/home/x", TOO_SHALLOW),
        ("/root", TOO_SHALLOW),
        ("/opt/app", TOO_SHALLOW),
        ("/var", TOO_SHALLOW),
        ("/var/lib", TOO_SHALLOW),
        ("/var/lib/postgresql", TOO_SHALLOW),
        ("/var/lib/postgres*", TOO_SHALLOW),
        ("/run/app", TOO_SHALLOW),
        ("/tmp", SHARED),
        ("/tmp/", SHARED),
        ("//tmp", SHARED),
        ("/var/tmp", SHARED),
        ("/dev/shm", SHARED),
        ("/dev/sda", SYSTEM),
        ("/etc", SYSTEM),
        ("/etc/app/cache/x", SYSTEM),
        ("/usr", SYSTEM),
        ("/usr/local/app/tmp", SYSTEM),
        ("/proc/1/fd", SYSTEM),
        ("/sys/fs/cgroup", SYSTEM),
        ("/boot/grub/x", SYSTEM),
        ("/lib/systemd/system", SYSTEM),
        ("/var/log/app/old", SYSTEM),
        ("/var/backups/app/x", SYSTEM),
        ("/run/systemd/x/y", SYSTEM),
        ("/tmp/../etc/x", "must not contain '..'"),
        ("/srv/app/tmp/..", "must not contain '..'"),
        ("/srv/*/tmp", "has a wildcard outside the last component"),
        ("/srv/a?p/tmp", "has a wildcard outside the last component"),
        ("/srv/[ab]/tmp/x", "has a wildcard outside the last component"),
        ("/tmp/*/x", "has a wildcard outside the last component"),
        ("/srv/app/*", BARE),
        ("/srv/app/**", BARE),
        ("/srv/app/.*", BARE),
        ("/srv/app/?*", BARE),
        ("/srv/app/[a-z]*", BARE),
        ("/tmp/*", BARE),
        ("/tmp/*.tmp", OTHERS),
        ("/var/tmp/?app", OTHERS),
        ("/tmp/[ab]pp", OTHERS),
        ("tmp/x", "is not an absolute path"),
        ("{{ app }}/tmp", "is not an absolute path"),
        ("", "must be one line of text"),
    ],
)
def test_a_dangerous_path_is_refused(path: str, problem: str) -> None:
    with pytest.raises(Malformed, match=problem.replace("(", r"\(").replace(".", r"\.")) as caught:
        read_temp(path)
    assert repr(path) in str(caught.value)


def test_only_text_is_a_path() -> None:
    with pytest.raises(Malformed, match="True must be text"):
        read_temp(True)


@pytest.mark.parametrize(
    ("path", "read"),
    [
        ("/tmp/app-work", "/tmp/app-work"),
        ("/tmp/app-*", "/tmp/app-*"),
        ("/var/tmp/app", "/var/tmp/app"),
        ("/dev/shm/app-?", "/dev/shm/app-?"),
        ("/srv/app/tmp", "/srv/app/tmp"),
        ("/srv/app/tmp/", "/srv/app/tmp"),
        ("//srv/./app//tmp", "/srv/app/tmp"),
        ("/srv/app/*.pid", "/srv/app/*.pid"),
        ("/home/x/app", "/home/x/app"),
        ("/var/lib/app/tmp", "/var/lib/app/tmp"),
        ("/run/user/app", "/run/user/app"),
        ("/etcetera/app/tmp", "/etcetera/app/tmp"),
    ],
)
def test_a_safe_path_is_normalised(path: str, read: str) -> None:
    assert read_temp(path) == read


component = st.text(alphabet="ab.*?[]-", min_size=1, max_size=4)
root = st.sampled_from(["tmp", "var", "srv", "home", "etc", "usr", "opt", "lib", "log"])


@given(st.lists(st.one_of(root, component), max_size=5))
def test_whatever_is_accepted_spares_every_system_directory(parts: list[str]) -> None:
    try:
        accepted = read_temp("/" + "/".join(parts))
    except Malformed:
        return
    assert accepted == "/" + posixpath.normpath(accepted).lstrip("/")
    for spared in (
        "/",
        "/tmp",
        "/var",
        "/var/log",
        "/var/log/x",
        "/home",
        "/home/u",
        "/etc/passwd",
        "/usr/bin/env",
        "/srv/x",
    ):
        assert not covers(accepted, spared)


@given(st.lists(component, min_size=1, max_size=3), st.lists(component, min_size=1, max_size=5))
def test_covers_agrees_with_matching_every_ancestor(temp_parts: list[str], path_parts: list[str]) -> None:
    parent = "".join("/" + part.strip("*?[]") for part in temp_parts[:-1])
    temp, path = f"{parent}/{temp_parts[-1]}", "/" + "/".join(path_parts)
    ancestors = ["/" + "/".join(path_parts[:count]) for count in range(1, len(path_parts) + 1)]
    expected = any(
        posixpath.dirname(ancestor).rstrip("/") == parent.rstrip("/")
        and fnmatch.fnmatchcase(posixpath.basename(ancestor), temp_parts[-1])
        for ancestor in ancestors
    )
    assert covers(temp, path) is expected
