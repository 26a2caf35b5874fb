"""Artifacts over HTTP: ``mlflow-artifacts:`` addresses, streamed from and to a store of artifacts."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import ExitStack, suppress
from typing import IO, Any
from urllib.parse import quote

from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import FileResponse, Response, StreamingResponse
from starlette.routing import Route

from mlproj.artifacts.base import Abandoned, ArtifactStore, Entry, NoSuchFile, parts_of
from mlproj.foundation.errors import MlprojError
from mlproj.server import answer, content_type
from mlproj.server.call import ApiError, Call, Routes, read
from mlproj.server.gate import Gated
from mlproj.server.scope import Scope

_PREFIXES = ("/api/2.0/mlflow-artifacts/", "/ajax-api/2.0/mlflow-artifacts/")
# A program wrote the file: it must not act as a page of ours.
_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "sandbox; default-src 'none'",
    "Cache-Control": "no-store",
}
_TOKEN = re.compile(r"[\w!#$&+.^`|~-]+", re.ASCII)  # a name that a header takes as it is
_PORTION = 1 << 18  # bytes that one visit to a worker thread writes or reads
# What clients look for when they fall back to one upload.
_NO_MULTIPART = "Multipart upload is not supported for the current artifact repository"

Action = Callable[[Request, ArtifactStore, str], Awaitable[Response]]


def routes(store: ArtifactStore) -> list[Gated]:
    """List, download, upload and delete in *store*."""
    found = []
    for prefix in _PREFIXES:
        found.append(Gated(Route(prefix + "artifacts", _endpoint(store, _list), methods=["GET"]), Scope.READ))
        multipart = Route(prefix + "mpu/{path:path}", _endpoint(store, _refuse_multipart), methods=["POST"])
        found.append(Gated(multipart, Scope.WRITE, names_files=True))
        for method, action, needs in _ACTIONS:
            route = Route(prefix + "artifacts/{path:path}", _endpoint(store, action), methods=[method])
            found.append(Gated(route, needs, names_files=True))
    return found


def _endpoint(store: ArtifactStore, action: Action) -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(request: Request) -> Response:
        try:
            return await action(request, store, request.path_params.get("path", request.query_params.get("path", "")))
        except (ApiError, MlprojError) as refusal:
            return answer.refusal(refusal)

    return endpoint


def _list_of_run(call: Call) -> Mapping[str, Any]:
    return _listed(call, call.run().artifact_uri, call.optional_text("path"))


def _list_of_logged_model(call: Call) -> Mapping[str, Any]:
    model = call.models.get_logged_model(call.text("model_id"))
    return _listed(call, model.artifact_uri, call.optional_text("artifact_directory_path"))


def _listed(call: Call, top: str, path: str | None) -> Mapping[str, Any]:
    """The files at *path* below the place *top*, as this client may see them."""
    inside = "/".join(parts_of(path or ""))
    found = call.artifacts(top)
    if found is None:
        return {"root_uri": call.artifact_place(top), "files": []}
    store, place = found
    entries = store.list(f"{place}/{inside}".strip("/"))
    return {
        "root_uri": call.artifact_place(top),
        "files": [_file(entry, f"{inside}/" if inside else "") for entry in entries],
    }


ROUTES: Routes = {
    ("GET", "artifacts/list"): read(_list_of_run),
    ("GET", "logged-models/{model_id}/artifacts/directories"): read(_list_of_logged_model),
}


def _file(entry: Entry, prefix: str = "") -> dict[str, Any]:
    size = {} if entry.size is None else {"file_size": entry.size}
    return {"path": prefix + entry.name, "is_dir": entry.is_dir, **size}


async def _list(_request: Request, store: ArtifactStore, path: str) -> Response:
    return answer.document({"files": [_file(entry) for entry in await run_in_threadpool(store.list, path)]})


async def _download(_request: Request, store: ArtifactStore, path: str) -> Response:
    return await run_in_threadpool(sent, store, path)


def sent(store: ArtifactStore, path: str) -> Response:
    """The answer that sends a file. Raises NoSuchFile."""
    name = (parts_of(path) or ("",))[-1]
    plain = _TOKEN.fullmatch(name)
    parameter = f"filename={name}" if plain else f"filename*=UTF-8''{quote(name, safe='')}"
    headers = {**_HEADERS, "Content-Type": content_type.of(name), "Content-Disposition": f"attachment; {parameter}"}
    file = store.local_file(path)
    if file is not None:
        return FileResponse(file, headers=headers)
    return StreamingResponse(_portions(store.open(path)), headers=headers)


def _portions(opened: IO[bytes]) -> Iterator[bytes]:
    with opened:
        while portion := opened.read(_PORTION):
            yield portion


async def _upload(request: Request, store: ArtifactStore, path: str) -> Response:
    with_file = ExitStack()
    write = await run_in_threadpool(with_file.enter_context, store.create(path))
    try:
        await _receive(request, write)
    except BaseException:
        await run_in_threadpool(_abandon, with_file)
        raise
    await run_in_threadpool(with_file.close)
    return answer.document({})


async def _receive(request: Request, write: Callable[[bytes], object]) -> None:
    """Write the body portion by portion; the client may not send faster than that."""
    waiting = bytearray()
    try:
        async for portion in request.stream():
            waiting += portion
            if len(waiting) >= _PORTION:
                await run_in_threadpool(write, bytes(waiting))
                waiting.clear()
    except ClientDisconnect:
        raise ApiError("BAD_REQUEST", "The upload was broken off.") from None
    if waiting:
        await run_in_threadpool(write, bytes(waiting))


def _abandon(with_file: ExitStack) -> None:
    try:
        with with_file:
            raise Abandoned
    except Abandoned:
        return


async def _delete(_request: Request, store: ArtifactStore, path: str) -> Response:
    with suppress(NoSuchFile):  # it is gone, as was asked
        await run_in_threadpool(store.delete, path)
    return answer.document({})


async def _refuse_multipart(_request: Request, _store: ArtifactStore, _path: str) -> Response:
    raise ApiError("ENDPOINT_NOT_FOUND", _NO_MULTIPART)


_ACTIONS = (("GET", _download, Scope.READ), ("PUT", _upload, Scope.WRITE), ("DELETE", _delete, Scope.ADMIN))
