# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest

from ansible_collections.toombos.incident.plugins.module_utils._catalogue.types import ManagerSpec
from ansible_collections.toombos.incident.plugins.module_utils._clock import Clock
from ansible_collections.toombos.incident.plugins.module_utils._errors import ManagerError
from ansible_collections.toombos.incident.plugins.module_utils._managers.compose import ComposeManager
from ansible_collections.toombos.incident.plugins.module_utils._managers.make import make_manager
from ansible_collections.toombos.incident.plugins.module_utils._managers.process import ProcessManager
from ansible_collections.toombos.incident.plugins.module_utils._managers.supervisor import SupervisorManager
from ansible_collections.toombos.incident.plugins.module_utils._managers.systemd import SystemdManager


@pytest.mark.parametrize(
    ("kind", "made"),
    [
        ("supervisor", SupervisorManager),
        ("systemd", SystemdManager),
        ("process", ProcessManager),
        ("compose", ComposeManager),
    ],
)
def test_each_kind_has_its_adapter(kind, made, tmp_path):
    adapter = make_manager("main", ManagerSpec(kind), clock=Clock(), state_dir=str(tmp_path))
    assert adapter.__class__ is made
    assert list(tmp_path.iterdir()) == []


def test_an_unknown_kind_is_refused(tmp_path):
    with pytest.raises(ManagerError, match="There is no manager 'cron'") as error:
        make_manager("main", ManagerSpec("cron"), clock=Clock(), state_dir=str(tmp_path))
    assert error.value.way_out == "It is one of supervisor, systemd, process, compose."
