"""Types of parameters: their names and their values."""

from __future__ import annotations

from pathlib import Path

import pytest

from mlproj import projects
from mlproj.projects.base import Parameter
from mlproj.projects.parameter import canonical_type, list_items, objection, secret_defaults


@pytest.mark.parametrize(
    ("written", "canonical"),
    [
        ("str", "string"),
        ("string", "string"),
        ("Int", "int"),
        ("integer", "int"),
        ("number", "float"),
        ("FLOAT", "float"),
        ("boolean", "bool"),
        ("path", "path"),
        ("uri", "uri"),
        ("list", "list"),
        ("list[str]", "list[string]"),
        ("List[ integer ]", "list[int]"),
        (" int ", "int"),
        ("Path", None),
        ("URI", None),
        ("list[list]", None),
        ("list[x]", None),
        ("dict", None),
        ("", None),
    ],
)
def test_types_have_one_name(written: str, canonical: str | None) -> None:
    assert canonical_type(written) == canonical


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        ("string", ["", "anything", "1"]),
        ("int", ["0", "-5", "+7", "1" * 400]),
        ("float", ["1", "-.5", "1.", "1e-3", "1E5", "nan", "-inf", "Infinity"]),
        ("bool", ["true", "False", "YES", "no", "on", "0", "t", "N"]),
        ("path", ["", "anything"]),
        ("uri", ["s3://b/k", "runs:/x", "file:/x"]),
        ("list", ["", "a,b", "[]", '["a", 1]', "['a', 'b']", "[a, b]"]),
        ("list[int]", ["", "1", "1, 2", "[1, 2]", "[]"]),
        ("list[bool]", ["true,no", "[true, false]", "[True, False]"]),
    ],
)
def test_values_of_a_type_are_taken(kind: str, values: list[str]) -> None:
    assert [value for value in values if objection(Parameter("x", kind), value)] == []


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        ("int", ["", "1.0", "1e3", "1_000", " 1", "0x1", "٣", "None"]),
        ("float", ["", "1_0", "1,5", "e5", ".", "0x1p3"]),
        ("bool", ["", "2", "yep"]),
        ("uri", ["", "path/to", "//host", "1x://y"]),
        ("list", ["[1, 2", '["a']),
        ("list[float]", ["a", "1,,2", "[1, null]", "[" * 5000]),
    ],
)
def test_values_of_another_type_are_refused(kind: str, values: list[str]) -> None:
    assert [value for value in values if not objection(Parameter("x", kind), value)] == []


def test_bounds_hold_for_numbers_of_any_length() -> None:
    assert objection(Parameter("x", "int", maximum=5), "9" * 400) == "expected at most 5"
    assert objection(Parameter("x", "int", minimum=5), "-" + "9" * 400) == "expected at least 5"
    assert objection(Parameter("x", "list[int]", maximum=5), "1,7") == "expected at most 5 for each item, found '7'"


@pytest.mark.parametrize(
    ("kind", "choices", "value"),
    [("float", (0.1, 1), "1.0"), ("bool", (True,), "yes"), ("string", (1,), "1"), ("float", ("x",), "x")],
)
def test_choices_are_compared_as_values_of_the_type(kind: str, choices: tuple[object, ...], value: str) -> None:
    found = objection(Parameter("x", kind, choices=choices), value)
    assert found is None or value == "x"


@pytest.mark.parametrize(
    ("text", "items"),
    [("a, b", ["a", "b"]), ('["a,b", 1, true]', ["a,b", "1", "true"]), ("['a', \"b\"]", ["a", "b"]), ("[", None)],
)
def test_lists_have_items(text: str, items: list[str] | None) -> None:
    assert list_items(text) == items


def test_the_defaults_of_secret_parameters_are_known() -> None:
    text = "entry_points: {main: {parameters: {api_key: {default: sk-12345678}, a: {default: b}}, command: t}}"

    assert secret_defaults(projects.parse(text, Path())) == [("api_key", "sk-12345678")]
