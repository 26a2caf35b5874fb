"""Stores that ask others for what they do not have."""

from __future__ import annotations

import functools
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Concatenate, Generic, ParamSpec, TypeVar

from mlproj.foundation.delegation import delegated
from mlproj.foundation.errors import MlprojError, UsageError
from mlproj.tracking.base import DeletedRuns, Experiments, Page, RunInputs, Runs, TrackingStore
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

Store = TypeVar("Store")
Item = TypeVar("Item")
Given = ParamSpec("Given")
Result = TypeVar("Result")


class _ReadThrough(Generic[Store]):
    """The store *local*, and for what that does not have the one of *remote*, which is made when it is first needed.

    What neither has, or only one that cannot be reached, is not found."""

    def __init__(self, local: Store, remote: Callable[[], Store]) -> None:
        self._local = local
        self._remote = remote


def _read_through(method: Callable[Concatenate[Any, Given], Result]) -> Callable[Concatenate[Any, Given], Result]:
    """*method* of the local store, of the remote one for what is not found."""

    def call(self: Any, /, *values: Given.args, **named: Given.kwargs) -> Result:
        found: Result
        try:
            found = getattr(self._local, method.__name__)(*values, **named)
        except UsageError as missing:
            try:
                found = getattr(self._remote(), method.__name__)(*values, **named)
            except MlprojError:
                raise missing from None
        return found

    functools.update_wrapper(call, method)
    return call


def _searched_through(
    method: Callable[Concatenate[Any, Given], Page[Item]],
) -> Callable[Concatenate[Any, Given], Page[Item]]:
    """*method* of the local store, of the remote one when nothing is found."""
    read = _read_through(method)

    def call(self: Any, /, *values: Given.args, **named: Given.kwargs) -> Page[Item]:
        found: Page[Item] = read(self, *values, **named)
        if found.items:
            return found
        with suppress(MlprojError):
            found = getattr(self._remote(), method.__name__)(*values, **named)
        return found

    functools.update_wrapper(call, method)
    return call


class ReadThroughRuns(_ReadThrough[TrackingStore], TrackingStore):
    """Runs of both stores; what is written is written to the local one."""

    create_run = delegated(Runs.create_run, "_local")
    update_run = delegated(Runs.update_run, "_local")
    get_run = _read_through(Runs.get_run)
    list_runs = delegated(Runs.list_runs, "_local")
    search_runs = delegated(Runs.search_runs, "_local")
    log = delegated(Runs.log, "_local")
    delete_tag = delegated(Runs.delete_tag, "_local")
    metric_history = _read_through(Runs.metric_history)

    log_inputs = delegated(RunInputs.log_inputs, "_local")
    marks = delegated(RunInputs.marks, "_local")

    purgeable = delegated(DeletedRuns.purgeable, "_local")
    purge = delegated(DeletedRuns.purge, "_local")

    create_experiment = delegated(Experiments.create_experiment, "_local")
    get_experiment = delegated(Experiments.get_experiment, "_local")
    list_experiments = delegated(Experiments.list_experiments, "_local")
    search_experiments = delegated(Experiments.search_experiments, "_local")
    update_experiment = delegated(Experiments.update_experiment, "_local")
    delete_experiment_tag = delegated(Experiments.delete_experiment_tag, "_local")

    close = delegated(TrackingStore.close, "_local")


class ReadThroughModels(_ReadThrough[ModelStore], ModelStore):
    """Models of both stores; what is written is written to the local one."""

    create_registered_model = delegated(RegisteredModels.create_registered_model, "_local")
    get_registered_model = _read_through(RegisteredModels.get_registered_model)
    search_registered_models = _searched_through(RegisteredModels.search_registered_models)
    update_registered_model = delegated(RegisteredModels.update_registered_model, "_local")
    rename_registered_model = delegated(RegisteredModels.rename_registered_model, "_local")
    delete_registered_model = delegated(RegisteredModels.delete_registered_model, "_local")
    set_registered_model_tag = delegated(RegisteredModels.set_registered_model_tag, "_local")
    delete_registered_model_tag = delegated(RegisteredModels.delete_registered_model_tag, "_local")

    create_version = delegated(ModelVersions.create_version, "_local")
    get_version = _read_through(ModelVersions.get_version)
    search_versions = _searched_through(ModelVersions.search_versions)
    update_version = delegated(ModelVersions.update_version, "_local")
    delete_version = delegated(ModelVersions.delete_version, "_local")
    set_version_tag = delegated(ModelVersions.set_version_tag, "_local")
    delete_version_tag = delegated(ModelVersions.delete_version_tag, "_local")
    download_uri = _read_through(ModelVersions.download_uri)

    set_alias = delegated(ModelAliases.set_alias, "_local")
    delete_alias = delegated(ModelAliases.delete_alias, "_local")
    get_version_by_alias = _read_through(ModelAliases.get_version_by_alias)

    latest_versions = _read_through(ModelStages.latest_versions)
    move_to_stage = delegated(ModelStages.move_to_stage, "_local")

    create_logged_model = delegated(LoggedModels.create_logged_model, "_local")
    get_logged_model = _read_through(LoggedModels.get_logged_model)
    search_logged_models = delegated(LoggedModels.search_logged_models, "_local")
    finish_logged_model = delegated(LoggedModels.finish_logged_model, "_local")
    delete_logged_model = delegated(LoggedModels.delete_logged_model, "_local")
    set_logged_model_tags = delegated(LoggedModels.set_logged_model_tags, "_local")
    delete_logged_model_tag = delegated(LoggedModels.delete_logged_model_tag, "_local")

    log_model_params = delegated(LoggedModelValues.log_model_params, "_local")
    log_model_metrics = delegated(LoggedModelValues.log_model_metrics, "_local")

    link_models = delegated(ModelsOfRuns.link_models, "_local")
    models_of_runs = delegated(ModelsOfRuns.models_of_runs, "_local")
    append_model_history = delegated(ModelsOfRuns.append_model_history, "_local")

    close = delegated(ModelStore.close, "_local")
