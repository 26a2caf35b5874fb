"""The words of the model registry and of logged models, as MLflow uses them, and what a store of models can do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Protocol

from mlproj.tracking.base import Page

PROMPT_TAG = "mlflow.prompt.is_prompt"
"""The tag whose value ``true`` makes a registered model, and each of its versions, a prompt of MLflow's."""


class Stage(str, Enum):
    """MLflow's stages of a model version."""

    NONE = "None"
    STAGING = "Staging"
    PRODUCTION = "Production"
    ARCHIVED = "Archived"


class LoggedModelStatus(str, Enum):
    """Whether the files of a logged model are all there."""

    PENDING = "LOGGED_MODEL_PENDING"
    READY = "LOGGED_MODEL_READY"
    UPLOAD_FAILED = "LOGGED_MODEL_UPLOAD_FAILED"


@dataclass(frozen=True)
class ModelVersion:
    """One version of a registered model. Times are UTC milliseconds.

    ``source`` is where its files were said to be, also ``runs:/…`` or ``models:/…``; ``model_id`` names the logged
    model they are.
    """

    name: str
    version: int
    source: str
    stage: Stage = Stage.NONE
    description: str | None = None
    user: str | None = None
    run_id: str | None = None
    run_link: str | None = None
    model_id: str | None = None
    status: str = "READY"
    status_message: str | None = None
    creation_time: int = 0
    last_update_time: int = 0
    tags: Mapping[str, str] = field(default_factory=dict)
    aliases: Sequence[str] = ()


@dataclass(frozen=True)
class RegisteredModel:
    """A name under which versions are kept. Times are UTC milliseconds.

    ``aliases`` say which version each stands for; ``latest_versions`` has the newest version of each stage.
    """

    name: str
    description: str | None = None
    creation_time: int = 0
    last_update_time: int = 0
    tags: Mapping[str, str] = field(default_factory=dict)
    aliases: Mapping[str, int] = field(default_factory=dict)
    latest_versions: Sequence[ModelVersion] = ()


@dataclass(frozen=True)
class ModelMetric:
    """One value that a run measured of a logged model. ``timestamp`` is UTC milliseconds; ``value`` may be NaN or
    infinite."""

    model_id: str
    key: str
    value: float
    timestamp: int
    step: int = 0
    run_id: str = ""
    dataset_name: str | None = None
    dataset_digest: str | None = None


@dataclass(frozen=True)
class LoggedModel:
    """A model that a run saved. ``model_id`` is ``m-`` and 32 hexadecimal digits; times are UTC milliseconds."""

    model_id: str
    experiment_id: str
    name: str
    artifact_uri: str
    status: LoggedModelStatus = LoggedModelStatus.PENDING
    status_message: str | None = None
    lifecycle_stage: str = "active"
    source_run_id: str | None = None
    model_type: str | None = None
    creation_time: int = 0
    last_update_time: int = 0
    tags: Mapping[str, str] = field(default_factory=dict)
    params: Mapping[str, str] = field(default_factory=dict)
    metrics: Sequence[ModelMetric] = ()


@dataclass(frozen=True)
class RunModel:
    """That a run made (``output``) or used a logged model, at a step of its metrics."""

    model_id: str
    step: int = 0
    output: bool = True


@dataclass(frozen=True)
class ModelOrder:
    """How a search of logged models is ordered: by a field, or by a metric (``metrics.NAME``), maybe one of a dataset
    only."""

    field_name: str
    ascending: bool = True
    dataset_name: str | None = None
    dataset_digest: str | None = None


@dataclass(frozen=True)
class ModelDataset:
    """A dataset that the metrics of a filter of logged models must be about; any digest when that is None."""

    name: str
    digest: str | None = None


class RegisteredModels(Protocol):
    """Names under which versions are kept."""

    def create_registered_model(
        self, name: str, *, description: str | None = None, tags: Mapping[str, str] | None = None
    ) -> RegisteredModel:
        """A new registered model without versions. Raises AlreadyExists."""

    def get_registered_model(self, name: str) -> RegisteredModel:
        """The registered model of this name."""

    def search_registered_models(
        self, *, filter: str = "", order_by: Sequence[str] = (), limit: int = 100, page_token: str | None = None
    ) -> Page[RegisteredModel]:
        """Registered models by MLflow's search grammar (``name``, ``tags.k``), by name unless *order_by* says
        otherwise.

        As in MLflow, prompts (which are registered models with a certain tag) are left out unless asked for.
        """

    def update_registered_model(self, name: str, *, description: str) -> RegisteredModel:
        """Give it another description."""

    def rename_registered_model(self, name: str, new_name: str) -> RegisteredModel:
        """Give it another name; its versions, tags and aliases stay. Raises AlreadyExists."""

    def delete_registered_model(self, name: str) -> None:
        """Remove it with all its versions; the files of the models stay."""

    def set_registered_model_tag(self, name: str, key: str, value: str) -> None:
        """Set a tag; one that exists is replaced."""

    def delete_registered_model_tag(self, name: str, key: str) -> None:
        """Remove a tag; as in MLflow it need not be there."""


