"""What people and machines read about the model: a page to ask it, its interface, its numbers."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from mlproj.models.scoring.worker_process import Answer
from mlproj.models.serving import openapi
from mlproj.models.serving.app import Methods
from mlproj.models.serving.current import Current
from mlproj.models.serving.http import Handler, Request, document
from mlproj.models.serving.measurements import Measurements, exposition

_FOLDER = Path(__file__).with_name("static")
_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
}
# Nothing of others is loaded or run, and no other page shows this one.
_CAREFUL = (
    (
        b"content-security-policy",
        b"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self';"
        b" base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    ),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cache-control", b"no-cache"),
)
_FRESH = (b"cache-control", b"no-store")
_FILES = {"/": "ask.html", "/docs": "docs.html", "/static/page.css": "page.css"}
_FILES |= {f"/static/{name}": name for name in ("ask.js", "docs.js")}


def routes(current: Current, measurements: Measurements) -> Mapping[str, Methods]:
    """The routes of what there is to read."""

    async def model(_request: Request) -> Answer:
        return document(current.about.document() | {"loaded_by": current.loaded_by}, 200, _FRESH)

    async def interface(_request: Request) -> Answer:
        return document(openapi.document(current.about), 200, _FRESH)

    async def metrics(request: Request) -> Answer:
        body, kind = exposition(measurements, current, request.header(b"accept") or "")
        return Answer(200, kind, body, headers=(_FRESH,))

    read: dict[str, Handler] = {path: _file(_FOLDER / name) for path, name in _FILES.items()}
    read |= {"/model.json": model, "/openapi.json": interface, "/metrics": metrics}
    return {path: {"GET": handler, "HEAD": handler} for path, handler in read.items()}


def _file(path: Path) -> Handler:
    async def send(_request: Request) -> Answer:
        return Answer(200, _TYPES[path.suffix], path.read_bytes(), headers=_CAREFUL)

    return send
