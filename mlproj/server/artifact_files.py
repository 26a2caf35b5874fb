"""Artifacts over HTTP: ``mlflow-artifacts:`` addresses, streamed from and to one folder.

A path never leaves the folder: each of its parts is a plain name, and no link in it leads out. A file appears whole or not at all.
"""

from __future__ import annotations

import mimetypes
import os
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import unquote, urlsplit

from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Route

from mlproj.server.call import ApiError, Call, Routes

_PREFIXES = ("/api/2.0/mlflow-artifacts/artifacts", "/ajax-api/2.0/mlflow-artifacts/artifacts")
# A program's file must not act as a page of ours.
_HEADERS = {"X-Content-Type-Options": "nosniff", "Content-Security-Policy": "sandbox; default-src 'none'"}


def routes(admit: Callable[[Request], Any], root: Path) -> list[Route]:
    """List, download, upload and delete below *root*. *admit* raises ApiError for who may not."""

    def answering(action: Callable[[Request, Path], Any]) -> Callable[[Request], Any]:
        async def endpoint(request: Request) -> Response:
            from mlproj.server.app import error

            try:
                await run_in_threadpool(admit, request)
                named = request.path_params.get("path", request.query_params.get("path", ""))
                answer: Response = await action(request, place(root, named))
            except ApiError as refusal:
                return error(refusal)
            except OSError as trouble:
                return error(ApiError("TEMPORARILY_UNAVAILABLE", f"The file cannot be read or written: {trouble.strerror}"))
            return answer

        return endpoint

    found = []
    for prefix in _PREFIXES:
        found.append(Route(prefix, answering(_list), methods=["GET"]))
        for method, action in (("GET", _download), ("PUT", _upload), ("DELETE", _delete)):
            found.append(Route(prefix + "/{path:path}", answering(action), methods=[method]))
    return found


def place(root: Path, path: str) -> Path:
    """Where *path* is. Raises ApiError(INVALID_PARAMETER_VALUE) for one that leaves *root* or is no plain path."""
    parts = PurePosixPath(path).parts
    plain = not path.startswith("/") and not any(part == ".." or "\\" in part or "\0" in part for part in parts)
    if plain and not any("%2e" in part.lower() or "%2f" in part.lower() for part in parts):
        top = root.resolve()
        found = top.joinpath(*parts).resolve()
        if found.is_relative_to(top):
            return found
    raise ApiError("INVALID_PARAMETER_VALUE", f"Invalid path: {path!r:.200}")


def listing(folder: Path, prefix: str = "") -> list[dict[str, Any]]:
    """What is in *folder*, each with its path after *prefix*; nothing when there is no such folder."""
    if not folder.is_dir():
        return []
    found = []
    for child in sorted(folder.iterdir()):
        if child.name.startswith(_UNFINISHED) or child.is_symlink():
            continue
        size = {} if child.is_dir() else {"file_size": child.stat().st_size}
        found.append({"path": prefix + child.name, "is_dir": child.is_dir(), **size})
    return found


def _list_of_run(call: Call) -> Mapping[str, Any]:
    run = call.run()
    inside = call.optional_text("path") or ""
    answer: dict[str, Any] = {"root_uri": call.artifact_place(run.artifact_uri), "files": []}
    parts = urlsplit(run.artifact_uri)
    if parts.scheme == "file":
        prefix = f"{PurePosixPath(inside)}/" if inside else ""
        answer["files"] = listing(place(Path(unquote(parts.path)), inside), prefix)
    return answer


ROUTES: Routes = {("GET", "artifacts/list"): _list_of_run}

_UNFINISHED = ".mlproj-upload-"


async def _list(_request: Request, folder: Path) -> Response:
    return JSONResponse({"files": await run_in_threadpool(listing, folder)})


async def _download(_request: Request, file: Path) -> Response:
    if not file.is_file():
        raise ApiError("RESOURCE_DOES_NOT_EXIST", f"There is no file {file.name!r}.")
    kind = mimetypes.guess_type(file.name)[0] or "application/octet-stream"
    return FileResponse(file, media_type=kind, filename=file.name, headers=_HEADERS)


async def _upload(request: Request, file: Path) -> Response:
    if file.is_dir():
        raise ApiError("INVALID_PARAMETER_VALUE", f"{file.name!r} is a folder.")
    file.parent.mkdir(parents=True, exist_ok=True)
    unfinished = file.parent / f"{_UNFINISHED}{os.urandom(8).hex()}"
    try:
        with unfinished.open("xb") as opened:
            async for chunk in request.stream():
                await run_in_threadpool(opened.write, chunk)
        unfinished.replace(file)
    except ClientDisconnect:
        raise ApiError("BAD_REQUEST", "The upload was broken off.") from None
    finally:
        unfinished.unlink(missing_ok=True)
    return JSONResponse({})


async def _delete(_request: Request, file: Path) -> Response:
    if file.is_dir():
        await run_in_threadpool(shutil.rmtree, file)
    elif file.exists():
        file.unlink()
    else:
        raise ApiError("RESOURCE_DOES_NOT_EXIST", f"There is no file {file.name!r}.")
    return JSONResponse({})
