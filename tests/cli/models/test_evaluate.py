"""``mlproj models evaluate`` with models of the tests' own code, each in a process of its own."""

from __future__ import annotations

import json
from hashlib import sha256
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit
from xml.etree import ElementTree

import pytest

from mlproj import tracking
from mlproj.tracking.base import Status
from tests.program import Result, mlproj

CODE = """
class Model:
    def predict(self, data, params=None):
        return ANSWER


def _load_pyfunc(path):
    return Model()
"""
HOSTILE = "<img src=x onerror=alert(1)>"
ROWS = 60


def code_model(folder: Path, answer: str, inputs: list[str] | None = None) -> Path:
    """A model that answers with the expression *answer* of ``data``."""
    (folder / "code").mkdir(parents=True)
    (folder / "code" / f"{folder.name}_model.py").write_text(CODE.replace("ANSWER", answer))
    flavors = {"python_function": {"loader_module": f"{folder.name}_model", "code": "code"}}
    columns = [{"type": "double", "name": name} for name in inputs or ()]
    signature = {"inputs": json.dumps(columns), "outputs": None, "params": None} if inputs else None
    (folder / "MLmodel").write_text(json.dumps({"flavors": flavors, "signature": signature}))
    (folder / "requirements.txt").write_text("")
    return folder


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("evaluate")
    code_model(folder / "good", "data['x'] * 2", ["x"])
    code_model(folder / "poor", "data['x'] * 0 + 3", ["x"])
    code_model(folder / "scores", "data['x'] / 60")
    code_model(folder / "nothing", "data['x'] * float('nan')", ["x"])
    code_model(folder / "short", "[1.0]", ["x"])
    code_model(folder / "broken", "data['x'].nosuch", ["x"])
    lines = ["x,y,c,region,query"]
    for row in range(ROWS):
        region = HOSTILE if row % 20 == 0 else ("north", "south")[row % 2]
        lines.append(f"{row},{row * 2 + row % 3 - 1},{'yes' if row % 60 > 28 else 'no'},{region},q{row % 12}")
    (folder / "data.csv").write_text("\n".join([*lines, "7,,,north,q1"]) + "\n")
    return folder


def evaluate(place: Path, model: str, *arguments: str | Path, target: str = "y") -> Result:
    small = ("--bootstrap", "20", "--latency-requests", "5", "--env-manager", "local")
    return mlproj("models", "evaluate", model, "--data", "data.csv", "--target", target, *small, *arguments, cwd=place)


def test_a_model_is_measured_compared_and_recorded_with_its_report(place: Path) -> None:
    result = evaluate(
        place, "good", "--baseline", "poor", "--slice", "region", "--slice", "x:3",
        *("--require", "mae <= 0.7", "--require", "rmse[region=*] <= baseline * 0.5", "--report", "out", "--json"),
    )  # fmt: skip

    assert result.code == 0, result.err
    _check_document(result.document)
    _check_run(place, result.document["run"]["run_id"])
    _check_report(place / "out")


def _check_run(place: Path, run_id: str) -> None:
    store = tracking.open()
    run = store.get_run(run_id)
    store.close()
    assert run.status is Status.FINISHED
    assert run.tags["mlproj.model"] == str(place / "good")
    assert run.tags["mlproj.baseline"] == str(place / "poor")
    assert run.tags["mlproj.evaluation"] == "2 requirements met"
    assert run.metrics["mean_absolute_error"] == pytest.approx(40 / 60)
    assert run.metrics["baseline/example_count"] == ROWS
    (dataset,) = run.datasets
    assert (dataset.name, dataset.digest) == ("data.csv", sha256((place / "data.csv").read_bytes()).hexdigest()[:8])
    kept = Path(unquote(urlsplit(run.artifact_uri).path))
    names = {"predictions.png", "residuals.png", "slices_1.png", "slices_2.png"}
    assert {file.name for file in kept.iterdir()} == {"evaluation.json", "evaluation.html", *names}
    assert json.loads((kept / "evaluation.json").read_bytes())["passed"] is True


def _check_document(document: dict[str, Any]) -> None:
    assert (document["kind"], document["schema"]) == ("regression", 1)
    assert document["data"]["rows_without_target"] == 1
    metrics = document["model"]["metrics"]
    assert metrics["mean_absolute_error"] == pytest.approx(40 / 60)
    assert metrics["example_count"] == ROWS
    assert metrics["p95_latency_ms"] > 0
    assert metrics["rows_per_second"] > 0
    low, high = document["model"]["intervals"]["mean_absolute_error"]
    assert low < 40 / 60 < high
    assert document["comparison"]["test"]["p_value"] < 0.001
    assert document["comparison"]["differences"]["mean_absolute_error"] < 0
    assert [one["shown"] for one in document["slices"]][:3] == [HOSTILE, "north", "south"]
    assert [one["rows"] for one in document["slices"]] == [3, 27, 30, 20, 20, 20]
    assert document["slices"][0]["small"]
    assert [one["met"] for one in document["requirements"]] == [True, True]
    assert "1 rows without a y are left out" in document["notes"]


