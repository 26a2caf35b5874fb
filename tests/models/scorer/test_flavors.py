"""Models that MLflow wrote are loaded here, with MLflow and without it, and answer as MLflow's own loaders do."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

import mlproj.models.scorer
from mlproj.models import mlmodel
from tests import mlflow_server
from tests.models.scorer import flavor_models

SCORER = mlproj.models.scorer.__file__
RELEASES = ("3.17.2", "2.9.2")
NEED_MLFLOW = {"python_model", "python_model_from_code"}
ABSENT = {"2.9.2": {"python_model_from_code", "xgboost_estimator", "xgboost_booster"}}
NAMES = [maker.__name__ for maker in flavor_models.MAKERS]
pytestmark = [pytest.mark.needs("index"), pytest.mark.needs("old-python"), pytest.mark.timeout(600)]


class Made:
    """The models that a release of MLflow wrote, and its Python."""

    def __init__(self, release: str, folder: Path) -> None:
        self.release = release
        self.python = mlflow_server.installed_for_models(release, folder) / "python"
        self.folder = folder / f"models-{release}"
        self.folder.mkdir()
        self._run("make", self.folder)

    def asked(self, *loaders: str, flags: tuple[str, ...] = ()) -> Mapping[str, Mapping[str, Any]]:
        """Loader → name of a model → how our answer compares, or the error."""
        specs = [
            {"folder": str(model), "mlmodel": mlmodel.load(model).document, "options": {"loader": loader}}
            for model in sorted(self.folder.iterdir())
            if (model / mlmodel.NAME).exists()
            for loader in loaders
        ]
        (self.folder / "specs.json").write_text(json.dumps(specs))
        self._run("ask", SCORER, self.folder / "specs.json", self.folder / "answers.json", *flags)
        answers = json.loads((self.folder / "answers.json").read_text())
        return {
            loader: {key.split()[0]: answer for key, answer in answers.items() if key.split()[1] == loader}
            for loader in loaders
        }

    def _run(self, *arguments: Path | str) -> None:
        done = subprocess.run([self.python, flavor_models.__file__, *arguments], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr


@pytest.fixture(scope="session", params=RELEASES)
def made(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Made:
    return Made(request.param, tmp_path_factory.mktemp("flavors"))


@pytest.fixture(scope="session")
def answers(made: Made) -> Mapping[str, Mapping[str, Any]]:
    return made.asked("auto", "mlflow")


def test_models_answer_as_with_mlflow(made: Made, answers: Mapping[str, Mapping[str, Any]]) -> None:
    ours = answers["auto"]

    assert {name: answer for name, answer in ours.items() if answer.get("difference") != ""} == {}
    assert {name for name, answer in ours.items() if answer["loaded_by"] != "native"} == NEED_MLFLOW & ours.keys()
    assert set(NAMES) - ours.keys() == ABSENT.get(made.release, set())


def test_mlflow_loads_every_model_when_it_is_asked_to(answers: Mapping[str, Mapping[str, Any]]) -> None:
    theirs = answers["mlflow"].values()

    assert {(answer.get("error"), answer.get("difference")) for answer in theirs} == {(None, "")}
    assert all(answer["loaded_by"].startswith("mlflow ") for answer in theirs)


def test_models_answer_the_same_where_there_is_no_mlflow(made: Made) -> None:
    ours = made.asked("auto", flags=("--without-mlflow",))["auto"]

    refused = {name: answer["error"] for name, answer in ours.items() if "error" in answer}
    assert refused.keys() == NEED_MLFLOW & ours.keys()
    assert all("pip install 'mlflow-skinny==" in error for error in refused.values())
    assert {answer["difference"] for answer in ours.values() if "difference" in answer} == {""}
