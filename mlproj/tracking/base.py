"""The words of tracking, as MLflow uses them, and what a store of runs can do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import Enum
from typing import Any, Generic, Protocol, TypeVar

from mlproj.foundation.dataclass import dataclass, field
from mlproj.foundation.errors import Place, UsageError

Item = TypeVar("Item")


class StoreError(UsageError):
    """What a store refuses. ``subject`` says what it is about, for whoever words the refusal otherwise: a kind and its
    names."""

    def __init__(
        self, message: str, *, hint: str | None = None, place: Place | None = None, subject: Sequence[object] = ()
    ) -> None:
        super().__init__(message, hint=hint, place=place)
        self.subject = tuple(map(str, subject))


class NotFound(StoreError):
    """What was named is not in the store."""


class AlreadyExists(StoreError):
    """The name or id is taken."""


class WrongState(StoreError):
    """The thing is there, but deleted, or ended, or otherwise not to be changed so."""


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

    def __init__(self, key: str, value: float, timestamp: int, step: int = 0) -> None:
        # There are many of these: this takes half the time of the general one, one statement for each field the least.
        own = self.__dict__
        own["key"] = key
        own["value"] = value
        own["timestamp"] = timestamp
        own["step"] = step


@dataclass(frozen=True)
class Output:
    """A file that a run made or changed: path within its checkout, content hash, bytes, and whether a copy was kept."""

    path: str
    sha256: str | None
    size: int
    kept: bool = True


@dataclass(frozen=True)
class Experiment:
    """A named group of runs. Times are UTC milliseconds."""

    experiment_id: str
    name: str
    artifact_location: str
    lifecycle_stage: str = "active"
    creation_time: int | None = None
    last_update_time: int | None = None
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class DatasetInput:
    """A dataset that a run says it used, as MLflow's ``log_input`` tells it; ``schema`` and ``profile`` are JSON
    texts."""

    name: str
    digest: str
    source_type: str
    source: str
    schema: str | None = None
    profile: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Page(Generic[Item]):
    """Some of what was searched for; ``next_page_token`` asks for the rest and is None at the end."""

    items: Sequence[Item]
    next_page_token: str | None = None


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
    latest_metrics: Sequence[Metric] = ()
    datasets: Sequence[DatasetInput] = ()


@dataclass(frozen=True)
class NewRun:
    """What a run is made with. Its experiment is named (and made when it is new) or given by id; neither: ``Default``.

    Without a name it gets one such as ``brisk-otter-412``. ``host`` says that the run lives and dies with a process
    there that holds its lock (see ``liveness``). Times are UTC milliseconds; without a start it starts now.
    """

    run_id: str | None = None
    run_name: str | None = None
    experiment_name: str | None = None
    experiment_id: str | None = None
    status: Status = Status.RUNNING
    start_time: int | None = None
    end_time: int | None = None
    artifact_uri: str | None = None
    entry_point: str | None = None
    command: str | None = None
    host: str | None = None
    user: str | None = None
    pid: int | None = None
    params: Mapping[str, str] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    source: Mapping[str, Any] | None = None
    environment: Mapping[str, Any] | None = None
    inputs: Sequence[Mapping[str, Any]] = ()


@dataclass(frozen=True)
class RunChanges:
    """What a run gets instead of what it has; None: as it was.

    ``experiment_name`` moves the run there (the experiment is made when it is new); its artifacts stay where they are.
    ``lifecycle_stage`` is ``active`` or ``deleted``: a deleted run is hidden, not gone.
    """

    status: Status | None = None
    status_reason: str | None = None
    start_time: int | None = None
    end_time: int | None = None
    exit_code: int | None = None
    run_name: str | None = None
    user: str | None = None
    experiment_name: str | None = None
    command: str | None = None
    source: Mapping[str, Any] | None = None
    environment: Mapping[str, Any] | None = None
    inputs: Sequence[Mapping[str, Any]] | None = None
    outputs: Sequence[Output] | None = None
    lifecycle_stage: str | None = None


class Runs(Protocol):
    """Runs and what is logged to them."""

    def create_run(self, new: NewRun) -> Run:
        """A new run. The tag ``mlflow.runName`` follows its name, as in MLflow."""

    def update_run(self, run_id: str, changes: RunChanges, *, expected: Sequence[Status] = ()) -> bool:
        """Change a run. A status that ends a run sets ``end_time`` to now unless it is given.

        With *expected* nothing happens unless the run still has one of these statuses. Returns whether it was changed.
        To restore a run of a deleted experiment is a WrongState.
        """

    def get_run(self, reference: str) -> Run:
        """The run with this id, else with this unique beginning of an id (4 characters or more), else with this unique
        name.

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

    def search_runs(
        self,
        *,
        experiment_ids: Sequence[str] | None = None,
        filter: str = "",
        order_by: Sequence[str] = (),
        lifecycle_stage: str | None = "active",
        limit: int = 1000,
        page_token: str | None = None,
    ) -> Page[Run]:
        """Runs by MLflow's search grammar; ``experiment_ids`` None: of all experiments, empty: none.

        Without ``order_by`` the newest first; ties are broken by start time, then run id, so that pages neither repeat
        nor skip. Raises UsageError that points at the place in a filter, an ``order_by`` or a token that is not
        understood.
        """

    def log(
        self,
        run_id: str,
        *,
        params: Mapping[str, str] | None = None,
        metrics: Sequence[Metric] = (),
        tags: Mapping[str, str] | None = None,
        mark: tuple[str, int] | None = None,
    ) -> None:
        """Add to a run. A parameter that exists keeps its value (another one is a UsageError, and nothing is logged);
        a tag is replaced; a metric point logged twice is kept once. A deleted run is a WrongState.

        *mark* notes, in the same transaction, up to which byte a file of this name was read: see :meth:`marks`.
        """

    def delete_tag(self, run_id: str, key: str) -> None:
        """Remove a tag. Raises NotFound when the run does not have it."""

    def metric_history(self, run_id: str, key: str) -> list[Metric]:
        """Every point of one metric, by step, then by time."""


