"""Which page answers which address."""

from __future__ import annotations

import mimetypes
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath
from typing import IO, Any
from urllib.parse import quote

from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import (
    FileResponse,
    HTMLResponse,
    JSONResponse,
    PlainTextResponse,
    RedirectResponse,
    Response,
    StreamingResponse,
)
from starlette.routing import Route

from mlproj.foundation.errors import MlprojError, UsageError
from mlproj.server.pages import artifact_page, compare_page, experiment_page, model_page, run_page, series
from mlproj.server.pages.artifact_page import FilesOf
from mlproj.server.pages.template import render
from mlproj.tracking.base import NotFound, Run, TrackingStore
from mlproj.tracking.model_base import LoggedModel, ModelStore

_STATIC = Path(__file__).with_name("static")
# No request leaves the machine, no script but ours runs, nobody frames the pages. plotly.js sets styles from scripts.
_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'self'; img-src 'self' data: blob:; style-src 'self' 'unsafe-inline'; script-src 'self'; "
        "object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    ),
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
}
_PORTION = 1 << 18
_UNCONFINED = "sandbox; default-src 'none'; img-src 'self' data:; style-src 'unsafe-inline'"

StoreOf = Callable[[Request], TrackingStore]
ModelsOf = Callable[[Request], ModelStore]
ModelPage = Callable[[ModelStore, QueryParams, dict[str, Any]], str]
Page = Callable[[TrackingStore, QueryParams, dict[str, Any]], str]


def routes(store_of: StoreOf, models_of: ModelsOf, files_of: FilesOf) -> list[Route]:
    """The routes of the pages. *store_of* and *models_of* give the stores that a request may read, *files_of* the files
    at a place."""
    answers = _Answers(store_of, models_of, files_of)
    return [
        _page("/", answers.of_runs(experiment_page.experiments)),
        _page("/experiments/{experiment_id}", answers.of_runs(experiment_page.runs)),
        _page("/runs/{run_id}", answers.run),
        Route("/runs/{run_id}/metrics.json", answers.metrics, methods=["GET"]),
        Route("/runs/{run_id}/log.txt", answers.log, methods=["GET"]),
        *_files("/runs/{run_id}", answers),
        *_files("/logged-models/{model_id}", answers),
        _page("/models", answers.of_models(model_page.registered)),
        _page("/models/{name}", answers.of_models(model_page.versions)),
        _page("/logged-models/{model_id}", answers.logged_model),
        _page("/compare", answers.comparison),
        Route("/static/{name}", _static, methods=["GET"]),
        Route("/favicon.ico", lambda _request: RedirectResponse("/static/icon.svg"), methods=["GET"]),
    ]


def _page(path: str, make: Callable[[Request], str]) -> Route:
    def endpoint(request: Request) -> Response:
        try:
            return HTMLResponse(make(request), headers=_HEADERS)
        except MlprojError as error:
            return _error_page(error)

    return Route(path, endpoint, methods=["GET"])


def _files(base: str, answers: _Answers) -> list[Route]:
    return [
        _page(f"{base}/artifacts", answers.files),
        _page(f"{base}/artifacts/{{path:path}}", answers.files),
        Route(f"{base}/raw/{{path:path}}", answers.raw, methods=["GET"]),
    ]


class _Answers:
    """What is answered to a request, out of the stores that it may read."""

    def __init__(self, store_of: StoreOf, models_of: ModelsOf, files_of: FilesOf) -> None:
        self._store_of = store_of
        self._models_of = models_of
        self._files_of = files_of

    def of_runs(self, make: Page) -> Callable[[Request], str]:
        return lambda request: make(self._store_of(request), request.query_params, request.path_params)

    def of_models(self, make: ModelPage) -> Callable[[Request], str]:
        return lambda request: make(self._models_of(request), request.query_params, request.path_params)

    def run(self, request: Request) -> str:
        return run_page.run(self._store_of(request), self._models_of(request), self._files_of, request.path_params)

    def comparison(self, request: Request) -> str:
        return compare_page.compare(self._store_of(request), self._files_of, request.query_params)

    def logged_model(self, request: Request) -> str:
        model = self._model(request)
        return model_page.logged(model, model_page.owner(model, self._files_of))

    def files(self, request: Request) -> str:
        return artifact_page.show(self._owner(request), request.path_params.get("path", ""))

    def metrics(self, request: Request) -> Response:
        try:
            found = series.of_run(
                self._store_of(request), request.path_params["run_id"], request.query_params.getlist("key")
            )
            return JSONResponse(found, headers=_HEADERS)
        except MlprojError as error:
            return JSONResponse({"error": str(error)}, status_code=_status(error), headers=_HEADERS)

    def log(self, request: Request) -> Response:
        try:
            return PlainTextResponse(run_page.log_tail(self._run(request), self._files_of), headers=_HEADERS)
        except MlprojError as error:
            return PlainTextResponse(str(error), status_code=_status(error), headers=_HEADERS)

    def raw(self, request: Request) -> Response:
        path = PurePosixPath(request.path_params["path"])
        # A program wrote it: whatever it is, it must not act as a page of ours.
        attachment = "inline" if path.suffix.lower() in artifact_page.IMAGES else "attachment"
        headers = {**_HEADERS, "Content-Security-Policy": _UNCONFINED, "Cross-Origin-Resource-Policy": "same-origin"}
        try:
            owner = self._owner(request)
            file = artifact_page.local_file(owner, str(path))
            if file is not None:
                return FileResponse(file, filename=path.name, content_disposition_type=attachment, headers=headers)
            elsewhere = artifact_page.opened(owner, str(path))
        except MlprojError as error:
            return _error_page(error)
        headers["Content-Disposition"] = f"{attachment}; filename*=utf-8''{quote(path.name, safe='')}"
        kind = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
        return StreamingResponse(_portions(elsewhere), media_type=kind, headers=headers)

    def _run(self, request: Request) -> Run:
        return self._store_of(request).get_run(request.path_params["run_id"])

    def _model(self, request: Request) -> LoggedModel:
        return self._models_of(request).get_logged_model(request.path_params["model_id"], deleted_too=True)

    def _owner(self, request: Request) -> artifact_page.Owner:
        if "model_id" in request.path_params:
            return model_page.owner(self._model(request), self._files_of)
        return artifact_page.of_run(self._run(request), self._files_of)


def _portions(opened: IO[bytes]) -> Iterator[bytes]:
    with opened:
        while portion := opened.read(_PORTION):
            yield portion


def _static(request: Request) -> Response:
    name = request.path_params["name"]
    file = (
        _plotly() if name == "plotly.min.js" else next((file for file in _STATIC.iterdir() if file.name == name), None)
    )
    if file is None or not file.is_file():
        return PlainTextResponse("not found", status_code=404)
    return FileResponse(file, headers={**_HEADERS, "Cache-Control": "max-age=3600"})


def _plotly() -> Path | None:
    """The script that the plotly package ships, so that no page needs the network."""
    from importlib.util import find_spec

    found = find_spec("plotly")
    return Path(found.origin).parent / "package_data" / "plotly.min.js" if found and found.origin else None


def _status(error: MlprojError) -> int:
    return 404 if isinstance(error, NotFound) else 400 if isinstance(error, UsageError) else 503


def _error_page(error: MlprojError) -> Response:
    status = _status(error)
    return HTMLResponse(
        render("error.html", title="Not shown", message=str(error), hint=error.hint),
        status_code=status,
        headers=_HEADERS,
    )
