"""A loaded model answers each request as if it were alone, in one prediction where that gives the same."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlproj.models.scorer.schema import parse_signature
from mlproj.models.scorer.scorer import Answer, Request, Scorer

JSON = "application/json"
DOUBLE = [{"name": "a", "type": "double"}]
DATE = [{"name": "d", "type": "datetime"}]
TENSOR = [{"type": "tensor", "tensor-spec": {"dtype": "float64", "shape": [-1, 2]}}]
TENSORS = [
    {"name": "x", "type": "tensor", "tensor-spec": {"dtype": "float64", "shape": [-1, 2]}},
    {"name": "y", "type": "tensor", "tensor-spec": {"dtype": "int64", "shape": [-1]}},
]
FIXED = [{"type": "tensor", "tensor-spec": {"dtype": "float64", "shape": [1, 2]}}]
PARAMS = [{"name": "t", "type": "double", "default": 1.0, "shape": None}]


class Asked:
    """A predictor that remembers how many rows it was asked at a time."""

    loaded_by = "native"

    def __init__(self, function: Callable[..., Any]) -> None:
        self._function = function
        self.sizes: list[int] = []

    def predict(self, data: Any, params: Any = None) -> Any:
        self.sizes.append(len(next(iter(data.values()))) if isinstance(data, dict) else len(data))
        return self._function(data, params) if params is not None else self._function(data)


def scorer_of(
    inputs: list[dict[str, Any]] | None, function: Callable[..., Any], params: Any = None, **options: Any
) -> tuple[Scorer, Asked]:
    signature = {"inputs": json.dumps(inputs) if inputs else None, "params": json.dumps(params) if params else None}
    asked = Asked(function)
    return Scorer(parse_signature({"signature": signature}), asked, options), asked


def request(form: str, value: Any, **more: Any) -> Request:
    return Request(JSON, json.dumps({form: value, **more}).encode())


def row(value: Any, **more: Any) -> Request:
    return request("dataframe_records", [{"a": value}], **more)


def predictions(answers: list[Answer]) -> list[Any]:
    assert [answer.status for answer in answers] == [200] * len(answers), answers
    return [json.loads(answer.body)["predictions"] for answer in answers]


def doubled(frame: Any) -> Any:
    return frame["a"].to_numpy() * 2


def test_the_first_requests_that_come_together_show_whether_rows_are_independent_then_all_are_predicted_at_once() -> (
    None
):
    scorer, asked = scorer_of(DOUBLE, doubled)

    assert predictions(scorer.answer([row(1), row(2)])) == [[2.0], [4.0]]
    assert asked.sizes == [1, 1, 2]
    assert predictions(scorer.answer([row(1), row(2), row(3)])) == [[2.0], [4.0], [6.0]]
    assert asked.sizes == [1, 1, 2, 3]


def test_a_model_whose_rows_depend_on_each_other_is_asked_one_request_at_a_time() -> None:
    scorer, asked = scorer_of(DOUBLE, lambda frame: (frame["a"] / frame["a"].sum()).to_numpy())

    assert predictions(scorer.answer([row(1), row(3)])) == [[1.0], [1.0]]
    assert predictions(scorer.answer([row(1), row(3)])) == [[1.0], [1.0]]
    assert asked.sizes == [1, 1, 2, 1, 1]


def test_a_model_that_answers_as_many_values_whatever_it_is_asked_is_asked_one_request_at_a_time() -> None:
    scorer, _ = scorer_of(DOUBLE, lambda frame: [len(frame), 0])

    assert predictions(scorer.answer([row(1), row(3)])) == [[1, 0], [1, 0]]
    assert predictions(scorer.answer([row(1), row(3)])) == [[1, 0], [1, 0]]


def test_of_many_that_come_together_at_first_only_a_few_are_predicted_one_by_one() -> None:
    scorer, asked = scorer_of(DOUBLE, doubled)

    assert predictions(scorer.answer([row(n) for n in range(20)])) == [[2.0 * n] for n in range(20)]
    assert asked.sizes == [1, 1, 1, 1, 4, 16]


def centred(frame: Any) -> Any:
    return (frame["a"] - frame["a"].mean()).to_numpy()


def test_equal_requests_show_nothing_of_others() -> None:
    scorer, asked = scorer_of(DOUBLE, centred)

    assert predictions(scorer.answer([row(1), row(1)])) == [[0.0], [0.0]]
    assert predictions(scorer.answer([row(2), row(2)])) == [[0.0], [0.0]]
    assert predictions(scorer.answer([row(1), row(3)])) == [[0.0], [0.0]]
    assert predictions(scorer.answer([row(1), row(3)])) == [[0.0], [0.0]]
    assert asked.sizes == [1, 1, 2, 2, 1, 1, 2, 1, 1]


def test_a_model_that_once_answers_another_number_of_rows_is_asked_one_request_at_a_time_from_then_on() -> None:
    scorer, asked = scorer_of(DOUBLE, lambda frame: frame["a"][frame["a"] > 0].to_numpy())
    scorer.answer([row(1), row(2)])

    assert predictions(scorer.answer([row(-1), row(2)])) == [[], [2.0]]
    assert predictions(scorer.answer([row(1), row(2)])) == [[1.0], [2.0]]
    assert asked.sizes == [1, 1, 2, 2, 1, 1, 1, 1]


@pytest.mark.parametrize("inputs", [TENSOR, TENSORS, DATE], ids=["tensor", "tensors", "dates"])
def test_equal_requests_of_any_kind_are_predicted_together(inputs: Any) -> None:
    bodies = {1: [[1, 2]], 2: {"x": [[1, 2]], "y": [3]}}
    value = {"d": ["2024-01-02"]} if inputs is DATE else bodies[len(inputs)]
    scorer, asked = scorer_of(inputs, lambda data: [7] * len(data["x"] if isinstance(data, dict) else data))

    for _ in range(2):
        assert predictions(scorer.answer([request("inputs", value)] * 3)) == [[7]] * 3

    assert asked.sizes == [1, 1, 1, 3, 3]


def test_batching_can_be_turned_off() -> None:
    scorer, asked = scorer_of(DOUBLE, doubled, batch=False)

    scorer.answer([row(1), row(2)])

    assert asked.sizes == [1, 1]


def strict(frame: Any) -> Any:
    if (frame["a"] < 0).any():
        raise ValueError("negative")
    return doubled(frame)


def test_a_row_that_the_model_refuses_spoils_no_other_request() -> None:
    scorer, asked = scorer_of(DOUBLE, strict)
    scorer.answer([row(1), row(2)])

    bad, *good = (answers := scorer.answer([row(-1), row(2), row(3)]))[:1] + answers[1:]

    assert bad.status == 400
    assert "negative" in json.loads(bad.body)["stack_trace"]
    assert predictions(good) == [[4.0], [6.0]]
    assert asked.sizes[3:] == [3, 1, 1, 1]


def test_what_cannot_be_read_is_answered_in_its_place() -> None:
    scorer, _ = scorer_of(DOUBLE, doubled)
    requests = [row(1), Request(JSON, b"{"), Request("text/x", b""), Request(None, b""), row("x"), row(2)]

    answers = scorer.answer(requests)

    assert [answer.status for answer in answers] == [200, 400, 415, 500, 400, 200]
    assert predictions([answers[0], answers[-1]]) == [[2.0], [4.0]]


@pytest.mark.parametrize(
    ("made", "expected"),
    [
        (lambda frame: frame["a"].to_numpy() * 2, [[2.0], [4.0, 6.0]]),
        (lambda frame: (frame["a"] * 2).rename("v"), [[{"v": 2.0}], [{"v": 4.0}, {"v": 6.0}]]),
        (lambda frame: frame.assign(b="x"), [[{"a": 1.0, "b": "x"}], [{"a": 2.0, "b": "x"}, {"a": 3.0, "b": "x"}]]),
        (lambda frame: [str(value) for value in frame["a"]], [["1.0"], ["2.0", "3.0"]]),
        (lambda frame: {"p": frame.to_numpy(), "q": np.arange(len(frame)) * 0}, None),
        (lambda frame: np.stack([frame["a"], -frame["a"]], axis=1), [[[1.0, -1.0]], [[2.0, -2.0], [3.0, -3.0]]]),
    ],
    ids=["array", "series", "frame", "list", "dictionary of arrays", "matrix"],
)
def test_each_request_gets_its_own_rows_of_the_answer(made: Any, expected: Any) -> None:
    scorer, asked = scorer_of(DOUBLE, made)
    two = request("dataframe_records", [{"a": 2}, {"a": 3}])
    expected = expected or [{"p": [[1.0]], "q": [0]}, {"p": [[2.0], [3.0]], "q": [0, 0]}]

    assert predictions(scorer.answer([row(1), two])) == expected
    assert predictions(scorer.answer([row(1), two])) == expected
    assert asked.sizes == [1, 2, 3, 3]


def test_requests_with_other_parameters_or_columns_are_predicted_apart() -> None:
    def scaled(frame: Any, params: Any) -> Any:
        return frame["a"].to_numpy() * params["t"]

    scorer, asked = scorer_of(DOUBLE, scaled, PARAMS)
    requests = [row(1), row(1, params={"t": 2}), row(2), row(2, params={"t": 2})]

    assert predictions(scorer.answer(requests)) == [[1.0], [2.0], [2.0], [4.0]]
    assert predictions(scorer.answer(requests)) == [[1.0], [2.0], [2.0], [4.0]]
    assert asked.sizes[-2:] == [2, 2]


def test_tensors_with_a_free_first_dimension_are_joined() -> None:
    scorer, asked = scorer_of(TENSOR, lambda array: array.sum(axis=1))
    requests = [request("inputs", [[1, 2]]), request("inputs", [[3, 4], [5, 6]])]

    assert predictions(scorer.answer(requests)) == [[3.0], [7.0, 11.0]]
    assert predictions(scorer.answer(requests)) == [[3.0], [7.0, 11.0]]
    assert asked.sizes[-1] == 3


def test_named_tensors_are_joined_if_their_lengths_agree() -> None:
    scorer, asked = scorer_of(TENSORS, lambda tensors: tensors["x"].sum(axis=1) + tensors["y"])
    requests = [request("inputs", {"x": [[n, 0]], "y": [n]}) for n in range(3)]

    assert predictions(scorer.answer(requests)) == [[0.0], [2.0], [4.0]]
    assert predictions(scorer.answer(requests)) == [[0.0], [2.0], [4.0]]
    assert asked.sizes[-1] == 3


def test_tensors_of_a_fixed_size_are_not_joined() -> None:
    scorer, asked = scorer_of(FIXED, lambda array: array.sum(axis=1))

    scorer.answer([request("inputs", [[1, 2]])] * 2)

    assert asked.sizes == [1, 1]


def test_dates_are_joined_after_each_request_was_read_by_itself() -> None:
    scorer, asked = scorer_of(DATE, lambda frame: frame["d"].dt.day.to_numpy())
    requests = [request("dataframe_records", [{"d": text}]) for text in ("2024-01-02", "2024-01-03T04:05:06")]

    assert predictions(scorer.answer(requests)) == [[2], [3]]
    assert predictions(scorer.answer(requests)) == [[2], [3]]
    assert asked.sizes[-1] == 2


def test_rows_with_an_index_of_their_own_are_predicted_alone() -> None:
    scorer, asked = scorer_of(DATE, lambda frame: list(frame.index))
    split = {"columns": ["d"], "data": [["2024-01-02"]], "index": [7]}

    assert predictions(scorer.answer([request("dataframe_split", split)] * 2)) == [[7], [7]]
    assert asked.sizes == [1, 1]


def test_a_model_without_a_signature_is_asked_one_request_at_a_time() -> None:
    scorer, asked = scorer_of(None, lambda data: list(data))

    scorer.answer([request("inputs", [1])] * 2)

    assert asked.sizes == [1, 1]


def test_an_answer_that_json_cannot_have_spoils_no_other() -> None:
    scorer, _ = scorer_of(DOUBLE, lambda frame: [{1} if value < 0 else value for value in frame["a"]])
    scorer.answer([row(1), row(2)])

    answers = scorer.answer([row(-1), row(2)])

    assert [answer.status for answer in answers] == [500, 200]
    assert answers[0].body == b"Internal Server Error"


def test_requests_count_their_rows() -> None:
    scorer, _ = scorer_of(DOUBLE, doubled)

    assert [answer.rows for answer in scorer.answer([request("dataframe_records", [{"a": 1}] * 5)])] == [5]


def test_a_request_has_at_most_as_many_rows_as_the_server_allows() -> None:
    scorer, asked = scorer_of(DOUBLE, doubled, most_rows=2)

    answers = scorer.answer([request("inputs", {"a": [1] * rows}) for rows in (2, 3)])
    (csv,) = scorer.answer([Request("text/csv", b"a\n1\n2\n3\n")])

    assert [answer.status for answer in (*answers, csv)] == [200, 413, 413]
    assert "2 rows at most" in answers[1].body.decode()
    assert asked.sizes == [2]


class TestWhatIsNotToHarm:
    """Bodies for which MLflow's server breaks off or breaks down; here a caller's mistake is a 400."""

    @pytest.mark.parametrize(
        "body",
        [
            b"[" * 100_000,
            b'{"inputs": ' + b"[" * 100_000,
            b'{"inputs": ' + b"[" * 900 + b"]" * 900 + b"}",
            b'{"inputs": ' + b"9" * 5000 + b"}",
            b'{"dataframe_split": {"columns": [{}], "data": [[1]]}}',
            b'{"dataframe_split": {"columns": [["a"]], "data": [[1]]}}',
            b'{"dataframe_split": {"columns": {"a": 1}, "data": [[1]]}}',
        ],
        ids=lambda body: f"{body[:40]!r}",
    )
    @pytest.mark.parametrize("inputs", [None, DOUBLE, TENSOR], ids=["none", "columns", "tensor"])
    def test_is_refused(self, body: bytes, inputs: Any) -> None:
        scorer, _ = scorer_of(inputs, lambda data: [0] * len(data))

        (answer,) = scorer.answer([Request(JSON, body)])

        assert answer.status in (200, 400)
        assert answer.type == JSON

    @pytest.mark.parametrize("form", ["dataframe_records", "inputs", "instances"])
    @pytest.mark.parametrize("inputs", [None, DOUBLE], ids=["none", "columns"])
    def test_rows_without_a_column_in_common_do_not_fill_the_memory(self, form: str, inputs: Any) -> None:
        scorer, _ = scorer_of(inputs, lambda data: [0] * len(data))

        (answer,) = scorer.answer([request(form, [{f"k{n}": 1} for n in range(20_000)])])

        assert answer.status == 400
        assert "400000000 cells" in answer.body.decode()


SPLIT = {"columns": ["a"], "data": [[1.5]]}


class TestClientsOfMLflow1:
    """With ``protocol: 1.x`` what they send is read, and answered without a wrapper, as MLflow 1 did."""

    @pytest.mark.parametrize(
        ("kind", "value"),
        [
            (JSON, SPLIT),
            (JSON, {**SPLIT, "index": [0]}),
            (JSON, [{"a": 1.5}]),
            (JSON, {"instances": [{"a": 1.5}]}),
            (JSON, {"inputs": {"a": [1.5]}}),
            ("application/json; format=pandas-split", SPLIT),
            ("application/json; charset=UTF-8; format=pandas-records", [{"a": 1.5}]),
            ("application/json-numpy-split", {**SPLIT, "index": [0]}),
        ],
    )
    def test_are_answered_bare(self, kind: str, value: Any) -> None:
        scorer, _ = scorer_of(DOUBLE, doubled, protocol="1.x")

        (answer,) = scorer.answer([Request(kind, json.dumps(value).encode())])

        assert (answer.status, answer.type, answer.body) == (200, JSON, b"[3.0]")

    def test_csv_is_answered_bare(self) -> None:
        scorer, _ = scorer_of(DOUBLE, doubled, protocol="1.x")

        assert scorer.answer([Request("text/csv", b"a\n1.5\n")])[0].body == b"[3.0]"

    def test_clients_of_today_are_answered_as_ever(self) -> None:
        scorer, _ = scorer_of(DOUBLE, doubled, protocol="1.x")

        assert predictions(scorer.answer([row(1), request("dataframe_split", SPLIT)])) == [[2.0], [3.0]]

    @pytest.mark.parametrize("kind", ["application/json; format=pandas-split", "application/json-numpy-split"])
    def test_are_refused_when_not_asked_for(self, kind: str) -> None:
        scorer, _ = scorer_of(DOUBLE, doubled)

        assert scorer.answer([Request(kind, json.dumps(SPLIT).encode())])[0].status == 415

    def test_a_bad_body_is_refused(self) -> None:
        scorer, _ = scorer_of(DOUBLE, doubled, protocol="1.x")
        bodies = [(JSON, b"5"), (JSON, b"{}"), ("application/json-numpy-split", b"{}")]

        assert [answer.status for answer in scorer.answer([Request(*one) for one in bodies])] == [400, 400, 400]


@pytest.mark.parametrize(
    ("example", "expected"),
    [
        (["x"], ["p", "q"]),
        ([{"a": 1}], [{"a": "p"}, {"a": "q"}]),
        ("x", "p"),
        (None, [["a"]]),
    ],
)
def test_a_model_with_a_hint_of_its_example_gets_the_form_of_that(example: Any, expected: Any) -> None:
    class Seen:
        def predict(self, data: Any, params: Any = None) -> Any:
            return [list(data.columns)] if isinstance(data, pd.DataFrame) else data

    inputs = json.dumps([{"name": "a", "type": "string"}])
    signature = parse_signature({"signature": {"inputs": inputs}, "type_hint_from_example": True})
    scorer = Scorer(signature, Seen(), {}, example)

    assert predictions(scorer.answer([request("inputs", {"a": ["p", "q"]})])) == [expected]


ROWS = st.lists(
    st.lists(
        st.tuples(
            st.one_of(st.floats(-5, 5), st.integers(-3, 3), st.none(), st.just("x"), st.just(float("nan"))),
            st.one_of(st.integers(-3, 3), st.just(2.5), st.just("7"), st.none()),
        ),
        min_size=1,
        max_size=3,
    ),
    min_size=2,
    max_size=6,
)


@settings(max_examples=100)
@given(ROWS, st.sampled_from(["dataframe_split", "dataframe_records", "inputs"]))
def test_requests_are_answered_together_as_they_are_alone(requests: list[list[tuple[Any, Any]]], form: str) -> None:
    def body(rows: list[tuple[Any, Any]]) -> Request:
        records = [{"a": a, "b": b} for a, b in rows]
        split = {"columns": ["b", "a"], "data": [[b, a] for a, b in rows]}
        columns = {"a": [a for a, _ in rows], "b": [b for _, b in rows]}
        return request(form, {"dataframe_split": split, "dataframe_records": records, "inputs": columns}[form])

    def statuses_and_bodies(scorer: Scorer, asked: list[Request]) -> list[Any]:
        return [(one.status, one.status == 200 and one.body, one.rows) for one in scorer.answer(asked)]

    columns = [*DOUBLE, {"name": "b", "type": "long"}]
    together, _ = scorer_of(columns, strict)
    alone, _ = scorer_of(columns, strict, batch=False)
    together.answer([row_of_two(1), row_of_two(2)])
    asked = [body(rows) for rows in requests]

    assert statuses_and_bodies(together, asked) == [one for each in asked for one in statuses_and_bodies(alone, [each])]


def row_of_two(value: float) -> Request:
    return request("dataframe_records", [{"a": value, "b": 1}])


class TestAModelThatMisbehaves:
    """Its requests are answered, and the worker goes on."""

    def test_in_what_it_answers(self) -> None:
        class Hostile(list[Any]):
            def __len__(self) -> int:
                raise RuntimeError("no length")

            def __iter__(self) -> Any:
                raise RuntimeError("no values")

        scorer, _ = scorer_of(DOUBLE, lambda frame: Hostile([1]))

        assert [answer.status for answer in scorer.answer([row(1), row(2)])] == [500, 500]

    def test_in_its_errors(self) -> None:
        class MlflowException(Exception):
            def serialize_as_json(self) -> str:
                raise RuntimeError("no")

        def fail(frame: Any) -> Any:
            raise MlflowException

        scorer, _ = scorer_of(DOUBLE, fail)

        assert [answer.status for answer in scorer.answer([row(1), row(2)])] == [500, 500]

    def test_by_changing_what_it_is_given(self) -> None:
        def change(frame: Any) -> Any:
            frame["a"] = frame["a"] + 1
            return frame.pop("a").loc[lambda column: column > 0].to_numpy()

        scorer, _ = scorer_of(DOUBLE, change)

        assert predictions(scorer.answer([row(1), row(2)])) == [[2.0], [3.0]]
        assert predictions(scorer.answer([row(-5), row(2)])) == [[], [3.0]]


def test_the_schema_is_kept_from_messages_when_the_environment_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_DISABLE_SCHEMA_DETAILS", "true")
    scorer, _ = scorer_of(DOUBLE, doubled)

    (answer,) = scorer.answer([request("dataframe_records", [{"b": 1}])])

    assert "Failed to enforce model input schema. Please check your input data." in json.loads(answer.body)["message"]


class TestAnEnvironmentWithoutNumPyAndPandas:
    """A model of plain Python is asked with plain values."""

    @pytest.fixture(autouse=True)
    def _without(self, monkeypatch: pytest.MonkeyPatch) -> None:
        for name in ("numpy", "pandas"):
            monkeypatch.setitem(sys.modules, name, None)  # type: ignore[arg-type]

    @pytest.mark.parametrize("value", [[1, "x"], {"a": [1]}, [{"a": 1}], "x", None])
    def test_inputs_are_handed_over_as_they_are(self, value: Any) -> None:
        scorer = Scorer(parse_signature({}), Echo())

        assert predictions(scorer.answer([request("inputs", value)])) == [[value, None]]

    def test_chats_too(self) -> None:
        (answer,) = Scorer(parse_signature({}), Echo()).answer([request("messages", [{"role": "user"}])])

        assert json.loads(answer.body) == [{"messages": [{"role": "user"}]}, {}]

    def test_parameters_are_checked(self) -> None:
        params = [*PARAMS, {"name": "ss", "type": "string", "default": [], "shape": [-1]}]
        scorer = Scorer(parse_signature({"signature": {"params": json.dumps(params)}}), Echo())

        (good,) = scorer.answer([request("inputs", 1, params={"t": 2, "ss": ["a"]})])
        bad = scorer.answer([request("inputs", 1, params=one) for one in ({"t": "x"}, {"ss": "a"}, {"ss": [["a"]]})])

        assert predictions([good]) == [[1, {"t": 2.0, "ss": ["a"]}]]
        assert [answer.status for answer in bad] == [400, 400, 400]

    def test_a_table_is_the_callers_mistake(self) -> None:
        (answer,) = Scorer(parse_signature({}), Echo()).answer([row(1)])

        assert answer.status == 400


class Echo:
    def predict(self, data: Any, params: Any = None) -> Any:
        return [data, params]