class RunInputs(Protocol):
    """What runs took in: the datasets that they used, and the files that were read into them."""

    def log_inputs(self, run_id: str, datasets: Sequence[DatasetInput]) -> None:
        """Add datasets that the run used; one with the same name and digest stays as it was first, as in
        MLflow."""

    def marks(self, run_id: str) -> Mapping[str, int]:
        """How far each file was read into the run, so that whoever reads on neither repeats nor leaves out a line."""


class DeletedRuns(Protocol):
    """Runs that wait to be removed for good."""

    def purgeable(self, *, deleted_before: int | None = None, run_ids: Sequence[str] | None = None) -> list[Run]:
        """The runs that :meth:`purge` would remove now."""

    def purge(self, *, deleted_before: int | None = None, run_ids: Sequence[str] | None = None) -> list[Run]:
        """Remove deleted runs, and deleted experiments left empty, for good; the runs, so that their artifacts can be
        removed.

        Only what was deleted before that time (UTC milliseconds), only these runs (and their experiments) when given;
        of these, one that is not deleted is a WrongState.
        """


class Experiments(Protocol):
    """Named groups of runs."""

    def create_experiment(
        self,
        name: str,
        artifact_location: str | None = None,
        *,
        tags: Mapping[str, str] | None = None,
        new: bool = False,
    ) -> Experiment:
        """A new experiment, or the active one of this name; with *new* a name that is taken is AlreadyExists."""

    def get_experiment(self, *, name: str | None = None, experiment_id: str | None = None) -> Experiment:
        """One experiment by name or by id. Raises UsageError when there is none."""

    def list_experiments(self) -> list[Experiment]:
        """The active experiments, in the order they were made."""

    def search_experiments(
        self,
        *,
        filter: str = "",
        order_by: Sequence[str] = (),
        lifecycle_stage: str | None = "active",
        limit: int = 1000,
        page_token: str | None = None,
    ) -> Page[Experiment]:
        """Experiments by MLflow's search grammar, the newest first unless *order_by* says otherwise."""

    def update_experiment(
        self,
        experiment_id: str,
        *,
        name: str | None = None,
        lifecycle_stage: str | None = None,
        tags: Mapping[str, str] | None = None,
    ) -> None:
        """Rename, delete or restore, or tag an experiment; all that is given, or nothing.

        Its active runs are deleted with it, and just those are restored with it. Raises NotFound, AlreadyExists for a
        name that is taken, and WrongState: ``Default`` keeps its name and stays, and what is deleted is neither renamed
        nor tagged.
        """

    def delete_experiment_tag(self, experiment_id: str, key: str) -> None:
        """Remove an experiment's tag. Raises NotFound when it does not have it, WrongState when the experiment is
        deleted."""


class TrackingStore(Runs, RunInputs, DeletedRuns, Experiments, Protocol):
    """A place that keeps runs. Every call is one transaction: done whole and seen by all, or not done.

    Methods raise :class:`~mlproj.foundation.errors.UsageError` for what the caller named wrongly (:class:`NotFound` for
    an unknown run, :class:`AlreadyExists`, :class:`WrongState`; plainly for another value of a parameter that has one)
    and :class:`~mlproj.foundation.errors.ServiceError` when the store cannot be read or written. A store may be used
    from several threads and several processes at once. Values are kept whole, whatever their length.
    """

    def close(self) -> None:
        """Let go of the store. Afterwards it may not be used."""
