"""Run with the Python of an MLflow installation: models of each flavor, and what MLflow's own loader answers for them.

``make FOLDER`` writes them there, each with ``answer.pickle``; ``ask SCORER SPECS ANSWERS`` asks our scorer, with
``--without-mlflow`` as in an environment that has no MLflow, and says for each how it compares.
"""

from __future__ import annotations

import importlib.util
import json
import os
import pickle
import sys
import tempfile
import warnings
from pathlib import Path

OWN_LOADER = """
class Model:
    def __init__(self, factor):
        self.factor = factor
    def predict(self, data, params=None):
        return data["a"] * self.factor
def _load_pyfunc(path):
    with open(path) as file:
        return Model(float(file.read()))
"""
FROM_CODE = """
import mlflow
class Plus(mlflow.pyfunc.PythonModel):
    def predict(self, context, model_input, params=None):
        return model_input + (params or {"by": 1})["by"]
mlflow.models.set_model(Plus())
"""


def data():
    import numpy as np
    import pandas as pd

    random = np.random.RandomState(0)
    frame = pd.DataFrame({"a": random.rand(40), "b": random.randint(0, 9, 40).astype("int64")})
    frame["kind"] = np.where(frame["b"] > 4, "big", "small")
    return frame, frame[["a", "b"]], 3 * frame["a"] + frame["b"] - 1


def sklearn_linear(path, keywords, version):
    import mlflow.sklearn
    from sklearn.linear_model import LinearRegression

    _, x, y = data()
    mlflow.sklearn.save_model(LinearRegression().fit(x, y), path, **keywords)
    return x[:5]


def sklearn_pickle(path, keywords, version):
    import mlflow.sklearn
    from sklearn.ensemble import RandomForestClassifier

    _, x, y = data()
    forest = RandomForestClassifier(n_estimators=5, random_state=0).fit(x, y > 4)
    told = {"pyfunc_predict_fn": "predict_proba"} if version >= (2, 0) else {}
    mlflow.sklearn.save_model(forest, path, serialization_format="cloudpickle", **told, **keywords)
    return x[:5]


def sklearn_pipeline(path, keywords, version):
    import mlflow.sklearn
    from sklearn.compose import ColumnTransformer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder

    frame, _, y = data()
    encoded = ColumnTransformer([("kind", OneHotEncoder(), ["kind"])], remainder="passthrough")
    pipeline = make_pipeline(encoded, LogisticRegression()).fit(frame, y > 4)
    mlflow.sklearn.save_model(pipeline, path, **keywords)
    return frame[:5]


def xgboost_estimator(path, keywords, version):
    import mlflow.xgboost
    import xgboost

    _, x, y = data()
    model = xgboost.XGBClassifier(n_estimators=3, max_depth=2).fit(x, (y > 4).astype("int64"))
    mlflow.xgboost.save_model(model, path, **keywords)
    return x[:5]


def xgboost_booster(path, keywords, version):
    import mlflow.xgboost
    import xgboost

    _, x, y = data()
    mlflow.xgboost.save_model(xgboost.train({"max_depth": 2}, xgboost.DMatrix(x, y), 3), path, **keywords)
    return x[:5]


def lightgbm_estimator(path, keywords, version):
    import lightgbm
    import mlflow.lightgbm

    _, x, y = data()
    model = lightgbm.LGBMRegressor(n_estimators=3, min_child_samples=2, verbose=-1).fit(x, y)
    mlflow.lightgbm.save_model(model, path, **keywords)
    return x[:5]


def lightgbm_booster(path, keywords, version):
    import lightgbm
    import mlflow.lightgbm

    _, x, y = data()
    booster = lightgbm.train({"min_data_in_leaf": 2, "verbose": -1}, lightgbm.Dataset(x, y), 3)
    mlflow.lightgbm.save_model(booster, path, **keywords)
    return x[:5]


