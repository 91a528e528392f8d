"""What envgen.core.frozen makes is held against what the standard library makes of the same class."""

from __future__ import annotations

import copy
import dataclasses
import pickle
from collections.abc import Callable
from functools import cached_property
from typing import Any, no_type_check

import pytest

from envgen.core import frozen
from envgen.core.dataclass import dataclass


def declared(decorate: Callable[..., Any], *, slots: bool = True) -> type[Any]:
    @decorate(frozen=True, slots=slots, kw_only=True)
    class Build:
        """A class with each kind of field."""

        version: str
        arches: tuple[str, ...] = ()
        notes: dict[str, str] = dataclasses.field(default_factory=dict)
        secret: str = dataclasses.field(default="", repr=False, compare=False)

        def __post_init__(self) -> None:
            if not self.version:
                raise ValueError("no version")

    return Build


@dataclass(frozen=True, slots=True)
class Pair:
    """Positional fields; of the module, as pickle wants it."""

    first: int
    second: int = 2


BOTH = pytest.mark.parametrize("decorate", [dataclasses.dataclass, frozen.dataclass], ids=["standard", "ours"])


@BOTH
@pytest.mark.parametrize("slots", [True, False])
def test_a_value_behaves_as_a_dataclass(decorate: Callable[..., Any], *, slots: bool) -> None:
    build = declared(decorate, slots=slots)
    one = build(version="2.14.1", notes={"a": "b"}, secret="x")
    assert one == build(version="2.14.1", notes={"a": "b"}, secret="y")
    assert one != build(version="2.14.0", notes={"a": "b"})
    assert (one == "2.14.1") is False
    assert repr(one).endswith("Build(version='2.14.1', arches=(), notes={'a': 'b'})")
    assert dataclasses.asdict(one) == {"version": "2.14.1", "arches": (), "notes": {"a": "b"}, "secret": "x"}
    assert dataclasses.replace(one, version="1").version == "1"
    assert build(version="1").notes is not build(version="1").notes
    with pytest.raises(dataclasses.FrozenInstanceError):
        one.version = "3"
    with pytest.raises(dataclasses.FrozenInstanceError):
        del one.version


@BOTH
@pytest.mark.parametrize(
    "arguments", [{}, {"version": "1", "other": 2}, {"version": ""}], ids=["missing", "unknown", "refused"]
)
def test_a_wrong_value_is_refused(decorate: Callable[..., Any], arguments: dict[str, Any]) -> None:
    with pytest.raises((TypeError, ValueError)):
        declared(decorate)(**arguments)


@BOTH
@no_type_check
def test_equal_values_have_equal_hashes(decorate: Callable[..., Any]) -> None:
    @decorate(frozen=True, slots=True)
    class Key:
        name: str

    @decorate(frozen=True, slots=True)
    class Other:
        name: str

    assert {Key("a"), Key("a"), Key("b")} == {Key("b"), Key("a")}
    assert Key("a") != Other("a")


@BOTH
@no_type_check
def test_own_methods_stay_and_a_class_may_inherit(decorate: Callable[..., Any]) -> None:
    @decorate(frozen=True, slots=True, kw_only=True)
    class Base:
        a: int

        def __repr__(self) -> str:
            return "own"

    @decorate(frozen=True, slots=True, kw_only=True)
    class Derived(Base):
        b: int = 0

    derived = Derived(a=1, b=2)
    assert (derived.a, derived.b) == (1, 2)
    assert repr(Base(a=1)) == "own"
    assert derived != Base(a=1)


@BOTH
@no_type_check
def test_a_class_without_slots_may_cache(decorate: Callable[..., Any]) -> None:
    @decorate(frozen=True, kw_only=True)
    class Table:
        rows: tuple[int, ...]

        @cached_property
        def total(self) -> int:
            return sum(self.rows)

    assert Table(rows=(1, 2)).total == 3


@BOTH
@no_type_check
def test_a_field_may_have_any_name(decorate: Callable[..., Any]) -> None:
    @decorate(frozen=True, kw_only=True)
    class Lock:
        bodies: dict[str, str] = dataclasses.field(default_factory=dict)
        missing: tuple[str, ...] = ()
        make_bodies: int = 1
        set_missing: int = 2

    assert (Lock().bodies, Lock(missing=("torchvision",)).bodies) == ({}, {})
    assert (Lock().make_bodies, Lock(set_missing=3).set_missing) == (1, 3)


def test_a_value_can_be_matched_copied_and_pickled() -> None:
    match Pair(1):
        case Pair(first, second):
            assert (first, second) == (1, 2)
    assert copy.deepcopy(Pair(1)) == pickle.loads(pickle.dumps(Pair(1))) == Pair(1)


def test_nothing_is_compiled_before_the_first_value(monkeypatch: pytest.MonkeyPatch) -> None:
    compiled: list[type] = []

    def noted(cls: type, _fields: object) -> Callable[..., None]:
        compiled.append(cls)
        return object.__init__

    monkeypatch.setattr(frozen, "_compiled_init", noted)
    build = declared(frozen.dataclass)
    assert compiled == []
    with pytest.raises(TypeError):
        build(version="1")
    assert compiled == [build]
