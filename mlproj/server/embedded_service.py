"""The HTTP side of a run's own tracking server; imported when its program first connects."""

from __future__ import annotations

import asyncio
import hmac
import os
import socket
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from typing import NamedTuple

import uvicorn
from starlette.applications import Starlette

from mlproj import artifacts, tracking
from mlproj.artifacts.base import ArtifactStore
from mlproj.server.access import Scope, asking
from mlproj.server.app import Principal, Settings, create_app
from mlproj.server.guard import LOOPBACK
from mlproj.server.masked_models import masked
from mlproj.server.run_scoped_files import RunScopedFiles
from mlproj.server.run_scoped_models import RunScopedModels
from mlproj.server.run_scoped_store import RunScopedStore
from mlproj.tracking.base import TrackingStore
from mlproj.tracking.model_base import ModelStore

_PATIENCE = 10.0  # seconds that requests under way have at the end
_LOOK_AGAIN = 0.002  # seconds
_KEEP_ALIVE = 75  # seconds


class Stores(NamedTuple):
    """What a run's program is served from."""

    store: TrackingStore
    models: ModelStore
    files: ArtifactStore


@contextmanager
def stores(store: TrackingStore, uri: str | None, team: str | None) -> Iterator[Stores]:
    """The stores at *uri* (None: the usual place), *store* is that of the runs; with the address of a *team*'s server,
    read there, too."""
    with closing(tracking.open_models(uri)) as models:
        files = artifacts.open(tracking.artifact_folder(uri))
        if team is None:
            yield Stores(store, models, files)
            return
        from mlproj.server.team import Team

        with closing(Team(team)) as known:
            yield Stores(
                known.read_through_store(store), known.read_through_models(models), known.read_through_artifacts(files)
            )


def application(scoped: RunScopedStore, known: Stores, token: str | None, *, proxied: bool) -> Starlette:
    """What the program of *scoped* is answered by: its own runs, models and files, for who brings *token*.

    None: for connections whose client is known to be the run's own. It cannot be a browser, and may call us by any
    name.
    """
    models = RunScopedModels(known.models, scoped)
    principal = Principal(_readable(scoped), masked(models))
    files = RunScopedFiles(known.files, scoped, known.models, models.owns)
    admit = (lambda _request: principal) if token is None else asking(_OneToken(token), principal)
    hosts = None if proxied or token is None else LOOPBACK
    return create_app(Settings(admit, files, local=not proxied, hosts=hosts, calls=False))


def _readable(scoped: RunScopedStore) -> TrackingStore:
    if not scoped.confined:
        return scoped
    from mlproj.server.confined_reading import ConfinedReading

    return ConfinedReading(scoped)


class AcceptedConnections(NamedTuple):
    """Connections that were accepted and admitted elsewhere: *waiting*, and a descriptor that is readable when there
    are new ones."""

    descriptor: int
    waiting: list[socket.socket]


def serve(
    scoped: RunScopedStore,
    known: Stores,
    token: str,
    listening: socket.socket,
    stop: int,
    accepted: AcceptedConnections,
    *,
    proxied: bool,
) -> None:
    """Answer clients on *listening* that send *token*, and the *accepted* connections without one.

    Goes on until the descriptor *stop* is readable and requests under way are answered.
    """
    asked, admitted = (application(scoped, known, each, proxied=proxied) for each in (token, None))
    _Server(_config(asked), _config(admitted), accepted, stop).run(sockets=[listening])


def _config(app: Starlette) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        loop="asyncio",
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        date_header=False,
        timeout_keep_alive=_KEEP_ALIVE,
    )


class _OneToken:
    """Knows one token, which is good for everything that its holder's store allows."""

    def __init__(self, token: str) -> None:
        self._token = token.encode()

    def scope_of(self, token: str) -> Scope | None:
        return Scope.ADMIN if hmac.compare_digest(token.encode(), self._token) else None


class _Server(uvicorn.Server):
    """uvicorn, which looks ten times a second whether to end and then waits as long again, ended by a descriptor at
    once."""

    def __init__(
        self, config: uvicorn.Config, admitting: uvicorn.Config, accepted: AcceptedConnections, stop: int
    ) -> None:
        super().__init__(config)
        self._admitting = admitting
        self._accepted = accepted
        self._stop = stop
        self._connecting: set[asyncio.Task[None]] = set()

    async def main_loop(self) -> None:
        loop, ended = asyncio.get_running_loop(), asyncio.Event()
        self._admitting.load()
        loop.add_reader(self._stop, ended.set)
        loop.add_reader(self._accepted.descriptor, self._take_accepted)
        await ended.wait()
        loop.remove_reader(self._stop)
        loop.remove_reader(self._accepted.descriptor)

    def _take_accepted(self) -> None:
        os.read(self._accepted.descriptor, 1 << 10)
        while self._accepted.waiting:
            task = asyncio.get_running_loop().create_task(self._connect(self._accepted.waiting.pop(0)))
            self._connecting.add(task)
            task.add_done_callback(self._connecting.discard)

    async def _connect(self, connection: socket.socket) -> None:
        connection.setblocking(False)
        with suppress(OSError):  # the client has gone
            await asyncio.get_running_loop().connect_accepted_socket(self._protocol, connection)

    def _protocol(self) -> asyncio.Protocol:
        return self._admitting.http_protocol_class(  # type: ignore[call-arg]
            config=self._admitting, server_state=self.server_state, app_state={}
        )

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:  # noqa: ARG002  # closed by who opened them
        for server in self.servers:
            server.close()
        state, loop = self.server_state, asyncio.get_running_loop()
        for connection in list(state.connections):
            connection.shutdown()
        until = loop.time() + _PATIENCE
        while (state.connections or state.tasks) and loop.time() < until:
            await asyncio.sleep(_LOOK_AGAIN)
