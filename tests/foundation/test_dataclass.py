"""Our ``dataclass`` does what the standard library's does, as far as it says."""

from __future__ import annotations

import copy
import dataclasses
import pickle
from collections.abc import Mapping
from typing import Any

import pytest

from mlproj.foundation import dataclass as ours


def describe(module: Any) -> tuple[type, type]:
    """The same two classes by either module; typed loosely, as a type checker cannot know which."""

    @module.dataclass(frozen=True)
    class Point:
        x: int
        y: int = 0
        tags: Mapping[str, str] = module.field(default_factory=dict)
        act: Any = module.field(default=lambda value: value, repr=False, compare=False)

    @module.dataclass
    class Draft:
        name: str | None = None
        lines: list[str] = module.field(default_factory=list)

    return Point, Draft


BOTH = [describe(dataclasses), describe(ours)]


@pytest.fixture(params=BOTH, ids=["standard", "ours"])
def classes(request: pytest.FixtureRequest) -> Any:
    return request.param


def test_fields_come_by_place_by_name_and_by_default(classes: Any) -> None:
    point_class, _ = classes
    point = point_class(1, tags={"a": "b"})

    assert (point.x, point.y, point.tags, point.act("as it is")) == (1, 0, {"a": "b"}, "as it is")
    assert point_class(y=2, x=1).y == 2


@pytest.mark.parametrize(("values", "named"), [((), {}), ((1, 2, {}, None, 5), {}), ((1,), {"x": 2}), ((1,), {"z": 2})])
def test_what_is_missing_unknown_or_given_twice_is_an_error(
    classes: Any, values: tuple[Any, ...], named: dict[str, Any]
) -> None:
    with pytest.raises(TypeError):
        classes[0](*values, **named)


def test_defaults_that_are_made_are_not_shared(classes: Any) -> None:
    _, draft_class = classes
    one, other = draft_class(), draft_class()
    one.lines.append("mine")
    one.name = "changed"

    assert other.lines == []
    assert one != other
    assert draft_class() == draft_class()
    with pytest.raises(TypeError):
        hash(one)


def test_frozen_means_frozen(classes: Any) -> None:
    point = classes[0](1)

    with pytest.raises(dataclasses.FrozenInstanceError):
        point.x = 2
    with pytest.raises(dataclasses.FrozenInstanceError):
        del point.x


def test_equality_is_of_all_fields_that_are_compared_and_of_the_class(classes: Any) -> None:
    point_class, draft_class = classes

    assert point_class(1, act=print) == point_class(1)
    assert point_class(1) != point_class(2)
    assert point_class(1) != draft_class()
    assert hash(point_class(1, tags=())) == hash(point_class(1, tags=(), act=print))


def test_the_representation_is_the_standard_one() -> None:
    standard, own = (repr(point_class(1)).rpartition(".")[2] for point_class, _ in BOTH)

    assert standard == own == "Point(x=1, y=0, tags={})"


def test_patterns_match_by_place(classes: Any) -> None:
    point_class = classes[0]
    match point_class(1, 2):
        case point_class(x, y):
            assert (x, y) == (1, 2)
        case _:
            raise AssertionError


def test_what_the_standard_library_does_with_instances_works() -> None:
    point: Any = BOTH[1][0](1, tags={"a": "b"})
    is_one: bool = dataclasses.is_dataclass(point)  # in a name of its own, so that mypy narrows nothing

    assert is_one
    assert [one.name for one in dataclasses.fields(point)] == ["x", "y", "tags", "act"]
    assert dataclasses.asdict(point)["tags"] == {"a": "b"}
    assert dataclasses.replace(point, y=3).y == ours.replace(point, y=3).y == 3
    assert copy.copy(point) == point


def test_instances_can_be_pickled() -> None:
    from mlproj.foundation.errors import Place

    place = Place("MLproject", 3)

    assert pickle.loads(pickle.dumps(place)) == place