def _check_report(folder: Path) -> None:
    page = (folder / "evaluation.html").read_text()
    assert HOSTILE not in page
    assert "&lt;img src=x onerror=alert(1)&gt;" in page
    assert "http://" not in page
    assert "https://" not in page
    charts = {"predictions.png", "residuals.png", "slices_1.png", "slices_2.png"}
    assert {file.name for file in folder.iterdir()} == {"evaluation.html", *charts}
    for name in charts:
        assert (folder / name).read_bytes().startswith(b"\x89PNG")
    assert page.count("data:image/png;base64,") == len(charts)


def test_a_requirement_that_is_missed_is_exit_code_1_and_a_failed_case(place: Path, tmp_path: Path) -> None:
    junit = tmp_path / "junit.xml"
    thresholds = tmp_path / "thresholds.yaml"
    thresholds.write_text("r2_score: {threshold: 0.9, greater_is_better: true}\n")
    result = evaluate(
        place, "good", "--no-record", "--require", "rmse <= 0.1", "--require", "rmse <= 1", "--junit-xml", junit,
        *("--thresholds", thresholds),
    )  # fmt: skip

    assert result.code == 1, result.err
    assert "MISSED  rmse <= 0.1" in result.out
    assert "1 of 3 requirements missed" in result.out
    cases = list(ElementTree.parse(junit).iter("testcase"))
    assert [case.get("name") for case in cases] == ["rmse <= 0.1", "rmse <= 1", "threshold of r2_score"]
    assert [[child.tag for child in case] for case in cases] == [["failure"], [], []]


def test_scores_are_measured_as_probabilities_of_the_class(place: Path) -> None:
    drop = [part for name in ("y", "region", "query") for part in ("--drop", name)]
    result = evaluate(place, "scores", "--no-record", "--json", *drop, "--require", "auc == 1", target="c")

    assert result.code == 0, result.err + result.out
    document = result.document
    assert (document["kind"], document["classes"]) == ("binary", ["no", "yes"])
    assert document["model"]["answers"] == "the answers are probabilities of yes; labels: from 0.5 on"
    assert document["model"]["metrics"]["roc_auc"] == 1
    assert document["model"]["metrics"]["false_negatives"] == 1


def test_rankings_are_measured_by_query(place: Path) -> None:
    result = evaluate(place, "good", "--no-record", "--json", "--group", "query", "--require", "ndcg@3 >= 0.99")

    assert result.code == 0, result.err + result.out
    metrics = result.document["model"]["metrics"]
    assert metrics["example_count"] == 12
    assert metrics["ndcg_at_3"] == 1


def test_a_model_that_answers_nan_misses_whatever_is_required(place: Path) -> None:
    result = evaluate(place, "nothing", "--no-record", "--json", "--require", "mae <= 1e9", "--report", "nan.html")

    assert result.code == 1, result.err
    assert result.document["model"]["metrics"]["mean_absolute_error"] == "NaN"
    assert result.document["requirements"][0]["message"] == "mean_absolute_error has no value"


@pytest.mark.parametrize(
    ("model", "arguments", "code", "said"),
    [
        ("good", ("--require", "acuracy > 1"), 2, "did you mean 'accuracy'?"),
        ("good", ("--require", "mae < baseline"), 2, "--baseline MODEL"),
        ("good", ("--slice", "regoin"), 2, "did you mean 'region'?"),
        ("good", ("--kind", "ranking"), 2, "--kind ranking --group COL"),
        ("good", ("--report", "data.csv"), 2, "is a file"),
        ("good", ("--report", "none/out"), 2, "the folder none does not exist"),
        ("good", ("--slice", "x", "--slice", "x:3"), 2, "the column x more than once"),
        ("good", ("--drop", "nothing"), 2, "has no column 'nothing'"),
        ("good", ("--no-record", "--experiment", "e"), 2, "--no-record not to"),
        ("short", (), 2, "does not answer row by row: for 60 rows it gives 1 answers"),
        ("broken", (), 2, "cannot predict rows 1 to 60"),
        ("nowhere", (), 2, "there is no model at nowhere"),
    ],
)
def test_a_mistake_is_told_in_few_lines(
    place: Path, model: str, arguments: tuple[str, ...], code: int, said: str
) -> None:
    record = () if "--no-record" in arguments else ("--no-record",)
    result = evaluate(place, model, *arguments, *record)

    assert result.code == code, result.err
    assert said in result.err
    assert "Traceback" not in result.err
