"""Values cross the network as they are, and what is no value of its type is refused with its place."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlproj.foundation.errors import UsageError
from mlproj.tracking import exact
from mlproj.tracking.base import DatasetInput, Metric, Output, Page, Run, Status, TrackingStore
from mlproj.tracking.model_base import ModelMetric, ModelStore, RunModel

_TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
_INT64 = st.integers(-(2**63), 2**63 - 1)
_METRICS = st.builds(Metric, key=_TEXT, value=st.floats(), timestamp=_INT64, step=_INT64)


def there_and_back(value: Any, hint: Any) -> Any:
    return exact.decode(json.loads(json.dumps(exact.encode(value), allow_nan=False)), hint, "it")


@given(
    st.builds(
        Run,
        run_id=_TEXT,
        run_name=_TEXT,
        experiment_id=_TEXT,
        experiment_name=_TEXT,
        status=st.sampled_from(Status),
        exit_code=st.none() | _INT64,
        params=st.dictionaries(_TEXT, _TEXT),
        metrics=st.dictionaries(_TEXT, st.floats(allow_nan=False)),
        source=st.none() | st.dictionaries(_TEXT, st.none() | st.booleans() | st.integers() | _TEXT),
        outputs=st.lists(st.builds(Output, path=_TEXT, sha256=st.none() | _TEXT, size=_INT64, kept=st.booleans())).map(
            tuple
        ),
        datasets=st.lists(st.builds(DatasetInput, name=_TEXT, digest=_TEXT, source_type=_TEXT, source=_TEXT)).map(
            tuple
        ),
        latest_metrics=st.lists(st.builds(Metric, key=_TEXT, value=st.floats(allow_nan=False), timestamp=_INT64)).map(
            tuple
        ),
    )
)
def test_a_run_comes_back(run: Run) -> None:
    assert there_and_back(run, Run) == run
    assert there_and_back(Page([run], "t"), Page[Run]) == Page([run], "t")


@given(st.lists(_METRICS))
def test_numbers_come_back_also_those_that_json_has_not(metrics: list[Metric]) -> None:
    found = there_and_back(metrics, list[Metric])
    assert [repr(float(metric.value)) for metric in found] == [repr(float(metric.value)) for metric in metrics]


def test_a_sequence_keeps_its_kind() -> None:
    assert there_and_back({"a": (RunModel("m", 1),)}, Mapping[str, Sequence[RunModel]]) == {"a": (RunModel("m", 1),)}
    assert there_and_back([ModelMetric("m", "k", math.inf, 1)], Sequence[ModelMetric])[0].value == math.inf


WRONG = [
    ("log", {}, "missing argument 'run_id'"),
    ("log", {"run_id": 5}, "run_id: expected text, got 5"),
    ("log", {"run_id": "r", "metrics": {"a": 1}}, "metrics: expected a list"),
    ("log", {"run_id": "r", "metrics": [{"key": "a"}]}, r"metrics\[0\]: expected a Metric with its fields"),
    (
        "log",
        {"run_id": "r", "metrics": [{"key": "a", "value": "x", "timestamp": 1}]},
        r"metrics\[0\].value: expected a number, got 'x'",
    ),
    ("log", {"run_id": "r", "metrics": [{"key": "a", "value": True, "timestamp": 1}]}, "value: expected a number"),
    ("log", {"run_id": "r", "metrics": [{"key": "a", "value": 1, "timestamp": 1.5}]}, "timestamp: expected int"),
    (
        "log",
        {"run_id": "r", "metrics": [{"key": "a", "value": 1, "timestamp": 2**63}]},
        "timestamp: expected an integer that fits in 64 bits",
    ),
    ("log", {"run_id": "r", "params": {"a": 1}}, "params.a: expected text"),
    ("log", {"run_id": "r", "mark": ["f"]}, "mark: expected 2 items"),
    ("log", {"run_id": "r", "colour": "blue"}, "unknown argument 'colour'"),
    (
        "update_run",
        {"run_id": "r", "changes": {"status": "DONE"}},
        r"changes\.status: expected one of SCHEDULED, RUNNING",
    ),
    ("update_run", {"run_id": "r", "changes": {"exit_code": True}}, r"changes\.exit_code: expected int"),
    ("update_run", {"run_id": "r", "changes": {"outputs": [5]}}, r"changes\.outputs\[0\]: expected an object"),
    ("update_run", {"run_id": "r", "changes": {"colour": "blue"}}, r"unknown argument 'changes\.colour'"),
    ("create_run", {"new": {"pid": "1"}}, r"new\.pid: expected int"),
]


@pytest.mark.parametrize(("method", "data", "told"), WRONG)
def test_what_is_wrong_is_named(method: str, data: dict[str, Any], told: str) -> None:
    with pytest.raises(UsageError, match=told):
        exact.arguments_of(getattr(TrackingStore, method), data)


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | _TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_TEXT, inner, max_size=3),
    max_leaves=8,
)
_METHODS = [
    getattr(protocol, name)
    for protocol in (TrackingStore, ModelStore)
    for name in dir(protocol)
    if not name.startswith("_") and name != "close"
]


@given(
    st.sampled_from(_METHODS).flatmap(
        lambda method: st.tuples(st.just(method), st.dictionaries(_names(method), _JSON, max_size=4))
    )
)
def test_nothing_but_a_told_mistake_comes_of_any_request(call: tuple[Any, dict[str, Any]]) -> None:
    method, data = call
    try:
        found = exact.arguments_of(method, data)
    except UsageError:
        return
    assert found.keys() == data.keys()


def _names(method: Any) -> st.SearchStrategy[str]:
    return st.sampled_from(
        method.__code__.co_varnames[1 : method.__code__.co_argcount + method.__code__.co_kwonlyargcount] or ("x",)
    )
