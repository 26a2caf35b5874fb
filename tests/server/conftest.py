from __future__ import annotations

import socket
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import pytest
import uvicorn

from mlproj import tracking
from mlproj.foundation import paths
from mlproj.server.app import Principal, Settings, create_app
from mlproj.server.prompt_socket import answer_promptly
from mlproj.tracking.base import TrackingStore
from tests.program import start


@contextmanager
def served(application: Any) -> Iterator[str]:
    """*application* on a loopback port; its address."""
    listening = socket.create_server(("127.0.0.1", 0))
    answer_promptly(listening)
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


@contextmanager
def running(*arguments: str, **options: Any) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    """``mlproj server ARGUMENTS`` as a process of its own, when it is ready, and its address."""
    process = start("server", "--port", "0", *arguments, **options)
    assert process.stdout is not None and process.stderr is not None
    try:
        told = process.stdout.readline().decode()
        assert told.startswith("serving at "), process.communicate()[1].decode()
        yield process, told.split()[2]
    finally:
        process.terminate()
        process.communicate()


@pytest.fixture
def server() -> Iterator[str]:
    """The address of a server in a process of its own."""
    with running() as (_, address):
        yield address


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
