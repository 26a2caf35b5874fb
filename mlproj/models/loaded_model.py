"""A model in the program's own interpreter."""

from __future__ import annotations

import atexit
import warnings
from collections.abc import Mapping
from contextlib import ExitStack
from typing import Any

from mlproj.foundation.errors import UsageError
from mlproj.foundation.progress import Silent
from mlproj.models.opened import open_model
from mlproj.models.scorer import enforcement, loading, params, schema, version
from mlproj.models.scorer.loading_error import LoadingError
from mlproj.models.scorer.model_folder import ModelFolder


class LoadedModel:
    """A model that can be asked, with the contract of MLflow's ``PyFuncModel``.

    ``native`` is the library's own object, ``loaded_by`` whose loader made it (``native`` or ``mlflow 3.17.2``),
    ``address`` the model it is.
    """

    def __init__(self, address: str, spec: Mapping[str, Any]) -> None:
        self.address = address
        self._predictor = loading.load(dict(spec))
        self._signature = schema.parse_signature(spec["mlmodel"])

    @property
    def native(self) -> Any:
        """The library's own object."""
        return self._predictor.native

    @property
    def loaded_by(self) -> str:
        """Whose loader made it."""
        return self._predictor.loaded_by

    def predict(self, data: Any, params: Mapping[str, Any] | None = None) -> Any:
        """The model's answer. What does not fit the signature is a ScoringError, with MLflow's words."""
        return self._predictor.predict(self._enforced(data), self._enforced_params(params))

    def _enforced(self, data: Any) -> Any:
        if self._signature.inputs is None or self._signature.of_type_hint:
            return data  # a model with type hints checks for itself
        return enforcement.enforce(self._signature.inputs, data)

    def _enforced_params(self, given: Mapping[str, Any] | None) -> Any:
        return params.enforce_params(self._signature.params, None if given is None else dict(given))

    def __repr__(self) -> str:
        return f"<LoadedModel {self.address}>"


def load_model(model: str, *, config: Mapping[str, Any] | None = None, loader: str = "auto") -> LoadedModel:
    """The model at an address (``runs:/last/model``, ``models:/name@alias``, a folder, an archive, a URL), loaded in
    this interpreter.

    *config* overrides what the model was saved with as ``model_config``. *loader* is ``auto``, ``native`` (without
    MLflow) or ``mlflow``. A warning names the packages that the model was saved with in other versions.

    Raises UsageError for a model that cannot be loaded in this environment, and what
    :func:`mlproj.models.opened.open_model` raises.
    """
    with ExitStack() as stack:
        opened = stack.enter_context(open_model(str(model), Silent()))
        options = {"config": dict(config or {}), "loader": loader}
        spec = {"folder": str(opened.folder), "mlmodel": dict(opened.file.document), "options": options}
        try:
            loaded = LoadedModel(opened.address, spec)
        except LoadingError as error:
            hint = f"mlproj models predict {model} -i FILE asks it in its own environment"
            raise UsageError(f"{opened.name} cannot be loaded here: {error}", hint=hint) from error
        atexit.register(stack.pop_all().close)  # a model may read its files when it is asked
    if differing := version.differing_versions(ModelFolder(spec)):
        warnings.warn(f"{differing}: what it answers here may differ", stacklevel=2)
    return loaded
