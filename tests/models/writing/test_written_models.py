"""Models that mlproj writes are read by MLflow of four generations: as Python functions and with their own flavor."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

import mlproj
from mlproj.models import mlmodel
from mlproj.models.scorer import loading
from tests import mlflow_server
from tests.models.writing import written_models

HERE = str(Path(mlproj.__file__).parents[1])
NATIVE = {
    "sklearn_skops": "RandomForestClassifier",
    "sklearn_pickle": "LinearRegression",
    "columns_with_gaps": "HistGradientBoostingRegressor",
    "xgboost_estimator": "XGBClassifier",
    "xgboost_booster": "Booster",
    "lightgbm_booster": "Booster",
    "lightgbm_estimator": "LGBMRegressor",
    "own_object": "NoneType",
}
NOT_IN = {
    "3.17.2": set[str](),
    "2.22.0": {"sklearn_skops"},
    "2.9.2": {"sklearn_skops", "xgboost_estimator", "xgboost_booster"},
    "1.30.1": {"sklearn_skops", "xgboost_estimator", "xgboost_booster"},
}
pytestmark = [pytest.mark.needs("index"), pytest.mark.needs("old-python"), pytest.mark.timeout(600)]


class Report:
    def __init__(self, release: str, folder: Path) -> None:
        self.release = release
        self.folder = folder
        python = mlflow_server.installed_for_models(release, folder / "release") / "python"
        command = [python, written_models.__file__, HERE, folder, folder / "report.json"]
        done = subprocess.run(command, capture_output=True, text=True, cwd=folder)
        assert done.returncode == 0, done.stderr
        self.found: Mapping[str, Any] = json.loads((folder / "report.json").read_text())


@pytest.fixture(scope="session", params=NOT_IN)
def report(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Report:
    return Report(request.param, tmp_path_factory.mktemp("written"))


def test_mlflow_reads_what_is_written(report: Report) -> None:
    found = {name: answer for name, answer in report.found.items() if name != "signatures"}

    assert found == {
        name: {"answer": "", "native": native} for name, native in NATIVE.items() if name not in NOT_IN[report.release]
    }


def test_signatures_are_inferred_as_mlflow_does(report: Report) -> None:
    assert report.found.get("signatures", {}) == {}


def test_models_name_what_predicting_imports(report: Report) -> None:
    requirements = (report.folder / "sklearn_pickle" / "requirements.txt").read_text().splitlines()

    names = {line.partition("==")[0] for line in requirements}
    assert {"scikit-learn", "numpy", "pandas", "scipy", "joblib"} <= names
    assert not {"mlflow", "mlflow-skinny", "Flask", "fastapi", "SQLAlchemy", "lightgbm", "matplotlib"} & names


def test_a_model_without_code_is_the_default(report: Report) -> None:
    file = mlmodel.load(report.folder / "lightgbm_booster")

    assert file.document["metadata"]["mlproj"]["serialization"] == "lightgbm"
    assert file.pyfunc["loader_module"] in {"mlflow.lightgbm"} & loading.NATIVE_LOADERS
