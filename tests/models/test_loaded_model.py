"""Models in the program's own interpreter, with the contract of MLflow's Python functions."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

import mlproj
from mlproj.foundation.errors import UsageError
from mlproj.models.scorer.errors import ScoringError

pytestmark = pytest.mark.needs("pandas")
LOADER = """
class Model:
    def __init__(self, config):
        self.config = config
    def predict(self, data, params=None):
        return (type(data).__name__, list(data), params, self.config)
def _load_pyfunc(path, config=None):
    return Model(config)
"""


def model(folder: Path, **pyfunc: Any) -> Path:
    (folder / "code").mkdir(parents=True)
    (folder / "code" / "given_loader.py").write_text(LOADER)
    signature = {
        "inputs": json.dumps([{"type": "double", "name": "a"}, {"type": "long", "name": "b"}]),
        "outputs": None,
        "params": json.dumps([{"name": "k", "type": "long", "default": 3, "shape": None}]),
    }
    loader = {"loader_module": "given_loader", "code": "code", **pyfunc}
    (folder / "MLmodel").write_text(json.dumps({"flavors": {"python_function": loader}, "signature": signature}))
    return folder


@pytest.fixture(autouse=True)
def _forget(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr(sys, "path", list(sys.path))
    yield
    sys.modules.pop("given_loader", None)


def test_data_and_params_are_what_the_signature_makes_of_them(tmp_path: Path) -> None:
    loaded = mlproj.load_model(str(model(tmp_path / "model")))

    kind, columns, params, _ = loaded.predict({"b": [1], "a": [2.0], "more": [0]})
    assert (kind, columns, params) == ("DataFrame", ["a", "b"], {"k": 3})
    assert loaded.predict({"a": [2.0], "b": [1]}, {"k": 7, "unknown": 1})[2] == {"k": 7}


def test_what_does_not_fit_the_signature_is_refused(tmp_path: Path) -> None:
    loaded = mlproj.load_model(str(model(tmp_path / "model")))

    with pytest.raises(ScoringError, match="Model is missing inputs"):
        loaded.predict({"a": [2.0]})


def test_a_configuration_overrides_the_models_own(tmp_path: Path) -> None:
    folder = model(tmp_path / "model", config={"x": 1, "y": 1})

    assert mlproj.load_model(str(folder), config={"y": 2}).predict({"a": [1.0], "b": [1]})[3] == {"x": 1, "y": 2}


def test_who_loaded_it_and_the_librarys_own_object_can_be_asked_for(tmp_path: Path) -> None:
    loaded = mlproj.load_model(str(model(tmp_path / "model")))

    assert loaded.loaded_by == "native"
    assert type(loaded.native).__name__ == "Model"
    assert repr(loaded) == f"<LoadedModel {tmp_path / 'model'}>"


def test_packages_of_other_versions_are_told(tmp_path: Path) -> None:
    folder = model(tmp_path / "model", python_version="3.6.1")
    (folder / "requirements.txt").write_text("mlflow==1.30.1\npytest==0.1\n")

    with pytest.warns(UserWarning, match=r"saved with Python 3\.6\.1 \(here: .*\), pytest 0\.1 \(here: .*\): what it"):
        assert mlproj.load_model(str(folder)).predict({"a": [1.0], "b": [1]})[2] == {"k": 3}


def test_a_model_that_cannot_be_loaded_here_says_why_and_what_else_can_be_done(tmp_path: Path) -> None:
    folder = model(tmp_path / "model", loader_module="nowhere_to_be_found")

    with pytest.raises(UsageError, match="cannot be loaded here: the model.s loader nowhere_to_be_found") as caught:
        mlproj.load_model(str(folder))
    assert "mlproj models predict" in str(caught.value.hint)
