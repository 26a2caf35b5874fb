"""What a line means, and that no line harms."""

from __future__ import annotations

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlproj.foundation.quantity import FIRST_MOMENT, LAST_MOMENT
from mlproj.run_folder import log_line
from mlproj.run_folder.log_line import Point

NAMES = (
    st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1)
    .map(str.strip)
    .filter(bool)
    .filter(lambda name: name[0] != "{")
)
WHOLE = st.integers(-(2**63), 2**63 - 1)


@pytest.mark.parametrize(
    ("line", "points"),
    [
        ("rmse=0.3", [Point("rmse", 0.3)]),
        (" rmse = 0.3 ", [Point("rmse", 0.3)]),
        ("rmse=0.3 step=4", [Point("rmse", 0.3, 4)]),
        ("rmse=0.3 timestamp=17 step=-4", [Point("rmse", 0.3, -4, 17)]),
        ("val loss=1e-3", [Point("val loss", 0.001)]),
        ("a=b=2", [Point("a=b", 2.0)]),
        ("größe/ü=2", [Point("größe/ü", 2.0)]),
        ("step=3", [Point("step", 3.0)]),
        ("global step=3", [Point("global step", 3.0)]),
        ("x=inf", [Point("x", math.inf)]),
        ('{"name": "x", "value": -Infinity, "step": 2, "timestamp": 5}', [Point("x", -math.inf, 2, 5)]),
        ('{"name": "x", "value": "0.5"}', [Point("x", 0.5)]),
        ('{"a": 1, "b": 2.5, "step": 3}', [Point("a", 1.0, 3), Point("b", 2.5, 3)]),
        ('{"value": 1}', [Point("value", 1.0)]),
        ("{}", []),
    ],
)
def test_a_metric_is_read(line: str, points: list[Point]) -> None:
    assert log_line.metrics(line) == (points, [])


def test_a_metric_may_be_no_number_at_all() -> None:
    for line in ("x=nan", '{"name": "x", "value": NaN}', '{"x": "NaN"}'):
        ((point,), problems) = log_line.metrics(line)
        assert math.isnan(point.value)
        assert problems == []


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("rmse", "expected name=value, found 'rmse'"),
        ("rmse=", "expected a number, found ''"),
        ("rmse=1 timestamp=1764000000000000000", "timestamp must be UTC milliseconds between the years 1 and 9999"),
        ('{"rmse": 1, "timestamp": -99999999999999999}', "timestamp must be UTC milliseconds between"),
        ("rmse=low", "expected a number, found 'low'"),
        ("=3", "the name is empty"),
        ("a\0b=3", "control characters"),
        ("x=1 step=2.5", "step must be an integer"),
        (f"x=1 step={2**63}", "step must be an integer"),
        ('{"x": 1', "JSON object"),
        ('{"x": null}', "expected a number, found 'null'"),
        ('{"x": [1]}', "expected a number"),
        ('{"x": 1, "step": Infinity}', "step must be an integer"),
        ('{"x": 1, "step": true}x', "JSON object"),
        ("{" * 100_000, "JSON object"),
        ('{"a":' * 100_000, "JSON object"),
        (f'{{"a": {"9" * 10_000}}}', "JSON object"),
        ("x" * 10_000_000, "expected name=value, found 'xxx"),
    ],
)
def test_a_wrong_metric_is_told(line: str, problem: str) -> None:
    points, (told,) = log_line.metrics(line)

    assert points == []
    assert problem in told
    assert len(told) < 300


def test_the_good_values_of_a_mapping_are_kept() -> None:
    points, problems = log_line.metrics('{"a": 1, "b": "low", "c": 3}')

    assert points == [Point("a", 1.0), Point("c", 3.0)]
    assert problems == ["expected a number, found 'low'"]


@pytest.mark.parametrize(
    ("line", "pairs"),
    [
        ("alpha=0.1", [("alpha", "0.1")]),
        ("url=http://x/?a=b&c=d", [("url", "http://x/?a=b&c=d")]),
        ("note = two words ", [("note", "two words")]),
        ("empty=", [("empty", "")]),
        ('{"name": "a=b", "value": " kept \\n"}', [("a=b", " kept \n")]),
        (
            '{"a": 1, "b": true, "c": [1, "ü"], "d": null, "step": 3}',
            [("a", "1"), ("b", "true"), ("c", '[1, "ü"]'), ("d", "null"), ("step", "3")],
        ),
        ('{"name": "Eve", "value": "x", "age": 3}', [("name", "Eve"), ("value", "x"), ("age", "3")]),
    ],
)
def test_a_parameter_or_tag_is_read(line: str, pairs: list[tuple[str, str]]) -> None:
    assert log_line.texts(line) == (pairs, [])


@pytest.mark.parametrize("line", ["alpha", "=1", "a=\0", '{"a"', '{"": 1}', '{"a": "\\u0000"}'])
def test_a_wrong_parameter_is_told(line: str) -> None:
    pairs, problems = log_line.texts(line)

    assert pairs == []
    assert len(problems) == 1


@given(st.text())
def test_nothing_is_raised_whatever_the_line(line: str) -> None:
    for understand in (log_line.metrics, log_line.texts):
        for start in ("", "{", '{"'):
            found, problems = understand(start + line)
            assert found or problems or not any(start + line.strip()) or start == "{"


@given(NAMES, st.floats(allow_nan=False), st.none() | WHOLE, st.none() | st.integers(FIRST_MOMENT, LAST_MOMENT))
def test_every_good_point_is_read_in_every_form(
    name: str, value: float, step: int | None, timestamp: int | None
) -> None:
    expected = ([Point(name, value, step, timestamp)], [])
    options = "".join(
        f" {key}={number}" for key, number in (("step", step), ("timestamp", timestamp)) if number is not None
    )

    assert log_line.metrics(f"{name}={value!r}{options}") == expected
    assert (
        log_line.metrics(json.dumps({"name": name, "value": value, "step": step, "timestamp": timestamp})) == expected
    )
    if name not in ("step", "timestamp"):
        assert log_line.metrics(json.dumps({name: value, "step": step, "timestamp": timestamp})) == expected


@given(
    NAMES.filter(lambda name: "=" not in name),
    st.text(st.characters(exclude_characters="\0\n", exclude_categories=("Cs",))),
)
def test_every_good_text_is_read_in_every_form(name: str, value: str) -> None:
    assert log_line.texts(f"{name}={value}".strip()) == ([(name, value.strip())], [])
    assert log_line.texts(json.dumps({"name": name, "value": value})) == ([(name, value)], [])
