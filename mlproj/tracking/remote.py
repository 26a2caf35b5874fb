"""The stores of an mlproj server, as if they were here: every call is one request, answered exactly."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Concatenate, ParamSpec, TypeVar

from mlproj.foundation.errors import UsageError
from mlproj.http.client import HttpClient, Refused
from mlproj.tracking import exact
from mlproj.tracking.base import (
    AlreadyExists,
    DeletedRuns,
    Experiments,
    NotFound,
    RunInputs,
    Runs,
    TrackingStore,
    WrongState,
)
from mlproj.tracking.model_base import (
    LoggedModels,
    LoggedModelValues,
    ModelAliases,
    ModelsOfRuns,
    ModelStages,
    ModelStore,
    ModelVersions,
    RegisteredModels,
)

Given = ParamSpec("Given")
Result = TypeVar("Result")

PREFIX = "/api/2.0/mlproj"
"""Where an mlproj server answers calls: ``PREFIX/tracking/METHOD`` and ``PREFIX/models/METHOD``."""

# Done twice they do another thing than done once, or fail the second time.
_ONCE = frozenset(
    {
        "create_run",
        "create_experiment",
        "create_registered_model",
        "create_version",
        "create_logged_model",
        "append_model_history",
    }
    | {
        "delete_tag",
        "delete_experiment_tag",
        "delete_registered_model",
        "delete_version",
        "delete_logged_model",
        "delete_logged_model_tag",
    }
    | {"rename_registered_model", "purge"}
)


_KINDS: dict[str | None, type[UsageError]] = {kind.__name__: kind for kind in (NotFound, AlreadyExists, WrongState)}
_CODES: dict[str, type[UsageError]] = {
    "RESOURCE_DOES_NOT_EXIST": NotFound,
    "RESOURCE_ALREADY_EXISTS": AlreadyExists,
    "INVALID_STATE": WrongState,
}


def as_ours(refusal: Refused) -> UsageError:
    """*refusal* as a store here would raise it."""
    kind = _KINDS.get(refusal.error_kind) or _CODES.get(refusal.code, UsageError)
    return kind(refusal.message, hint=refusal.hint)


class _Remote:
    """Asks the server of *caller* for what its store of this *kind* has to say; :class:`~mlproj.http.client.HttpClient`
    says what the methods raise besides."""

    kind: str

    def __init__(self, caller: HttpClient) -> None:
        self._client = caller

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def _call(self, method: Callable[..., Any], values: Sequence[Any], named: Mapping[str, Any]) -> Any:
        names = method.__code__.co_varnames[1 : 1 + len(values)]
        given = {
            name: exact.encode(value) for name, value in {**dict(zip(names, values, strict=True)), **named}.items()
        }
        name = method.__name__
        try:
            answer = self._client.call("POST", f"{PREFIX}/{self.kind}/{name}", given, again=name not in _ONCE)
        except Refused as refusal:
            raise as_ours(refusal) from refusal
        return exact.result_of(method, answer.get("result"))


def _asked(method: Callable[Concatenate[Any, Given], Result]) -> Callable[Concatenate[Any, Given], Result]:
    """*method*, done by the server."""

    def call(self: Any, /, *values: Given.args, **named: Given.kwargs) -> Result:
        result: Result = self._call(method, values, named)
        return result

    functools.update_wrapper(call, method)
    return call


class RemoteStore(_Remote, TrackingStore):
    """The runs of a server."""

    kind = "tracking"

    create_run = _asked(Runs.create_run)
    update_run = _asked(Runs.update_run)
    get_run = _asked(Runs.get_run)
    list_runs = _asked(Runs.list_runs)
    search_runs = _asked(Runs.search_runs)
    log = _asked(Runs.log)
    delete_tag = _asked(Runs.delete_tag)
    metric_history = _asked(Runs.metric_history)

    log_inputs = _asked(RunInputs.log_inputs)
    marks = _asked(RunInputs.marks)

    purgeable = _asked(DeletedRuns.purgeable)
    purge = _asked(DeletedRuns.purge)

    create_experiment = _asked(Experiments.create_experiment)
    get_experiment = _asked(Experiments.get_experiment)
    list_experiments = _asked(Experiments.list_experiments)
    search_experiments = _asked(Experiments.search_experiments)
    update_experiment = _asked(Experiments.update_experiment)
    delete_experiment_tag = _asked(Experiments.delete_experiment_tag)


class RemoteModels(_Remote, ModelStore):
    """The registry and the logged models of a server."""

    kind = "models"

    create_registered_model = _asked(RegisteredModels.create_registered_model)
    get_registered_model = _asked(RegisteredModels.get_registered_model)
    search_registered_models = _asked(RegisteredModels.search_registered_models)
    update_registered_model = _asked(RegisteredModels.update_registered_model)
    rename_registered_model = _asked(RegisteredModels.rename_registered_model)
    delete_registered_model = _asked(RegisteredModels.delete_registered_model)
    set_registered_model_tag = _asked(RegisteredModels.set_registered_model_tag)
    delete_registered_model_tag = _asked(RegisteredModels.delete_registered_model_tag)

    create_version = _asked(ModelVersions.create_version)
    get_version = _asked(ModelVersions.get_version)
    search_versions = _asked(ModelVersions.search_versions)
    update_version = _asked(ModelVersions.update_version)
    delete_version = _asked(ModelVersions.delete_version)
    set_version_tag = _asked(ModelVersions.set_version_tag)
    delete_version_tag = _asked(ModelVersions.delete_version_tag)
    download_uri = _asked(ModelVersions.download_uri)

    set_alias = _asked(ModelAliases.set_alias)
    delete_alias = _asked(ModelAliases.delete_alias)
    get_version_by_alias = _asked(ModelAliases.get_version_by_alias)

    latest_versions = _asked(ModelStages.latest_versions)
    move_to_stage = _asked(ModelStages.move_to_stage)

    create_logged_model = _asked(LoggedModels.create_logged_model)
    get_logged_model = _asked(LoggedModels.get_logged_model)
    search_logged_models = _asked(LoggedModels.search_logged_models)
    finish_logged_model = _asked(LoggedModels.finish_logged_model)
    delete_logged_model = _asked(LoggedModels.delete_logged_model)
    set_logged_model_tags = _asked(LoggedModels.set_logged_model_tags)
    delete_logged_model_tag = _asked(LoggedModels.delete_logged_model_tag)

    log_model_params = _asked(LoggedModelValues.log_model_params)
    log_model_metrics = _asked(LoggedModelValues.log_model_metrics)

    link_models = _asked(ModelsOfRuns.link_models)
    models_of_runs = _asked(ModelsOfRuns.models_of_runs)
    append_model_history = _asked(ModelsOfRuns.append_model_history)
