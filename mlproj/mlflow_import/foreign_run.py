"""A run as an MLflow client wrote it into a store of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

from mlproj.foundation.quantity import FIRST_MOMENT, LAST_MOMENT
from mlproj.tracking.base import Metric, Status

PARENT_TAG = "mlflow.parentRunId"


@dataclass(frozen=True)
class LoggedModel:
    """A model of MLflow 3, whose files lie beside the runs, not in one: its name and where its files are."""

    name: str
    artifact_uri: str


@dataclass(frozen=True)
class MlflowRun:
    """What one run logged. ``metrics`` reads the points from the store when it is called. Times are UTC
    milliseconds."""

    run_id: str
    name: str
    experiment_name: str
    status: Status
    start_time: int
    end_time: int | None
    artifact_uri: str
    params: Mapping[str, str]
    tags: Mapping[str, str]
    metrics: Callable[[], Iterator[Metric]]
    models: tuple[LoggedModel, ...] = ()


_STATUS_NUMBERS = (Status.RUNNING, Status.SCHEDULED, Status.FINISHED, Status.FAILED, Status.KILLED)


def to_status(found: object) -> Status:
    """A status from the database (its name) or from a file (its number in MLflow's protocol, from 1)."""
    if isinstance(found, int) and 1 <= found <= len(_STATUS_NUMBERS):
        return _STATUS_NUMBERS[found - 1]
    try:
        return Status(str(found))
    except ValueError:
        return Status.RUNNING


def to_moment(found: object) -> int:
    """A time in UTC milliseconds, the nearest that a calendar has; 0 for what is none, as of a damaged store."""
    try:
        return min(max(int(found), FIRST_MOMENT), LAST_MOMENT)  # type: ignore[call-overload,no-any-return]
    except (TypeError, ValueError, OverflowError):
        return 0


def local_path(uri: str, working_folder: Path) -> Path | None:
    """The folder of an artifact URI, relative ones from where the program ran; None when it is on another machine."""
    parts = urlsplit(uri)
    if parts.scheme == "file":
        return Path(unquote(parts.path)) if parts.netloc in ("", "localhost") else None
    if parts.scheme or not uri:
        return None
    return working_folder / uri
