"""A use of a model, such as a prediction, as a run of its own: what went in and came out, with which environment."""

from __future__ import annotations

import json
import os
import shlex
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from mlproj import artifacts, outbox, tracking
from mlproj.environments.base import Environment, Prepared
from mlproj.foundation import env_vars, paths
from mlproj.foundation.dataclass import dataclass, field
from mlproj.foundation.errors import Interrupted, MlprojError
from mlproj.foundation.progress import Progress
from mlproj.foundation.redaction import redact
from mlproj.models.opened import OpenedModel
from mlproj.run_folder import liveness
from mlproj.running.interruption import Interruption
from mlproj.running.plan import environment_document
from mlproj.running.recording import new_run_id
from mlproj.tracking.base import DatasetInput, Metric, NewRun, Output, Run, RunChanges, Status
from mlproj.tracking.model_base import RunModel
from mlproj.tracking.record import mlflow_tags

if TYPE_CHECKING:
    from mlproj.outbox.upload_worker import UploadWorker

MODEL_TAG = "mlproj.model"
"""The address of the model that a run used, as it names these files alone."""


@dataclass(frozen=True)
class Use:
    """What a model is used for: the ``kind`` (``predict``), the experiment, the file that goes in, and what the
    run says of itself."""

    kind: str
    experiment: str
    run_name: str | None = None
    params: Mapping[str, str] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    input: str | None = None


class RecordedUse:
    """The record of one use, open while it lasts: a context manager, as :class:`~mlproj.running.recording.Recording`
    is for a project's run. It ends FINISHED, FAILED with the reason, or KILLED."""

    def __init__(
        self, use: Use, opened: OpenedModel, environment: Environment, progress: Progress, interruption: Interruption
    ) -> None:
        self.run_id = new_run_id()
        self.run: Run | None = None
        self._use = use
        self._opened = opened
        self._document = environment_document(environment.description)
        self._kind = environment.description.kind
        self._progress = progress
        self._interruption = interruption
        self._resources = ExitStack()
        self._upload_worker: UploadWorker | None = None

    def __enter__(self) -> RecordedUse:
        with self._interruption.held(), ExitStack() as undo:
            uri = outbox.recording_uri()
            self._store = tracking.open(uri)
            undo.callback(self._store.close)
            self._models = tracking.open_models(uri)
            undo.callback(self._models.close)
            undo.enter_context(liveness.hold(paths.run_dir(self.run_id)))
            self.run = self._store.create_run(self._new_run())
            self._resources = undo.pop_all()
            if uri != env_vars.TRACKING_URI.get():
                from mlproj.outbox.upload_worker import UploadWorker

                self._upload_worker = UploadWorker(self.run_id)
                self._upload_worker.start()
        return self

    def _new_run(self) -> NewRun:
        user = _user()
        tags = mlflow_tags(user=user, source_name="mlproj models " + self._use.kind) | {"mlflow.source.type": "LOCAL"}
        return NewRun(
            run_id=self.run_id,
            experiment_name=self._use.experiment,
            run_name=self._use.run_name,
            start_time=_now(),
            params={name: redact(value) for name, value in self._use.params.items()},
            tags={**tags, MODEL_TAG: redact(self._opened.address), **self._use.tags},
            entry_point=self._use.kind,
            inputs=[_input_document(self._use.input)] if self._use.input else [],
            command=redact(shlex.join(["mlproj", *sys.argv[1:]])),
            environment=self._document,
            host=os.uname().nodename,
            user=user,
            pid=os.getpid(),
        )

    def environment_is_ready(self, prepared: Prepared) -> None:
        """Keep the environment's lock with the run, and note which logged model it uses."""
        document = {**self._document, "python": prepared.python or self._document["python"], "reused": prepared.reused}
        if prepared.lock:
            paths.write_atomic(paths.run_dir(self.run_id) / prepared.lock.name, prepared.lock.read_bytes())
            document["lock"] = prepared.lock.name
        self._store.update_run(self.run_id, RunChanges(environment={**document, **prepared.record}))
        model_id = model_id_of(self._opened)
        if model_id:
            self._models.link_models(self.run_id, [RunModel(model_id, output=False)])

    def took(self, file: str, sha256: str | None, size: int, kind: str) -> None:
        """Note an input: what was read, with its hash, as an input of the run and as a dataset in MLflow's words."""
        self._store.update_run(self.run_id, RunChanges(inputs=[_input_document(file, sha256, size)]))
        dataset = DatasetInput(
            name=Path(file).name if file != "-" else "standard input",
            digest=(sha256 or "")[:8] or "unknown",
            source_type="local",
            source=json.dumps({"uri": redact(_uri(file))}),
            profile=json.dumps({"size": size, "format": kind}),
            tags={"mlflow.data.context": self._use.kind},
        )
        self._store.log_inputs(self.run_id, [dataset])

    def gave(self, outputs: Sequence[Output], metrics: Mapping[str, float]) -> None:
        """Note what came out, and what was measured."""
        now = _now()
        self._store.log(self.run_id, metrics=[Metric(key, value, now) for key, value in metrics.items()])
        self._store.update_run(self.run_id, RunChanges(outputs=list(outputs)))

    def compared_with(self, tag: str, other: OpenedModel) -> None:
        """Note another model that was used, by the tag *tag*."""
        self._store.log(self.run_id, tags={tag: redact(other.address)})
        if model_id := model_id_of(other):
            self._models.link_models(self.run_id, [RunModel(model_id, output=False)])

    def tell(self, tags: Mapping[str, str]) -> None:
        """Note tags that are known only now."""
        self._store.log(self.run_id, tags={name: redact(value) for name, value in tags.items()})

    def keep(self, path: str, content: bytes) -> None:
        """Keep *content* as an artifact. Raises ServiceError."""
        assert self.run is not None
        with artifacts.open_recorded(self.run.artifact_uri).create(path) as write:
            write(content)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._interruption.held(), self._resources:
            status, reason, code = _judged(error)
            self._store.update_run(
                self.run_id,
                RunChanges(
                    status=status, status_reason=redact(reason) if reason else None, exit_code=code, end_time=_now()
                ),
            )
            self.run = self._store.get_run(self.run_id)
        if self._upload_worker is not None and not self._upload_worker.finish():
            self._progress.warn(
                f"the run waits on this disk ({self._upload_worker.reason}); the next run delivers it, or mlproj sync"
            )


def _input_document(file: str, sha256: str | None = None, size: int | None = None) -> dict[str, Any]:
    return {"parameter": "input", "uri": redact(_uri(file)), "sha256": sha256, "size": size}


def model_id_of(opened: OpenedModel) -> str | None:
    """The logged model that *opened* is, as far as is known."""
    if opened.logged:
        return opened.logged.model_id
    known = opened.file.model_id if opened.run else None  # else it may be one of another store
    return (opened.version.model_id if opened.version else None) or known


def _judged(error: BaseException | None) -> tuple[Status, str | None, int | None]:
    if error is None:
        return Status.FINISHED, None, 0
    if isinstance(error, (Interrupted, KeyboardInterrupt)):
        return Status.KILLED, str(error) or "interrupted", getattr(error, "exit_code", None)
    if isinstance(error, MlprojError):
        return Status.FAILED, str(error), error.exit_code
    return Status.FAILED, f"a bug in mlproj: {type(error).__name__}: {error}", None


def _uri(file: str) -> str:
    return file if file == "-" or "://" in file else str(Path(file).absolute())


def _user() -> str:
    import getpass

    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return str(os.getuid())


def _now() -> int:
    return time.time_ns() // 1_000_000
