# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""No name, port, path or person of Toombos outside its inventory: a stranger adopts the collection without editing it.

What is forbidden is collected from the rendered inventory itself, so that it cannot go stale.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Iterator
from urllib.parse import urlsplit

import pytest

ROOT = Path(__file__).resolve().parents[3]
CODE = ("plugins", "roles", "playbooks", "recover.yml", "meta")
# Words that the inventory uses and that are not Toombos': public products, their defaults, and plain English.
COMMON = {
    "main", "supervisord", "prometheus", "alertmanager", "grafana", "loki", "python", "import", "config", ".env",
    "supervisor.service", "supervisor.sock", "supervisord.conf", "supervisord.log", "supervisor",
    "bin", "etc", "log", "logs", "opt", "run", "tmp", "var", "venv",
}  # fmt: skip
# The name of the collection itself, also as part of a path, and the handle of its authors; never the bare word.
OWN_NAME = re.compile(r"toombos[./_-]incident|\(@toombos\)", re.IGNORECASE)

Patterns = dict[str, re.Pattern[str]]


def word(text: str) -> re.Pattern[str]:
    """The word, not as a part of a longer one; ``-`` and ``_`` are the same."""
    spelled = "[-_]".join(re.escape(part) for part in re.split("[-_]", text))
    return re.compile(rf"(?<![A-Za-z0-9]){spelled}(?![A-Za-z0-9])", re.IGNORECASE)


def number(port: int) -> re.Pattern[str]:
    return re.compile(rf"(?<![\w.]){port}(?!\w|\.\d)")


def url_path(path: str) -> re.Pattern[str]:
    """A path as code writes it: quoted, after a blank, or after the host of a URL; not a folder of a longer path."""
    return re.compile(rf"(?:(?:^|[\s\"'`=(,\[{{}}])|://[^/\s\"']+){re.escape(path)}(?![\w/-])")


