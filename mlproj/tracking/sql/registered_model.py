"""Statements of one transaction about registered models and aliases."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from mlproj.foundation.errors import did_you_mean
from mlproj.tracking.base import AlreadyExists, NotFound
from mlproj.tracking.model_base import ModelVersion, RegisteredModel
from mlproj.tracking.model_name import checked_name
from mlproj.tracking.sql import model_version
from mlproj.tracking.sql.row import optional_text, text
from mlproj.tracking.sql.statement import Connection, now

_COLUMNS = "number, name, description, creation_time, last_update_time"


def find(connection: Connection, name: str, lock: str = "") -> int:
    """The number of the model of this name. Raises NotFound, with the name that was meant when there is one like it."""
    for (number,) in connection.execute(
        f"SELECT number FROM registered_models WHERE name = :name{lock}",  # noqa: S608
        {"name": checked_name(name)},
    ):  # words of ours
        return int(number)
    known = [str(row[0]) for row in connection.execute("SELECT name FROM registered_models LIMIT 1000")]
    guess = did_you_mean(name, known)
    message = f"there is no registered model {name!r}" + (f"; did you mean {guess!r}?" if guess else "")
    raise NotFound(message, subject=("registered model", name))


def insert(connection: Connection, name: str, description: str | None) -> int:
    """Make it; its number. Raises AlreadyExists."""
    made = connection.execute(
        "INSERT INTO registered_models (name, description, creation_time, last_update_time) "
        "VALUES (:name, :description, :now, :now) ON CONFLICT (name) DO NOTHING",
        {"name": checked_name(name), "description": optional_text(description), "now": now()},
    )
    if not made.rowcount:
        raise _taken(name)
    return find(connection, name)


def touch(connection: Connection, number: int) -> None:
    """Note that it was changed now."""
    connection.execute(
        "UPDATE registered_models SET last_update_time = :now WHERE number = :number", {"number": number, "now": now()}
    )


def describe(connection: Connection, number: int, description: str) -> None:
    """Give it another description."""
    connection.execute(
        "UPDATE registered_models SET description = :description, last_update_time = :now WHERE number = :number",
        {"number": number, "description": text(description), "now": now()},
    )


def rename(connection: Connection, number: int, name: str) -> None:
    """Give it another name. Raises AlreadyExists."""
    values = {"number": number, "name": checked_name(name), "now": now()}
    if list(connection.execute("SELECT 1 FROM registered_models WHERE name = :name AND number <> :number", values)):
        raise _taken(name)
    connection.execute(
        "UPDATE registered_models SET name = :name, last_update_time = :now WHERE number = :number", values
    )
    connection.execute(
        "UPDATE model_versions SET last_update_time = :now WHERE model = :number",
        {"number": number, "now": values["now"]},
    )


def delete(connection: Connection, number: int) -> None:
    """Remove it and all that belongs to it."""
    values = {"number": number}
    connection.execute("DELETE FROM model_aliases WHERE model = :number", values)
    versions = "SELECT number FROM model_versions WHERE model = :number"
    connection.execute(f"DELETE FROM model_version_tags WHERE version IN ({versions})", values)  # noqa: S608  # words of ours
    connection.execute("DELETE FROM model_versions WHERE model = :number", values)
    connection.execute("DELETE FROM registered_model_tags WHERE model = :number", values)
    connection.execute("DELETE FROM registered_models WHERE number = :number", values)


def set_alias(connection: Connection, number: int, alias: str, version: int) -> None:
    """Let the alias stand for this version."""
    connection.execute(
        "INSERT INTO model_aliases (model, alias, version) VALUES (:model, :alias, :version) "
        "ON CONFLICT (model, alias) DO UPDATE SET version = excluded.version",
        {"model": number, "alias": alias, "version": version},
    )


def delete_alias(connection: Connection, number: int, alias: str) -> None:
    """Remove an alias, if it is there."""
    connection.execute(
        "DELETE FROM model_aliases WHERE model = :model AND alias = :alias", {"model": number, "alias": alias}
    )


def version_of_alias(connection: Connection, number: int, alias: str) -> int | None:
    """The version that an alias stands for; ``latest`` is the newest."""
    statement = "SELECT version FROM model_aliases WHERE model = :model AND alias = :alias"
    if alias.lower() == "latest":
        statement = "SELECT MAX(version) FROM model_versions WHERE model = :model"
    values = {"model": number} if alias.lower() == "latest" else {"model": number, "alias": alias}
    for (version,) in connection.execute(statement, values):
        return None if version is None else int(version)
    return None


def read(connection: Connection, numbers: Sequence[int]) -> list[RegisteredModel]:
    """The models with these numbers, in this order."""
    if not numbers:
        return []
    chosen = ", ".join(map(str, numbers))
    rows = {
        row[0]: row
        for row in connection.execute(f"SELECT {_COLUMNS} FROM registered_models WHERE number IN ({chosen})")  # noqa: S608
    }  # integers
    tags: dict[int, dict[str, str]] = {number: {} for number in rows}
    for number, key, value in connection.execute(
        f"SELECT model, key, value FROM registered_model_tags WHERE model IN ({chosen}) ORDER BY key"  # noqa: S608  # integers
    ):
        tags[number][key] = value
    aliases: dict[int, dict[str, int]] = {number: {} for number in rows}
    for number, alias, version in connection.execute(
        f"SELECT model, alias, version FROM model_aliases WHERE model IN ({chosen}) ORDER BY alias"  # noqa: S608  # integers
    ):
        aliases[number][alias] = version
    newest: dict[str, list[ModelVersion]] = {}
    for found in model_version.read_newest(connection, list(rows)):
        newest.setdefault(found.name, []).append(found)
    return [_to_model(rows[number], tags[number], aliases[number], newest) for number in numbers if number in rows]


def _to_model(
    row: Sequence[Any], tags: Mapping[str, str], aliases: Mapping[str, int], newest: Mapping[str, list[ModelVersion]]
) -> RegisteredModel:
    _, name, description, created, updated = row
    return RegisteredModel(name, description, created, updated, tags, aliases, tuple(newest.get(name, ())))


def _taken(name: str) -> AlreadyExists:
    return AlreadyExists(f"there is a registered model {name!r} already", subject=("registered model", name))
