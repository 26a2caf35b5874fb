"""The server of a model, run until it is told to end."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Callable, Collection, Coroutine, Iterator
from typing import TYPE_CHECKING, Any

from mlproj.foundation.dataclass import dataclass, field
from mlproj.foundation.progress import Progress, Silent
from mlproj.models.scoring.service import Service, ServiceOptions
from mlproj.models.scoring.worker_process import Loaded
from mlproj.models.serving.current import Current
from mlproj.models.serving.ending import Ending
from mlproj.models.serving.following import Follower, Following
from mlproj.models.serving.measurements import Measurements
from mlproj.models.serving.recording import Recorder, Recording
from mlproj.models.serving.slow_clients import Patience
from mlproj.models.serving.source import Model
from mlproj.server.prompt_socket import answer_promptly

if TYPE_CHECKING:
    import uvicorn

_KEEP_ALIVE = 75  # seconds


@dataclass(frozen=True)
class Access:
    """Who may ask. ``hosts`` are the names that the server answers to (None: any); ``knows`` tells whether a token is
    good (None: nobody needs one)."""

    hosts: Collection[str] | None = None
    knows: Callable[[str], Any] | None = None


@dataclass(frozen=True)
class ServerOptions:
    """How a model is served; ``grace`` are the seconds that requests under way have when the server is to end,
    ``largest`` the bytes of the largest body that is taken, ``following`` how the address is looked up again,
    ``recording`` what is kept of requests."""

    service: ServiceOptions = field(default_factory=ServiceOptions)
    access: Access = field(default_factory=Access)
    grace: float = 30.0
    largest: int = 100 << 20
    patience: Patience = field(default_factory=Patience)
    log_requests: bool = False
    following: Following | None = None
    recording: Recording | None = None


def serve(
    model: Model,
    listening: socket.socket,
    options: ServerOptions,
    ready: Callable[[Loaded], object],
    progress: Progress | None = None,
) -> None:
    """Answer on *listening* until SIGTERM or SIGINT, and then what was asked until then; a second signal ends at once.
    *model* is closed in the end.

    *ready* is called when the first request would be answered. Raises what ``model.launch`` raises when the model
    cannot be loaded.
    """
    answer_promptly(listening)
    try:
        asyncio.run(_serve(model, listening, options, ready, progress or Silent()))
    finally:
        model.close()


async def _serve(
    model: Model,
    listening: socket.socket,
    options: ServerOptions,
    ready: Callable[[Loaded], object],
    progress: Progress,
) -> None:
    measurements = Measurements()
    service = Service(options.service, measurements.batch)
    current = Current(service, model.about)
    if options.recording is not None:
        current.recorder = Recorder(options.recording, progress)
    ending = Ending()
    follower: Follower | None = None
    starting = asyncio.ensure_future(service.start(model.launch))  # the web stack is imported meanwhile
    await asyncio.sleep(0)
    try:
        server = _server(current, measurements, options)
        loaded = await ending.unless_told(starting, model.close)
        if loaded is not None:
            current.loaded_by = loaded.loaded_by
            if options.following is not None:
                follower = Follower(options.following, current, model, measurements, progress)
            beside = _beside(server, options, follower, lambda: ready(loaded))
            await _until_told(server, listening, ending, beside)
    except BaseException:
        await service.stop(0)
        raise
    await ending.unless_hurried(service.stop(ending.rest(options.grace)), service.kill)
    if follower is not None:
        follower.close()
    if current.recorder is not None:
        current.recorder.close()


def _beside(
    server: uvicorn.Server, options: ServerOptions, follower: Follower | None, ready: Callable[[], object]
) -> list[Coroutine[Any, Any, None]]:
    """What goes on while the server answers."""
    from mlproj.models.serving.slow_clients import SlowClients

    watching = SlowClients(server.server_state.connections, options.patience).watch()
    following = [follower.follow()] if follower else []
    return [_once_started(server, ready), watching, *following]


async def _once_started(server: uvicorn.Server, ready: Callable[[], object]) -> None:
    while not server.started:
        await asyncio.sleep(0.002)
    ready()


async def _until_told(
    server: uvicorn.Server, listening: socket.socket, ending: Ending, beside: list[Coroutine[Any, Any, None]]
) -> None:
    tasks = [asyncio.ensure_future(one) for one in beside]
    ending.tell(server)
    try:
        await server.serve(sockets=[listening])
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _server(current: Current, measurements: Measurements, options: ServerOptions) -> uvicorn.Server:
    import logging

    import uvicorn
    from uvicorn.protocols.http.auto import AutoHTTPProtocol

    from mlproj.models.serving.slow_clients import counting

    class Server(uvicorn.Server):
        @contextlib.contextmanager
        def capture_signals(self) -> Iterator[None]:
            yield  # they are ours

    config = uvicorn.Config(
        _application(current, measurements, options),
        http=counting(AutoHTTPProtocol),
        ws="none",
        log_config=_log_config() if options.log_requests else None,
        access_log=options.log_requests,
        lifespan="off",
        proxy_headers=False,
        server_header=False,
        timeout_keep_alive=_KEEP_ALIVE,
        timeout_graceful_shutdown=int(options.grace),
    )
    logging.getLogger("uvicorn.error").setLevel(logging.ERROR)  # it warns of whatever anybody sends
    return Server(config)


def _application(current: Current, measurements: Measurements, options: ServerOptions) -> Any:
    from mlproj.models.serving import inference_protocol, invocations, site
    from mlproj.models.serving.app import ModelApp
    from mlproj.models.serving.door import Door
    from mlproj.server.guard import Guard

    routes = {
        **invocations.routes(current),
        **inference_protocol.routes(current),
        **site.routes(current, measurements),
    }
    trees = {"/v2/models/": inference_protocol.tree(current)}
    application: Any = ModelApp(routes, trees, options.largest, measurements)
    if options.access.knows is not None:
        application = Door(application, options.access.knows)
    return Guard(application, options.access.hosts)


def _log_config() -> dict[str, Any]:
    from mlproj.server import request_log

    return request_log.CONFIG