def values(value: Any) -> Iterator[Any]:
    """Every plain value below ``value``."""
    if isinstance(value, dict):
        for inner in value.values():
            yield from values(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from values(inner)
    else:
        yield value


def names_of(services: dict[str, Any]) -> Iterator[str]:
    """Names of services, programs, units, users, files, expected identities and code."""
    for name, service in services.items():
        manager = service["manager"]
        yield name
        for key in ("program", "unit", "user"):
            yield from manager.get(key, "").split(":")
        files = [*service.get("config", {}).get("files", []), *service.get("logs", []), *service.get("temp", [])]
        files += [manager[key] for key in ("cwd", "log", "socket", "env_file") if key in manager]
        files += [part for part in manager.get("command", []) if "/" in part]
        for file in files:
            yield from (part.strip("*-") for part in file.split("/"))
            yield Path(file).stem
        yield from re.findall(r"\w{5,}", " ".join(service.get("config", {}).get("validate", {}).get("command", [])[2:]))
        for probe in service["probes"].values():
            yield from values(probe.get("expect", {}).get("identity", {}))
            if isinstance(probe.get("body"), dict):
                yield from probe["body"]


def constants(toombos: dict[str, Any]) -> Patterns:
    """Pattern by constant, from the rendered inventory."""
    services = toombos["services"]
    found: Patterns = {name: word(name) for name in names_of(services) if len(name) > 2 and name not in COMMON}
    for service in services.values():
        found.update({str(port): number(port) for port in service.get("ports", [])})
        for probe in service["probes"].values():
            # What is asked over a socket of supervisord belongs to supervisord.
            if "url" in probe and "unix_socket" not in probe:
                path = urlsplit(probe["url"]).path
                found[path] = url_path(path)
    found["halcytone"] = re.compile("halcytone", re.IGNORECASE)
    found["toombos"] = re.compile("toombos", re.IGNORECASE)
    return found


def violations(root: Path, patterns: Patterns) -> list[str]:
    """``file:line: constant`` for every constant in the code below ``root``."""
    found = []
    for file in code_files(root):
        for line, text in enumerate(file.read_text(encoding="utf-8").splitlines(), start=1):
            own = OWN_NAME.sub("", text)
            found += [
                f"{file.relative_to(root)}:{line}: {name}" for name, pattern in patterns.items() if pattern.search(own)
            ]
    return found


def code_files(root: Path) -> list[Path]:
    """Every file of the code below ``root``."""
    return [
        file
        for part in CODE
        for file in ([root / part] if (root / part).is_file() else sorted((root / part).rglob("*")))
        if file.is_file() and "__pycache__" not in file.parts
    ]


@pytest.fixture(scope="module")
def patterns(toombos: dict[str, Any]) -> Patterns:
    return constants(toombos)


def test_the_code_holds_no_constant_of_toombos(patterns: Patterns) -> None:
    assert len(code_files(ROOT)) > 30
    assert violations(ROOT, patterns) == []


def test_the_inventory_yields_what_must_not_appear(patterns: Patterns) -> None:
    expected = {
        "halcytone", "halcytone-main", "mock_crm", "mock_platform", "mock-crm", "mock-platform", "content-generator",
        "crm_service", "platform_service", "halcytone.log", "crm-mock.log", ".env.production", "get_settings",
        "halcytone_content_generator", "preview_only", "grafana-server.service", "toombos",
        "8000", "8001", "8002", "9090", "9093", "3000", "3100",
        "/live", "/health", "/api/v2/generate-content", "/-/healthy", "/-/ready", "/api/health", "/ready",
    }  # fmt: skip
    assert expected - set(patterns) == set()
    assert COMMON & set(patterns) == set()


@pytest.mark.parametrize(
    ("line", "constant"),
    [
        ("PORT = 8000", "8000"),
        ("url: http://127.0.0.1:9090/", "9090"),
        ("ports: [3000, 3100]", "3100"),
        ("get('/live')", "/live"),
        ("url: http://127.0.0.1:8080/live", "/live"),
        ("url: http://localhost/-/healthy", "/-/healthy"),
        ('path = f"http://{host}/health"', "/health"),
        ("sudo supervisorctl start halcytone:halcytone-main", "halcytone-main"),
        ("HALCYTONE = 1", "halcytone"),
        ("if service == 'mock_crm':", "mock_crm"),
        ("service: mock-platform", "mock_platform"),
        ("pkill -f crm_service.py", "crm_service"),
        ("source .env.production", ".env.production"),
        ("hosts: toombos", "toombos"),
        ("when: toombos_main_port is defined", "toombos"),
        ("- toombos.other.module:", "toombos"),
        ("body: {preview_only: true}", "preview_only"),
        ("{'service': 'content-generator'}", "content-generator"),
        ("from x.config import get_settings", "get_settings"),
    ],
)
def test_an_injected_constant_is_found_where_it_stands(
    tmp_path: Path, patterns: Patterns, line: str, constant: str
) -> None:
    file = tmp_path / "plugins" / "module_utils" / "engine.py"
    file.parent.mkdir(parents=True)
    file.write_text(f"# fine\n{line}\n")
    assert f"plugins/module_utils/engine.py:2: {constant}" in violations(tmp_path, patterns)


@pytest.mark.parametrize(
    "place", ["plugins/a.py", "roles/r/tasks/main.yml", "roles/r/README.md", "playbooks/p.yml", "recover.yml"]
)
def test_every_place_of_code_is_read(tmp_path: Path, patterns: Patterns, place: str) -> None:
    (tmp_path / place).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / place).write_text("port: 8000\n")
    assert violations(tmp_path, patterns) == [f"{place}:1: 8000"]


@pytest.mark.parametrize(
    "line",
    [
        "- toombos.incident.guard:",
        "from ansible_collections.toombos.incident.plugins import x",
        "state_dir: /run/toombos-incident",
        "  - toombos.incident authors (@toombos)",
        "# Copyright (c) 2026 the toombos.incident authors",
        "seconds = 18000",
        "version: 1.8000",
        "limit = 80001",
        "folder tests/live/all and health and ready",
        "/srv/health/x",
        "socket: /run/supervisor.sock",
        "program: site:web",
        "def main() -> None:",
        "alive and ready, healthy",
    ],
)
def test_what_is_nobodys_constant_is_left_alone(tmp_path: Path, patterns: Patterns, line: str) -> None:
    (tmp_path / "plugins").mkdir()
    (tmp_path / "plugins" / "x.py").write_text(line + "\n")
    assert violations(tmp_path, patterns) == []
