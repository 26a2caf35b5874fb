"""The server that an outbox is delivered to."""

from __future__ import annotations

from pathlib import Path

from mlproj import artifacts
from mlproj.artifacts.base import ArtifactStore
from mlproj.artifacts.proxied import SCHEME, ProxiedArtifacts
from mlproj.http.client import HttpClient, Refused
from mlproj.tracking import remote, server_client
from mlproj.tracking.base import AlreadyExists, Experiment, NotFound, TrackingStore
from mlproj.tracking.model_base import ModelStore

TIMEOUT = 20.0
"""Seconds that the server may take to answer while a run waits for nothing but that."""


class Destination:
    """The stores of the server at *server*, an address that may hold credentials. ``is_exact``: it is an mlproj server,
    which takes ids and whole records; else it is one of MLflow's. Raises ServiceError when it cannot be asked.
    """

    def __init__(self, server: str) -> None:
        self._client = HttpClient(server, timeout=TIMEOUT, patient=False)
        self.is_exact = server_client.is_mlproj(self._client)
        if self.is_exact:
            self.store: TrackingStore = remote.RemoteStore(self._client)
            self.models: ModelStore = remote.RemoteModels(self._client)
        else:
            from mlproj.tracking.mlflow_rest.models import MlflowModels
            from mlproj.tracking.mlflow_rest.runs import MlflowStore

            self.store = MlflowStore(self._client)
            self.models = MlflowModels(self._client)
        self._experiments: dict[str, Experiment] = {}

    @property
    def uri(self) -> str:
        """The address without credentials."""
        return self._client.uri

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def artifacts(self, place: str) -> ArtifactStore:
        """The artifacts at a place that the server named; one of this machine only when the server is here, too. Raises
        UsageError."""
        if place.startswith(f"{SCHEME}:"):
            return ProxiedArtifacts(place, self._client)  # over the connection that there is
        is_here = self._client.is_loopback
        return artifacts.open_recorded(
            Path(place).as_uri() if is_here and place.startswith("/") else place, local=is_here
        )

    def experiment(self, wanted: Experiment) -> Experiment:
        """The server's experiment with the name of *wanted*, made when it is new there."""
        found = self._experiments.get(wanted.name)
        if found is None:
            try:
                found = self.store.get_experiment(name=wanted.name)
            except NotFound:
                found = self._make(wanted)
            self._experiments[wanted.name] = found
        return found

    def deliver_tags(self, wanted: Experiment) -> None:
        """Give the server's experiment the tags that *wanted* got here."""
        found = self.experiment(wanted)
        changed_tags = {key: value for key, value in wanted.tags.items() if found.tags.get(key) != value}
        if changed_tags:
            self.store.update_experiment(found.experiment_id, tags=changed_tags)
            self._experiments[wanted.name] = self.store.get_experiment(experiment_id=found.experiment_id)

    def _make(self, wanted: Experiment) -> Experiment:
        location = None if wanted.artifact_location.startswith("file:") else wanted.artifact_location
        try:
            return self.store.create_experiment(wanted.name, location, tags=wanted.tags)
        except (AlreadyExists, Refused):  # somebody else was quicker
            return self.store.get_experiment(name=wanted.name)
