"""Which kind of tracking server an address leads to, and the stores that it keeps."""

from __future__ import annotations

from mlproj.http.client import HttpClient, NoSuchEndpoint, Refused
from mlproj.tracking import remote
from mlproj.tracking.base import TrackingStore
from mlproj.tracking.model_base import ModelStore


def store(uri: str) -> TrackingStore:
    """The runs of the server at *uri*. Raises UsageError, ServiceError when it cannot be asked."""
    return store_of(HttpClient(uri))


def models(uri: str) -> ModelStore:
    """The registry and logged models of the server at *uri*."""
    return models_of(HttpClient(uri))


def store_of(caller: HttpClient) -> TrackingStore:
    """The runs of the server that *caller* asks."""
    if is_mlproj(caller):
        return remote.RemoteStore(caller)
    from mlproj.tracking.mlflow_rest.runs import MlflowStore

    return MlflowStore(caller)


def models_of(caller: HttpClient) -> ModelStore:
    """The registry and logged models of the server that *caller* asks."""
    if is_mlproj(caller):
        return remote.RemoteModels(caller)
    from mlproj.tracking.mlflow_rest.models import MlflowModels

    return MlflowModels(caller)


def is_mlproj(caller: HttpClient) -> bool:
    """Whether the server is an mlproj server; else it is one of MLflow's. Raises ServiceError when it cannot be
    asked."""
    try:
        return bool(caller.call("GET", f"{remote.PREFIX}/server").get("server") == "mlproj")
    except (NoSuchEndpoint, Refused, AttributeError):
        return False
