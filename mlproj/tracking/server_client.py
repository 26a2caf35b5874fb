"""Which kind of tracking server an address leads to, and the stores that it keeps."""

from __future__ import annotations

from typing import cast

from mlproj.caller import Caller, NoSuchEndpoint, Refused
from mlproj.errors import UsageError
from mlproj.tracking import remote
from mlproj.tracking.base import TrackingStore
from mlproj.tracking.model_base import LoggedModels, ModelStore


def store(uri: str) -> TrackingStore:
    """The runs of the server at *uri*. Raises UsageError, ServiceError when it cannot be asked."""
    return store_of(Caller(uri))


def models(uri: str) -> ModelStore:
    """The registry and logged models of the mlproj server at *uri*. Raises UsageError for another kind of server."""
    caller = Caller(uri)
    if is_mlproj(caller):
        return remote.models(caller)
    caller.close()
    raise UsageError(f"{caller.uri} is an MLflow server: its models are not reached this way", hint="use MLflow's own client for them")


def store_of(caller: Caller) -> TrackingStore:
    """The runs of the server that *caller* asks."""
    if is_mlproj(caller):
        return remote.store(caller)
    from mlproj.tracking.mlflow_server import MlflowStore

    return cast("TrackingStore", MlflowStore(caller))


def models_of(caller: Caller) -> LoggedModels:
    """The logged models of the server that *caller* asks; of one of MLflow's only what is told of runs."""
    if is_mlproj(caller):
        return remote.models(caller)
    from mlproj.tracking.mlflow_server_models import MlflowModels

    return cast("LoggedModels", MlflowModels(caller))


def is_mlproj(caller: Caller) -> bool:
    """Whether the server is an mlproj server; else it is one of MLflow's. Raises ServiceError when it cannot be asked."""
    try:
        return bool(caller.call("GET", f"{remote.PREFIX}/server").get("server") == "mlproj")
    except (NoSuchEndpoint, Refused, AttributeError):
        return False
