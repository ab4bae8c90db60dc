# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import os
import pwd

import pytest

from ansible_collections.toombos.incident.plugins.module_utils._errors import ProcessError
from ansible_collections.toombos.incident.plugins.module_utils._process.account import find_account

OWN = pwd.getpwuid(os.geteuid())


@pytest.mark.parametrize("user", [None, OWN.pw_name])
def test_our_own_account_needs_no_switch(user):
    account = find_account(user)
    assert (account.name, account.uid, account.gid, account.home) == (OWN.pw_name, OWN.pw_uid, OWN.pw_gid, OWN.pw_dir)
    assert not account.switch


def test_an_unknown_user_is_refused_by_name():
    with pytest.raises(ProcessError, match="There is no user nobody-at-all on this host"):
        find_account("nobody-at-all")


def test_root_may_become_somebody_else(monkeypatch):
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    nobody = pwd.getpwnam("nobody")
    account = find_account("nobody")
    assert (account.uid, account.gid, account.switch) == (nobody.pw_uid, nobody.pw_gid, True)
    assert nobody.pw_gid in account.groups


def test_somebody_else_may_not(monkeypatch):
    monkeypatch.setattr(os, "geteuid", lambda: 54321)
    with pytest.raises(ProcessError, match="Only root may start a process as nobody; this is uid 54321") as error:
        find_account("nobody")
    assert "become" in error.value.way_out


def test_a_uid_without_a_name_is_its_own_name(monkeypatch):
    monkeypatch.setattr(os, "geteuid", lambda: 54321)
    account = find_account(None)
    assert (account.name, account.uid, account.home, account.switch) == ("54321", 54321, "/", False)