class ModelVersions(Protocol):
    """Versions of registered models."""

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
        """The next version; its number was never that of another version of the model, also of one that was deleted.

        A source ``models:/…`` must be there, and says what is not given of run and logged model. The logged model notes
        the version.
        """

    def get_version(self, name: str, version: int) -> ModelVersion:
        """One version."""

    def search_versions(
        self, *, filter: str = "", order_by: Sequence[str] = (), limit: int = 10_000, page_token: str | None = None
    ) -> Page[ModelVersion]:
        """Versions by MLflow's search grammar (``name``, ``run_id``, ``source_path``, ``version_number``, ``tags.k``),
        the last changed first unless *order_by* says otherwise."""

    def update_version(self, name: str, version: int, *, description: str) -> ModelVersion:
        """Give it another description."""

    def delete_version(self, name: str, version: int) -> None:
        """Remove it and its aliases; its number stays used."""

    def set_version_tag(self, name: str, version: int, key: str, value: str) -> None:
        """Set a tag; one that exists is replaced."""

    def delete_version_tag(self, name: str, version: int, key: str) -> None:
        """Remove a tag; as in MLflow it need not be there."""

    def download_uri(self, name: str, version: int) -> str:
        """Where its files are: its source, and for a source ``models:/…`` the place of that model."""


class ModelAliases(Protocol):
    """Names that stand for one version of a registered model."""

    def set_alias(self, name: str, alias: str, version: int) -> None:
        """Let *alias* stand for this version, and for no other any more. ``latest`` and ``v1`` are no aliases."""

    def delete_alias(self, name: str, alias: str) -> None:
        """Remove an alias; as in MLflow it need not be there."""

    def get_version_by_alias(self, name: str, alias: str) -> ModelVersion:
        """The version that *alias* stands for; ``latest`` is the newest. Raises UsageError for an unknown alias, as
        MLflow does."""


class ModelStages(Protocol):
    """MLflow's stages of versions."""

    def latest_versions(self, name: str, stages: Sequence[str] = ()) -> list[ModelVersion]:
        """The newest version of each of these stages (none given: of each stage), by number."""

    def move_to_stage(self, name: str, version: int, stage: str, *, archive_others: bool = False) -> ModelVersion:
        """Put it in a stage (whatever the case of the letters); *archive_others*: move those that are there to
        ``Archived``."""


class ModelRegistry(RegisteredModels, ModelVersions, ModelAliases, ModelStages, Protocol):
    """Registered models, their versions and aliases.

    A name or version that is not there is a NotFound; a wrong name, alias, stage or tag is a UsageError. Each call is
    one transaction, as in :class:`~mlproj.tracking.base.TrackingStore`.
    """


class LoggedModels(Protocol):
    """Models that runs saved. A model that is not there is a NotFound; each call is one transaction."""

    def create_logged_model(
        self,
        experiment_id: str,
        *,
        name: str | None = None,
        source_run_id: str | None = None,
        model_type: str | None = None,
        params: Mapping[str, str] | None = None,
        tags: Mapping[str, str] | None = None,
        model_id: str | None = None,
    ) -> LoggedModel:
        """A new model, PENDING until it is finished. Without a name it gets one. WrongState when the experiment is
        deleted, AlreadyExists when *model_id* is given and taken."""

    def get_logged_model(self, model_id: str, *, deleted_too: bool = False) -> LoggedModel:
        """One logged model with its metrics."""

    def search_logged_models(
        self,
        experiment_ids: Sequence[str],
        *,
        filter: str = "",
        datasets: Sequence[ModelDataset] = (),
        order_by: Sequence[ModelOrder] = (),
        limit: int = 100,
        page_token: str | None = None,
    ) -> Page[LoggedModel]:
        """Active models of these experiments by MLflow's search grammar, the newest first unless *order_by* says
        otherwise."""

    def finish_logged_model(self, model_id: str, status: LoggedModelStatus) -> LoggedModel:
        """Say how saving its files ended."""

    def delete_logged_model(self, model_id: str) -> None:
        """Hide it; its files stay."""

    def set_logged_model_tags(self, model_id: str, tags: Mapping[str, str]) -> LoggedModel:
        """Set tags; those that exist are replaced."""

    def delete_logged_model_tag(self, model_id: str, key: str) -> None:
        """Remove a tag. Raises NotFound when it has none such."""


class LoggedModelValues(Protocol):
    """Parameters and metrics of logged models."""

    def log_model_params(self, model_id: str, params: Mapping[str, str]) -> None:
        """Add parameters. One that exists keeps its value: another one is a UsageError, and nothing is added."""

    def log_model_metrics(self, metrics: Sequence[ModelMetric]) -> None:
        """Add metric points; a point that is there is kept once."""


class ModelsOfRuns(Protocol):
    """Which logged models runs made or used."""

    def link_models(self, run_id: str, models: Sequence[RunModel]) -> None:
        """Note which logged models a run made or used. Raises NotFound and WrongState about the run."""

    def models_of_runs(self, run_ids: Sequence[str]) -> Mapping[str, Sequence[RunModel]]:
        """What :meth:`link_models` noted of each of these runs; a run without models is not in it."""

    def append_model_history(self, run_id: str, entry: Mapping[str, object]) -> None:
        """Add to the run's tag ``mlflow.log-model.history``, a JSON list in which clients before 3.0 find a run's
        models."""


class ModelStore(ModelRegistry, LoggedModels, LoggedModelValues, ModelsOfRuns, Protocol):
    """A place that keeps the registry and logged models. Safe for several threads and processes."""

    def close(self) -> None:
        """Let go of the store. Afterwards it may not be used."""
