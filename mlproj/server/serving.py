"""One process that serves: a store, its artifacts and its pages, on a socket that listens already."""

from __future__ import annotations

import signal
import socket
from collections.abc import Callable, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import uvicorn

from mlproj import artifacts, tracking
from mlproj.run_folder import liveness
from mlproj.server import request_log
from mlproj.server.access import asking
from mlproj.server.admission import Principal
from mlproj.server.app import Settings, create_app
from mlproj.server.artifact_place import Places
from mlproj.server.gate import Gated, pages_behind_gate
from mlproj.server.guard import App
from mlproj.server.prompt_socket import answer_promptly
from mlproj.server.reaper import Reaper
from mlproj.server.scope import Scope
from mlproj.server.token_file import TokenFile, beside

if TYPE_CHECKING:
    from collections.abc import Iterator

    from starlette.routing import BaseRoute, Router

_PATIENCE = 30  # seconds that requests under way have when the server is asked to end
_KEEP_ALIVE = 75  # seconds; a client that logs now and then need not connect again


@dataclass(frozen=True)
class Service:
    """What is served. ``store`` and ``artifacts`` are as on the command line (None: the usual ones).

    ``hosts`` are the names that the server answers to (None: any); with ``closed`` it asks for a token.
    """

    store: str | None = None
    artifacts: str | None = None
    hosts: Sequence[str] | None = None
    closed: bool = True
    log_requests: bool = False


@contextmanager
def opened(service: Service) -> Iterator[App]:
    """The application over its opened stores. Raises UsageError, ServiceError when one cannot be opened."""
    root = artifacts.open(service.artifacts or tracking.artifact_folder(service.store))
    with ExitStack() as stack:
        store = stack.enter_context(closing(tracking.open(service.store, artifacts=root.uri)))
        models = stack.enter_context(closing(tracking.open_models(service.store, artifacts=root.uri)))
        everybody = Principal(store, models)
        admit = asking(TokenFile(beside(service.store)), everybody) if service.closed else lambda _request: everybody
        yield create_app(
            Settings(admit, root.uri, hosts=service.hosts),
            _pages(Reaper(lambda: liveness.reap(store)), Places(root, here=False)),
        )


def serve(
    service: Service,
    listening: socket.socket,
    ready: Callable[[], object],
    watch: Callable[[Callable[[], None]], object],
) -> None:
    """Answer on *listening* until SIGTERM or SIGINT, and then until requests under way are answered.

    *ready* is called when the first request would be answered. *watch* is given a function that ends the server, too.
    """
    answer_promptly(listening)
    with opened(service) as application:
        config = uvicorn.Config(
            application,
            log_config=request_log.CONFIG if service.log_requests else None,
            access_log=service.log_requests,
            lifespan="off",
            proxy_headers=False,
            server_header=False,
            timeout_keep_alive=_KEEP_ALIVE,
            timeout_graceful_shutdown=_PATIENCE,
        )
        server = _Server(config, ready, watch)
        # uvicorn takes the signals a moment later, ends gently and then sends itself the signal again; it has had its
        # effect by then.
        before = [
            (number, signal.signal(number, lambda _number, _frame: server.end()))
            for number in (signal.SIGINT, signal.SIGTERM)
        ]
        try:
            server.run(sockets=[listening])
        finally:
            for number, handler in before:
                signal.signal(number, handler)


class _Server(uvicorn.Server):
    def __init__(
        self, config: uvicorn.Config, ready: Callable[[], object], watch: Callable[[Callable[[], None]], object]
    ) -> None:
        super().__init__(config)
        self._ready = ready
        self._watch = watch

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._watch(self.end)
        self._ready()

    def end(self) -> None:
        """Answer what was asked, and return."""
        self.should_exit = True


def _pages(reaper: Reaper, places: Places) -> list[BaseRoute]:
    """The web pages, where their packages are; loaded when the first of them is asked for."""
    from importlib.util import find_spec

    if find_spec("jinja2") is None:
        return []
    from starlette.routing import Mount

    return [Gated(Mount("/", app=_Pages(reaper, places)), Scope.READ, names_files=True)]


class _Pages:
    def __init__(self, reaper: Reaper, places: Places) -> None:
        self._reaper = reaper
        self._places = places
        self._app: Router | None = None

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if self._app is None:
            from starlette.concurrency import run_in_threadpool

            self._app = await run_in_threadpool(_load_pages, self._reaper, self._places)
        await self._app(scope, receive, send)

    @property
    def routes(self) -> list[BaseRoute]:
        """Which pages there are, each behind the gate."""
        self._app = self._app or _load_pages(self._reaper, self._places)
        return self._app.routes


def _load_pages(reaper: Reaper, places: Places) -> Router:
    from starlette.requests import Request
    from starlette.routing import Router

    from mlproj.server.admission import principal
    from mlproj.server.pages import site
    from mlproj.tracking.base import TrackingStore

    def store_of(request: Request) -> TrackingStore:
        reaper.look()
        return principal(request).store

    return Router(
        routes=pages_behind_gate(site.routes(store_of, lambda request: principal(request).models, places.shown))
    )
