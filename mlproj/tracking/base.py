"""The words of tracking, as MLflow uses them, and what a store of runs can do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Protocol


class Status(str, Enum):
    """MLflow's run statuses."""

    SCHEDULED = "SCHEDULED"
    RUNNING = "RUNNING"
    FINISHED = "FINISHED"
    FAILED = "FAILED"
    KILLED = "KILLED"


@dataclass(frozen=True)
class Metric:
    """One measured value. ``timestamp`` is UTC milliseconds since the epoch; ``value`` may be NaN or infinite."""

    key: str
    value: float
    timestamp: int
    step: int = 0


@dataclass(frozen=True)
class Output:
    """A file that a run made or changed: path within its checkout, content hash, bytes, and whether a copy was kept."""

    path: str
    sha256: str | None
    size: int
    kept: bool = True


@dataclass(frozen=True)
class Experiment:
    """A named group of runs."""

    experiment_id: str
    name: str
    artifact_location: str
    lifecycle_stage: str = "active"


@dataclass(frozen=True)
class Run:
    """One record of what happened. Times are UTC milliseconds. ``params`` values are plain text as the user gave them.

    ``source``, ``environment``, ``inputs`` and ``outputs`` are the JSON documents of the record's contract (schema 1).
    """

    run_id: str
    run_name: str
    experiment_id: str
    experiment_name: str
    status: Status
    status_reason: str | None = None
    start_time: int | None = None
    end_time: int | None = None
    lifecycle_stage: str = "active"
    artifact_uri: str = ""
    entry_point: str | None = None
    command: str | None = None
    exit_code: int | None = None
    host: str | None = None
    user: str | None = None
    pid: int | None = None
    params: Mapping[str, str] = field(default_factory=dict)
    metrics: Mapping[str, float] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    source: Mapping[str, Any] | None = None
    environment: Mapping[str, Any] | None = None
    inputs: Sequence[Mapping[str, Any]] = ()
    outputs: Sequence[Output] = ()


class TrackingStore(Protocol):
    """A place that keeps runs."""
