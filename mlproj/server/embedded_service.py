"""The HTTP side of a run's own tracking server; imported when its program first connects."""

from __future__ import annotations

import asyncio
import hmac
import socket
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import NamedTuple, cast

import uvicorn
from starlette.applications import Starlette

from mlproj import artifacts, tracking
from mlproj.artifacts.base import ArtifactStore
from mlproj.server.access import Scope, asking
from mlproj.server.app import Principal, Settings, create_app
from mlproj.server.guard import LOOPBACK
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
            yield Stores(known.beside_store(store), known.beside_models(models), known.beside_artifacts(files))


def application(scoped: RunScopedStore, known: Stores, token: str, *, proxied: bool) -> Starlette:
    """What the program of *scoped* is answered by: its own runs, models and files, for who brings *token*."""
    models = RunScopedModels(known.models, scoped)
    admit = asking(_OneToken(token), Principal(_readable(scoped), cast("ModelStore", models)))
    files = RunScopedFiles(known.files, scoped, known.models, models.owns)
    return create_app(Settings(admit, files, local=not proxied, hosts=None if proxied else LOOPBACK, calls=False))


def _readable(scoped: RunScopedStore) -> TrackingStore:
    if not scoped.confined:
        return scoped
    from mlproj.server.confined_reading import ConfinedReading

    return cast("TrackingStore", ConfinedReading(scoped))


def serve(
    scoped: RunScopedStore, known: Stores, token: str, listening: socket.socket, over: int, *, proxied: bool
) -> None:
    """Answer who brings *token* on *listening*, until the descriptor *over* is readable and requests under way are
    answered."""
    config = uvicorn.Config(
        application(scoped, known, token, proxied=proxied),
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
    _Server(config, over).run(sockets=[listening])


class _OneToken:
    """Knows one token, which is good for everything that its holder's store allows."""

    def __init__(self, token: str) -> None:
        self._token = token.encode()

    def scope_of(self, token: str) -> Scope | None:
        return Scope.ADMIN if hmac.compare_digest(token.encode(), self._token) else None


class _Server(uvicorn.Server):
    """uvicorn, which looks ten times a second whether to end and then waits as long again, ended by a descriptor at
    once."""

    def __init__(self, config: uvicorn.Config, over: int) -> None:
        super().__init__(config)
        self._over = over

    async def main_loop(self) -> None:
        loop, told = asyncio.get_running_loop(), asyncio.Event()
        loop.add_reader(self._over, told.set)
        await told.wait()
        loop.remove_reader(self._over)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:  # noqa: ARG002  # closed by who opened them
        for server in self.servers:
            server.close()
        state, loop = self.server_state, asyncio.get_running_loop()
        for connection in list(state.connections):
            connection.shutdown()
        until = loop.time() + _PATIENCE
        while (state.connections or state.tasks) and loop.time() < until:
            await asyncio.sleep(_LOOK_AGAIN)
