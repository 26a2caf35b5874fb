"""The models of a store as the program of one run may use them: the registry whole, logged models of its own family
only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from mlproj.server.call import ApiError
from mlproj.server.run_scoped_store import RunScopedStore, redacted
from mlproj.tracking.base import Page
from mlproj.tracking.model_base import LoggedModel, LoggedModelStatus, ModelMetric, ModelRegistry, ModelStore, RunModel


class RunScopedModels:
    """The :class:`~mlproj.tracking.model_base.LoggedModels` of one run's program, over *models*, and their registry as
    it is.

    Other runs' models can be read; to change one is an ApiError(PERMISSION_DENIED).
    """

    def __init__(self, models: ModelStore, adoption: RunScopedStore) -> None:
        self._models = models
        self._run_store = adoption
        self._run_tree = adoption.family
        self._made: set[str] = set()

    def __getattr__(self, name: str) -> Any:
        """What is the registry's."""
        if name.startswith("_") or not hasattr(ModelRegistry, name):
            raise AttributeError(name)
        return getattr(self._models, name)

    def create_logged_model(
        self,
        experiment_id: str,
        *,
        source_run_id: str | None = None,
        params: Mapping[str, str] | None = None,
        tags: Mapping[str, str] | None = None,
        **fields: Any,
    ) -> LoggedModel:
        """A new model, of a run of the family or of none."""
        if source_run_id:
            self._run_tree.require(source_run_id)
        made = self._models.create_logged_model(
            self._run_store.place(experiment_id),
            source_run_id=source_run_id,
            params=redacted(params),
            tags=redacted(tags),
            **fields,
        )
        self._made.add(made.model_id)
        return made

    def _require(self, model_id: str) -> None:
        if model_id in self._made:
            return
        source = self._models.get_logged_model(model_id, deleted_too=True).source_run_id
        if not source or not self._run_tree.holds(source):
            raise ApiError(
                "PERMISSION_DENIED",
                f"The logged model {model_id} is another run's: inside `mlproj run` a program may change the models of"
                " its own runs only.",
            )

    def get_logged_model(self, model_id: str, *, deleted_too: bool = False) -> LoggedModel:
        """Any model."""
        return self._models.get_logged_model(model_id, deleted_too=deleted_too)

    def finish_logged_model(self, model_id: str, status: LoggedModelStatus) -> LoggedModel:
        """Finish a model of the family."""
        self._require(model_id)
        return self._models.finish_logged_model(model_id, status)

    def delete_logged_model(self, model_id: str) -> None:
        """Delete a model of the family."""
        self._require(model_id)
        self._models.delete_logged_model(model_id)

    def set_logged_model_tags(self, model_id: str, tags: Mapping[str, str]) -> LoggedModel:
        """Tag a model of the family."""
        self._require(model_id)
        return self._models.set_logged_model_tags(model_id, redacted(tags))

    def delete_logged_model_tag(self, model_id: str, key: str) -> None:
        """Remove a tag of a model of the family."""
        self._require(model_id)
        self._models.delete_logged_model_tag(model_id, key)

    def log_model_params(self, model_id: str, params: Mapping[str, str]) -> None:
        """Add parameters to a model of the family."""
        self._require(model_id)
        self._models.log_model_params(model_id, redacted(params))

    def log_model_metrics(self, metrics: Sequence[ModelMetric]) -> None:
        """Add what a run of the family measured, of whichever model."""
        for run_id in {metric.run_id for metric in metrics}:
            self._run_tree.require(run_id)
        self._models.log_model_metrics(metrics)

    def search_logged_models(self, experiment_ids: Sequence[str], **query: Any) -> Page[LoggedModel]:
        """Models of anybody's."""
        return self._models.search_logged_models(self._run_store.searched(experiment_ids) or (), **query)

    def link_models(self, run_id: str, models: Sequence[RunModel]) -> None:
        """Note which models a run of the family made or used."""
        self._run_tree.require(run_id)
        self._models.link_models(run_id, models)

    def models_of_runs(self, run_ids: Sequence[str]) -> Mapping[str, Sequence[RunModel]]:
        """Of any runs."""
        return self._models.models_of_runs(run_ids)

    def append_model_history(self, run_id: str, entry: Mapping[str, object]) -> None:
        """Add to the history of a run of the family."""
        self._run_tree.require(run_id)
        self._models.append_model_history(run_id, entry)

    def close(self) -> None:
        """Close the models."""
        self._models.close()
