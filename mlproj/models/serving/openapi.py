"""OpenAPI of a served model, made of its signature and its example."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import mlproj
from mlproj.models.serving import inference_openapi
from mlproj.models.serving.about import About
from mlproj.models.signature import Column, DataType, Parameter, Signature, Tensor

Schema = dict[str, Any]

_SCALARS: Mapping[str, Schema] = {
    "boolean": {"type": "boolean"},
    "integer": {"type": "integer", "format": "int32"},
    "long": {"type": "integer", "format": "int64"},
    "float": {"type": "number", "format": "float"},
    "double": {"type": "number", "format": "double"},
    "string": {"type": "string"},
    "binary": {"type": "string", "contentEncoding": "base64"},
    "datetime": {"type": "string", "format": "date-time"},
    "any": {},
}
_ERROR = {
    "type": "object",
    "required": ["error_code", "message"],
    "properties": {"error_code": {"type": "string"}, "message": {"type": "string"}},
}
_ANSWERS = {
    "400": "The request does not fit the model.",
    "413": "The body or its rows are too many.",
    "415": "The content type is not read.",
    "500": "No content type is given, or the answer is none that JSON has; so answers MLflow's server.",
    "503": "The model cannot be asked now; try again later.",
    "504": "The model took too long.",
}


def document(about: About) -> dict[str, Any]:
    """The whole document (OpenAPI 3.1)."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": about.title,
            "version": about.version or "0",
            "description": f"Served by mlproj {mlproj.__version__}.",
        },
        "paths": {
            "/invocations": {"post": _invocations(about)},
            "/ping": {"get": _plain("ping", "Whether a worker can answer.", "503")},
            "/health": {"get": _plain("health", "Whether a worker can answer.", "503")},
            "/version": {"get": _plain("version", "The version of MLflow whose protocol is spoken.")},
            "/metrics": {"get": _plain("metrics", "Numbers for Prometheus.")},
            **inference_openapi.paths(about),
        },
    }


def _plain(name: str, summary: str, *further: str) -> dict[str, Any]:
    return {
        "operationId": name,
        "summary": summary,
        "responses": {
            "200": {"description": "As asked."},
            **{code: {"description": _ANSWERS[code]} for code in further},
        },
    }


def _invocations(about: About) -> dict[str, Any]:
    content: dict[str, Any] = {"schema": request_schema(about.signature)}
    if about.example is not None:
        content["example"] = json.loads(about.example)
    bodies: dict[str, Any] = {"application/json": content}
    if about.signature is None or not about.signature.tensors:
        bodies["text/csv"] = {"schema": {"type": "string"}}
        bodies["application/vnd.apache.parquet"] = {}
    good = {
        "description": "The predictions.",
        "content": {"application/json": {"schema": _answer_schema(about.signature)}},
    }
    errors = {
        code: {
            "description": text,
            "content": {"application/json": {"schema": _ERROR}} if code in ("400", "413", "503") else {},
        }
        for code, text in _ANSWERS.items()
    }
    return {
        "operationId": "invocations",
        "summary": "Ask the model.",
        "requestBody": {"required": True, "content": bodies},
        "responses": {"200": good, **errors},
    }


def request_schema(signature: Signature | None) -> Schema:
    """The bodies in JSON: exactly one of MLflow's forms, and parameters."""
    columns = signature.columns if signature else ()
    tensors = signature.tensors if signature else ()
    if tensors:
        forms = {"inputs": _tensors(tensors)}
    elif columns and all(column.name for column in columns):
        forms = _tables(columns)
    else:
        forms = {"dataframe_split": _split(()), "dataframe_records": {"type": "array"}, "inputs": {}, "instances": {}}
    further = {"params": _params(signature.params)} if signature and signature.params else {}
    return {
        "oneOf": [
            {"type": "object", "required": [form], "properties": {form: schema, **further}}
            for form, schema in forms.items()
        ]
    }


def _tables(columns: tuple[Column, ...]) -> dict[str, Schema]:
    row = {
        "type": "object",
        "required": [column.name for column in columns if column.required],
        "properties": {str(column.name): _optional(column) for column in columns},
    }
    by_column = {
        **row,
        "properties": {str(column.name): {"type": "array", "items": _optional(column)} for column in columns},
    }
    records = {"type": "array", "items": row}
    return {
        "dataframe_split": _split(columns),
        "dataframe_records": records,
        "inputs": {"anyOf": [by_column, records]},
        "instances": records,
    }


def _split(columns: tuple[Column, ...]) -> Schema:
    names: Schema = {"type": "array", "items": {"enum": [column.name for column in columns]} if columns else {}}
    return {
        "type": "object",
        "required": ["columns", "data"] if columns else ["data"],
        "properties": {"columns": names, "data": {"type": "array", "items": {"type": "array"}}},
    }


def _optional(column: Column) -> Schema:
    schema = _type(column.type)
    return schema if column.required or not schema else {"anyOf": [schema, {"type": "null"}]}


def _type(kind: DataType) -> Schema:
    if kind.name == "array":
        return {"type": "array", "items": _type(kind.items) if kind.items else {}}
    if kind.name == "map":
        return {"type": "object", "additionalProperties": _type(kind.items) if kind.items else {}}
    if kind.name == "object":
        return {
            "type": "object",
            "required": [part.name for part in kind.properties if part.required],
            "properties": {str(part.name): _optional(part) for part in kind.properties},
        }
    return dict(_SCALARS[kind.name])


def _tensors(tensors: tuple[Tensor, ...]) -> Schema:
    if len(tensors) == 1 and tensors[0].name is None:
        return _tensor(tensors[0])
    return {
        "type": "object",
        "required": [tensor.name for tensor in tensors],
        "properties": {str(tensor.name): _tensor(tensor) for tensor in tensors},
    }


def _tensor(tensor: Tensor) -> Schema:
    schema = _element(tensor.dtype)
    for size in reversed(tensor.shape):
        bounds = {} if size < 0 else {"minItems": size, "maxItems": size}
        schema = {"type": "array", "items": schema, **bounds}
    return {**schema, "description": str(tensor)}


def _element(dtype: str) -> Schema:
    if dtype == "bool":
        return {"type": "boolean"}
    if dtype.startswith(("int", "uint")):
        return {"type": "integer"}
    return {"type": "number"} if dtype.startswith("float") else {}


def _params(params: tuple[Parameter, ...]) -> Schema:
    properties = {}
    for one in params:
        schema = _type(one.type)
        schema = {"type": "array", "items": schema} if one.shape is not None else schema
        properties[one.name] = {**schema, "default": one.default} if one.default is not None else schema
    return {"type": "object", "properties": properties}


def _answer_schema(signature: Signature | None) -> Schema:
    outputs = signature.outputs if signature else None
    predictions: Schema = {}
    if outputs and all(isinstance(one, Column) and one.name for one in outputs):
        properties = {str(one.name): _optional(one) for one in outputs if isinstance(one, Column)}
        predictions = {"type": "array", "items": {"type": "object", "properties": properties}}
    return {"type": "object", "required": ["predictions"], "properties": {"predictions": predictions}}
