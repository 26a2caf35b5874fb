"""Runs of a tracking server, ours or MLflow's, brought into the store here, with their files and models."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

from mlproj import artifacts
from mlproj.artifacts.base import ArtifactStore, walk
from mlproj.foundation.errors import MlprojError
from mlproj.foundation.progress import Progress
from mlproj.foundation.redaction import mask_url
from mlproj.http.client import HttpClient
from mlproj.mlflow_import import transfer
from mlproj.mlflow_import.foreign_run import LoggedModel, MlflowRun
from mlproj.mlflow_import.transfer import Transfer
from mlproj.tracking import server_client
from mlproj.tracking.base import Metric, NotFound, Run, Runs
from mlproj.tracking.model_base import ModelStore

_PAGE = 500
_PORTION = 1 << 20
_DEEPEST = 50  # folders; a server of somebody else's must not lead us round in circles


def import_server(store: Runs, server: str, progress: Progress) -> Transfer:
    """Import the runs of the server at an address; as :func:`mlproj.mlflow_import.transfer.import_folder`. Raises
    ServiceError."""
    caller = HttpClient(server)
    with closing(caller):
        source = server_client.store_of(caller)
        models = server_client.models_of(caller)
        runs = (_to_mlflow(source, models, run) for run in _oldest_first(source))
        return transfer.import_runs(store, runs, _Files(server), caller.uri, progress)


def _oldest_first(source: Runs) -> Iterator[Run]:
    token = None
    while True:
        page = source.search_runs(order_by=["attributes.start_time ASC"], limit=_PAGE, page_token=token)
        yield from page.items
        token = page.next_page_token
        if token is None:
            return


def _to_mlflow(source: Runs, models: ModelStore, run: Run) -> MlflowRun:
    def metrics() -> Iterator[Metric]:
        for key in run.metrics:
            yield from source.metric_history(run.run_id, key)

    return MlflowRun(
        run_id=run.run_id,
        name=run.run_name,
        experiment_name=run.experiment_name,
        status=run.status,
        start_time=run.start_time or 0,
        end_time=run.end_time,
        artifact_uri=run.artifact_uri,
        params=run.params,
        tags=run.tags,
        metrics=metrics,
        models=tuple(_models(models, run.run_id)),
    )


def _models(models: ModelStore, run_id: str) -> Iterator[LoggedModel]:
    for link in models.models_of_runs([run_id]).get(run_id, ()):
        if link.output:
            try:
                found = models.get_logged_model(link.model_id)
            except NotFound:  # deleted meanwhile
                continue
            yield LoggedModel(found.name, found.artifact_uri)


class _Files:
    """Brings the files of runs from where *server* says they are."""

    def __init__(self, server: str) -> None:
        self._server = server

    def copy(self, logged: MlflowRun, artifact_uri: str) -> Iterator[str]:
        """Copy the files of a run and of its models; what could not be brought, and why, is yielded."""
        target = artifacts.open(artifact_uri)
        yield from self._copy(logged.artifact_uri, "", target)
        for model in logged.models:
            yield from self._copy(model.artifact_uri, model.name, target)

    def _copy(self, place: str, below: str, target: ArtifactStore) -> Iterator[str]:
        try:
            source = artifacts.open_recorded(place, server=self._server, local=False)
            for path, _size in walk(source, deepest=_DEEPEST):
                with source.open(path) as file, target.create(f"{below}/{path}" if below else path) as write:
                    while portion := file.read(_PORTION):
                        write(portion)
        except (OSError, MlprojError) as trouble:
            yield f"artifacts in {mask_url(place)} are not all copied: {trouble}"
