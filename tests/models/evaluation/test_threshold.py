from __future__ import annotations

import math
from pathlib import Path

import pytest

from mlproj.foundation.errors import InvalidProject, SourceError
from mlproj.models.evaluation import threshold
from mlproj.models.evaluation.judging import Measured, judge_threshold
from mlproj.models.evaluation.threshold import Threshold


def met(value: float | None, baseline: float | None = None, **limits: float | bool) -> bool:
    one = Threshold("f1_score", "f1_score", **{"greater_is_better": True, **limits})  # type: ignore[arg-type]
    model = Measured({} if value is None else {"f1_score": value}, {})
    return judge_threshold(one, model, None if baseline is None else Measured({"f1_score": baseline}, {})).is_met


def test_a_plain_threshold_is_reached_by_what_equals_it() -> None:
    assert met(0.8, threshold=0.8)
    assert not met(0.79, threshold=0.8)
    assert met(0.8, threshold=0.8, greater_is_better=False)
    assert not met(0.81, threshold=0.8, greater_is_better=False)


def test_an_absolute_change_is_compared_exactly_as_in_mlflow() -> None:
    assert met(0.75, 0.5, min_absolute_change=0.25)
    assert not met(0.3, 0.1, min_absolute_change=0.2)  # 0.1 + 0.2 is 0.30000000000000004
    assert met(0.25, 0.5, min_absolute_change=0.25, greater_is_better=False)


def test_a_relative_change_is_one_of_the_magnitude_of_the_baseline() -> None:
    assert met(1.5, 1.0, min_relative_change=0.5)
    assert not met(1.49, 1.0, min_relative_change=0.5)
    assert met(-0.5, -1.0, min_relative_change=0.5)
    assert met(0.5, 1.0, min_relative_change=0.5, greater_is_better=False)
    assert met(1.0, 1.0, min_relative_change=0.0)


def test_from_a_baseline_of_zero_any_change_will_do() -> None:
    assert met(1e-10, 0.0, min_relative_change=0.9)
    assert not met(0.0, 0.0, min_relative_change=0.9)
    assert met(-1e-10, 0.0, min_relative_change=0.9, greater_is_better=False)


def test_what_has_no_value_fails_and_a_plain_threshold_asks_for_no_baseline() -> None:
    assert not met(None, threshold=0.0)
    assert not met(math.nan, threshold=0.0)
    assert not met(0.9, math.nan, min_absolute_change=0.1)
    assert not met(0.9, None, min_relative_change=0.0)
    assert met(0.9, None, threshold=0.8)
    assert not met(0.9, 0.85, threshold=0.8, min_absolute_change=0.1)


def test_a_file_has_the_fields_of_mlflow(tmp_path: Path) -> None:
    file = tmp_path / "t.yaml"
    file.write_text(
        "accuracy_score: {threshold: 0.8, min_absolute_change: 0.05, greater_is_better: true}\n"
        "rmse:\n  min_relative_change: 0\n  greater_is_better: false\n"
    )
    one, other = threshold.load(file)
    assert one == Threshold("accuracy_score", "accuracy_score", True, 0.8, 0.05)
    assert (other.metric, other.min_relative_change, other.needs_baseline) == ("root_mean_squared_error", 0, True)
    file.with_suffix(".json").write_text('{"f1": {"threshold": 1, "greater_is_better": true}}')
    assert not threshold.load(file.with_suffix(".json"))[0].needs_baseline


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("[]", 1, "expected a mapping"),
        ("acuracy: {threshold: 1, greater_is_better: true}", 1, "there is no measure acuracy"),
        ("f1: 0.8", 1, "expected a mapping with some of"),
        ("f1:\n  treshold: 1\n  greater_is_better: true", 2, "there is no treshold"),
        ("f1:\n  threshold: high\n  greater_is_better: true", 2, "threshold must be a number"),
        ("f1:\n  threshold: .nan\n  greater_is_better: true", 2, "threshold must be a number"),
        ("f1:\n  min_absolute_change: 0\n  greater_is_better: true", 2, "must be a number above 0"),
        ("f1:\n  min_relative_change: 1.5\n  greater_is_better: true", 2, "must be a number from 0 to 1"),
        ("f1:\n  threshold: 1\n  greater_is_better: 1", 3, "must be true or false"),
        ("f1: {threshold: 1}", 1, "greater_is_better must say"),
        ("f1: {greater_is_better: true}", 1, "expected at least one of"),
    ],
)
def test_a_mistake_in_the_file_is_told_with_its_line(tmp_path: Path, text: str, line: int, said: str) -> None:
    file = tmp_path / "t.yaml"
    file.write_text(text)
    with pytest.raises(InvalidProject) as caught:
        threshold.load(file)
    assert said in caught.value.message
    assert caught.value.place is not None
    assert caught.value.place.line == line


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="there is no file"):
        threshold.load(tmp_path / "none.yaml")
