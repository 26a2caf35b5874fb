from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import pytest
import uvicorn

from mlproj import paths, tracking
from mlproj.server.app import Principal, Settings, create_app
from mlproj.tracking.base import TrackingStore


@contextmanager
def served(application: Any) -> Iterator[str]:
    """*application* on a loopback port; its address."""
    listening = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(application, log_config=None, lifespan="off"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()
        listening.close()


@pytest.fixture
def serve() -> Iterator[Callable[[Any], str]]:
    """Serve an application until the test ends."""
    with ExitStack() as stack:
        yield lambda application: stack.enter_context(served(application))


@pytest.fixture
def store() -> Iterator[TrackingStore]:
    opened = tracking.open()
    yield opened
    opened.close()


@pytest.fixture
def application(store: TrackingStore) -> Iterator[Any]:
    """The REST API over *store*, open to everybody."""
    models = tracking.open_models()
    yield create_app(Settings(lambda _request: Principal(store, models), paths.database().parent / "artifacts"))
    models.close()
