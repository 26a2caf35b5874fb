"""Statements of one transaction about versions of registered models."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from mlproj.tracking.base import NotFound
from mlproj.tracking.model_base import ModelVersion, Stage
from mlproj.tracking.sql.statement import Connection, now

_FIELDS = {
    "name": "m.name",
    "version": "v.version",
    "source": "v.source",
    "stage": "v.stage",
    "description": "v.description",
    "user": "v.user_name",
    "run_id": "v.run_id",
    "run_link": "v.run_link",
    "model_id": "v.model_id",
    "status": "v.status",
    "status_message": "v.status_message",
    "creation_time": "v.creation_time",
    "last_update_time": "v.last_update_time",
}
_SELECT = (
    f"SELECT v.number, v.model, {', '.join(_FIELDS.values())} "  # noqa: S608  # constants
    "FROM model_versions v JOIN registered_models m ON m.number = v.model"
)
_CHUNK = 1000  # versions that are read at once


def insert(connection: Connection, model: int, row: Mapping[str, Any]) -> tuple[int, int]:
    """Add the next version; its row's number and its version. Whoever adds at the same time waits, and gets another
    one."""
    values = {"model": model, "now": now()}
    connection.execute(
        "UPDATE registered_models SET last_version = last_version + 1, last_update_time = :now WHERE number = :model",
        values,
    )
    [(version,)] = connection.execute(
        "SELECT last_version FROM registered_models WHERE number = :model", {"model": model}
    )
    full = {
        **row,
        "model": model,
        "version": version,
        "creation_time": values["now"],
        "last_update_time": values["now"],
    }
    columns, places = ", ".join(full), ", ".join(f":{column}" for column in full)
    connection.execute(f"INSERT INTO model_versions ({columns}) VALUES ({places})", full)  # noqa: S608  # names of ours
    return find(connection, model, version), int(version)


def find(connection: Connection, model: int, version: int) -> int:
    """The number of the row of a version. Raises NotFound."""
    values = {"model": model, "version": version}
    for (number,) in connection.execute(
        "SELECT number FROM model_versions WHERE model = :model AND version = :version", values
    ):
        return int(number)
    for (name,) in connection.execute("SELECT name FROM registered_models WHERE number = :model", {"model": model}):
        raise NotFound(
            f"the registered model {name!r} has no version {version}", subject=("model version", name, version)
        )
    raise NotFound(f"there is no version {version}")


def change(connection: Connection, number: int, changes: Mapping[str, Any]) -> None:
    """Set these columns, and note that it was changed now."""
    changes = {**changes, "last_update_time": now()}
    assignments = ", ".join(f"{column} = :{column}" for column in changes)
    connection.execute(f"UPDATE model_versions SET {assignments} WHERE number = :number", {**changes, "number": number})  # noqa: S608  # names of ours


def archive(connection: Connection, model: int, stage: Stage, but: int) -> None:
    """Move the versions that are in *stage* to ``Archived``, but not the row *but*."""
    connection.execute(
        "UPDATE model_versions SET stage = :archived, last_update_time = :now WHERE model = :model AND stage = :stage"
        " AND number <> :but",
        {"archived": Stage.ARCHIVED.value, "now": now(), "model": model, "stage": stage.value, "but": but},
    )


def delete(connection: Connection, model: int, version: int) -> None:
    """Remove it, its tags and its aliases."""
    number = find(connection, model, version)
    connection.execute(
        "DELETE FROM model_aliases WHERE model = :model AND version = :version", {"model": model, "version": version}
    )
    connection.execute("DELETE FROM model_version_tags WHERE version = :number", {"number": number})
    connection.execute("DELETE FROM model_versions WHERE number = :number", {"number": number})


def location(connection: Connection, number: int) -> str:
    """Where its files are: a place, or ``models:/`` with the id of a logged model."""
    [(found,)] = connection.execute("SELECT location FROM model_versions WHERE number = :number", {"number": number})
    return str(found)


def read(connection: Connection, numbers: Sequence[int]) -> list[ModelVersion]:
    """The versions of these rows, in this order."""
    found: dict[int, ModelVersion] = {}
    for start in range(0, len(numbers), _CHUNK):
        chosen = ", ".join(map(str, numbers[start : start + _CHUNK]))
        rows = list(connection.execute(f"{_SELECT} WHERE v.number IN ({chosen})"))
        found.update(zip((row[0] for row in rows), _to_versions(connection, rows), strict=True))
    return [found[number] for number in numbers if number in found]


def read_newest(connection: Connection, models: Sequence[int]) -> list[ModelVersion]:
    """The newest version of each stage of each of these models, by number."""
    rows: list[Sequence[Any]] = []
    for start in range(0, len(models), _CHUNK):
        chosen = ", ".join(map(str, models[start : start + _CHUNK]))
        newest = "SELECT MAX(o.version) FROM model_versions o WHERE o.model = v.model AND o.stage = v.stage"
        rows.extend(
            connection.execute(
                f"{_SELECT} WHERE v.model IN ({chosen}) AND v.version = ({newest}) ORDER BY v.model, v.version"
            )
        )
    return _to_versions(connection, rows)


def _to_versions(connection: Connection, rows: Sequence[Sequence[Any]]) -> list[ModelVersion]:
    if not rows:
        return []
    tags: dict[int, dict[str, str]] = {row[0]: {} for row in rows}
    chosen = ", ".join(map(str, tags))
    statement = f"SELECT version, key, value FROM model_version_tags WHERE version IN ({chosen}) ORDER BY key"  # noqa: S608  # integers
    for number, key, value in connection.execute(statement):
        tags[number][key] = value
    aliases: dict[tuple[int, int], list[str]] = {}
    models = ", ".join(map(str, {row[1] for row in rows}))
    statement = f"SELECT model, version, alias FROM model_aliases WHERE model IN ({models}) ORDER BY alias"  # noqa: S608  # integers
    for model, version, alias in connection.execute(statement):
        aliases.setdefault((model, version), []).append(alias)
    versions = []
    for number, model, *values in rows:
        fields = dict(zip(_FIELDS, values, strict=True))
        fields["stage"] = Stage(fields["stage"])
        versions.append(
            ModelVersion(**fields, tags=tags[number], aliases=tuple(aliases.get((model, fields["version"]), ())))
        )
    return versions
