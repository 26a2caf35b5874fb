"""The models of a store as the program of one run may use them: those of its own run tree."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from mlproj.foundation.override import override
from mlproj.server.call import ApiError
from mlproj.server.run_scoped_experiments import redacted
from mlproj.server.run_scoped_registry import RunScopedRegistry, every
from mlproj.server.run_scoped_store import RunScopedStore
from mlproj.server.run_tree import PROGRAM
from mlproj.tracking.base import Page
from mlproj.tracking.model_base import LoggedModel, LoggedModelStatus, ModelMetric, ModelStore, RunModel
from mlproj.tracking.sql.model_registry import VERSIONS_TAG


class RunScopedModels(RunScopedRegistry, ModelStore):
    """The :class:`~mlproj.tracking.model_base.LoggedModels` of one run's program, over *models*, and its registry.

    Other runs' models can be read, in a confined run not even that; to change one is an ApiError(PERMISSION_DENIED).
    """

    def __init__(self, models: ModelStore, scoped: RunScopedStore) -> None:
        super().__init__(models, scoped, self.owns)
        self._model_store = models
        self._run_store = scoped
        self._made: set[str] = set()

    @override
    def create_logged_model(
        self,
        experiment_id: str,
        *,
        source_run_id: str | None = None,
        params: Mapping[str, str] | None = None,
        tags: Mapping[str, str] | None = None,
        **fields: Any,
    ) -> LoggedModel:
        """A new model, of a run of the run tree or of none."""
        if source_run_id:
            self._run_tree.require(source_run_id)
        made = self._model_store.create_logged_model(
            self._run_store.place(experiment_id),
            source_run_id=source_run_id,
            params=redacted(params),
            tags=redacted(tags),
            **fields,
        )
        self._made.add(made.model_id)
        return made

    def owns(self, model_id: str) -> bool:
        """Whether a logged model is of the run tree. Raises NotFound."""
        return model_id in self._made or self._is_ours(self._model_store.get_logged_model(model_id, deleted_too=True))

    def _is_ours(self, model: LoggedModel) -> bool:
        return model.model_id in self._made or (
            bool(model.source_run_id) and self._run_tree.owns(str(model.source_run_id))
        )

    def _require(self, model_id: str) -> None:
        if not self.owns(model_id):
            raise ApiError(
                "PERMISSION_DENIED",
                f"The logged model {model_id} is another run's: {PROGRAM} may change the models of its own runs only, "
                "and with --sandbox it reads no others.",
            )

    def _require_readable(self, model_id: str) -> None:
        if self._run_store.confined:
            self._require(model_id)

    @override
    def get_logged_model(self, model_id: str, *, deleted_too: bool = False) -> LoggedModel:
        """Any model; in a confined run one of the run tree."""
        self._require_readable(model_id)
        return self._model_store.get_logged_model(model_id, deleted_too=deleted_too)

    @override
    def finish_logged_model(self, model_id: str, status: LoggedModelStatus) -> LoggedModel:
        """Finish a model of the run tree."""
        self._require(model_id)
        return self._model_store.finish_logged_model(model_id, status)

    @override
    def delete_logged_model(self, model_id: str) -> None:
        """Delete a model of the run tree."""
        self._require(model_id)
        self._model_store.delete_logged_model(model_id)

    @override
    def set_logged_model_tags(self, model_id: str, tags: Mapping[str, str]) -> LoggedModel:
        """Tag a model of the run tree.

        That a model of another run was registered is noted by the store, whatever clients add.
        """
        if tags.keys() == {VERSIONS_TAG} and not self._run_store.confined and not self.owns(model_id):
            return self._model_store.get_logged_model(model_id)
        self._require(model_id)
        return self._model_store.set_logged_model_tags(model_id, redacted(tags))

    @override
    def delete_logged_model_tag(self, model_id: str, key: str) -> None:
        """Remove a tag of a model of the run tree."""
        self._require(model_id)
        self._model_store.delete_logged_model_tag(model_id, key)

    @override
    def log_model_params(self, model_id: str, params: Mapping[str, str]) -> None:
        """Add parameters to a model of the run tree."""
        self._require(model_id)
        self._model_store.log_model_params(model_id, redacted(params))

    @override
    def log_model_metrics(self, metrics: Sequence[ModelMetric]) -> None:
        """Add what a run of the run tree measured, of whichever model; in a confined run of one of the run tree."""
        for run_id in {metric.run_id for metric in metrics}:
            self._run_tree.require(run_id)
        for model_id in {metric.model_id for metric in metrics}:
            self._require_readable(model_id)
        self._model_store.log_model_metrics(metrics)

    @override
    def search_logged_models(self, experiment_ids: Sequence[str], **query: Any) -> Page[LoggedModel]:
        """Models of anybody's; in a confined run those of the run tree."""
        searched = self._run_store.searched(experiment_ids) or ()
        if not self._run_store.confined:
            return self._model_store.search_logged_models(searched, **query)
        found = every(partial(self._model_store.search_logged_models, searched), **query)
        return Page([model for model in found if self._is_ours(model)])

    @override
    def link_models(self, run_id: str, models: Sequence[RunModel]) -> None:
        """Note which models a run of the run tree made or used."""
        self._run_tree.require(run_id)
        for model in models:
            self._require_readable(model.model_id)
        self._model_store.link_models(run_id, models)

    @override
    def models_of_runs(self, run_ids: Sequence[str]) -> Mapping[str, Sequence[RunModel]]:
        """Of any runs; in a confined run of those of the run tree."""
        if self._run_store.confined:
            run_ids = [run_id for run_id in run_ids if self._run_tree.owns(run_id)]
        return self._model_store.models_of_runs(run_ids)

    @override
    def append_model_history(self, run_id: str, entry: Mapping[str, object]) -> None:
        """Add to the history of a run of the run tree."""
        self._run_tree.require(run_id)
        self._model_store.append_model_history(run_id, entry)

    @override
    def close(self) -> None:
        """Close the models."""
        self._model_store.close()
