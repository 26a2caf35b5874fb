"""The JSON Schema of MLproject, for editors: what :mod:`mlproj.projects.mlproject` accepts without a word."""

from __future__ import annotations

from typing import Any

from mlproj.projects import docker_env
from mlproj.projects.parameter import TYPES
from mlproj.projects.reading import HARMLESS

_SCALAR = ["string", "number", "boolean", "null"]


def schema() -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of an MLproject file."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "MLproject",
        "description": "An MLflow project as mlproj reads it.",
        "type": "object",
        "properties": {
            "name": {"type": _SCALAR, "description": "Name of the project."},
            "description": {"description": "What the project is for."},
            "python_env": _text("Path of the python_env.yaml file."),
            "conda_env": _text("Path of the conda.yaml file."),
            "docker_env": _docker_env(),
            "entry_points": {
                "type": "object",
                "description": "Commands that can be run, by name; 'main' runs when none is named.",
                "additionalProperties": {"$ref": "#/$defs/entry_point"},
            },
            "databricks_spark_job": {"deprecated": True, "description": "Means something on Databricks only."},
            **_harmless(),
        },
        "additionalProperties": False,
        "oneOf": [
            {"required": ["python_env"]},
            {"required": ["conda_env"]},
            {"required": ["docker_env"]},
            {"not": {"anyOf": [{"required": [kind]} for kind in ("python_env", "conda_env", "docker_env")]}},
        ],
        "$defs": {"entry_point": _entry_point(), "parameter": _parameter()},
    }


def _entry_point() -> dict[str, Any]:
    return {
        "type": "object",
        "required": ["command"],
        "properties": {
            "command": {
                "type": "string",
                "description": "What bash runs; {name} is the value of the parameter 'name'.",
            },
            "description": {"description": "What the entry point does."},
            "parameters": {"type": ["object", "null"], "additionalProperties": {"$ref": "#/$defs/parameter"}},
            **_harmless(),
        },
        "additionalProperties": False,
    }


def _parameter() -> dict[str, Any]:
    types = {"type": "string", "anyOf": [{"enum": list(TYPES)}, {"pattern": _list_pattern()}]}
    return {
        "anyOf": [
            types,
            {
                "type": "object",
                "properties": {
                    "type": {
                        "anyOf": [types, {"type": "null"}],
                        "description": "Type of the value, string when absent.",
                    },
                    "default": {"description": "Value when none is given; null makes the parameter optional."},
                    "description": {"description": "What the parameter means."},
                    "choices": {
                        "type": ["array", "null"],
                        "items": {"type": _SCALAR},
                        "minItems": 1,
                        "description": "The only values allowed.",
                    },
                    "min": _bound("Smallest number allowed."),
                    "max": _bound("Largest number allowed."),
                    "optional": {"type": ["boolean", "null"], "description": "Whether the value may be absent."},
                    **_harmless(),
                },
                "additionalProperties": False,
            },
        ]
    }


def _list_pattern() -> str:
    return rf"^list\[({'|'.join(name for name in TYPES if name != 'list')})\]$"


def _bound(description: str) -> dict[str, Any]:
    number = r"^[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?$"  # YAML reads 1e-3 as text
    return {"anyOf": [{"type": ["number", "null"]}, {"type": "string", "pattern": number}], "description": description}


def _build() -> dict[str, Any]:
    args = {
        "anyOf": [
            {"type": "object", "additionalProperties": {"type": _SCALAR}},
            {"type": "array", "items": {"type": "string"}},
        ]
    }
    fields = {
        "context": _text("Folder of the build."),
        "dockerfile": _text("Its Dockerfile."),
        "target": _text("Stage to build."),
    }
    described = {**fields, "args": {**args, "description": "Values of ARG instructions."}, **_harmless()}
    return {
        "anyOf": [
            _text("Folder of the build."),
            {"type": "object", "properties": described, "additionalProperties": False},
        ]
    }


def _docker_env() -> dict[str, Any]:
    plain: dict[str, Any] = {"type": ["string", "number", "boolean", "null"]}
    variable = {
        "anyOf": [
            {"type": "string", "pattern": "^[^=]"},
            {
                "type": "array",
                "prefixItems": [{"type": "string", "pattern": "^[^=]"}, {"type": _SCALAR}],
                "minItems": 2,
                "maxItems": 2,
            },
        ]
    }
    return {
        "type": "object",
        "oneOf": [{"required": ["image"]}, {"anyOf": [{"required": ["dockerfile"]}, {"required": ["build"]}]}],
        "description": "The container to run in.",
        "properties": {
            "image": _text("Name of the image."),
            "volumes": {
                "type": ["array", "null"],
                "items": {"type": "string"},
                "description": "Mounts, as /host:/container.",
            },
            "environment": {
                "type": ["array", "null"],
                "items": variable,
                "description": "NAME to copy from the host, NAME=value or [NAME, value] to set.",
            },
            "dockerfile": _text("Dockerfile to build the image from, instead of 'image'."),
            "build": _build(),
            "gpus": {
                **plain,
                "description": "GPUs of the container, such as all; an engine takes them by its own toolkit.",
            },
            "shm_size": {**plain, "description": "Size of /dev/shm, such as 2g."},
            "user": {**plain, "description": "Whom the program runs as: caller (default), image, or UID[:GID]."},
            "platform": {**plain, "description": "Platform of the image, such as linux/amd64."},
            "pull": {
                "enum": [*docker_env.PULLS, None],
                "description": "When to ask the registry for the image. Default: missing.",
            },
            **_harmless(),
        },
        "additionalProperties": False,
    }


def _text(description: str) -> dict[str, Any]:
    return {"type": "string", "minLength": 1, "description": description}


def _harmless() -> dict[str, Any]:
    return dict.fromkeys(sorted(HARMLESS - {"description"}), True)
