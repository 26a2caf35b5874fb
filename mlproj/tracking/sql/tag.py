"""Statements of one transaction about keys and values that belong to a model."""

from __future__ import annotations

from collections.abc import Mapping

from mlproj.foundation.dataclass import dataclass
from mlproj.foundation.errors import UsageError
from mlproj.tracking.sql.statement import Connection


@dataclass(frozen=True)
class Table:
    """A table of ``key`` and ``value``; ``owner`` is the column that says whose they are."""

    name: str
    owner: str


REGISTERED_MODEL_TAGS = Table("registered_model_tags", "model")
VERSION_TAGS = Table("model_version_tags", "version")
LOGGED_MODEL_TAGS = Table("logged_model_tags", "model")
LOGGED_MODEL_PARAMS = Table("logged_model_params", "model")


def write(connection: Connection, table: Table, owner: int, values: Mapping[str, str]) -> None:
    """Set values; those that exist are replaced."""
    _insert(connection, table, owner, values, "UPDATE SET value = excluded.value")


def add(connection: Connection, table: Table, owner: int, values: Mapping[str, str]) -> None:
    """Add values. Raises UsageError when one exists with another value."""
    _insert(connection, table, owner, values, "NOTHING")
    kept = dict(
        connection.execute(f"SELECT key, value FROM {table.name} WHERE {table.owner} = :owner", {"owner": owner})  # noqa: S608
    )  # names of ours
    for key, value in values.items():
        if kept[key] != value:
            raise UsageError(
                f"the parameter {key!r} has the value {kept[key]!r:.200} already; it cannot become {value!r:.200}"
            )


def remove(connection: Connection, table: Table, owner: int, key: str) -> bool:
    """Remove a value; whether there was one."""
    statement = f"DELETE FROM {table.name} WHERE {table.owner} = :owner AND key = :key"  # noqa: S608  # names of ours
    return bool(connection.execute(statement, {"owner": owner, "key": key}).rowcount)


def _insert(connection: Connection, table: Table, owner: int, values: Mapping[str, str], otherwise: str) -> None:
    if not values:
        return
    connection.executemany(
        f"INSERT INTO {table.name} ({table.owner}, key, value) VALUES (:owner, :key, :value) "  # noqa: S608  # names of ours
        f"ON CONFLICT ({table.owner}, key) DO {otherwise}",
        [{"owner": owner, "key": key, "value": value} for key, value in values.items()],
    )
