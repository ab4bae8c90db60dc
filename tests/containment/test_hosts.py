# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hosts on which something is missing, fails half-way, or filters beside it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from neighbourhood import VICTIM, Neighbourhood
from victim import FLOWS, RESOLVERS, Victim, forget_ufw

from ansible_collections.toombos.incident.plugins.module_utils._containment.backend import backends
from ansible_collections.toombos.incident.plugins.module_utils._containment.commands import find_program
from ansible_collections.toombos.incident.plugins.module_utils._containment.observe import observe
from ansible_collections.toombos.incident.plugins.module_utils._errors import IncidentError

UFW_SETTINGS = Path("/etc/ufw/ufw.conf")


@pytest.fixture
def ufw(neighbourhood: Neighbourhood) -> Iterator[None]:
    """It is active on the victim, as people set it up: closed but for ssh."""
    victim = neighbourhood.of[VICTIM]
    for words in ("default deny incoming", "default allow outgoing", "allow ssh", "--force enable"):
        victim.run("ufw", *words.split())
    yield
    forget_ufw(victim)


def test_what_works_is_found_and_what_does_not_says_why(neighbourhood: Neighbourhood) -> None:
    with neighbourhood.of[VICTIM].inside():
        seen = observe(backends())
        assert (seen.backends, dict(seen.unusable), seen.families) == (("nftables", "iptables"), {}, (4, 6))
        assert {"10.1.0.1", "10.2.0.1", "10.3.0.1", "fd00:2::1"} <= set(seen.addresses)
        without = observe(backends(which=lambda name: "" if name == "nft" else find_program(name)))
        assert (without.backends, dict(without.unusable)) == (("iptables",), {"nftables": "nft is not installed"})
        nothing = observe(backends(which=lambda name: ""))
        assert nothing.backends == ()
        assert nothing.unusable["iptables"] == "ip6tables-save is not installed"


def test_a_host_that_has_only_iptables_legacy_is_isolated(neighbourhood: Neighbourhood) -> None:
    victim = Victim(neighbourhood.of[VICTIM], "iptables-legacy")
    assert victim.do("unusable") == ""
    victim.isolate()
    assert "INCIDENT_IN" in victim.space.run("iptables-legacy-save").stdout
    assert "INCIDENT_IN" not in victim.space.run("iptables-nft-save").stdout
    # Whoever makes the other one the usual one in between does not keep the host from its release.
    Victim(neighbourhood.of[VICTIM], "iptables-nft").release()
    assert "INCIDENT_IN" not in victim.space.run("iptables-legacy-save").stdout


@pytest.mark.parametrize("fails", ["iptables", "ip6tables"])
def test_one_family_that_fails_leaves_both_as_they_were(
    neighbourhood: Neighbourhood, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fails: str
) -> None:
    victim = Victim(neighbourhood.of[VICTIM], "iptables-nft")
    before = victim.do("others")
    path = f"{tmp_path}:{find_program('iptables').rpartition('/')[0]}"
    program = tmp_path / f"{fails}-restore"
    program.write_text(
        f'#!/bin/sh\ncase "$*" in *--test*) exec {find_program(f"{fails}-restore")} "$@";; esac\n'
        "echo the kernel is out of sorts >&2\nexit 4\n"
    )
    program.chmod(0o755)

    def once_more(flows: object) -> None:
        with monkeypatch.context() as patch:
            patch.setenv("PATH", f"{path}:/usr/bin:/bin")
            with pytest.raises(IncidentError, match="the kernel is out of sorts") as raised:
                victim.do("isolate", flows)
        assert f"{fails}-restore did not isolate this host for {'IPv4' if fails == 'iptables' else 'IPv6'}" in str(
            raised.value
        )

    once_more(FLOWS)
    assert (victim.do("ours"), victim.do("others")) == ("", before)
    # With an isolation that is there already, it is that one that stays.
    victim.isolate()
    expected = victim.do("ours")
    once_more((*FLOWS, *RESOLVERS))
    assert victim.do("intact", expected)
    victim.release()
    assert (victim.do("ours"), victim.do("others")) == ("", before)


def test_ufw_stays_as_it_is_and_its_reload_leaves_the_isolation_in_force(ufw: None, victim: Victim) -> None:
    with victim.space.inside():
        assert observe(backends()).notes == (
            "ufw is active here. It stays as it is: what it lets through is cut all the same.",
        )
    before, settings = victim.do("others"), UFW_SETTINGS.read_bytes()
    victim.isolate()
    expected = victim.do("ours")
    victim.space.run("ufw", "reload")
    assert victim.do("intact", expected)
    assert "Status: active" in victim.space.run("ufw", "status").stdout
    victim.release()
    assert (victim.do("ours"), UFW_SETTINGS.read_bytes()) == ("", settings)
    victim.space.run("ufw", "reload")
    assert victim.do("others") == before


def test_ufw_that_is_not_active_stays_so(victim: Victim) -> None:
    with victim.space.inside():
        assert observe(backends()).notes == ("ufw is installed here, and not active. It stays so.",)
        without = observe(backends(), which=lambda name: "")
        assert without.notes == ()
    victim.isolate()
    assert "Status: inactive" in victim.space.run("ufw", "status").stdout
    victim.release()
    assert "Status: inactive" in victim.space.run("ufw", "status").stdout