def python_model(path, keywords, version):
    import mlflow.pyfunc

    class Doubles(mlflow.pyfunc.PythonModel):
        def predict(self, context, model_input, params=None):
            return {"doubled": [2 * value for value in model_input["a"]], "params": params}

    mlflow.pyfunc.save_model(path=path, python_model=Doubles(), **keywords)
    return data()[1][:2]


def python_model_from_code(path, keywords, version):
    import mlflow.pyfunc

    if version < (2, 13):
        return None
    code = Path(path).with_name("from_code.py")
    code.write_text(FROM_CODE)
    mlflow.pyfunc.save_model(path=path, python_model=str(code), **keywords)
    return data()[1][:5]


def own_loader(path, keywords, version):
    import mlflow.pyfunc

    code, file = Path(path).with_name("times_factor.py"), Path(path).with_name("factor")
    code.write_text(OWN_LOADER)
    file.write_text("2.5")
    told = {"code_paths" if version >= (2, 12) else "code_path": [str(code)]}
    mlflow.pyfunc.save_model(path=path, loader_module=code.stem, data_path=str(file), **told, **keywords)
    return data()[1][:5]


MAKERS = [
    sklearn_linear,
    sklearn_pickle,
    sklearn_pipeline,
    xgboost_estimator,
    xgboost_booster,
    lightgbm_estimator,
    lightgbm_booster,
    python_model,
    python_model_from_code,
    own_loader,
]


def is_here(maker):
    """Whether the library is installed; XGBoost is not for old releases of MLflow."""
    library = maker.__name__.split("_")[0]
    return library not in ("xgboost", "lightgbm") or importlib.util.find_spec(library) is not None


def make(folder):
    import mlflow

    version = tuple(map(int, mlflow.__version__.split(".")[:2]))
    for maker in filter(is_here, MAKERS):
        path = Path(folder) / maker.__name__
        given = maker(str(path), {"pip_requirements": []}, version)
        if given is not None:
            answer = mlflow.pyfunc.load_model(str(path)).predict(given)
            (path / "answer.pickle").write_bytes(pickle.dumps((given, answer)))


def ask(scorer, specs, answers, *flags):
    if "--without-mlflow" in flags:
        sys.modules["mlflow"] = None
    spec = importlib.util.spec_from_file_location(
        "mlproj_scorer", scorer, submodule_search_locations=[str(Path(scorer).parent)]
    )
    package = sys.modules["mlproj_scorer"] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(package)
    loading = importlib.import_module("mlproj_scorer.loading")
    found = {}
    for spec in json.loads(Path(specs).read_text()):
        given, expected = pickle.loads((Path(spec["folder"]) / "answer.pickle").read_bytes())
        name = f"{Path(spec['folder']).name} {spec['options']['loader']}"
        try:
            predictor = loading.load(spec)
        except loading.LoadingError as error:
            found[name] = {"error": str(error)}
            continue
        difference = told_apart(expected, predictor.predict(given))
        found[name] = {"loaded_by": predictor.loaded_by, "difference": difference}
    Path(answers).write_text(json.dumps(found))


def told_apart(expected, answer):
    """What tells two answers apart, their types included; nothing when they are the same."""
    import numpy as np
    import pandas as pd

    if type(expected) is not type(answer):
        return f"{type(answer)} instead of {type(expected)}"
    if isinstance(expected, (pd.DataFrame, pd.Series)):
        testing = (
            pd.testing.assert_frame_equal if isinstance(expected, pd.DataFrame) else pd.testing.assert_series_equal
        )
        testing(answer, expected, check_exact=True)
        return ""
    if isinstance(expected, np.ndarray):
        same = expected.dtype == answer.dtype and expected.shape == answer.shape and (expected == answer).all()
        return "" if same else f"{answer!r} instead of {expected!r}"
    return "" if expected == answer else f"{answer!r} instead of {expected!r}"


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    with tempfile.TemporaryDirectory() as store:
        os.environ["MLFLOW_TRACKING_URI"] = Path(store).as_uri()
        {"make": make, "ask": ask}[sys.argv[1]](*sys.argv[2:])
