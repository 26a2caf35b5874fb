"""The Open Inference Protocol v2 over HTTP: what is served, whether it is ready; tensors are read by the worker.

https://github.com/open-inference/open-inference-protocol, with the extension for binary tensors.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote

import mlproj
from mlproj.models.scoring.worker_process import Answer
from mlproj.models.serving.about import About
from mlproj.models.serving.app import Methods, Tree
from mlproj.models.serving.current import Current
from mlproj.models.serving.http import Handler, Request, document
from mlproj.models.serving.invocations import asked
from mlproj.models.signature import Column, Schema, Tensor

_JSON_LENGTH = b"inference-header-content-length"
_OF_SCALAR = {
    "boolean": "BOOL",
    "integer": "INT32",
    "long": "INT64",
    "float": "FP32",
    "double": "FP64",
}
_OF_NUMPY = {"bool": "BOOL", "float16": "FP16", "float32": "FP32", "float64": "FP64"}
_OF_NUMPY |= {f"{sign}int{bits}": f"{sign}int{bits}".upper() for sign in ("", "u") for bits in (8, 16, 32, 64)}

DATATYPES = (*dict.fromkeys(_OF_NUMPY.values()), "BYTES")
"""Those that tensors may have."""


def routes(current: Current) -> Mapping[str, Methods]:
    """The routes with a path of their own."""

    async def server(_request: Request) -> Answer:
        about = {"name": "mlproj", "version": mlproj.__version__, "extensions": ["binary_tensor_data"]}
        return document(about)

    async def live(_request: Request) -> Answer:
        return document({"live": True})

    async def ready(_request: Request) -> Answer:
        is_ready = current.service.is_ready
        return document({"ready": is_ready}, 200 if is_ready else 503)

    return {
        "/v2": {"GET": server},
        "/v2/health/live": {"GET": live},
        "/v2/health/ready": {"GET": ready},
    }


def tree(current: Current) -> Tree:
    """What is below ``/v2/models/``."""

    async def described(_request: Request) -> Answer:
        return document(metadata(current.about))

    async def ready(_request: Request) -> Answer:
        is_ready = current.service.is_ready
        return document({"name": current.about.name, "ready": is_ready}, 200 if is_ready else 503)

    async def infer(request: Request) -> Answer:
        return await _infer(current, request)

    methods: dict[str, tuple[str, Handler]] = {
        "": ("GET", described),
        "ready": ("GET", ready),
        "infer": ("POST", infer),
    }

    def find(rest: str) -> tuple[str, Methods] | None:
        name, version, verb = _parts(rest)
        if verb not in methods:
            return None
        about = current.about
        route = "/v2/models" + (f"/{verb}" if verb else "")
        if unquote(name) != about.name or version not in (None, about.version or "1"):
            return route, dict.fromkeys(("GET", "POST"), _unknown(about))
        method, handler = methods[verb]
        return route, {method: handler}

    return Tree(find)


def _parts(rest: str) -> tuple[str, str | None, str | None]:
    """The model's name, its version and the verb in what follows ``/v2/models/``; the verb is None for what is none."""
    name, *more = rest.split("/")
    version = None
    if more[:1] == ["versions"] and len(more) > 1:
        version, more = more[1], more[2:]
    return name, version, "" if not more else more[0] if len(more) == 1 and more[0] else None


def _unknown(about: About) -> Handler:
    async def answer(_request: Request) -> Answer:
        return document({"error": f"the model here is {about.name!r}, version {about.version or '1'}"}, 404)

    return answer


async def _infer(current: Current, request: Request) -> Answer:
    length = request.header(_JSON_LENGTH)
    if length is not None and not (length.isascii() and length.isdigit() and len(length) < 19):
        return document({"error": f"Inference-Header-Content-Length is no number: {length!r:.40}"}, 400)
    body = await request.body()
    about = current.about
    form = {
        "name": "inference",
        "json": None if length is None else int(length),
        "model": about.name,
        "version": about.version or "1",
    }
    return _in_words(await asked(current, request, "/v2/models/infer", body, form))


def _in_words(answer: Answer) -> Answer:
    """An error of the server's own in this protocol's form; the worker's are in it already."""
    if answer.status == 200 or answer.body.startswith(b'{"error":'):
        return answer
    try:
        message = json.loads(answer.body)["message"]
    except (ValueError, TypeError, KeyError):
        message = answer.body.decode(errors="replace")
    return document({"error": message}, answer.status, *answer.headers)


def metadata(about: About) -> dict[str, Any]:
    """What the protocol says of a model."""
    signature = about.signature
    return {
        "name": about.name,
        "versions": [about.version or "1"],
        "platform": "mlflow",
        "inputs": _tensors(signature.inputs if signature else None, "input"),
        "outputs": _tensors(signature.outputs if signature else None, "output"),
    }


def _tensors(schema: Schema | None, kind: str) -> list[dict[str, Any]]:
    return [_tensor(one, f"{kind}-{number}") for number, one in enumerate(schema or (), 1)]


def _tensor(one: Column | Tensor, unnamed: str) -> dict[str, Any]:
    if isinstance(one, Tensor):
        return {"name": one.name or unnamed, "datatype": _OF_NUMPY.get(one.dtype, "BYTES"), "shape": list(one.shape)}
    return {"name": one.name or unnamed, "datatype": _OF_SCALAR.get(one.type.name, "BYTES"), "shape": [-1]}
