"""Where the files of a model are that a run, a logged model or the registry names: stores are asked, nothing is
fetched."""

from __future__ import annotations

import contextlib
from contextlib import ExitStack

from mlproj import artifacts, tracking
from mlproj.artifacts.base import ArtifactStore
from mlproj.foundation.dataclass import dataclass, replace
from mlproj.foundation.errors import MlprojError, SourceError, UsageError
from mlproj.models import address, fetching
from mlproj.models.address import InStore, OfLoggedModel, OfRegistry, OfRun
from mlproj.running.recorded import find
from mlproj.tracking.base import NotFound, Run, TrackingStore
from mlproj.tracking.model_base import PROMPT_TAG, LoggedModel, ModelStore, ModelVersion

_MOST_HOPS = 10
_MOST_NAMED = 10


@dataclass(frozen=True)
class Location:
    """Where a model's files are: at ``path`` below the place of artifacts ``uri``. ``address`` names just these files.

    With ``trusted`` it is the user who named the place. ``run`` logged the model, ``version`` is the one that was
    named, ``logged`` the logged model it is; None where that is not known.
    """

    address: str
    uri: str
    path: str = ""
    trusted: bool = False
    run: Run | None = None
    version: ModelVersion | None = None
    logged: LoggedModel | None = None


class Locator:
    """Asks the stores that ``MLPROJ_TRACKING_URI`` names; they are opened when they are needed, and closed with it."""

    def __init__(self) -> None:
        self._stack = ExitStack()
        self._store: TrackingStore | None = None
        self._models: ModelStore | None = None

    def __enter__(self) -> Locator:
        return self

    def __exit__(self, *_error: object) -> None:
        self._stack.close()

    def locate(self, named: OfRun | OfRegistry | OfLoggedModel) -> Location:
        """Where the files of *named* are. Raises UsageError, NotFound, SourceError, ServiceError."""
        if isinstance(named, OfRun):
            return self._of_run(named)
        if isinstance(named, OfLoggedModel):
            return self._of_logged(named.model_id, named.path)
        return self._of_version(named)

    def standing_for(self, named: OfRegistry) -> str:
        """The address of just the version that *named* stands for now. Raises UsageError, NotFound, ServiceError."""
        return _exact(self._version(named), named.path)

    def origin(self, run_id: str | None) -> Run | None:
        """The run with this id; None where this store has none, or none can be asked."""
        if not run_id:
            return None
        with contextlib.suppress(NotFound, UsageError):
            return self._runs.get_run(run_id)
        return None

    @property
    def _runs(self) -> TrackingStore:
        if self._store is None:
            self._store = tracking.open()
            self._stack.callback(self._store.close)
        return self._store

    @property
    def _registry(self) -> ModelStore:
        if self._models is None:
            self._models = tracking.open_models()
            self._stack.callback(self._models.close)
        return self._models

    def _of_run(self, named: OfRun) -> Location:
        run = find(self._runs, named.run)
        store = artifacts.open_recorded(run.artifact_uri)
        logged = self._logged_by(run)
        if named.path:
            return self._named_of_run(run, store, logged, named.path)
        among_artifacts = [OfRun(run.run_id, path) for path in fetching.models_below(store)]
        if len(among_artifacts) + len(logged) != 1:
            raise _choice(run, [*(one.path for one in among_artifacts), *(model.name for model in logged)])
        if logged:
            return self._of_logged(logged[0].model_id, "")
        return self._named_of_run(run, store, logged, among_artifacts[0].path)

    def _named_of_run(self, run: Run, store: ArtifactStore, logged: list[LoggedModel], path: str) -> Location:
        """The model *path* of *run*: among its artifacts, else (as MLflow 3 logs) the last one of this name."""
        if fetching.has_model(store, path):
            return Location(f"runs:/{run.run_id}/{path}", run.artifact_uri, path, run=run)
        name, _, below = path.partition("/")
        for model in logged:
            if model.name == name:
                return replace(self._of_logged(model.model_id, below), run=run)
        names = [*fetching.models_below(store), *(model.name for model in logged)]
        raise _absent(run, path, names)

    def _logged_by(self, run: Run) -> list[LoggedModel]:
        """The logged models that *run* made, the last first."""
        made = [one for one in self._registry.models_of_runs([run.run_id]).get(run.run_id, ()) if one.output]
        found = []
        for one in dict.fromkeys(each.model_id for each in sorted(made, key=lambda each: -each.step)):
            with contextlib.suppress(NotFound):
                found.append(self._registry.get_logged_model(one))
        return sorted(found, key=lambda model: -model.creation_time)

    def _of_logged(self, model_id: str, path: str) -> Location:
        model = self._registry.get_logged_model(model_id)
        return Location(
            f"models:/{model_id}{'/' if path else ''}{path}",
            model.artifact_uri,
            path,
            run=self.origin(model.source_run_id),
            logged=model,
        )

    def _of_version(self, named: OfRegistry) -> Location:
        version = self._version(named)
        if version.tags.get(PROMPT_TAG, "").lower() == "true":
            raise UsageError(f"{named.name} is a prompt, and no model")
        found = self._followed(self._registry.download_uri(version.name, version.version), named.path)
        return replace(
            found,
            address=_exact(version, named.path),
            run=found.run or self.origin(version.run_id),
            version=version,
        )

    def _version(self, named: OfRegistry) -> ModelVersion:
        registry = self._registry
        if named.version is not None:
            return registry.get_version(named.name, named.version)
        if named.alias is not None:
            return registry.get_version_by_alias(named.name, named.alias)
        if str(named.stage).lower() == "latest":
            return registry.get_version_by_alias(named.name, "latest")
        newest = registry.latest_versions(named.name, [str(named.stage)])
        if not newest:
            raise NotFound(
                f"no version of {named.name} is in the stage {named.stage}",
                hint=f"models:/{named.name}/latest is the newest version",
            )
        return newest[-1]

    def _followed(self, uri: str, path: str) -> Location:
        """The place that a version's files are said to be at, which may be a model's address in its turn."""
        for _ in range(_MOST_HOPS):
            if not uri.startswith(("runs:", "models:")):
                return Location(uri, uri, path)
            named = address.parse(uri)
            if isinstance(named, OfRegistry):
                version = self._version(named)
                uri, path = self._registry.download_uri(version.name, version.version), _below(named.path, path)
            elif isinstance(named, OfRun):
                return self._of_run(OfRun(named.run, _below(named.path, path)))
            elif isinstance(named, OfLoggedModel):
                return self._of_logged(named.model_id, _below(named.path, path))
        raise SourceError(f"{uri} leads from one version of a model to the next, and never to files")


def of_place(named: InStore) -> Location:
    """The location that a URL of an artifact store names."""
    return Location(named.uri, named.uri, trusted=True)


def _exact(version: ModelVersion, path: str) -> str:
    return f"models:/{_below(f'{version.name}/{version.version}', path)}"


def _below(folder: str, path: str) -> str:
    return "/".join(part for part in (folder, path) if part)


def _choice(run: Run, names: list[str]) -> MlprojError:
    if not names:
        return SourceError(f"the run {run.run_name} logged no model", hint=f"mlproj runs show {run.run_id[:8]}")
    return UsageError(f"the run {run.run_name} logged {len(names)} models", hint=f"name one: {_listed(run, names)}")


def _absent(run: Run, path: str, names: list[str]) -> SourceError:
    hint = f"it logged {_listed(run, names)}" if names else "it logged no model at all"
    return SourceError(f"the run {run.run_name} logged no model {path!r:.200}", hint=hint)


def _listed(run: Run, names: list[str]) -> str:
    return ", ".join(f"runs:/{run.run_id[:8]}/{name}" for name in names[:_MOST_NAMED])
