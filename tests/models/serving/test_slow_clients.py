"""Clients that take too long, against uvicorn's own connections."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import uvicorn
from uvicorn.protocols.http.auto import AutoHTTPProtocol

from mlproj.models.scoring.worker_process import Answer
from mlproj.models.serving.http import Receive, Request, Scope, Send, respond
from mlproj.models.serving.slow_clients import Patience, SlowClients, counting

Client = tuple[asyncio.StreamReader, asyncio.StreamWriter]
PATIENCE = Patience(head=0.3, body=0.3, rate=100_000, answer=0.3)
POST = b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 10\r\n\r\n"


async def application(scope: Scope, receive: Receive, send: Send) -> None:
    body = await Request(scope, receive, 1 << 20).body()
    await respond(send, Answer(200, "text/plain", body * (2_000_000 if scope["path"] == "/large" else 1)))


def with_server(scenario: Callable[[Callable[[], Coroutine[Any, Any, Client]]], Coroutine[Any, Any, None]]) -> None:
    async def run() -> None:
        config = uvicorn.Config(
            application, port=0, http=counting(AutoHTTPProtocol), log_config=None, lifespan="off", ws="none"
        )
        server = uvicorn.Server(config)
        config.load()
        server.lifespan = config.lifespan_class(config)
        await server.startup()
        port = server.servers[0].sockets[0].getsockname()[1]
        writers: list[asyncio.StreamWriter] = []
        watching = asyncio.ensure_future(SlowClients(server.server_state.connections, PATIENCE).watch(0.05))

        async def connect() -> Client:
            opened = await asyncio.open_connection("127.0.0.1", port, limit=1000)
            writers.append(opened[1])
            return opened

        try:
            await asyncio.wait_for(scenario(connect), 30)
        finally:
            watching.cancel()
            for writer in writers:
                writer.transport.abort()
            await server.shutdown()

    asyncio.run(run())


def test_a_head_that_never_ends_is_answered_with_408() -> None:
    async def scenario(connect: Callable[[], Coroutine[Any, Any, Client]]) -> None:
        for first in (b"", b"POST / HT"):
            reader, writer = await connect()
            writer.write(first)
            assert b" 408 " in await reader.read()
        reader, writer = await connect()
        writer.write(POST + b"0123456789")
        await reader.readuntil(b"0123456789")
        writer.write(b"GET /")
        assert b" 408 " in await reader.read()

    with_server(scenario)


def test_a_head_that_trickles_is_cut_off_nevertheless() -> None:
    async def scenario(connect: Callable[[], Coroutine[Any, Any, Client]]) -> None:
        _reader, writer = await connect()
        writer.write(b"GET / HTTP/1.1\r\n")
        for _ in range(20):
            writer.write(b"x: y\r\n")
            await asyncio.sleep(0.05)
            if writer.transport.is_closing():
                return
        raise AssertionError("the connection is still open")

    with_server(scenario)


def test_a_body_that_stops_is_cut_off_and_one_that_comes_is_not() -> None:
    async def scenario(connect: Callable[[], Coroutine[Any, Any, Client]]) -> None:
        reader, writer = await connect()
        writer.write(POST + b"0123")
        assert b" 408 " in await reader.read()
        reader, writer = await connect()
        writer.write(POST.replace(b"10", b"200000"))
        for _ in range(10):
            writer.write(b"0" * 20_000)
            await asyncio.sleep(0.1)
        assert b" 200 " in await reader.readline()

    with_server(scenario)


def test_a_connection_that_is_kept_waits_for_its_next_request() -> None:
    async def scenario(connect: Callable[[], Coroutine[Any, Any, Client]]) -> None:
        reader, writer = await connect()
        for _ in range(2):
            writer.write(POST + b"0123456789")
            assert (await reader.readuntil(b"0123456789")).startswith(b"HTTP/1.1 200 ")
            await asyncio.sleep(0.8)

    with_server(scenario)


def test_an_answer_that_nobody_takes_is_dropped() -> None:
    async def scenario(connect: Callable[[], Coroutine[Any, Any, Client]]) -> None:
        reader, writer = await connect()
        writer.write(POST.replace(b" / ", b" /large ") + b"0123456789")
        await asyncio.sleep(1.5)
        try:
            size = len(await reader.read())
        except ConnectionResetError:
            return
        assert size < 20_000_000

    with_server(scenario)
