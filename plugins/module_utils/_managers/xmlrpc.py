# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""XML-RPC calls and answers, as far as supervisord uses them: a fraction of the import of the standard library's."""

from __future__ import annotations

from typing import Any, Callable
from xml.etree import ElementTree

from ansible_collections.toombos.incident.plugins.module_utils._errors import IncidentError


class Fault(IncidentError):
    """The server's refusal: ``code`` is its number, ``words`` its text."""

    def __init__(self, code: int, words: str) -> None:
        self.code = code
        self.words = words
        super().__init__(f"fault {code}: {words}")


def dump_call(method: str, *arguments: str | bool | int) -> bytes:
    """The body of a call with text, truth values and whole numbers."""
    params = "".join(f"<param><value>{_dump(argument)}</value></param>" for argument in arguments)
    return f"<methodCall><methodName>{_escape(method)}</methodName><params>{params}</params></methodCall>".encode()


def load_answer(body: bytes) -> Any:
    """The value of an answer, of str, int, float, bool, list, dict and None.

    Raises Fault when the server refused, ValueError when the body is not an answer.
    """
    try:
        root = ElementTree.fromstring(body)
    except ElementTree.ParseError as error:
        raise ValueError(f"not XML: {error}") from None
    fault = root.find("fault/value")
    if fault is not None:
        words = _load(fault)
        if not isinstance(words, dict) or not {"faultCode", "faultString"} <= set(words):
            raise ValueError("a fault without its code")
        raise Fault(int(words["faultCode"]), str(words["faultString"]))
    value = root.find("params/param/value")
    if root.tag != "methodResponse" or value is None:
        raise ValueError("not the answer to a call")
    return _load(value)


def _dump(argument: str | bool | int) -> str:
    if isinstance(argument, bool):
        return f"<boolean>{int(argument)}</boolean>"
    if isinstance(argument, int):
        return f"<int>{argument}</int>"
    return f"<string>{_escape(argument)}</string>"


def _escape(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _load(value: ElementTree.Element) -> Any:
    if not len(value):
        return value.text or ""  # text without a type is a string
    typed = value[0]
    try:
        return _LOADERS[typed.tag](typed)
    except KeyError:
        raise ValueError(f"a value of type {typed.tag}") from None


def _load_struct(typed: ElementTree.Element) -> dict[str, Any]:
    members = ((member.find("name"), member.find("value")) for member in typed.findall("member"))
    return {name.text or "": _load(value) for name, value in members if name is not None and value is not None}


_LOADERS: dict[str, Callable[[ElementTree.Element], Any]] = {
    "string": lambda typed: typed.text or "",
    "int": lambda typed: int(typed.text or ""),
    "i4": lambda typed: int(typed.text or ""),
    "boolean": lambda typed: typed.text == "1",
    "double": lambda typed: float(typed.text or ""),
    "nil": lambda _typed: None,
    "array": lambda typed: [_load(value) for value in typed.findall("data/value")],
    "struct": _load_struct,
}
