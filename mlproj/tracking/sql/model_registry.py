"""The model registry in SQL tables."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from mlproj.foundation.errors import UsageError
from mlproj.foundation.override import override
from mlproj.tracking.base import NotFound, Page, StoreError
from mlproj.tracking.model_base import PROMPT_TAG, ModelRegistry, ModelVersion, RegisteredModel, Stage
from mlproj.tracking.model_name import checked_alias, checked_new_alias, checked_tag, to_stage
from mlproj.tracking.sql import logged_model, model_source, model_version, registered_model
from mlproj.tracking.sql import tag as sql_tag
from mlproj.tracking.sql.row import optional_text, text
from mlproj.tracking.sql.statement import Connection
from mlproj.tracking.sql.store import Database

VERSIONS_TAG = "mlflow.modelVersions"
"""The tag of a logged model that lists the versions it was registered as, as JSON."""


class SqlModelRegistry(ModelRegistry):
    """The :class:`~mlproj.tracking.model_base.ModelRegistry` over SQL tables. Its methods are documented there."""

    def __init__(self, database: Database, artifact_root: str) -> None:
        self._database = database
        self._lock_row = database.dialect.lock_row
        self._artifact_root = artifact_root

    def close(self) -> None:
        """Let go of the database."""
        self._database.close()

    @override
    def create_registered_model(
        self, name: str, *, description: str | None = None, tags: Mapping[str, str] | None = None
    ) -> RegisteredModel:
        checked = dict(checked_tag(key, value) for key, value in (tags or {}).items())
        with self._database.write() as connection:
            number = registered_model.insert(connection, name, description)
            sql_tag.write(connection, sql_tag.REGISTERED_MODEL_TAGS, number, checked)
            return registered_model.read(connection, [number])[0]

    @override
    def get_registered_model(self, name: str) -> RegisteredModel:
        with self._database.read() as connection:
            return registered_model.read(connection, [registered_model.find(connection, name)])[0]

    @override
    def search_registered_models(
        self, *, filter: str = "", order_by: Sequence[str] = (), limit: int = 100, page_token: str | None = None
    ) -> Page[RegisteredModel]:
        from mlproj.tracking.search import sql as search
        from mlproj.tracking.search.model_vocabulary import REGISTERED_MODELS, without_prompts

        scope = without_prompts(filter, REGISTERED_MODELS)
        asked = search.Search(REGISTERED_MODELS, filter, order_by, limit, page_token, scope)
        with self._database.read() as connection:
            numbers, token = search.find(connection, self._database.dialect, asked)
            return Page(registered_model.read(connection, numbers), token)

    @override
    def update_registered_model(self, name: str, *, description: str) -> RegisteredModel:
        with self._database.write() as connection:
            number = registered_model.find(connection, name, self._lock_row)
            registered_model.describe(connection, number, description)
            return registered_model.read(connection, [number])[0]

    @override
    def rename_registered_model(self, name: str, new_name: str) -> RegisteredModel:
        with self._database.write() as connection:
            number = registered_model.find(connection, name, self._lock_row)
            registered_model.rename(connection, number, new_name)
            return registered_model.read(connection, [number])[0]

    @override
    def delete_registered_model(self, name: str) -> None:
        with self._database.write() as connection:
            registered_model.delete(connection, registered_model.find(connection, name, self._lock_row))

    @override
    def set_registered_model_tag(self, name: str, key: str, value: str) -> None:
        tag = dict([checked_tag(key, value)])
        with self._database.write() as connection:
            number = registered_model.find(connection, name, self._lock_row)
            sql_tag.write(connection, sql_tag.REGISTERED_MODEL_TAGS, number, tag)

    @override
    def delete_registered_model_tag(self, name: str, key: str) -> None:
        with self._database.write() as connection:
            number = registered_model.find(connection, name, self._lock_row)
            sql_tag.remove(connection, sql_tag.REGISTERED_MODEL_TAGS, number, text(key))

    @override
    def set_alias(self, name: str, alias: str, version: int) -> None:
        checked = checked_new_alias(alias)
        with self._database.write() as connection:
            number = registered_model.find(connection, name, self._lock_row)
            model_version.find(connection, number, version)
            registered_model.set_alias(connection, number, checked, version)

    @override
    def delete_alias(self, name: str, alias: str) -> None:
        with self._database.write() as connection:
            number = registered_model.find(connection, name, self._lock_row)
            registered_model.delete_alias(connection, number, checked_alias(alias))

    @override
    def get_version_by_alias(self, name: str, alias: str) -> ModelVersion:
        checked = checked_alias(alias)
        with self._database.read() as connection:
            number = registered_model.find(connection, name)
            version = registered_model.version_of_alias(connection, number, checked)
            if version is None and checked.lower() == "latest":
                raise NotFound(f"the registered model {name!r} has no version", subject=("latest version", name))
            if version is None:
                raise StoreError(f"the registered model {name!r} has no alias {alias!r}", subject=("alias", alias))
            return _read(connection, model_version.find(connection, number, version))

    @override
    def latest_versions(self, name: str, stages: Sequence[str] = ()) -> list[ModelVersion]:
        chosen = {to_stage(stage) for stage in stages} or set(Stage)
        with self._database.read() as connection:
            newest = model_version.read_newest(connection, [registered_model.find(connection, name)])
        return [version for version in newest if version.stage in chosen]

    @override
    def create_version(
        self,
        name: str,
        source: str,
        *,
        run_id: str | None = None,
        run_link: str | None = None,
        model_id: str | None = None,
        description: str | None = None,
        user: str | None = None,
        tags: Mapping[str, str] | None = None,
    ) -> ModelVersion:
        checked = dict(checked_tag(key, value) for key, value in (tags or {}).items())
        with self._database.write() as connection:
            model = registered_model.find(connection, name, self._lock_row)
            if checked.get(PROMPT_TAG, "").lower() == "true":
                origin = model_source.of_prompt(source)
            else:
                origin = model_source.resolve(connection, source, self._artifact_root, run_id=run_id, model_id=model_id)
            row: dict[str, Any] = {
                "source": text(origin.source),
                "location": text(origin.location),
                "run_id": optional_text(origin.run_id),
                "model_id": optional_text(origin.model_id),
                "run_link": optional_text(run_link),
                "description": optional_text(description),
                "user_name": optional_text(user),
            }
            number, version = model_version.insert(connection, model, row)
            sql_tag.write(connection, sql_tag.VERSION_TAGS, number, checked)
            if origin.model_id:
                _note_registration(connection, origin.model_id, name, version, self._lock_row)
            return _read(connection, number)

    @override
    def get_version(self, name: str, version: int) -> ModelVersion:
        with self._database.read() as connection:
            return _read(connection, _find(connection, name, version))

    @override
    def search_versions(
        self, *, filter: str = "", order_by: Sequence[str] = (), limit: int = 10_000, page_token: str | None = None
    ) -> Page[ModelVersion]:
        from mlproj.tracking.search import sql as search
        from mlproj.tracking.search.model_vocabulary import MODEL_VERSIONS, without_prompts

        scope = without_prompts(filter, MODEL_VERSIONS)
        asked = search.Search(MODEL_VERSIONS, filter, order_by, limit, page_token, scope)
        with self._database.read() as connection:
            numbers, token = search.find(connection, self._database.dialect, asked)
            return Page(model_version.read(connection, numbers), token)

    @override
    def update_version(self, name: str, version: int, *, description: str) -> ModelVersion:
        with self._database.write() as connection:
            number = _find(connection, name, version, self._lock_row)
            model_version.change(connection, number, {"description": text(description)})
            return _read(connection, number)

    @override
    def delete_version(self, name: str, version: int) -> None:
        with self._database.write() as connection:
            model = registered_model.find(connection, name, self._lock_row)
            model_version.delete(connection, model, version)
            registered_model.touch(connection, model)

    @override
    def set_version_tag(self, name: str, version: int, key: str, value: str) -> None:
        tag = dict([checked_tag(key, value)])
        with self._database.write() as connection:
            sql_tag.write(connection, sql_tag.VERSION_TAGS, _find(connection, name, version, self._lock_row), tag)

    @override
    def delete_version_tag(self, name: str, version: int, key: str) -> None:
        with self._database.write() as connection:
            sql_tag.remove(
                connection, sql_tag.VERSION_TAGS, _find(connection, name, version, self._lock_row), text(key)
            )

    @override
    def move_to_stage(self, name: str, version: int, stage: str, *, archive_others: bool = False) -> ModelVersion:
        target = to_stage(stage)
        if archive_others and target not in (Stage.STAGING, Stage.PRODUCTION):
            raise UsageError(f"versions are archived for one that goes to Staging or Production, not to {target.value}")
        with self._database.write() as connection:
            model = registered_model.find(connection, name, self._lock_row)
            number = model_version.find(connection, model, version)
            if archive_others:
                model_version.archive(connection, model, target, number)
            model_version.change(connection, number, {"stage": target.value})
            registered_model.touch(connection, model)
            return _read(connection, number)

    @override
    def download_uri(self, name: str, version: int) -> str:
        with self._database.read() as connection:
            location = model_version.location(connection, _find(connection, name, version))
            model_id = model_source.logged_model_id(location)
            if model_id is None:
                return location
            number = logged_model.find(connection, model_id, deleted_too=True)
            return logged_model.read(connection, [number], self._artifact_root)[0].artifact_uri


def _find(connection: Connection, name: str, version: int, lock: str = "") -> int:
    """The row of a version; *lock*: its model, so that nobody changes both at once."""
    return model_version.find(connection, registered_model.find(connection, name, lock), version)


def _read(connection: Connection, number: int) -> ModelVersion:
    return model_version.read(connection, [number])[0]


def _note_registration(connection: Connection, model_id: str, name: str, version: int, lock: str) -> None:
    """Add the version to the list that the logged model's tag holds, as MLflow's server does."""
    number = logged_model.find(connection, model_id, lock, deleted_too=True)
    statement = "SELECT value FROM logged_model_tags WHERE model = :model AND key = :key"
    kept = [value for (value,) in connection.execute(statement, {"model": number, "key": VERSIONS_TAG})]
    try:
        versions = json.loads(kept[0]) if kept else []
    except ValueError:
        versions = []
    made = {"name": name, "version": version}
    noted = [*(each for each in (versions if isinstance(versions, list) else []) if each != made), made]
    sql_tag.write(connection, sql_tag.LOGGED_MODEL_TAGS, number, {VERSIONS_TAG: text(json.dumps(noted))})
