"""What models answer, in the forms that they do, as samples."""

from __future__ import annotations

import math
from decimal import Decimal
from typing import Any

import numpy as np
import pytest

from mlproj.foundation.errors import UsageError
from mlproj.models.evaluation import answers, kind_choice, label, sampling
from mlproj.models.evaluation.answers import Answers
from mlproj.models.evaluation.sample import Kind, Sample


def read(values: Any, classes: tuple[str, ...] = (), chosen: str | None = None) -> Answers:
    return answers.read(values if isinstance(values, dict) else {"": values}, chosen, classes)


def kind_of(target: list[Any], values: Any) -> Kind:
    return kind_choice.choose("auto", target, read(values))[0]


def classified(target: list[Any], given: Answers, kind: Kind = Kind.BINARY, positive: str | None = None) -> Sample:
    return sampling.classification(kind, sampling.classes_of(kind, target, [given], positive), given)[0]


@pytest.mark.parametrize(
    ("target", "values", "kind"),
    [
        (["a", "b"], ["a", "a"], Kind.BINARY),
        (["a", "b", "c"], ["a", "a", "a"], Kind.MULTICLASS),
        ([True, False], [1, 0], Kind.BINARY),
        ([0, 1, 1], [0.2, 0.7, 1], Kind.BINARY),
        ([True, False], [0.2, 0.7], Kind.BINARY),
        (["no", "yes"], [0.2, 0.7], Kind.BINARY),
        ([5, 7], [0.2, 0.7], Kind.REGRESSION),
        ([1.5, 2], [None, 2], Kind.REGRESSION),
        ([0, 1], [0.2, 1.7], Kind.REGRESSION),
        ([0, 1, 2], [2, 1, 0], Kind.MULTICLASS),
        ([0.5, 1], [0, 1], Kind.REGRESSION),
        (list(range(30)), list(range(30)), Kind.REGRESSION),
        ([0, 1], [[0.2, 0.8], [0.5, 0.5]], Kind.BINARY),
        ([0, 1], [[0.1, 0.1, 0.8], [0.2, 0.5, 0.3]], Kind.MULTICLASS),
        ([1.0, 2.0], [1.0, 2.0], Kind.BINARY),
    ],
)
def test_the_kind_is_told_from_targets_and_answers(target: list[Any], values: Any, kind: Kind) -> None:
    assert kind_of(target, values) is kind


def test_decimals_and_arrays_of_files_are_values() -> None:
    assert kind_of([Decimal("1.5"), Decimal(2)], [1.5, 2]) is Kind.REGRESSION
    assert classified([Decimal("1.0"), Decimal(0)], read([1, 0])).predicted.tolist() == [1, 0]
    assert not label.is_missing(np.array([1, 2]))


def test_labels_of_all_spellings_are_one_class() -> None:
    sample = classified([True, False, True], read([1, 0, 0]))
    assert (sample.classes, sample.target.tolist(), sample.predicted.tolist()) == (("0", "1"), [1, 0, 1], [1, 0, 0])
    assert classified([1, 0], read(["1", "0"])).predicted.tolist() == [1, 0]
    assert classified([1.0, 0.0], read([True, False])).predicted.tolist() == [1, 0]


def test_scores_between_zero_and_one_are_probabilities_of_the_positive_class() -> None:
    sample = classified([0, 1, 1], read([0.2, 0.5, 0.4]))
    assert sample.probabilities is not None
    assert sample.probabilities.tolist() == [0.2, 0.5, 0.4]
    assert sample.predicted.tolist() == [0, 1, 0]


def test_lists_are_probabilities_of_the_classes_in_sorted_order() -> None:
    sample = classified(["no", "yes"], read([[0.9, 0.1], [0.3, 0.7]]))
    assert sample.probabilities is not None
    assert sample.probabilities.tolist() == [0.1, 0.7]
    turned = classified(["no", "yes"], read([[0.9, 0.1], [0.3, 0.7]]), positive="no")
    assert turned.classes == ("yes", "no")
    assert turned.probabilities is not None
    assert turned.probabilities.tolist() == [0.9, 0.3]


def test_ten_classes_of_numbers_are_sorted_by_value() -> None:
    target = list(range(11))
    sample = classified(target, read([[float(one == row) for one in range(11)] for row in target]), Kind.MULTICLASS)
    assert sample.predicted.tolist() == target
    assert sample.classes[:3] == ("0", "1", "2")


def test_columns_of_labels_and_of_probabilities_are_told_apart() -> None:
    onnx = {"output_label": ["b", "a"], "output_probability": [{"b": 0.6, "a": 0.4}, {"b": 0.1, "a": 0.9}]}
    sample = classified(["a", "a"], read(onnx, ("a",)))
    assert (sample.classes, sample.predicted.tolist()) == (("a", "b"), [1, 0])
    assert sample.probabilities is not None
    assert sample.probabilities.tolist() == [0.6, 0.1]

    apart = {"prediction": ["a"], "probability_a": [0.7], "probability_b": [0.3]}
    found = read(apart, ("a", "b"))
    assert (found.values, found.names, found.probabilities) == (["a"], ("a", "b"), [(0.7, 0.3)])

    alone = read({"b": [0.3], "a": [0.7]}, ("a", "b"))
    assert (alone.values, alone.names) == (None, ("a", "b"))


def test_one_of_several_columns_can_be_chosen_and_must_be() -> None:
    given = {"first": [1.5], "second": [2.5]}
    assert read(given, chosen="second").values == [2.5]
    with pytest.raises(UsageError, match="2 columns: first, second"):
        read(given)
    with pytest.raises(UsageError, match="no column 'third'"):
        read(given, chosen="third")


def test_a_column_of_lists_of_one_is_plain() -> None:
    assert read([[1.5], [2.5]]).values == [1.5, 2.5]


def test_probabilities_that_are_none_are_not_used() -> None:
    kind, target = Kind.MULTICLASS, ["a", "b", "c"]
    for rows in ([[-1.0, 2, 0]] * 3, [[3.0, 2, 0]] * 3, [[math.nan, 1, 0]] * 3, [[0.5, 0.5]] * 3):
        given = Answers(target, rows)
        assert classified(target, given, kind).probabilities is None
    with pytest.raises(UsageError, match="probabilities of 2 classes are not used"):
        classified(target, Answers(None, [[0.5, 0.5]] * 3), kind)


def test_one_class_alone_can_be_measured() -> None:
    assert classified([1, 1], read([1, 0])).classes == ("0", "1")
    assert classified([0, 0], read([0, 0])).classes == ("0", "1")
    assert classified(["yes", "yes"], read(["yes", "yes"])).target.tolist() == [1, 1]


def test_what_contradicts_itself_is_a_mistake() -> None:
    with pytest.raises(UsageError, match="two classes"):
        classified(["a", "b", "c"], read(["a", "b", "c"]))
    with pytest.raises(UsageError, match="--positive d: the classes are a and b"):
        classified(["a", "b"], read(["a", "b"]), positive="d")
    with pytest.raises(UsageError, match="gives no class for 1 rows, the first is row 2"):
        classified(["a", "b"], read(["a", None]))
    with pytest.raises(UsageError, match="must be numbers"):
        sampling.regression([1.5], read(["x"]))
    with pytest.raises(UsageError, match="several numbers"):
        sampling.regression([1.5], read([[1.0, 2.0]]))


def test_a_number_that_the_model_does_not_give_is_nan() -> None:
    assert math.isnan(sampling.regression([1.5, 2], read([None, 2])).predicted[0])
