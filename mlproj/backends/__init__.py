"""Where jobs run. Only this machine for now; others come as entry points of the group ``mlproj.backends``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mlproj.foundation import plugins

if TYPE_CHECKING:
    from mlproj.backends.base import Backend

KINDS = {"local": "mlproj.backends.local:LocalBackend"}


def open(name: str) -> Backend:
    """The backend called *name*. Raises :class:`~mlproj.foundation.errors.UsageError` for an unknown one."""
    backend: Backend = plugins.load("mlproj.backends", name, KINDS)()
    return backend
