"""What stores refuse, in the words of MLflow's server: some clients (its Optuna storage is one) decide by them what to
do next."""

from __future__ import annotations

from collections.abc import Mapping

from mlproj.artifacts.base import InvalidPath
from mlproj.foundation.errors import MlprojError
from mlproj.tracking.base import AlreadyExists, NotFound, StoreError, WrongState

_CHANGED = (
    "Changing param values is not allowed. Param with key='{0}' was already logged with value='{1}'; '{2}' was given."
)
_TEXTS: Mapping[tuple[type[StoreError], str], str] = {
    (NotFound, "run"): "Run with id={0} not found",
    (NotFound, "run tag"): "No tag with name: {0} in run with id {1}",
    (NotFound, "experiment"): "No Experiment with id={0} exists",
    (NotFound, "experiment name"): "Could not find experiment with name '{0}'",
    (NotFound, "experiment tag"): "No tag with name: {0} in experiment with id {1}",
    (NotFound, "logged model"): "Logged model with ID '{0}' not found.",
    (NotFound, "logged model tag"): "No tag with key '{0}' found for model with ID '{1}'.",
    (NotFound, "registered model"): "Registered Model with name={0} not found",
    (NotFound, "model version"): "Model Version (name={0}, version={1}) not found",
    (NotFound, "latest version"): "Latest version not found for model {0}.",
    (AlreadyExists, "experiment"): "Experiment(name={0}) already exists.",
    (AlreadyExists, "registered model"): "Registered Model (name={0}) already exists.",
    (WrongState, "run"): "The run {0} must be in the 'active' state. Current state is deleted.",
    (WrongState, "experiment"): "The experiment {0} must be in the 'active' state. Current state is deleted.",
    (StoreError, "alias"): "Registered model alias {0} not found.",
    (StoreError, "parameter"): _CHANGED,
    (StoreError, "version source"): "Invalid model version source: '{0}'. {1}.",
}
_LONGEST = 500  # characters of a name


def of(error: MlprojError) -> str:
    """What MLflow's server would say of *error*; what we say where it has no words, or more to tell than MLflow
    would."""
    if isinstance(error, InvalidPath):
        return "Invalid path"
    if not isinstance(error, StoreError) or not error.subject:
        return str(error)
    kind, *names = error.subject
    text = _TEXTS.get((type(error), kind))
    return str(error) if text is None else text.format(*(name[:_LONGEST] for name in names))
