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

    @property
    def ended(self) -> bool:
        """Whether nothing more is to come."""
        return self not in UNFINISHED


UNFINISHED = (Status.RUNNING, Status.SCHEDULED)
"""The statuses of runs that are not over."""


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
    """A place that keeps runs. Every call is one transaction: done whole and seen by all, or not done.

    Methods raise :class:`~mlproj.errors.UsageError` for what the caller named wrongly (an unknown run, another value for
    a parameter that has one) and :class:`~mlproj.errors.ServiceError` when the store cannot be read or written. A store
    may be used from several threads and several processes at once. Values are kept whole, whatever their length.
    """

    def create_run(
        self,
        *,
        run_id: str | None = None,
        run_name: str | None = None,
        experiment_name: str | None = None,
        experiment_id: str | None = None,
        status: Status = Status.RUNNING,
        start_time: int | None = None,
        end_time: int | None = None,
        artifact_uri: str | None = None,
        entry_point: str | None = None,
        command: str | None = None,
        host: str | None = None,
        user: str | None = None,
        pid: int | None = None,
        params: Mapping[str, str] | None = None,
        tags: Mapping[str, str] | None = None,
        source: Mapping[str, Any] | None = None,
        environment: Mapping[str, Any] | None = None,
        inputs: Sequence[Mapping[str, Any]] = (),
    ) -> Run:
        """A new run. Its experiment is named (and made when it is new) or given by id; neither: ``Default``, id 0.

        Without a name it gets one such as ``brisk-otter-412``; the tag ``mlflow.runName`` follows the name, as in MLflow.
        ``host`` says that the run lives and dies with a process there that holds its lock (see ``liveness``).
        """

    def update_run(
        self,
        run_id: str,
        *,
        status: Status | None = None,
        status_reason: str | None = None,
        end_time: int | None = None,
        exit_code: int | None = None,
        run_name: str | None = None,
        experiment_name: str | None = None,
        command: str | None = None,
        source: Mapping[str, Any] | None = None,
        environment: Mapping[str, Any] | None = None,
        inputs: Sequence[Mapping[str, Any]] | None = None,
        outputs: Sequence[Output] | None = None,
        lifecycle_stage: str | None = None,
        expected: Sequence[Status] = (),
    ) -> bool:
        """Change what is given (None: as it was). A status that ends a run sets ``end_time`` to now unless it is given.

        With *expected* nothing happens unless the run still has one of these statuses. Returns whether it was changed.
        ``experiment_name`` moves the run there (made when it is new); its artifacts stay where they are.
        ``lifecycle_stage`` is ``active`` or ``deleted``: a deleted run is hidden, not gone.
        """

    def log(
        self,
        run_id: str,
        *,
        params: Mapping[str, str] | None = None,
        metrics: Sequence[Metric] = (),
        tags: Mapping[str, str] | None = None,
    ) -> None:
        """Add to a run. A parameter that exists keeps its value (another one is a UsageError, and nothing is logged);
        a tag is replaced; a metric point logged twice is kept once."""

    def get_run(self, reference: str) -> Run:
        """The run with this id, else with this unique beginning of an id (4 characters or more), else with this unique name.

        Deleted runs are found too. Raises UsageError when there is none or more than one.
        """

    def list_runs(
        self,
        *,
        experiment_name: str | None = None,
        statuses: Sequence[Status] = (),
        lifecycle_stage: str | None = "active",
        limit: int | None = None,
        offset: int = 0,
    ) -> list[Run]:
        """Runs, the newest first, with their latest metrics. ``lifecycle_stage`` None: active and deleted ones."""

    def metric_history(self, run_id: str, key: str) -> list[Metric]:
        """Every point of one metric, by step, then by time."""

    def create_experiment(self, name: str, artifact_location: str | None = None) -> Experiment:
        """A new experiment, or the active one of this name."""

    def get_experiment(self, *, name: str | None = None, experiment_id: str | None = None) -> Experiment:
        """One experiment by name or by id. Raises UsageError when there is none."""

    def list_experiments(self) -> list[Experiment]:
        """The active experiments, in the order they were made."""

    def close(self) -> None:
        """Let go of the store. Afterwards it may not be used."""
