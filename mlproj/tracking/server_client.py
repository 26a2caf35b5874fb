"""Which kind of tracking server an address leads to, and the stores that it keeps."""

from __future__ import annotations

from mlproj.caller import Caller, NoSuchEndpoint, Refused
from mlproj.tracking import remote
from mlproj.tracking.base import TrackingStore
from mlproj.tracking.model_base import ModelStore


def store(uri: str) -> TrackingStore:
    """The runs of the server at *uri*. Raises UsageError, ServiceError when it cannot be asked."""
    return remote.store(Caller(uri))


def models(uri: str) -> ModelStore:
    """The registry and logged models of the server at *uri*."""
    return remote.models(Caller(uri))


def is_mlproj(caller: Caller) -> bool:
    """Whether the server is an mlproj server; else it is one of MLflow's. Raises ServiceError when it cannot be asked."""
    try:
        return bool(caller.call("GET", f"{remote.PREFIX}/server").get("server") == "mlproj")
    except (NoSuchEndpoint, Refused, AttributeError):
        return False
