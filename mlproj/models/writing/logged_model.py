"""Saving a model with the active run: as a logged model, as MLflow 3 does, and among the run's artifacts, where
clients before it look."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from mlproj import artifacts, outbox, tracking
from mlproj.foundation import env_vars, file_tree, paths
from mlproj.foundation.dataclass import dataclass
from mlproj.foundation.errors import MlprojError, ServiceError
from mlproj.logging_api import fluent
from mlproj.logging_api.active_run import ActiveRun
from mlproj.models import mlmodel
from mlproj.models.writing import saving
from mlproj.models.writing.saving import Extras
from mlproj.tracking.base import TrackingStore
from mlproj.tracking.model_base import LoggedModelStatus, ModelStore, RunModel
from mlproj.tracking.model_name import checked_logged_name

_HISTORY = "mlflow.log-model.history"
_SERVER, _LOCK = "MLFLOW_TRACKING_URI", "pylock.toml"
_told: dict[str, list[Mapping[str, object]]] = {}  # run → what its history was told of while no store was in reach


@dataclass(frozen=True)
class SavedModel:
    """Where a model is that was logged: ``uri`` for :func:`mlproj.load_model` and MLflow; ``model_id`` is None where no
    store of logged models was in reach, and the model is among the artifacts of the run only."""

    name: str
    run_id: str
    uri: str
    model_id: str | None = None


@dataclass(frozen=True)
class _Reached:
    """The store that knows the run: its runs, its models, and the server, where it is one."""

    runs: TrackingStore
    models: ModelStore
    server: str | None


def log_model(
    model: Any,
    name: str,
    *,
    signature: Any = None,
    input_example: Any = None,
    pip_requirements: Sequence[str] | None = None,
    code_paths: Sequence[str | os.PathLike[str]] | None = None,
    metadata: Mapping[str, Any] | None = None,
    pickle: bool = False,
) -> SavedModel:
    """Save a model with the active run, under *name*; the other arguments are those of :func:`save_model`.

    Clients of MLflow find it as ``runs:/RUN/name``. Raises UsageError, ServiceError.
    """
    run = fluent.active_run() or fluent.start_run()
    model_id = f"m-{os.urandom(16).hex()}"
    folder = run.artifact_dir / checked_logged_name(name)
    document = {"model_id": model_id, "run_id": run.run_id, "artifact_path": name}
    extras = Extras(signature, input_example, pip_requirements, code_paths, metadata, pickle, document, _lock_of(run))
    _save(model, folder, extras)
    entry = _history_entry(folder)
    try:
        with _reached(run.run_id) as reached:
            if reached is not None:
                return _register(reached, run.run_id, model_id, name, folder, entry)
    except MlprojError:
        pass  # a run that cannot reach its store, as in a sandbox, has the model among its artifacts
    _told.setdefault(run.run_id, []).append(entry)
    fluent.set_tag(_HISTORY, _json(_told[run.run_id]))
    return SavedModel(name, run.run_id, f"runs:/{run.run_id}/{name}")


def _save(model: Any, folder: Path, extras: Extras) -> None:
    """Save to *folder*, in place of what was logged under this name before."""
    draft = folder.with_name(f".{folder.name[:200]}.{os.urandom(4).hex()}")
    try:
        saving.save(model, draft, extras)
        if folder.exists():
            shutil.rmtree(folder)
        draft.replace(folder)
    except OSError as error:
        raise ServiceError(f"cannot keep the model {folder.name}: {error}") from error
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _lock_of(run: ActiveRun) -> Path | None:
    lock = run.run_dir / _LOCK
    return lock if lock.is_file() else None


@contextmanager
def _reached(run_id: str) -> Iterator[_Reached | None]:
    """The store that has the run: that of this machine, else the server that ``mlproj run`` gave the program."""
    for uri in _places():
        try:
            runs = tracking.open(uri)
        except MlprojError:
            continue
        try:
            runs.get_run(run_id)
            models = tracking.open_models(uri)
        except MlprojError:
            runs.close()
            continue
        try:
            yield _Reached(runs, models, uri if tracking.is_server(uri) else None)
        finally:
            models.close()
            runs.close()
        return
    yield None


def _places() -> Iterator[str | None]:
    server = os.environ.get(_SERVER) if env_vars.RUN_ID.get() else None
    if tracking.is_server(server):
        yield server
    recorded = outbox.recording_uri()
    if recorded is not None or paths.database().is_file():  # in a container there is none, and none is to be made
        yield recorded


def _register(
    reached: _Reached, run_id: str, model_id: str, name: str, folder: Path, entry: Mapping[str, object]
) -> SavedModel:
    """Make the model a logged model of the run with copies of its files."""
    experiment = reached.runs.get_run(run_id).experiment_id
    made = reached.models.create_logged_model(experiment, name=name, source_run_id=run_id, model_id=model_id)
    try:
        _copy(folder, made.artifact_uri, reached.server)
    except (MlprojError, OSError) as error:
        reached.models.finish_logged_model(made.model_id, LoggedModelStatus.UPLOAD_FAILED)
        raise ServiceError(f"cannot keep the files of the model {name}: {error}") from error
    reached.models.finish_logged_model(made.model_id, LoggedModelStatus.READY)
    reached.models.link_models(run_id, [RunModel(made.model_id)])
    reached.models.append_model_history(run_id, entry)
    if tracking.is_server(env_vars.TRACKING_URI.get()):  # what is delivered there is not to be sent twice
        shutil.rmtree(folder)
    return SavedModel(name, run_id, f"models:/{made.model_id}", made.model_id)


def _copy(folder: Path, uri: str, server: str | None) -> None:
    """The files of *folder* at *uri*; on one disk they are the same files, which are never written again."""
    target = _folder_of(uri)
    if target is not None:
        target.mkdir(parents=True, exist_ok=True)
        shutil.copytree(folder, target, copy_function=_link, dirs_exist_ok=True)
        return
    store = artifacts.open_recorded(uri, server=server)
    for where, _folders, files in file_tree.walk(folder):
        for name in files:
            file = Path(where, name)
            with file.open("rb") as source, store.create(file.relative_to(folder).as_posix()) as write:
                while block := source.read(1 << 20):
                    write(block)


def _folder_of(uri: str) -> Path | None:
    from mlproj.artifacts.local import folder_of

    return folder_of(uri) if uri.startswith("file:") else None


def _link(source: str, target: str) -> None:
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)


def _history_entry(folder: Path) -> Mapping[str, object]:
    """What the tag that clients before MLflow 3 read says of a model."""
    document = mlmodel.load(folder).document
    kept = ("run_id", "artifact_path", "flavors", "model_uuid", "signature", "saved_input_example_info")
    moment = datetime.now(timezone.utc).strftime("%Y-%m-%d %H:%M:%S.%f")
    return {"utc_time_created": moment, **{key: document[key] for key in kept if key in document}}


def _json(value: Any) -> str:
    import json

    return json.dumps(value)
