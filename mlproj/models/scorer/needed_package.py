"""Importing a library that a model needs, and saying which one when it is not there."""

from __future__ import annotations

import importlib
from typing import Any

from .loading_error import LoadingError
from .model_folder import ModelFolder
from .version import recorded_versions

_DISTRIBUTIONS = {
    "sklearn": "scikit-learn",
    "cv2": "opencv-python",
    "PIL": "pillow",
    "yaml": "pyyaml",
    "umap": "umap-learn",
    "imblearn": "imbalanced-learn",
}


def needed_package(model: ModelFolder, module: str, flavor: str) -> Any:
    """The *module*, imported; LoadingError names its distribution and how to get it when it is not there."""
    try:
        return importlib.import_module(module)
    except ImportError as error:
        missing = (error.name or module) if isinstance(error, ModuleNotFoundError) else ""
        if missing.split(".")[0] != module.split(".")[0]:
            raise LoadingError(f"{module}, which the flavor {flavor} needs, cannot be imported: {error}") from error
        raise LoadingError(f"the flavor {flavor} needs {how_to_get(model, module)}") from error


def how_to_get(model: ModelFolder, module: str) -> str:
    """A sentence's end on a module that is not there: what it is part of, and the command that installs it."""
    name = _distribution(module)
    recorded = recorded_versions(model).get(name, "").split("+")[0]  # an index of its own has the build after the plus
    requirement = f"{name}=={recorded}" if recorded else name
    return f"{name}, which is not installed in this environment: pip install '{requirement}'"


def is_recorded(model: ModelFolder, module: str) -> bool:
    """Whether the model says which version of the module's distribution it was saved with."""
    return _distribution(module) in recorded_versions(model)


def _distribution(module: str) -> str:
    top = module.split(".")[0]
    return _DISTRIBUTIONS.get(top, top.lower().replace("_", "-"))
