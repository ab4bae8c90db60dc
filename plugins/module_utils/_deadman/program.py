# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A program that stays on a host, such as that of a deadline: everything of this collection that it needs, in one file.

Ansible's files, and those that a controller has sent, are gone long before it is done. So the sources are taken
from where this process has got them itself: out of the script that was sent, out of Ansible's archive, or from files.
"""

from __future__ import annotations

import ast
import base64
import json
import zlib
from typing import Any, Iterable, Iterator

from ansible_collections.toombos.incident.plugins.module_utils._deadman import keeper
from ansible_collections.toombos.incident.plugins.module_utils._errors import IncidentError
from ansible_collections.toombos.incident.plugins.module_utils._lean import bootstrap

COLLECTION = "ansible_collections.toombos.incident."
OURS = f"{COLLECTION}plugins.module_utils."
# Imported, so that they are among what is sent to a host.
_BOOTSTRAP = bootstrap.__name__
_KEEPER = keeper.__name__
_TEXT = """\
# Written by the Ansible collection toombos.incident, which removes it again.
import base64, json, os, sys, zlib
exec(compile(zlib.decompress(base64.b64decode("@BOOTSTRAP@")), "<bootstrap>", "exec", dont_inherit=True))
sys.meta_path.insert(0, Packed(json.loads(zlib.decompress(base64.b64decode("@SOURCES@")))))
from @MAIN@ import main
sys.exit(main(os.path.dirname(os.path.abspath(__file__)), sys.argv[1:]))
"""


def program_for(function: str) -> str:
    """The text of the program that can call ``function`` (see ``Order``). Raises IncidentError when it is not ours."""
    module, colon, name = function.partition(":")
    if not (module.startswith(OURS) and colon and name.isidentifier()):
        raise IncidentError(
            f"{function!r} is no function of this collection.", f"Name it as {OURS}<engine>.<module>:<function>."
        )
    return program_of(_KEEPER, module)


def program_of(entry: str, *modules: str) -> str:
    """The text of the program that runs ``main`` of ``entry``, with these modules. Raises IncidentError.

    ``main`` gets the directory that the program is in, and its arguments; what it returns is the exit code.
    """
    bootstrap_source = _source(_BOOTSTRAP)
    if not bootstrap_source:
        raise IncidentError("The sources of this collection cannot be read here.", "Report how the module was sent.")
    parts = {
        "@BOOTSTRAP@": _packed(bootstrap_source),
        "@SOURCES@": _packed(json.dumps(needed((entry, *modules)))),
        "@MAIN@": entry,
    }
    text = _TEXT
    for marker, part in parts.items():
        text = text.replace(marker, part)
    return text


def needed(modules: Iterable[str]) -> dict[str, str]:
    """Name → source of these modules and of everything of ours that they import, within functions as well."""
    sources: dict[str, str] = {}
    seen: set[str] = set()
    waiting = list(modules)
    while waiting:
        name = waiting.pop()
        if name in seen or not name.startswith(COLLECTION):
            continue
        seen.add(name)
        source = _source(name)
        if source is None:
            continue
        sources[name] = source
        waiting += _imported(ast.parse(source))
    return {name: source for name, source in sources.items() if source.strip()}


def _source(name: str) -> str | None:
    """Of one module; None when there is none of this name: it is something within a module then, or a package."""
    from importlib.util import find_spec

    parent = name.rpartition(".")[0]
    try:
        above = find_spec(parent)
        if above is None or above.submodule_search_locations is None:
            return None
        spec = find_spec(name)
    except (ImportError, ValueError):
        return None
    loader: Any = spec.loader if spec is not None else None
    if spec is None or spec.submodule_search_locations is not None or not hasattr(loader, "get_source"):
        return None
    try:
        source: Any = loader.get_source(name)
    except (ImportError, OSError, ValueError):
        return None
    # Ansible's own loader of collections gives bytes.
    return source.decode() if isinstance(source, bytes) else source


def _imported(tree: ast.AST) -> Iterator[str]:
    """Absolute names; of ``from a import b`` both, as b may be a module or something in it."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _packed(text: str) -> str:
    return base64.b64encode(zlib.compress(text.encode(), 9)).decode()
