"""Which columns a table of runs has: chosen by name, or those parameters and metrics that tell its runs apart."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from mlproj.foundation import quantity
from mlproj.foundation.errors import UsageError, did_you_mean
from mlproj.tracking.base import Run

_MOST_FOUND = 8  # columns of parameters and metrics that nobody asked for by name
_GROUPS = {
    "metrics": "metrics",
    "metric": "metrics",
    "params": "params",
    "param": "params",
    "parameters": "params",
    "tags": "tags",
    "tag": "tags",
}
_ATTRIBUTES: dict[str, Callable[[Run], str]] = {
    "run_id": lambda run: run.run_id,
    "run_name": lambda run: run.run_name,
    "experiment": lambda run: run.experiment_name,
    "status": lambda run: run.status.value,
    "start_time": lambda run: quantity.moment(run.start_time, seconds=True),
    "end_time": lambda run: quantity.moment(run.end_time, seconds=True),
    "duration": lambda run: (
        "" if run.start_time is None or run.end_time is None else f"{(run.end_time - run.start_time) / 1000:.3f}"
    ),
    "entry_point": lambda run: run.entry_point or "",
    "exit_code": lambda run: "" if run.exit_code is None else str(run.exit_code),
    "user": lambda run: run.user or "",
    "host": lambda run: run.host or "",
    "commit": lambda run: str((run.source or {}).get("commit") or ""),
    "source": lambda run: str((run.source or {}).get("uri") or ""),
    "artifact_uri": lambda run: run.artifact_uri,
}

_OTHER_NAMES = {
    "id": "run_id",
    "run": "run_id",
    "name": "run_name",
    "experiment_name": "experiment",
    "started": "start_time",
    "ended": "end_time",
    "took": "duration",
    "entry point": "entry_point",
    "user_id": "user",
}
"""As the usual table and MLflow call them."""


class RunColumn(NamedTuple):
    """One column of a table of runs."""

    title: str
    is_number: bool
    cell: Callable[[Run], str]


def named(names: Sequence[str]) -> list[RunColumn]:
    """The columns called *names*: ``metrics.NAME``, ``params.NAME``, ``tags.NAME`` or a word such as ``status``.

    Raises UsageError for another name.
    """
    return [_named(name) for name in names]


def _named(name: str) -> RunColumn:
    group, dot, key = name.partition(".")
    if dot and key and group in _GROUPS:
        return _logged(_GROUPS[group], key)
    attribute = _OTHER_NAMES.get(name.lower(), name.lower())
    if attribute in _ATTRIBUTES:
        return RunColumn(name, attribute == "duration", _ATTRIBUTES[attribute])
    guess = did_you_mean(name, [*_ATTRIBUTES, *_OTHER_NAMES])
    raise UsageError(
        f"there is no column {name!r}" + (f"; did you mean {guess!r}?" if guess else ""),
        hint=f"use metrics.NAME, params.NAME, tags.NAME or one of {', '.join(_ATTRIBUTES)}",
    )


def informative(runs: Sequence[Run]) -> list[RunColumn]:
    """The metrics and parameters that are not the same in all *runs*, at most a few, the most often logged ones
    first."""
    found = [_logged(group, key) for group in ("metrics", "params") for key in _differing(runs, group)]
    return found[:_MOST_FOUND]


def everything(runs: Sequence[Run]) -> list[RunColumn]:
    """Every attribute, parameter, metric and tag of *runs* that is not MLflow's own."""
    keys = {
        group: dict.fromkeys(
            key for run in runs for key in sorted(getattr(run, group)) if not key.startswith("mlflow.")
        )
        for group in ("params", "metrics", "tags")
    }
    return [*named(list(_ATTRIBUTES)), *(_logged(group, key) for group, found in keys.items() for key in found)]


def _differing(runs: Sequence[Run], group: str) -> list[str]:
    counted: dict[str, int] = {}
    for run in runs:
        for key in getattr(run, group):
            if not key.startswith("system/"):
                counted[key] = counted.get(key, 0) + 1
    if len(runs) > 1:
        counted = {
            key: count
            for key, count in counted.items()
            if len({repr(getattr(run, group).get(key)) for run in runs}) > 1
        }
    return sorted(counted, key=lambda key: (-counted[key], key))


def _logged(group: str, key: str) -> RunColumn:
    def cell(run: Run) -> str:
        value = getattr(run, group).get(key)
        if value is None:
            return ""
        return f"{value:.6g}" if group == "metrics" else str(value)

    return RunColumn(f"{group}.{key}", group == "metrics", cell)
