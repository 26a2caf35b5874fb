"""OpenAPI of the Open Inference Protocol for one model."""

from __future__ import annotations

from typing import Any

from mlproj.models.serving.about import About
from mlproj.models.serving.inference_protocol import DATATYPES, metadata

_TENSOR = {
    "type": "object",
    "required": ["name", "shape", "datatype"],
    "properties": {
        "name": {"type": "string"},
        "shape": {"type": "array", "items": {"type": "integer", "minimum": 0}},
        "datatype": {"enum": list(DATATYPES)},
        "parameters": {"type": "object"},
        "data": {"type": "array"},
    },
}
_REQUEST = {
    "type": "object",
    "required": ["inputs"],
    "properties": {
        "id": {"type": "string"},
        "parameters": {"type": "object"},
        "inputs": {"type": "array", "minItems": 1, "items": _TENSOR},
        "outputs": {
            "type": "array",
            "items": {"type": "object", "required": ["name"], "properties": {"name": {"type": "string"}}},
        },
    },
}
_ANSWER = {
    "type": "object",
    "required": ["model_name", "outputs"],
    "properties": {
        "model_name": {"type": "string"},
        "model_version": {"type": "string"},
        "outputs": {"type": "array", "items": _TENSOR},
    },
}
_ERROR = {"type": "object", "required": ["error"], "properties": {"error": {"type": "string"}}}
_REFUSALS = {"400": "The request does not fit the model.", "413": "The body or its rows are too many."}
_REFUSALS |= {"503": "The model cannot be asked now; try again later.", "504": "The model took too long."}


def paths(about: About) -> dict[str, Any]:
    """The paths of the protocol, with the model's name in them."""
    model = f"/v2/models/{about.name}"
    return {
        "/v2/health/live": {"get": _read("live", "Whether the server runs.", {})},
        "/v2/health/ready": {"get": _read("ready", "Whether a worker can answer.", {}, "503")},
        model: {"get": _read("metadata", "The tensors that the model takes and gives.", metadata(about))},
        f"{model}/infer": {"post": _infer(about)},
    }


def _read(name: str, summary: str, example: dict[str, Any], *further: str) -> dict[str, Any]:
    content = {"schema": {"type": "object"}, **({"example": example} if example else {})}
    answers: dict[str, Any] = {"200": {"description": "As asked.", "content": {"application/json": content}}}
    answers.update({code: {"description": _REFUSALS[code]} for code in further})
    return {"operationId": name, "summary": summary, "responses": answers}


def _infer(about: About) -> dict[str, Any]:
    asked: dict[str, Any] = {"schema": _REQUEST}
    inputs = _example(about)
    if inputs:
        asked["example"] = {"inputs": inputs}
    error = {"application/json": {"schema": _ERROR}}
    refusals = {code: {"description": text, "content": error} for code, text in _REFUSALS.items()}
    good = {"description": "The predictions.", "content": {"application/json": {"schema": _ANSWER}}}
    return {
        "operationId": "infer",
        "summary": "Ask the model in the Open Inference Protocol.",
        "requestBody": {"required": True, "content": {"application/json": asked}},
        "responses": {"200": good, **refusals},
    }


def _example(about: About) -> list[dict[str, Any]]:
    """One row as tensors: the example's, where its values are scalars."""
    row = about.document()["fields"] or {}
    found = []
    for tensor in metadata(about)["inputs"]:
        value = row.get(tensor["name"])
        if tensor["shape"] == [-1] and isinstance(value, bool | int | float | str):
            found.append({**tensor, "shape": [1], "data": [value]})
    return found
