# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is asked for is understood or refused: artifacts as they are sent, of services, and those that are chosen."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import pytest

from ansible_collections.toombos.incident.plugins.module_utils._errors import CatalogueError, IncidentError
from ansible_collections.toombos.incident.plugins.module_utils._evidence import types as t
from ansible_collections.toombos.incident.plugins.module_utils._evidence.services import service_artifacts
from ansible_collections.toombos.incident.plugins.module_utils._evidence.wish import read_artifact, read_wish
from ansible_collections.toombos.incident.plugins.module_utils._options import EVIDENCE_CAPTURE

ONE = t.Artifact("a/one", 2, (t.Source("command", ("ss",)), t.Source("native", ("sockets",))), 9.0, 99, t.OPEN, True)
AGE = {"method": "age", "recipients": ["age1" + "q" * 58]}


def wish(*artifacts: t.Artifact, **options: Any) -> Any:
    spec = EVIDENCE_CAPTURE["argument_spec"]
    given = {name: option.get("default") for name, option in spec.items()}
    given.update(incident="I", bag="b", definitions=[asdict(each) for each in artifacts or (ONE,)], **options)
    return read_wish(given)


def test_what_was_sent_is_what_arrives() -> None:
    assert read_artifact(asdict(ONE)) == ONE
    assert wish().artifacts == (ONE,)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"name": "../x"}, "no name of an artifact"),
        ({"name": "a/.."}, "no name of an artifact"),
        ({"sources": [{"kind": "native", "what": ["nobody"]}]}, "no source native"),
        ({"sources": [{"kind": "eval", "what": ["x"]}]}, "no source eval"),
        ({"sources": None}, "cannot be read"),
        ({"timeout": "soon"}, "cannot be read"),
    ],
)
def test_what_is_no_definition_is_refused(change: dict[str, Any], words: str) -> None:
    with pytest.raises(IncidentError, match=words):
        read_artifact({**asdict(ONE), **change})


@pytest.mark.parametrize(
    ("redact", "seal", "masked"),
    [
        ("auto", None, {t.PERSONAL}),
        ("auto", AGE, set()),
        ("always", AGE, {t.PERSONAL}),
        ("never", None, set()),
    ],
)
def test_what_is_masked(redact: str, seal: Any, masked: set[str]) -> None:
    assert wish(redact=redact, seal=seal).mask == masked


def test_quick_is_less_of_everything() -> None:
    large = t.Artifact("a/large", 3, ONE.sources, 60.0, 1 << 30)
    late = t.Artifact("a/late", 4, ONE.sources, 60.0, 1 << 30)
    quick = wish(ONE, large, late, profile="quick")
    assert [(each.name, each.timeout, each.max_bytes) for each in quick.artifacts] == [
        ("a/one", 9.0, 99),
        ("a/large", 10.0, 32 << 20),
    ]
    assert (quick.budget, wish(profile="quick", budget="20s").budget, wish().budget) == (50.0, 20.0, 600.0)


def test_services_have_logs_and_secret_configuration() -> None:
    catalogue = {
        "shop": {
            "manager": {"kind": "process", "log": "/l/out.log", "env_file": "/c/env"},
            "logs": ["/l/shop.log", "/l/out.log"],
            "config": {"files": ["/c/shop.ini", "/c/env"], "globs": ["/c/*.d/x*"], "trees": ["/c/tree/"]},
            "probes": {"whatever": 1},
        },
        "web": {"manager": {"kind": "compose", "files": ["/c/compose.yml"]}},
        "bare": {"manager": {"kind": "systemd", "unit": "x"}},
    }
    found = {each.name: each for each in service_artifacts(catalogue)}
    assert list(found) == ["service_logs/shop", "service_config/shop", "service_config/web"]
    assert found["service_logs/shop"].sources == (t.Source("family", ("/l/shop.log", "/l/out.log")),)
    configuration = ("/c/shop.ini", "/c/env", "/c/*.d/x*", "/c/tree/")
    assert found["service_config/shop"].sources == (t.Source("files", configuration),)
    assert {each.sensitivity for name, each in found.items() if "config" in name} == {t.SECRET}
    for profile in ("full", "quick"):  # a recovery may replace it, and captures quickly
        chosen = wish(services=catalogue, only=["service_*"], profile=profile).artifacts
        assert {each.name for each in chosen} == set(found)


@pytest.mark.parametrize("catalogue", [{"../x": {}}, {"x": "nonsense"}, {"x": {"logs": "/l"}}, {"x": {"logs": ["l"]}}])
def test_what_is_no_catalogue_is_refused(catalogue: dict[str, Any]) -> None:
    with pytest.raises(CatalogueError):
        service_artifacts(catalogue)
