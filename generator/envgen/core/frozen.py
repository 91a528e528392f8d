"""Frozen dataclasses that are cheap to define.

The standard decorator compiles six methods for each class, whenever a program starts; a full set loads some hundred
classes, and that was a fifth of its processor time. Here all classes share the methods that are alike, and `__init__`
is compiled when the first value of a class is made. `fields`, `replace`, `asdict` and `match` work as on any dataclass.
"""
# ruff: noqa: ANN401 -- a decorator knows nothing of the class that it is given

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from operator import attrgetter
from types import MemberDescriptorType
from typing import Any, Never


def dataclass(
    *, frozen: bool = False, eq: bool = True, slots: bool = False, kw_only: bool = False
) -> Callable[[type], type]:
    """Return the decorator. A class that can change, or is equal to itself alone, is the standard library's."""
    if not (frozen and eq):
        return dataclasses.dataclass(frozen=frozen, eq=eq, slots=slots, kw_only=kw_only)
    plain = dataclasses.dataclass(init=False, repr=False, eq=False, slots=slots, kw_only=kw_only)
    return lambda cls: _freeze(plain(cls))


def _freeze(cls: Any) -> Any:
    """Give a dataclass the methods of a frozen one; what it defines itself stays."""
    fields = dataclasses.fields(cls)
    values = _getter([field.name for field in fields])
    compared = _getter([field.name for field in fields if field.compare])
    shown = [field.name for field in fields if field.repr]

    def __init__(self: Any, *args: Any, **kwargs: Any) -> None:
        cls.__init__ = _compiled_init(cls, fields)
        cls.__init__(self, *args, **kwargs)

    def __repr__(self: Any) -> str:
        return f"{type(self).__qualname__}({', '.join(f'{name}={getattr(self, name)!r}' for name in shown)})"

    def __eq__(self: Any, other: object) -> bool:
        return compared(self) == compared(other) if type(other) is type(self) else NotImplemented

    def __hash__(self: Any) -> int:
        return hash(compared(self))

    def __reduce__(self: Any) -> tuple[Any, ...]:
        return _restored, (type(self), values(self))

    for method in (__init__, __repr__, __eq__, __hash__, __reduce__):
        if cls.__dict__.get(method.__name__) is None:  # a class that defines __eq__ alone has None for its hash
            setattr(cls, method.__name__, method)
    cls.__setattr__ = _refuse
    cls.__delattr__ = _refuse
    return cls


def _getter(names: Sequence[str]) -> Callable[[Any], tuple[Any, ...]]:
    """Return what reads these attributes of a value as one tuple."""
    if len(names) > 1:
        return attrgetter(*names)
    return lambda value: tuple(getattr(value, name) for name in names)


def _compiled_init(cls: type, fields: Sequence[dataclasses.Field[Any]]) -> Callable[..., None]:
    """Return the method that takes the fields as arguments and then calls `__post_init__`, where there is one."""
    # Underscores: a field of a class may be called `missing`.
    given: dict[str, Any] = {"__missing": dataclasses.MISSING}
    positional, by_name, body = ["self"], list[str](), list[str]()
    for field in fields:
        argument = value = field.name
        given[f"__set_{field.name}"] = _setter(cls, field.name)
        if field.default is not dataclasses.MISSING:
            given[f"__default_{field.name}"] = field.default
            argument += f"=__default_{field.name}"
        elif field.default_factory is not dataclasses.MISSING:
            given[f"__make_{field.name}"] = field.default_factory
            argument += "=__missing"
            value = f"__make_{field.name}() if {field.name} is __missing else {field.name}"
        (by_name if field.kw_only else positional).append(argument)
        body.append(f"__set_{field.name}(self, {value})")
    if hasattr(cls, "__post_init__"):
        body.append("self.__post_init__()")
    arguments = [*positional, *(["*", *by_name] if by_name else [])]
    exec(f"def __init__({', '.join(arguments)}):\n " + "\n ".join(body or ["pass"]), given)  # noqa: S102 -- our names
    init: Callable[..., None] = given["__init__"]
    return init


def _setter(cls: type, name: str) -> Callable[[Any, Any], None]:
    slot = getattr(cls, name, None)
    if isinstance(slot, MemberDescriptorType):
        return slot.__set__
    return lambda value, content: object.__setattr__(value, name, content)


def _restored(cls: type, values: Sequence[Any]) -> Any:
    """Return the copy of a value, without its checks run again."""
    copy: object = object.__new__(cls)
    for field, content in zip(dataclasses.fields(cls), values, strict=True):
        object.__setattr__(copy, field.name, content)
    return copy


def _refuse(_value: Any, name: str, _content: Any = None) -> Never:
    raise dataclasses.FrozenInstanceError(f"cannot change field {name!r}")
