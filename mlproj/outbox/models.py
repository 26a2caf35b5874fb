"""Logged models and registered versions from the outbox to the server."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace

from mlproj.http.client import NoSuchEndpoint
from mlproj.outbox import files
from mlproj.outbox.destination import Destination
from mlproj.outbox.ledger import Ledger
from mlproj.tracking.base import AlreadyExists, NotFound, Run
from mlproj.tracking.mlflow_rest.models import NoLoggedModels
from mlproj.tracking.model_base import LoggedModel, LoggedModelStatus, ModelStore, ModelVersion, RunModel, Stage

_MODEL, _VERSION, _OF_SERVER = "logged model", "model version", "model of the server"


class ModelDelivery:
    """Delivers what runs made of models. *remote_id* tells what the server calls a run of the outbox."""

    def __init__(
        self, ledger: Ledger, models: ModelStore, destination: Destination, remote_id: Callable[[str], str | None]
    ) -> None:
        self._ledger = ledger
        self._models = models
        self._destination = destination
        self._remote_id = remote_id

    def deliver(self, run: Run, remote_id: str, artifact_uri: str) -> None:
        """The models of a run: those whose files are whole, and all when the run is over; then what was registered of
        them."""
        for model_id in self._ledger.models_of(run.run_id):
            model = self._models.get_logged_model(model_id, deleted_too=True)
            if model.status is not LoggedModelStatus.PENDING or run.status.ended:
                self._deliver_model(run, model, remote_id, artifact_uri)
        self._link(run, remote_id)
        if run.status.ended:
            for name in self._ledger.registered_only():
                if not self._ledger.there("registered model", name):
                    self._register(name)
                    self._ledger.is_called("registered model", name, name)
            for name, version in self._ledger.versions_of(run.run_id):
                self._deliver_version(run, self._models.get_version(name, version), remote_id, artifact_uri)

    def _deliver_model(self, run: Run, model: LoggedModel, remote_run: str, artifact_uri: str) -> None:
        sent_as = f"{_MODEL} as of"
        state = (
            f"{model.status.value} {model.lifecycle_stage} {len(model.metrics)} {sorted(model.tags.items())}"
            f" {sorted(model.params.items())}"
        )
        if self._ledger.there(sent_as, model.model_id) == state:
            return
        folder = files.folder_of(model.artifact_uri)
        ids = {} if self._destination.is_exact else {run.run_id: remote_run}
        try:
            there = self._made(model, remote_run)
        except NoLoggedModels:  # its files go where a run before MLflow 3 has them
            if folder is not None:
                target = self._destination.artifacts(artifact_uri)
                files.send(self._ledger, model.model_id, folder, target, ended=True, below=model.name, ids=ids)
            self._ledger.is_called(sent_as, model.model_id, state)
            return
        if folder is not None:
            if there.model_id != model.model_id:
                ids[model.model_id] = there.model_id
            target = self._destination.artifacts(there.artifact_uri)
            files.send(self._ledger, model.model_id, folder, target, ended=True, ids=ids)
        if model.metrics:
            of_runs = [
                replace(metric, model_id=there.model_id, run_id=self._remote_id(metric.run_id) or remote_run)
                for metric in model.metrics
            ]
            self._destination.models.log_model_metrics(of_runs)
        if params := {key: value for key, value in model.params.items() if key not in there.params}:
            self._destination.models.log_model_params(there.model_id, params)
        if model.tags:
            self._destination.models.set_logged_model_tags(there.model_id, model.tags)
        if model.status is not LoggedModelStatus.PENDING:
            self._destination.models.finish_logged_model(there.model_id, model.status)
        if model.lifecycle_stage == "deleted":
            self._destination.models.delete_logged_model(there.model_id)
        self._ledger.is_called(sent_as, model.model_id, state)

    def _made(self, model: LoggedModel, remote_run: str) -> LoggedModel:
        models = self._destination.models
        known = self._ledger.there(_MODEL, model.model_id)
        if known:
            return models.get_logged_model(known, deleted_too=True)
        experiment_id = self._destination.store.get_run(remote_run).experiment_id
        try:
            made = models.create_logged_model(
                experiment_id,
                name=model.name,
                source_run_id=remote_run,
                model_type=model.model_type,
                params=model.params,
                tags=model.tags,
                model_id=model.model_id,
            )
        except AlreadyExists:
            made = models.get_logged_model(model.model_id, deleted_too=True)
        self._ledger.is_called(_MODEL, model.model_id, made.model_id)
        return made

    def _link(self, run: Run, remote_id: str) -> None:
        linked = self._models.models_of_runs([run.run_id]).get(run.run_id, ())
        known = [(self._id_there(one), one) for one in linked]
        there = [RunModel(model_id, one.step, one.output) for model_id, one in known if model_id]
        if there and self._ledger.there("links of run", run.run_id) != repr(there):
            # MLflow's server fails at a link that it has.
            kept = self._destination.models.models_of_runs([remote_id]).get(remote_id, ())
            if missing := [link for link in there if link not in kept]:
                self._destination.models.link_models(remote_id, missing)
            self._ledger.is_called("links of run", run.run_id, repr(there))

    def _id_there(self, link: RunModel) -> str | None:
        """What the server calls a model of a run. One that the run used and the outbox has not is the server's own, if
        anybody's: asked once."""
        known = self._ledger.there(_MODEL, link.model_id)
        if known or link.output:
            return known
        asked = self._ledger.there(_OF_SERVER, link.model_id)
        if asked is None:
            asked = link.model_id if self._is_of_server(link.model_id) else ""
            self._ledger.is_called(_OF_SERVER, link.model_id, asked)
        return asked or None

    def _is_of_server(self, model_id: str) -> bool:
        with suppress(NotFound):
            self._models.get_logged_model(model_id, deleted_too=True)
            return False  # it is still to be delivered
        try:
            self._destination.models.get_logged_model(model_id)
        except (NotFound, NoLoggedModels, NoSuchEndpoint):
            return False
        return True

    def _deliver_version(self, run: Run, version: ModelVersion, remote_run: str, artifact_uri: str) -> None:
        here = f"{version.name}\n{version.version}"
        models = self._destination.models
        if not self._ledger.there(_VERSION, here):
            self._register(version.name)
            source = self._source(run, version.source, remote_run, artifact_uri)
            made = self._registered(version.name, source, remote_run) or models.create_version(
                version.name,
                source,
                run_id=remote_run if version.run_id else None,
                run_link=version.run_link,
                model_id=self._ledger.there(_MODEL, version.model_id or ""),
                description=version.description,
                user=version.user,
                tags=version.tags,
            )
            self._ledger.is_called(_VERSION, here, str(made.version))
        number = int(self._ledger.there(_VERSION, here) or 0)
        state = (
            f"{version.last_update_time} {sorted(version.tags.items())} {sorted(version.aliases)} {version.stage.value}"
        )
        if self._ledger.there("version as of", here) == state:
            return
        for key, value in version.tags.items():
            models.set_version_tag(version.name, number, key, value)
        for alias in version.aliases:
            models.set_alias(version.name, alias, number)
        if version.stage is not Stage.NONE:
            models.move_to_stage(version.name, number, version.stage.value)
        self._ledger.is_called("version as of", here, state)

    def _register(self, name: str) -> None:
        registered = self._models.get_registered_model(name)
        try:
            self._destination.models.create_registered_model(
                name, description=registered.description, tags=registered.tags
            )
        except AlreadyExists:
            for key, value in registered.tags.items():
                self._destination.models.set_registered_model_tag(name, key, value)

    def _registered(self, name: str, source: str, remote_run: str) -> ModelVersion | None:
        """The version on the server that a former attempt has made."""
        try:
            found = self._destination.models.search_versions(filter=f"run_id = '{remote_run}'").items
        except NotFound:
            return None
        return next((version for version in found if (version.name, version.source) == (name, source)), None)

    def _source(self, run: Run, source: str, remote_run: str, artifact_uri: str) -> str:
        """Where the server has the files that *source* names here."""
        for place in (run.artifact_uri, (files.folder_of(run.artifact_uri) or "").__str__()):
            if place and source.startswith(f"{place}/"):
                return artifact_uri + source.removeprefix(place)
        for model_id in self._ledger.models_of(run.run_id):
            there = self._ledger.there(_MODEL, model_id)
            model = self._models.get_logged_model(model_id, deleted_too=True)
            if there and (source.startswith(model.artifact_uri) or source == f"models:/{model_id}"):
                return f"models:/{there}"
            if source.startswith(model.artifact_uri) or source == f"models:/{model_id}":
                return f"{artifact_uri}/{model.name}"
        return source.replace(f"runs:/{run.run_id}/", f"runs:/{remote_run}/")
