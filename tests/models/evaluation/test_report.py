"""The page and the charts: whatever columns, classes and slices are called, and however little there is to show."""

from __future__ import annotations

import math
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from mlproj.foundation.errors import UsageError
from mlproj.models.evaluation import bootstrap, metric, report, slicing
from mlproj.models.evaluation.bootstrap import Resampling
from mlproj.models.evaluation.data_file import Data
from mlproj.models.evaluation.judging import Judgement
from mlproj.models.evaluation.predicting import Speed
from mlproj.models.evaluation.request import EvaluationRequest
from mlproj.models.evaluation.result import Evaluation, ModelResult, SliceResult
from mlproj.models.evaluation.sample import Kind, Sample
from mlproj.models.mlmodel import ModelFile
from mlproj.models.opened import OpenedModel

HOSTILE = ['<script>alert("1")</script>', "$\\frac{", "a\nb\x00\x1b[31m", "\u202eevil", "名前" * 40, "&amp;'\""]


def evaluation(sample: Sample, parts: list[str] | None = None) -> Evaluation:
    data = Data(Path("d&<b>.csv"), pd.DataFrame({HOSTILE[0]: parts or ["x"] * len(sample)}), "0" * 64, 1)
    names = list(metric.HEADLINES[sample.kind])
    opened = OpenedModel(HOSTILE[0], Path("/m/<i>"), ModelFile({}, {}))
    measured = metric.measured(sample)
    result = ModelResult(opened, "native", HOSTILE[5], measured, sample, Speed((), math.nan))
    how = Resampling(10)
    slices = []
    for part in slicing.slices_of(data, HOSTILE[0]) if parts else []:
        taken = sample.take(part.rows)
        found = bootstrap.intervals(taken, None, names, how)
        slices.append(SliceResult(part, len(taken), True, metric.measured(taken, names), None, found))
    request = EvaluationRequest(data.path, "<t>", resampling=how)
    judged = [Judgement(f"f1[{HOSTILE[0]}=*] > 0", False, "f1_score", math.nan, None, None, HOSTILE[2])]
    return Evaluation(request, data, sample.kind, "<r>", names, 0, result, slices=slices, judgements=judged)


class Tags(HTMLParser):
    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self.sources: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append(tag)
        assert not any(name.startswith("on") for name, _value in attrs)
        self.sources += [value or "" for name, value in attrs if name in ("src", "href")]


def classes(count: int = 60) -> Sample:
    draws = np.random.default_rng(1)
    target, scores = draws.integers(0, len(HOSTILE), count), draws.dirichlet([1] * len(HOSTILE), count)
    return Sample(Kind.MULTICLASS, target, scores.argmax(axis=1), scores, tuple(HOSTILE))


def test_names_are_text_and_the_page_needs_nothing_else() -> None:
    made = report.make(evaluation(classes(), [HOSTILE[row % len(HOSTILE)] for row in range(60)]))
    page = made.page.decode()
    tags = Tags(page)

    assert not {"script", "i", "t", "r"} & set(tags.found)
    assert all(source.startswith("data:image/png;base64,") for source in tags.sources)
    assert not re.search("[\x00-\x09\x0b-\x1f\u202e]", page)
    assert set(made.charts) == {
        "confusion_matrix", "roc_curve_plot", "precision_recall_curve_plot", "calibration_curve_plot", "slices_1",
    }  # fmt: skip
    assert all(png.startswith(b"\x89PNG") for png in made.charts.values())


@pytest.mark.parametrize(
    "sample",
    [
        Sample(Kind.REGRESSION, np.array([1.0]), np.array([math.nan])),
        Sample(Kind.REGRESSION, np.array([1.0, 1.0]), np.array([math.inf, 1.0])),
        Sample(Kind.BINARY, np.array([1]), np.array([1]), np.array([0.5]), ("no", "yes")),
        Sample(Kind.BINARY, np.array([0, 1]), np.array([0, 1]), np.array([0.0, math.nan]), ("no", "yes")),
        Sample(Kind.BINARY, np.array([0, 1]), np.array([0, 1]), None, ("no", "yes")),
        Sample(Kind.RANKING, np.array([0.0]), np.array([0.0]), per_query={"ndcg": np.array([math.nan])}),
    ],
    ids=["nan", "infinity", "one-class", "nan-probability", "labels", "one-query"],
)
def test_what_has_nothing_to_show_is_a_page_all_the_same(sample: Sample) -> None:
    page = report.make(evaluation(sample)).page.decode()
    assert "requirement missed" in page


def test_a_report_is_a_file_or_a_folder_with_the_charts(tmp_path: Path) -> None:
    made = report.make(evaluation(classes()))
    report.write(made, tmp_path / "r.html")
    report.write(made, tmp_path / "r")
    assert (tmp_path / "r.html").read_bytes() == (tmp_path / "r" / "evaluation.html").read_bytes() == made.page
    assert {file.stem for file in (tmp_path / "r").iterdir()} == {"evaluation", *made.charts}


def test_a_place_that_cannot_take_it_is_refused_before_anything_is_done(tmp_path: Path) -> None:
    (tmp_path / "d.html").mkdir()
    (tmp_path / "f").touch()
    for place, said in (("d.html", "is a folder"), ("f", "is a file"), ("no/r", "does not exist")):
        with pytest.raises(UsageError, match=said):
            report.check(tmp_path / place)


def shown(value: Any) -> str:
    return report.number(value)


def test_numbers_are_short() -> None:
    assert [shown(one) for one in (None, math.nan, 3.0, 0.123456, 123456.7, math.inf, 1e12)] == [
        "–", "–", "3", "0.1235", "123457", "inf", "1e+12",
    ]  # fmt: skip
