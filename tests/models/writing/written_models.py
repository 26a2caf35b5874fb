"""Run with the Python of an MLflow installation: models that mlproj writes there, read by that MLflow.

Arguments: the folder of mlproj, a folder for the models, the file for the report: name of a model → ``answer`` (what
tells MLflow's answer from the library's own; nothing when they agree), ``native`` (the class that MLflow's own flavor
gives) or ``error``. Under ``signatures`` are the cases in which our inference differs from MLflow's.
"""

from __future__ import annotations

import datetime
import importlib
import json
import logging
import os
import sys
import tempfile
import warnings
from pathlib import Path


def data():
    import numpy as np
    import pandas as pd

    random = np.random.RandomState(0)
    frame = pd.DataFrame({"a": random.rand(40), "b": random.randint(0, 9, 40).astype("int64")})
    return frame, 3 * frame["a"] + frame["b"] - 1


def sklearn_skops(folder):
    from sklearn.ensemble import RandomForestClassifier

    x, y = data()
    model = RandomForestClassifier(n_estimators=5, random_state=0).fit(x, y > 4)
    return model, x[:5], {}, model.predict(x[:5])


def sklearn_pickle(folder):
    from sklearn.linear_model import LinearRegression

    x, y = data()
    model = LinearRegression().fit(x, y)
    return model, x[:5], {"pickle": True}, model.predict(x[:5])


def columns_with_gaps(folder):
    from sklearn.ensemble import HistGradientBoostingRegressor

    x, y = data()
    x["a"] = x["a"].where(x["a"] > 0.3)
    model = HistGradientBoostingRegressor(max_iter=3).fit(x, y)
    return model, x[:9], {"pickle": True}, model.predict(x[:9])


def xgboost_estimator(folder):
    import xgboost

    x, y = data()
    model = xgboost.XGBClassifier(n_estimators=3, max_depth=2).fit(x, (y > 4).astype("int64"))
    return model, x[:5], {}, model.predict(x[:5])


def xgboost_booster(folder):
    import xgboost

    x, y = data()
    model = xgboost.train({"max_depth": 2}, xgboost.DMatrix(x, y), 3)
    return model, x[:5], {}, model.predict(xgboost.DMatrix(x[:5]))


def lightgbm_booster(folder):
    import lightgbm

    x, y = data()
    model = lightgbm.train({"min_data_in_leaf": 2, "verbose": -1}, lightgbm.Dataset(x, y), 3)
    return model, x[:5], {}, model.predict(x[:5])


def lightgbm_estimator(folder):
    import lightgbm

    x, y = data()
    model = lightgbm.LGBMRegressor(n_estimators=3, min_child_samples=2, verbose=-1).fit(x, y)
    return model, x[:5], {"pickle": True}, model.predict(x[:5])


def own_object(folder):
    program = Path(folder) / "program"
    program.mkdir()
    (program / "own_models.py").write_text((Path(__file__).with_name("own_model.py")).read_text().split('"""')[3])
    sys.path.insert(0, str(program))
    own_models = importlib.import_module("own_models")
    sys.path.remove(str(program))
    x, _ = data()
    return own_models.Scaled(3), x[["a"]][:5], {}, [3 * value for value in x["a"][:5]]


MAKERS = [
    sklearn_skops,
    sklearn_pickle,
    columns_with_gaps,
    xgboost_estimator,
    xgboost_booster,
    lightgbm_booster,
    lightgbm_estimator,
    own_object,
]
MEASURED = [sklearn_pickle, columns_with_gaps]  # what the others need is given: a process for each would take minutes


def read(folder, given, expected):
    """What MLflow makes of a model of ours."""
    import mlflow.pyfunc
    import numpy as np

    loaded = mlflow.pyfunc.load_model(folder)
    answer = loaded.predict(given)
    native = [name for name in loaded.metadata.flavors if name != "python_function"]
    model = importlib.import_module(f"mlflow.{native[0]}").load_model(folder) if native else None
    same = type(answer) is type(expected) and np.array_equal(answer, expected)
    return {"answer": "" if same else f"{answer!r} instead of {expected!r}", "native": type(model).__name__}


