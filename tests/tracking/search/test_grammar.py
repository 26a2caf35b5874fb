"""Filters and orders as text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlproj.foundation.errors import UsageError
from mlproj.tracking.search.grammar import parse_filter, parse_order
from mlproj.tracking.search.vocabulary import EXPERIMENTS, RUNS, Family


def read(text: str) -> list[tuple[str, str, str, object]]:
    return [(one.key.family.value, one.key.name, one.comparator, one.value) for one in parse_filter(text, RUNS)]


@pytest.mark.parametrize("family", ["metric", "metrics"])
def test_a_metric_is_compared_with_a_number(family: str) -> None:
    assert read(f"{family}.loss<=-1.5e-3") == [("metric", "loss", "<=", -0.0015)]


@pytest.mark.parametrize("family", ["param", "params", "parameter", "parameters", "`params`"])
def test_a_parameter_is_compared_with_a_text(family: str) -> None:
    assert read(f"{family}.alpha = '0.5'") == [("param", "alpha", "=", "0.5")]


@pytest.mark.parametrize(
    "key",
    ["start_time", "attribute.start_time", "attributes.start_time", "attr.`start_time`", "run.start_time", "created"],
)
def test_an_attribute_has_many_names(key: str) -> None:
    assert read(f"{key} > 5") == [("attribute", "start_time", ">", 5)]


def test_an_unusual_name_is_quoted() -> None:
    expected = [("metric", "val/loss 1", ">", 1)]
    assert read("metrics.`val/loss 1` > 1") == read('metrics."val/loss 1" > 1') == expected
    assert read("tags.mlflow.source.name = 'x'") == [("tag", "mlflow.source.name", "=", "x")]


def test_texts_stand_in_either_quotes_and_hold_them_doubled() -> None:
    assert read("""tags.a = "it's" and tags.b = 'it''s' AND tags.c='\\'""") == [
        ("tag", "a", "=", "it's"),
        ("tag", "b", "=", "it's"),
        ("tag", "c", "=", "\\"),
    ]


def test_words_are_taken_in_either_case() -> None:
    assert read("tags.a is not null And params.b Is Null aNd run_id not in ('x', \"y\") and status ILIKE 'f%'") == [
        ("tag", "a", "IS NOT NULL", None),
        ("param", "b", "IS NULL", None),
        ("attribute", "run_id", "NOT IN", ("x", "y")),
        ("attribute", "status", "ILIKE", "f%"),
    ]


def test_words_of_the_grammar_may_be_names() -> None:
    assert read("params.in = 'a' and tags.like like 'b'") == [("param", "in", "=", "a"), ("tag", "like", "LIKE", "b")]


@pytest.mark.parametrize("text", ["", " ", "\n\t"])
def test_no_filter_lets_all_pass(text: str) -> None:
    assert read(text) == []


@pytest.mark.parametrize(
    ("text", "column", "told"),
    [
        ("loss > 1", 0, "no attribute 'loss'"),
        ("statuss = 'x'", 0, "did you mean 'status'"),
        ("metrcs.x > 1", 0, "before the dot"),
        ("metrics.m = 'x'", 12, "expected a number"),
        ("metrics.m LIKE 'x'", 10, "LIKE does not go with a metric"),
        ("metrics.m IS NULL", 10, "IS NULL does not go with a metric"),
        ("start_time IN ('1')", 11, "IN does not go with the attribute start_time"),
        ("params.a > '1'", 9, "> does not go with a param"),
        ("params.a = 5", 11, "such as '5'"),
        ("params.a == 'x'", 9, "did you mean =?"),
        ("params.a <> 'x'", 9, "did you mean !=?"),
        ("params.a = 'x' OR params.b = 'y'", 15, "no OR"),
        ("params.a = 'x' params.b = 'y'", 15, "expected AND"),
        ("params.a = 'x' AND", 18, "expected a key"),
        ("(params.a = 'x')", 0, "expected a key"),
        ("params.a", 8, "expected a comparator"),
        ("params.a =", 10, "found the end"),
        ("params.a NOT LIKE 'x'", 13, "expected IN"),
        ("params.a IS 'x'", 12, "expected NULL"),
        ("params. = 'x'", 8, "expected a name after the dot"),
        ("metrics.f1-score > 1", 10, "'-' has no meaning"),
        ("metrics.1st > 1", 8, "neither a number nor a name"),
        ("tags.x = 'abc", 9, "not closed"),
        ("tags.`x = 'abc'", 5, "not closed"),
        ("run_id IN 'x'", 10, "expected a list"),
        ("run_id IN ()", 11, "expected a text in quotes"),
        ("run_id IN ('x' 'y')", 15, "expected a comma"),
        ("datasets.nam = 'x'", 9, "a dataset has name, digest or context"),
        ("tags.a = 'x'; DROP TABLE runs", 12, "';' has no meaning"),
    ],
)
def test_what_is_wrong_is_pointed_at(text: str, column: int, told: str) -> None:
    with pytest.raises(UsageError) as raised:
        parse_filter(text, RUNS)
    first, shown, caret = raised.value.message.split("\n")
    assert told in first
    assert (shown, caret) == (f"  {text}", f"  {' ' * column}^")


def test_a_long_filter_is_shown_around_the_place() -> None:
    with pytest.raises(UsageError) as raised:
        parse_filter("tags.a = '" + "x" * 500 + "' AND\n metrics.m ~ 1", RUNS)
    _, shown, caret = raised.value.message.split("\n")
    assert shown[caret.index("^")] == "~" and len(shown) < 140


@pytest.mark.parametrize(
    "text",
    [
        " AND ".join(["tags.a = 'x'"] * 201),
        "run_id IN (" + ",".join(["'x'"] * 10_001) + ")",
        f"tags.a LIKE '{'x' * 10_001}'",
    ],
)
def test_a_filter_has_an_end(text: str) -> None:
    with pytest.raises(UsageError, match="at most"):
        parse_filter(text, RUNS)


@given(st.text(st.sampled_from("metricsparmtagsatibu.`'\"<>=! ()%,ANDORINLIKE019-+e\n;")) | st.text())
def test_any_text_is_a_filter_or_a_mistake_of_its_writer(text: str) -> None:
    try:
        parse_filter(text, RUNS)
        parse_order([text], RUNS)
    except UsageError as error:
        assert error.message.endswith("^")


def test_orders_are_read() -> None:
    orders = parse_order(["metrics.`a b` desc", "start_time", "params.x ASC"], RUNS)
    assert [(order.key.family, order.key.name, order.descending) for order in orders] == [
        (Family.METRIC, "a b", True),
        (Family.ATTRIBUTE, "start_time", False),
        (Family.PARAM, "x", False),
    ]


@pytest.mark.parametrize(
    ("text", "column", "told"),
    [
        ("metrics.a DOWN", 10, "expected ASC, DESC or the end"),
        ("", 0, "expected a key"),
        ("datasets.name", 0, "datasets give no order"),
        ("metrics.a ASC, metrics.b", 13, "expected ASC, DESC or the end"),
    ],
)
def test_a_wrong_order_is_pointed_at(text: str, column: int, told: str) -> None:
    with pytest.raises(UsageError) as raised:
        parse_order([text], RUNS)
    first, _, caret = raised.value.message.split("\n")
    assert told in first and "order" in first and caret == f"  {' ' * column}^"


def test_nothing_is_sorted_by_twice() -> None:
    with pytest.raises(UsageError, match="sorted by this already"):
        parse_order(["start_time", "attribute.Created DESC"], RUNS)


def test_experiments_have_words_of_their_own() -> None:
    found = parse_filter(
        "name ILIKE 'a%' AND tags.x IS NULL AND creation_time >= 1 AND experiment_id IN ('1')", EXPERIMENTS
    )
    assert [one.key.name for one in found] == ["name", "x", "creation_time", "experiment_id"]
    for text in ("metrics.a > 1", "run_id = 'x'", "experiment_id > 5"):
        with pytest.raises(UsageError):
            parse_filter(text, EXPERIMENTS)
    with pytest.raises(UsageError, match="tags give no order"):
        parse_order(["tags.x"], EXPERIMENTS)
