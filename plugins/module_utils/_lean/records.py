# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Stands in for dataclasses on a host: the part of it that this collection uses, without generated code.

The real one writes and compiles six functions for each class. That pays off in a program that runs for long; a module
call makes seventy classes, and is over.
"""

from __future__ import annotations

from typing import Any, Callable, Mapping, TypeVar

_T = TypeVar("_T")
_FIELDS = "__record_fields__"


class FrozenInstanceError(AttributeError):
    """Somebody tried to change a frozen one."""


class _Factory:
    """A default that is made anew for each instance."""

    def __init__(self, make: Callable[[], Any]) -> None:
        self.make = make


_REQUIRED = object()


def field(*, default_factory: Callable[[], Any]) -> Any:
    """The default of a field that is made anew for each instance."""
    return _Factory(default_factory)


def dataclass(*, frozen: bool) -> Callable[[type[_T]], type[_T]]:
    """``@dataclass(frozen=True)``; there are no others in this collection."""
    if not frozen:
        raise TypeError("only frozen classes can be made here")
    return _make


def replace(instance: _T, **changes: Any) -> _T:
    """A copy with other values."""
    return type(instance)(**{**_values(instance), **changes})


def asdict(instance: Any) -> dict[str, Any]:
    """Field → value, through lists, tuples and dictionaries down to what is none of ours."""
    return {name: _plain(value) for name, value in _values(instance).items()}


def _make(cls: type[_T]) -> type[_T]:
    # Those of a base come first; a class has its own annotations or, before 3.10, perhaps those of its base.
    fields: dict[str, Any] = dict(getattr(cls, _FIELDS, {}))
    for name in vars(cls).get("__annotations__") or getattr(cls, "__annotations__", {}):
        fields[name] = cls.__dict__.get(name, fields.get(name, _REQUIRED))
        if isinstance(fields[name], _Factory):
            delattr(cls, name)
    setattr(cls, _FIELDS, fields)
    methods = {"__init__": _initialiser(cls.__name__, fields), **_METHODS}
    for name, method in methods.items():
        if name not in cls.__dict__:
            setattr(cls, name, method)
    return cls


def _initialiser(title: str, fields: Mapping[str, Any]) -> Callable[..., None]:
    names = tuple(fields)
    defaults = {name: default for name, default in fields.items() if default is not _REQUIRED}
    factories = {name: default.make for name, default in defaults.items() if isinstance(default, _Factory)}

    def initialise(self: Any, *args: Any, **kwargs: Any) -> None:
        given = dict(zip(names, args))
        if len(args) > len(names) or not kwargs.keys().isdisjoint(given):
            raise TypeError(f"{title}() got too many values, or one twice")
        values = {**defaults, **given, **kwargs}
        if len(values) != len(names):
            missing = ", ".join(name for name in names if name not in values)
            raise TypeError(
                f"{title}() misses {missing}" if missing else f"{title}() got a value that it does not have"
            )
        for name, make in factories.items():
            if values[name] is defaults[name]:
                values[name] = make()
        self.__dict__.update(values)

    return initialise


def _values(instance: Any) -> dict[str, Any]:
    return {name: getattr(instance, name) for name in getattr(instance, _FIELDS)}


def _plain(value: Any) -> Any:
    if hasattr(value, _FIELDS):
        return asdict(value)
    if isinstance(value, (list, tuple)):
        return type(value)(_plain(each) for each in value)
    if isinstance(value, dict):
        return {_plain(key): _plain(each) for key, each in value.items()}
    return value


def _repr(self: Any) -> str:
    values = ", ".join(f"{name}={value!r}" for name, value in _values(self).items())
    return f"{type(self).__qualname__}({values})"


def _equal(self: Any, other: Any) -> Any:
    if type(other) is not type(self):
        return NotImplemented
    return tuple(_values(self).values()) == tuple(_values(other).values())


def _hash(self: Any) -> int:
    return hash(tuple(_values(self).values()))


def _refuse(self: Any, name: str, *_value: Any) -> None:
    raise FrozenInstanceError(f"{type(self).__name__}.{name} cannot be changed")


_METHODS: dict[str, Callable[..., Any]] = {
    "__repr__": _repr,
    "__eq__": _equal,
    "__hash__": _hash,
    "__setattr__": _refuse,
    "__delattr__": _refuse,
}
