# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Only what is needed goes to a host, and means there what it means here."""

from __future__ import annotations

import ast
import textwrap
from pathlib import Path

import pytest

from ansible_collections.toombos.incident.plugins.plugin_utils._lean import sources

MODULES = ("change_freeze", "health_check", "ioc_scan", "log_scan", "service_recovery")


def bare(source: str) -> str:
    return sources.without_words(textwrap.dedent(source))


def test_words_go_and_lines_stay() -> None:
    text = '''
        """About
        this."""
        # a remark
        DOCUMENTATION = r"""
        long
        """
        def f():
            """What."""
            # why
            return "# stays"  # this, too
        class C:
            """Nothing else."""
    '''
    short = bare(text)
    assert "About" not in short
    assert "remark" not in short
    assert "long" not in short
    assert "why" not in short
    assert '"# stays"' in short
    assert [line.strip() for line in short.split("\n")].index('return "# stays"  # this, too') == 10
    compile(short, "short", "exec")


def test_types_go_and_lines_stay() -> None:
    text = """
        def f(
            ä: Callable[[int], str] = print, *b: "x -> y",
            c: dict[
                str, int
            ] | None = None, **d: Any
        ) -> Callable[..., str]:
            kept: int = 1

            def over() -> dict[
                str, int
            ]:
                "Words."
            return lambda e: "a -> b: c"
    """
    short = bare(text)
    assert "Callable" not in short
    assert "x -> y" not in short
    assert "kept: int" in short
    assert '"a -> b: c"' in short
    assert statements(short) == statements(textwrap.dedent(text))
    assert [line.strip() for line in short.split("\n")].index("kept: int = 1") == 7


def test_a_text_of_several_lines_is_left_alone() -> None:
    text = '''
        PAGE = """
        # no remark
        """
    '''
    assert "# no remark" in bare(text)


def statements(source: str) -> str:
    """The program without what does nothing, and without the types of parameters and results."""
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, ast.arg):
            node.annotation = None
        if isinstance(node, ast.FunctionDef):
            node.returns = None
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef)):
            node.body = [each for each in node.body if not _idle(each)] or [ast.Pass()]
    return ast.dump(tree, include_attributes=False)


def _idle(node: ast.stmt) -> bool:
    if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
        return node.targets[0].id in ("DOCUMENTATION", "EXAMPLES", "RETURN")
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


@pytest.mark.no_cover
@pytest.mark.parametrize("module", MODULES)
def test_what_is_sent_is_the_same_program(module: str) -> None:
    for name, source in sources.needed(module).items():
        path = sources._file(name)
        assert path is not None
        here = path.read_text(encoding="utf-8").replace("from dataclasses import", f"from {sources._RECORDS} import")
        assert statements(source) == statements(here), name
        assert source.count("\n") == here.count("\n"), name


def test_what_only_the_controller_has_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "modules").mkdir()
    (tmp_path / "modules" / "bad.py").write_text("def f():\n    from ansible.module_utils.urls import open_url\n")
    monkeypatch.setattr(sources, "PLUGINS", tmp_path)
    with pytest.raises(LookupError, match=r"ansible\.module_utils\.urls is not sent"):
        sources.needed("bad")


def test_a_check_does_not_carry_the_recovery() -> None:
    assert not [name for name in sources.needed("health_check") if "._recovery." in name]
