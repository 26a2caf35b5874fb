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


class _Beside(Generic[Store]):
    """The store *here*, and what that does not have of the one *there*, which is made when it is first needed. When
    neither has it, or that one is away, it is not here."""

    def __init__(self, here: Store, there: Callable[[], Store]) -> None:
        self._here = here
        self._there = there


def _read_through(method: Callable[Concatenate[Any, Given], Result]) -> Callable[Concatenate[Any, Given], Result]:
    """*method* of the store here, of the one there for what is not found."""

    def call(self: Any, /, *values: Given.args, **named: Given.kwargs) -> Result:
        found: Result
        try:
            found = getattr(self._here, method.__name__)(*values, **named)
        except UsageError as missing:
            try:
                found = getattr(self._there(), method.__name__)(*values, **named)
            except MlprojError:
                raise missing from None
        return found

    functools.update_wrapper(call, method)
    return call


def _searched_through(
    method: Callable[Concatenate[Any, Given], Page[Item]],
) -> Callable[Concatenate[Any, Given], Page[Item]]:
    """*method* of the store here, of the one there when nothing is found."""
    read = _read_through(method)

    def call(self: Any, /, *values: Given.args, **named: Given.kwargs) -> Page[Item]:
        found: Page[Item] = read(self, *values, **named)
        if found.items:
            return found
        with suppress(MlprojError):
            found = getattr(self._there(), method.__name__)(*values, **named)
        return found

    functools.update_wrapper(call, method)
    return call


class RunsBeside(_Beside[TrackingStore], TrackingStore):
    """Runs here and there; what is written is written here."""

    create_run = delegated(Runs.create_run, "_here")
    update_run = delegated(Runs.update_run, "_here")
    get_run = _read_through(Runs.get_run)
    list_runs = delegated(Runs.list_runs, "_here")
    search_runs = delegated(Runs.search_runs, "_here")
    log = delegated(Runs.log, "_here")
    delete_tag = delegated(Runs.delete_tag, "_here")
    metric_history = _read_through(Runs.metric_history)

    log_inputs = delegated(RunInputs.log_inputs, "_here")
    marks = delegated(RunInputs.marks, "_here")

    purgeable = delegated(DeletedRuns.purgeable, "_here")
    purge = delegated(DeletedRuns.purge, "_here")

    create_experiment = delegated(Experiments.create_experiment, "_here")
    get_experiment = delegated(Experiments.get_experiment, "_here")
    list_experiments = delegated(Experiments.list_experiments, "_here")
    search_experiments = delegated(Experiments.search_experiments, "_here")
    update_experiment = delegated(Experiments.update_experiment, "_here")
    delete_experiment_tag = delegated(Experiments.delete_experiment_tag, "_here")

    close = delegated(TrackingStore.close, "_here")


class ModelsBeside(_Beside[ModelStore], ModelStore):
    """Models here and there; what is written is written here."""

    create_registered_model = delegated(RegisteredModels.create_registered_model, "_here")
    get_registered_model = _read_through(RegisteredModels.get_registered_model)
    search_registered_models = _searched_through(RegisteredModels.search_registered_models)
    update_registered_model = delegated(RegisteredModels.update_registered_model, "_here")
    rename_registered_model = delegated(RegisteredModels.rename_registered_model, "_here")
    delete_registered_model = delegated(RegisteredModels.delete_registered_model, "_here")
    set_registered_model_tag = delegated(RegisteredModels.set_registered_model_tag, "_here")
    delete_registered_model_tag = delegated(RegisteredModels.delete_registered_model_tag, "_here")

    create_version = delegated(ModelVersions.create_version, "_here")
    get_version = _read_through(ModelVersions.get_version)
    search_versions = _searched_through(ModelVersions.search_versions)
    update_version = delegated(ModelVersions.update_version, "_here")
    delete_version = delegated(ModelVersions.delete_version, "_here")
    set_version_tag = delegated(ModelVersions.set_version_tag, "_here")
    delete_version_tag = delegated(ModelVersions.delete_version_tag, "_here")
    download_uri = _read_through(ModelVersions.download_uri)

    set_alias = delegated(ModelAliases.set_alias, "_here")
    delete_alias = delegated(ModelAliases.delete_alias, "_here")
    get_version_by_alias = _read_through(ModelAliases.get_version_by_alias)

    latest_versions = _read_through(ModelStages.latest_versions)
    move_to_stage = delegated(ModelStages.move_to_stage, "_here")

    create_logged_model = delegated(LoggedModels.create_logged_model, "_here")
    get_logged_model = _read_through(LoggedModels.get_logged_model)
    search_logged_models = delegated(LoggedModels.search_logged_models, "_here")
    finish_logged_model = delegated(LoggedModels.finish_logged_model, "_here")
    delete_logged_model = delegated(LoggedModels.delete_logged_model, "_here")
    set_logged_model_tags = delegated(LoggedModels.set_logged_model_tags, "_here")
    delete_logged_model_tag = delegated(LoggedModels.delete_logged_model_tag, "_here")

    log_model_params = delegated(LoggedModelValues.log_model_params, "_here")
    log_model_metrics = delegated(LoggedModelValues.log_model_metrics, "_here")

    link_models = delegated(ModelsOfRuns.link_models, "_here")
    models_of_runs = delegated(ModelsOfRuns.models_of_runs, "_here")
    append_model_history = delegated(ModelsOfRuns.append_model_history, "_here")

    close = delegated(ModelStore.close, "_here")
