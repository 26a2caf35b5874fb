"""What a loaded model is to those who ask it."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any


class Predictor:
    """A loaded model: ``predict`` is the pyfunc contract without the enforcement of the signature.

    *native* is the library's own object; *loaded_by* says whose loader made it: ``native`` or ``mlflow 3.17.2``.
    """

    def __init__(self, answer: Callable[..., Any], native: Any, loaded_by: str = "native") -> None:
        self.native = native
        self.loaded_by = loaded_by
        self._answer = answer
        self._takes_params = takes_params(answer)

    def predict(self, data: Any, params: dict[str, Any] | None = None) -> Any:
        """What MLflow's ``PyFuncModel.predict`` gives for data that fits the signature."""
        if self._takes_params:
            return self._answer(data, params=params)
        return self._answer(data)


def takes_params(answer: Callable[..., Any]) -> bool:
    """Whether a function gets ``params``, by MLflow's rule: it names them, not in a catch-all."""
    try:
        params = inspect.signature(answer).parameters.get("params")
    except (TypeError, ValueError):  # a compiled function without a signature
        return False
    return params is not None and params.kind is not inspect.Parameter.VAR_KEYWORD
