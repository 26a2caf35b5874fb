"""Which loader a model gets, the code it brings along, and what is said when it cannot be loaded."""

from __future__ import annotations

import json
import pickle
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from mlproj.models.scorer.loading import load
from mlproj.models.scorer.loading_error import LoadingError

LOADER = "def _load_pyfunc(path, config=None):\n    import {other} as other\n    return other.Model({word!r}, config)\n"
MODEL = """class Model:
    def __init__(self, word, config):
        self.word, self.config = word, config
    def predict(self, data):
        return (self.word, self.config, data)
    def shout(self, data, params=None):
        return (self.word.upper(), params)
"""


def spec(folder: Path, flavors: dict[str, Any], **options: Any) -> dict[str, Any]:
    folder.mkdir(exist_ok=True)
    return {"folder": str(folder), "mlmodel": {"flavors": flavors, "mlflow_version": "2.9.2"}, "options": options}


def with_code(folder: Path, word: str, **pyfunc: Any) -> dict[str, Any]:
    (folder / "code").mkdir(parents=True)
    (folder / "code" / "brought_loader.py").write_text(LOADER.format(other="brought_model", word=word))
    (folder / "code" / "brought_model.py").write_text(MODEL)
    return spec(folder, {"python_function": {"loader_module": "brought_loader", "code": "code", **pyfunc}})


@pytest.fixture(autouse=True)
def _imports(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr(sys, "path", list(sys.path))
    before = set(sys.modules)
    yield
    for name in set(sys.modules) - before:
        if name.startswith("brought_"):
            del sys.modules[name]


def test_a_loader_that_the_model_brings_is_found_in_its_code(tmp_path: Path) -> None:
    predictor = load(with_code(tmp_path / "model", "hello"))

    assert predictor.predict([1]) == ("hello", None, [1])
    assert predictor.loaded_by == "native"


def test_the_method_that_the_model_was_saved_for_answers_and_gets_params(tmp_path: Path) -> None:
    predictor = load(with_code(tmp_path / "model", "hello", predict_fn="shout"))

    assert predictor.predict([1], {"k": 2}) == ("HELLO", {"k": 2})


def test_params_are_kept_from_a_method_that_does_not_name_them(tmp_path: Path) -> None:
    assert load(with_code(tmp_path / "model", "hello")).predict([1], {"k": 2}) == ("hello", None, [1])


def test_the_configuration_that_is_asked_for_goes_over_the_models_own(tmp_path: Path) -> None:
    asked = with_code(tmp_path / "model", "hello", config={"a": 1, "b": 1})
    asked["options"]["config"] = {"b": 2}

    assert load(asked).predict(0) == ("hello", {"a": 1, "b": 2}, 0)


def test_two_models_with_modules_of_the_same_name_each_get_their_own(tmp_path: Path) -> None:
    first = load(with_code(tmp_path / "first", "one"))
    second = load(with_code(tmp_path / "second", "two"))

    assert (first.predict(0)[0], second.predict(0)[0]) == ("one", "two")


def test_a_library_that_is_missing_is_named_with_the_version_that_the_model_had(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "sklearn", None)
    asked = spec(
        tmp_path, {"python_function": {"loader_module": "mlflow.sklearn"}, "sklearn": {"sklearn_version": "1.3.2"}}
    )

    with pytest.raises(
        LoadingError, match="the flavor sklearn needs scikit-learn, .* pip install 'scikit-learn==1.3.2'"
    ):
        load(asked)


def test_a_file_that_is_missing_is_named_with_those_that_are_there(tmp_path: Path) -> None:
    asked = with_code(tmp_path, "hello", data="weights.bin")

    with pytest.raises(LoadingError, match=r"the model lacks weights\.bin, .* there are: code"):
        load(asked)


class Gone:
    """Pickled by reference to a name that is no longer there when it is read."""


def pickled(folder: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    monkeypatch.setitem(sys.modules, "sklearn", ModuleType("sklearn"))
    (folder / "model.pkl").write_bytes(pickle.dumps(Gone()))
    (folder / "requirements.txt").write_text("pytest==0.1\nnumpy>=1\n")
    flavors = {
        "python_function": {"loader_module": "mlflow.sklearn", "model_path": "model.pkl", "python_version": "3.6.1"},
        "sklearn": {"pickled_model": "model.pkl"},
    }
    return spec(folder, flavors)


def test_what_cannot_be_unpickled_is_explained_by_the_versions_that_differ(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = pickled(tmp_path, monkeypatch)
    monkeypatch.delattr(sys.modules[__name__], "Gone")

    with pytest.raises(LoadingError) as caught:
        load(asked)

    said = str(caught.value)
    assert said.startswith("model.pkl cannot be loaded: AttributeError: ")
    assert "saved with Python 3.6.1 (here: " in said
    assert f"pytest 0.1 (here: {pytest.__version__})" in said


def test_a_module_that_a_pickle_needs_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = pickled(tmp_path, monkeypatch)
    content = (tmp_path / "model.pkl").read_bytes()
    (tmp_path / "model.pkl").write_bytes(pickle.dumps(Gone(), 0).replace(__name__.encode(), b"their_features"))
    assert content != (tmp_path / "model.pkl").read_bytes()

    with pytest.raises(LoadingError, match="needs their-features, which is not installed .* code_paths"):
        load(asked)


@pytest.mark.parametrize("value", ["false", "False", "0"])
def test_pickles_are_refused_where_mlflow_would_refuse_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, value: str
) -> None:
    asked = pickled(tmp_path, monkeypatch)
    monkeypatch.setenv("MLFLOW_ALLOW_PICKLE_DESERIALIZATION", value)

    with pytest.raises(LoadingError, match="can execute code when it is loaded, which MLFLOW_ALLOW_PICKLE"):
        load(asked)


def test_a_model_that_no_python_can_ask_says_what_it_has(tmp_path: Path) -> None:
    with pytest.raises(LoadingError, match="no flavor of the model can be asked from Python; it has: crate"):
        load(spec(tmp_path, {"crate": {"version": 0}}))


def test_a_model_that_only_mlflow_loads_is_refused_where_ours_is_asked_for(tmp_path: Path) -> None:
    asked = spec(tmp_path, {"python_function": {"loader_module": "mlflow.pyfunc.model"}}, loader="native")

    with pytest.raises(LoadingError, match="only MLflow can load this model: it names mlflow.pyfunc.model"):
        load(asked)


def test_a_loader_that_is_nowhere_is_named(tmp_path: Path) -> None:
    with pytest.raises(LoadingError, match="loader brought_nothing is neither in its code nor installed"):
        load(spec(tmp_path, {"python_function": {"loader_module": "brought_nothing"}}))


def test_a_model_without_the_python_flavor_is_loaded_by_its_native_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = pickled(tmp_path, monkeypatch)
    del asked["mlmodel"]["flavors"]["python_function"]
    monkeypatch.setattr(Gone, "predict", lambda self, data: data, raising=False)

    assert load(json.loads(json.dumps(asked))).predict([1]) == [1]
