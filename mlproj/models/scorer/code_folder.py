"""The code that a model brings along, put where imports find it."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from .model_folder import ModelFolder

_ADDED: list[str] = []


def add_code_folder(model: ModelFolder) -> None:
    """Put the model's ``code/`` first on ``sys.path``, as MLflow does.

    Modules of the same name that came from the code of a model loaded before are forgotten first, so that each model
    gets its own (MLflow's second model gets the first one's; mlflow/mlflow issues 4061 and 14145).
    """
    code = model.pyfunc.get("code")
    if not code:
        return
    folder = os.path.realpath(model.path(code))
    _forget_modules_of_others(folder)
    if folder in sys.path:
        sys.path.remove(folder)
    sys.path.insert(0, folder)
    if folder not in _ADDED:
        _ADDED.append(folder)


def _forget_modules_of_others(folder: str) -> None:
    names = {entry.name.split(".")[0] for entry in Path(folder).iterdir()}
    others = [other for other in _ADDED if other != folder]
    for name, module in list(sys.modules.items()):
        if name.split(".")[0] in names and any(_is_from(module, other) for other in others):
            del sys.modules[name]


def _is_from(module: object, folder: str) -> bool:
    file = getattr(module, "__file__", None)
    places = [file] if file else list(getattr(module, "__path__", []))
    return any(os.path.realpath(place).startswith(folder + os.sep) for place in places)
