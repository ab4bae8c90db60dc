# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which files a module needs on a host, and what of them."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

PLUGINS = Path(__file__).resolve().parents[2]
_HERE = "ansible_collections.toombos.incident.plugins."
_BASIC = "ansible.module_utils.basic"
_RECORDS = f"{_HERE}module_utils._lean.records"
_DATACLASSES = re.compile(r"^from dataclasses import", re.MULTILINE)
_MULTILINE = re.compile(r"'''|\"\"\"")
# One space is as deep as four, and a fiftieth less to send.
_INDENT = re.compile(r"^(?: {4})+", re.MULTILINE)
_COMMENT = re.compile(r"^[ \t]*#[^\n]*$", re.MULTILINE)


def needed(module: str) -> dict[str, str]:
    """Name → source of a module of this collection (``service_recovery``) and of everything of ours that it imports.

    In place of dataclasses and what it imports of Ansible it gets what stands in for them. Raises LookupError when it
    imports more of Ansible.
    """
    sources: dict[str, str] = {}
    waiting = [f"{_HERE}modules.{module}"]
    while waiting:
        name = waiting.pop()
        path = _file(name)
        if name in sources or path is None:
            continue
        source = _DATACLASSES.sub(f"from {_RECORDS} import", path.read_text(encoding="utf-8"))
        tree = ast.parse(source)
        statements = list(_statements(tree))
        waiting += _imported(statements)
        sources[name] = _bare(source, tree, statements)
    return sources


def without_words(source: str) -> str:
    """The source without docstrings, documentation, comments and the types of parameters and results.

    Every line keeps its number, for tracebacks.
    """
    tree = ast.parse(source)
    return _bare(source, tree, list(_statements(tree)))


def _bare(source: str, tree: ast.Module, statements: Sequence[ast.stmt]) -> str:
    lines = _untyped(source, statements).split("\n")
    for node in _words(tree, statements):
        first, last = node.lineno - 1, (node.end_lineno or node.lineno) - 1
        indent = lines[first][: len(lines[first]) - len(lines[first].lstrip())]
        # A body may consist of nothing else.
        lines[first : last + 1] = [f"{indent}0" if indent else ""] + [""] * (last - first)
    bare = "\n".join(lines)
    # Within a text of several lines a line that begins with # is no comment, and spaces are a part of it.
    if _MULTILINE.search(bare):
        return bare
    return _INDENT.sub(lambda spaces: " " * (len(spaces.group()) // 4), _COMMENT.sub("", bare))


def _untyped(source: str, statements: Iterable[ast.stmt]) -> str:
    """A host does not need the types, but would compile them."""
    text = source.encode()
    starts = [0]
    for line in text.split(b"\n"):
        starts.append(starts[-1] + len(line) + 1)
    for begin, end in sorted(_types(text, starts, statements), reverse=True):
        text = text[:begin] + b"\n" * text.count(b"\n", begin, end) + text[end:]
    return text.decode()


def _types(text: bytes, starts: Sequence[int], statements: Iterable[ast.stmt]) -> Iterator[tuple[int, int]]:
    """Where in the text they are: from the colon, from the arrow on."""
    for node in statements:
        if not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            continue
        known = node.args
        for arg in (*known.posonlyargs, *known.args, *known.kwonlyargs, known.vararg, known.kwarg):
            if arg is not None and arg.annotation is not None:
                yield starts[arg.lineno - 1] + arg.col_offset + len(arg.arg.encode()), _end(starts, arg.annotation)
        # One over several lines stays: outside of brackets its line breaks would end the statement.
        if node.returns is not None and node.returns.lineno == node.returns.end_lineno:
            result = starts[node.returns.lineno - 1] + node.returns.col_offset
            yield text.rindex(b"->", 0, result), _end(starts, node.returns)


def _end(starts: Sequence[int], node: ast.expr) -> int:
    return starts[(node.end_lineno or node.lineno) - 1] + (node.end_col_offset or 0)


def _file(name: str) -> Path | None:
    if name == _BASIC:
        return PLUGINS / "module_utils" / "_lean" / "basic.py"
    if not name.startswith(_HERE):
        return None
    path = PLUGINS.joinpath(*name[len(_HERE) :].split(".")).with_suffix(".py")
    return path if path.is_file() else None


def _imported(statements: Iterable[ast.stmt]) -> Iterator[str]:
    """Absolute names; of ``from a import b`` both, as b may be a module or something in it."""
    for node in statements:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            if node.module.startswith("ansible.") and node.module != _BASIC:
                raise LookupError(f"{node.module} is not sent to hosts")
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _words(tree: ast.Module, statements: Iterable[ast.stmt]) -> Iterator[ast.stmt]:
    for node in (tree, *statements):
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)):
            first = node.body[0] if node.body else None
            if (
                isinstance(first, ast.Expr)
                and isinstance(first.value, ast.Constant)
                and isinstance(first.value.value, str)
            ):
                yield first
    for statement in tree.body:
        if isinstance(statement, ast.Assign) and isinstance(statement.targets[0], ast.Name):
            if statement.targets[0].id in ("DOCUMENTATION", "EXAMPLES", "RETURN"):
                yield statement


def _statements(tree: ast.AST) -> Iterator[ast.stmt]:
    """All of them, also within others. Ten times as fast as walking through their expressions, too."""
    for part in ("body", "orelse", "handlers", "finalbody"):
        for node in getattr(tree, part, ()):
            yield node
            yield from _statements(node)
