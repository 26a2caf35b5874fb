"""The model registry and logged models in SQL tables, beside the runs."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from mlproj.foundation.override import override
from mlproj.tracking import run_name as names
from mlproj.tracking.base import NotFound, Page
from mlproj.tracking.model_base import (
    LoggedModel,
    LoggedModelStatus,
    ModelDataset,
    ModelMetric,
    ModelOrder,
    ModelStore,
    RunModel,
)
from mlproj.tracking.model_name import checked_logged_name
from mlproj.tracking.sql import experiment as sql_experiment
from mlproj.tracking.sql import logged_model, tag
from mlproj.tracking.sql import row as sql_row
from mlproj.tracking.sql import statement as sql_statement
from mlproj.tracking.sql.model_registry import SqlModelRegistry
from mlproj.tracking.sql.row import optional_text, text
from mlproj.tracking.sql.store import Database

HISTORY_TAG = "mlflow.log-model.history"


class SqlModelStore(SqlModelRegistry, ModelStore):
    """The :class:`~mlproj.tracking.model_base.ModelStore` over SQL tables. Its methods are documented there."""

    def __init__(self, database: Database, artifact_root: Path | str) -> None:
        super().__init__(database, artifact_root.as_uri() if isinstance(artifact_root, Path) else artifact_root)

    @override
    def create_logged_model(
        self,
        experiment_id: str,
        *,
        name: str | None = None,
        source_run_id: str | None = None,
        model_type: str | None = None,
        params: Mapping[str, str] | None = None,
        tags: Mapping[str, str] | None = None,
        model_id: str | None = None,
    ) -> LoggedModel:
        experiment_number = sql_experiment.to_number(experiment_id)
        model_id = logged_model.checked_model_id(model_id)
        row = {
            "model_id": model_id,
            "experiment_id": experiment_number,
            "name": names.generate() if name is None else checked_logged_name(name),
            "source_run_id": optional_text(source_run_id),
            "model_type": optional_text(model_type),
        }
        with self._database.write() as connection:
            found = sql_experiment.by_number(
                connection, experiment_number, self._artifact_root, self._database.dialect.share_row
            )
            experiment = sql_experiment.active(found)
            row["artifact_uri"] = sql_row.artifact_place(experiment, self._artifact_root, f"models/{model_id}")
            number = logged_model.insert(connection, row)
            tag.add(connection, tag.LOGGED_MODEL_PARAMS, number, _texts(params or {}))
            tag.write(connection, tag.LOGGED_MODEL_TAGS, number, _texts(tags or {}))
            return logged_model.read(connection, [number], self._artifact_root)[0]

    @override
    def get_logged_model(self, model_id: str, *, deleted_too: bool = False) -> LoggedModel:
        with self._database.read() as connection:
            number = logged_model.find(connection, model_id, deleted_too=deleted_too)
            return logged_model.read(connection, [number], self._artifact_root)[0]

    @override
    def finish_logged_model(self, model_id: str, status: LoggedModelStatus) -> LoggedModel:
        return self._change_logged_model(model_id, {"status": status.value})

    @override
    def delete_logged_model(self, model_id: str) -> None:
        self._change_logged_model(model_id, {"lifecycle_stage": "deleted"})

    @override
    def set_logged_model_tags(self, model_id: str, tags: Mapping[str, str]) -> LoggedModel:
        with self._database.write() as connection:
            number = logged_model.find(connection, model_id, self._lock_row)
            tag.write(connection, tag.LOGGED_MODEL_TAGS, number, _texts(tags))
            return logged_model.read(connection, [number], self._artifact_root)[0]

    @override
    def delete_logged_model_tag(self, model_id: str, key: str) -> None:
        with self._database.write() as connection:
            number = logged_model.find(connection, model_id, self._lock_row)
            if not tag.remove(connection, tag.LOGGED_MODEL_TAGS, number, text(key)):
                raise NotFound(
                    f"the logged model {model_id} has no tag {key!r}", subject=("logged model tag", key, model_id)
                )

    @override
    def log_model_params(self, model_id: str, params: Mapping[str, str]) -> None:
        with self._database.write() as connection:
            number = logged_model.find(connection, model_id, self._lock_row)
            tag.add(connection, tag.LOGGED_MODEL_PARAMS, number, _texts(params))

    @override
    def log_model_metrics(self, metrics: Sequence[ModelMetric]) -> None:
        by_model: dict[str, list[ModelMetric]] = {}
        for metric in metrics:
            by_model.setdefault(metric.model_id, []).append(metric)
        with self._database.write() as connection:
            for model_id, points in sorted(by_model.items()):
                logged_model.add_metrics(connection, logged_model.find(connection, model_id), points)

    @override
    def search_logged_models(
        self,
        experiment_ids: Sequence[str],
        *,
        filter: str = "",
        datasets: Sequence[ModelDataset] = (),
        order_by: Sequence[ModelOrder] = (),
        limit: int = 100,
        page_token: str | None = None,
    ) -> Page[LoggedModel]:
        from mlproj.tracking.search import sql as search
        from mlproj.tracking.search.model_vocabulary import logged_model_search

        asked = logged_model_search(experiment_ids, filter, datasets, order_by, limit, page_token)
        with self._database.read() as connection:
            numbers, token = search.find(connection, self._database.dialect, asked)
            return Page(logged_model.read(connection, numbers, self._artifact_root), token)

    @override
    def link_models(self, run_id: str, models: Sequence[RunModel]) -> None:
        with self._database.write() as connection:
            logged_model.link(connection, sql_statement.find_active(connection, run_id, self._lock_row), models)

    @override
    def models_of_runs(self, run_ids: Sequence[str]) -> Mapping[str, Sequence[RunModel]]:
        with self._database.read() as connection:
            return logged_model.linked(connection, run_ids)

    @override
    def append_model_history(self, run_id: str, entry: Mapping[str, object]) -> None:
        with self._database.write() as connection:
            number = sql_statement.find_active(connection, run_id, self._lock_row)
            statement = "SELECT value FROM tags WHERE run = :run AND key = :key"
            kept = [value for (value,) in connection.execute(statement, {"run": number, "key": HISTORY_TAG})]
            history = json.dumps([*_list(kept[0] if kept else ""), entry])
            sql_statement.set_tags(connection, number, {HISTORY_TAG: history})

    def _change_logged_model(self, model_id: str, changes: Mapping[str, str]) -> LoggedModel:
        with self._database.write() as connection:
            number = logged_model.find(connection, model_id, self._lock_row)
            logged_model.change(connection, number, changes)
            return logged_model.read(connection, [number], self._artifact_root)[0]


def _texts(values: Mapping[str, str]) -> dict[str, str]:
    return {sql_row.key(key): text(value) for key, value in values.items()}


def _list(document: str) -> list[object]:
    """A JSON list; nothing when a user has written something else into the tag."""
    try:
        found = json.loads(document)
    except ValueError:
        return []
    return found if isinstance(found, list) else []
