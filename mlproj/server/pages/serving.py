"""The pages alone, for the person at this machine."""

from __future__ import annotations

import socket
from collections.abc import Callable

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request

from mlproj import artifacts
from mlproj.server.guard import LOOPBACK, Guard
from mlproj.server.pages import site
from mlproj.server.reaper import Reaper
from mlproj.tracking.base import TrackingStore
from mlproj.tracking.model_base import ModelStore


def application(store: TrackingStore, models: ModelStore, reap: Callable[[], object]) -> Guard:
    """The pages over *store* and *models*, for browsers on this machine; *reap* gives runs whose process is gone their
    status."""
    reaper = Reaper(reap)

    def store_of(_request: Request) -> TrackingStore:
        reaper.look()
        return store

    return Guard(Starlette(routes=site.routes(store_of, lambda _request: models, artifacts.open_recorded)), LOOPBACK)


def serve(store: TrackingStore, models: ModelStore, reap: Callable[[], object], listening: socket.socket) -> None:
    """Answer on *listening* until the process is asked to end; requests under way are answered first."""
    listening.setsockopt(
        socket.IPPROTO_TCP, socket.TCP_NODELAY, 1
    )  # accepted connections inherit it; see server.serving
    config = uvicorn.Config(
        application(store, models, reap),
        log_config=None,
        lifespan="off",
        timeout_graceful_shutdown=3,
        server_header=False,
    )
    try:
        uvicorn.Server(config).run(sockets=[listening])
    except KeyboardInterrupt:  # how people end it
        return
