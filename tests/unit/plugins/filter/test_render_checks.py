# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter, as playbooks call it."""

from __future__ import annotations

import json

import pytest
from ansible.errors import AnsibleFilterError

from ansible_collections.toombos.incident.plugins.filter.render_checks import FilterModule, render_checks

RESULT = {"checks": [], "verdict": {"status": "pass"}, "msg": "all 0 checks pass"}


def test_it_is_registered_under_its_name() -> None:
    assert FilterModule().filters() == {"render_checks": render_checks}


def test_it_renders_for_a_host() -> None:
    assert json.loads(render_checks(RESULT, "json", host="web-1"))["host"] == "web-1"


@pytest.mark.parametrize(
    ("result", "form", "message"),
    [
        ([], "json", "render_checks needs the registered result of a host, not list."),
        (RESULT, "yaml", "render_checks knows no format 'yaml', it is one of json, junit, tap, nagios, openmetrics."),
    ],
)
def test_what_cannot_be_rendered_is_refused(result: object, form: str, message: str) -> None:
    with pytest.raises(AnsibleFilterError, match=message.replace(".", r"\.")):
        render_checks(result, form)