def signatures():
    """The cases in which our inference differs from this MLflow's."""
    import numpy as np
    import pandas as pd
    from mlflow.models import infer_signature

    from mlproj.models.writing import given_signature

    stamp = pd.Timestamp("2024-01-02")
    cases = {
        "numbers": pd.DataFrame(
            {"i": [1, 2], "f": [0.5, 1.5], "s": np.array([1, 2], "int16"), "u": np.array([1, 2], "uint32")}
        ),
        "single": pd.DataFrame({"f": np.array([1, 2], "float32"), "i": np.array([1, 2], "int32")}),
        "others": pd.DataFrame({"t": ["a", "b"], "o": [True, False], "d": [stamp, stamp], "b": [b"1", b"2"]}),
        "gaps": pd.DataFrame({"f": [0.5, None], "t": ["a", None], "d": [stamp, pd.NaT], "n": [None, None]}),
        "mixed": pd.DataFrame({"m": [1, "a"]}),
        "category": pd.DataFrame({"c": pd.Series(["a", "b"], dtype="category")}),
        "nested": pd.DataFrame(
            {"l": [[1, 2], [3]], "o": [{"k": 1}, {"k": 2, "m": "x"}], "dates": [datetime.date(2024, 1, 2)] * 2}
        ),
        "unnamed": pd.DataFrame([[1, 2.5], [2, 3.5]]),
        "series": pd.Series([1, 2], name="s"),
        "series without a name": pd.Series([1.5]),
        "array": np.zeros((3, 2), "float32"),
        "texts in an array": np.array(["ab", "c"]),
        "arrays": {"x": np.zeros((3, 2)), "y": np.zeros(3, "int64")},
        "list": ["a", "b"],
        "empty list": [],
        "list of dicts": [{"a": 1, "b": "x"}, {"a": 2}],
        "dict": {"a": 1, "b": ["x", "y"], "c": None},
        "text": "hello",
        "number": 2.5,
        "nothing in a list": [None],
        "lists": [[1.5, 2.5], [3.5]],
    }
    params = {"k": 1, "x": 0.5, "t": "a", "flag": True, "many": ["a", "b"]}
    found = {}
    for name, value in cases.items():
        theirs = infer_signature(value, value, params).to_dict()
        ours = given_signature.infer_signature(value, value, params)
        for part in ("inputs", "outputs", "params"):
            told = json.loads(theirs[part])
            if part != "params":
                told = given_signature.portable(told)
            if sorted_columns(told) != sorted_columns(json.loads(ours[part])):
                found[f"{name} {part}"] = [ours[part], theirs[part]]
    return found


def sorted_columns(items):
    """``required: null`` of MLflow says nothing, and the order of keys and properties does not count."""
    return json.dumps(
        [{key: value for key, value in item.items() if value is not None} for item in items], sort_keys=True
    )


def main(mlproj, folder, report):
    import mlflow

    sys.path.append(mlproj)
    from mlproj.models.writing.given_signature import infer_signature
    from mlproj.models.writing.saving import save_model

    version = tuple(map(int, mlflow.__version__.split(".")[:2]))
    found = {}
    for maker in MAKERS:
        library = maker.__name__.split("_")[0]
        if library in ("xgboost", "lightgbm") and importlib.util.find_spec(library) is None:
            continue
        if maker is sklearn_skops and version < (3, 9):
            continue
        model, given, keywords, expected = maker(folder)
        if maker not in MEASURED:
            keywords.update(signature=infer_signature(given, expected), pip_requirements=[])
        path = str(save_model(model, Path(folder) / maker.__name__, input_example=given, **keywords))
        try:
            found[maker.__name__] = read(path, given, expected)
        except Exception as error:
            found[maker.__name__] = {"error": f"{type(error).__name__}: {error}"}
    if version >= (3, 17):
        found["signatures"] = signatures()
    Path(report).write_text(json.dumps(found))


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    logging.disable(logging.WARNING)
    with tempfile.TemporaryDirectory() as store:
        os.environ["MLFLOW_TRACKING_URI"] = Path(store).as_uri()
        main(*sys.argv[1:])
