"""Results of statsmodels, pickled."""

from __future__ import annotations

from typing import Any

from ..model_folder import ModelFolder
from ..needed_package import needed_package
from ..predictor import Predictor
from ..unpickling import check_allowed, reading


def load(model: ModelFolder) -> Predictor:
    """The results; of a time series the answer is for the span that the one row's ``start`` and ``end`` name."""
    api = needed_package(model, "statsmodels.iolib.api", "statsmodels")
    series = needed_package(model, "statsmodels.tsa.base.tsa_model", "statsmodels").TimeSeriesModel
    check_allowed("a statsmodels model")
    path = model.file_of("statsmodels", "data", model.pyfunc.get("data") or "model.statsmodels")
    with reading(model, path):
        results = api.load_pickle(str(path))

    def answer(data: Any) -> Any:
        if not isinstance(results.model, series):
            return results.predict(data)
        if data.shape[0] != 1 or not ("start" in data.columns and "end" in data.columns):
            raise ValueError(
                "prediction dataframes for a TimeSeriesModel must have exactly one row"
                " and include columns called start and end"
            )
        return results.predict(start=data["start"][0], end=data["end"][0])

    return Predictor(answer, results)
