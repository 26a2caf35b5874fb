"""Deployments for people and for programs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mlproj.cli.output import print_fields, print_table
from mlproj.cli.table import Column

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mlproj.models.deployments.base import State
    from mlproj.models.deployments.record import Deployment

_COLUMNS = (
    Column("NAME", narrowest=8),
    Column("STATE", narrowest=7),
    Column("TARGET", dispensable=2),
    Column("MODEL", narrowest=12),
    Column("URL", narrowest=12),
    Column("UPDATED", dispensable=1),
)


def document(deployment: Deployment, state: State | None = None) -> dict[str, Any]:
    """Plain data, with the *state* where that was asked for."""
    content = deployment.document()
    return content if state is None else {**content, "state": {**vars(state), "drifted": drifted(deployment, state)}}


def drifted(deployment: Deployment, state: State) -> bool:
    """Whether another image runs than the one that was deployed."""
    return state.image_id is not None and state.image_id != deployment.image_id


def print_list(found: Sequence[tuple[Deployment, State]]) -> None:
    """A line for each."""
    rows = [
        (one.name, _status(one, state), one.target, one.model, one.running.url or "", one.updated)
        for one, state in found
    ]
    print_table(_COLUMNS, rows)


def print_deployment(deployment: Deployment, state: State | None = None) -> None:
    """All of one."""
    fields = {
        "deployment": f"{deployment.name} ({deployment.target})",
        "state": None if state is None else _status(deployment, state),
        "detail": state.detail if state else None,
        "url": deployment.running.url,
        "model": deployment.model,
        "version": deployment.version,
        "image": f"{deployment.image} {deployment.image_id[:19]}",
        "options": ", ".join(f"{name}={value}" for name, value in deployment.options.items()),
        "created": deployment.created,
        "updated": f"{deployment.updated} by {deployment.by}",
    }
    print_fields([(name, value) for name, value in fields.items() if value])


def _status(deployment: Deployment, state: State) -> str:
    return f"{state.status}, another image" if drifted(deployment, state) else state.status
