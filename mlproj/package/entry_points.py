"""Entry points as data, and back: what ``mlproj package --image`` read of a project, for the program in the image."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mlproj.foundation.errors import Place
from mlproj.projects.base import REQUIRED, EntryPoint, Parameter


def document(point: EntryPoint) -> dict[str, Any]:
    """*point* as JSON can hold it. Defaults and choices become text, which is all that a command sees of them."""
    return {
        "name": point.name,
        "command": point.command,
        "description": point.description,
        "place": _place_document(point.place),
        "parameters": [_parameter_document(parameter) for parameter in point.parameters.values()],
    }


def read(data: Mapping[str, Any]) -> EntryPoint:
    """The entry point of a document."""
    parameters = [_parameter(one) for one in data["parameters"]]
    return EntryPoint(
        data["name"],
        data["command"],
        {parameter.name: parameter for parameter in parameters},
        description=data["description"],
        place=_place(data["place"]),
    )


def _parameter_document(parameter: Parameter) -> dict[str, Any]:
    default, choices = parameter.default, parameter.choices
    return {
        "name": parameter.name,
        "type": parameter.type,
        "choices": None if choices is None else [str(choice) for choice in choices],
        "min": parameter.minimum,
        "max": parameter.maximum,
        "optional": parameter.optional,
        "description": parameter.description,
        "place": _place_document(parameter.place),
        **({} if default is REQUIRED else {"default": None if default is None else str(default)}),
    }


def _parameter(data: Mapping[str, Any]) -> Parameter:
    return Parameter(
        data["name"],
        data["type"],
        default=data.get("default", REQUIRED),
        choices=None if data["choices"] is None else tuple(data["choices"]),
        minimum=data["min"],
        maximum=data["max"],
        optional=data["optional"],
        description=data["description"],
        place=_place(data["place"]),
    )


def _place_document(place: Place | None) -> dict[str, Any] | None:
    # By the file's name alone: where the project was when it was packaged is of no use in the image.
    return {"file": place.file.rpartition("/")[2], "line": place.line, "column": place.column} if place else None


def _place(data: Mapping[str, Any] | None) -> Place | None:
    return Place(data["file"], data["line"], data["column"]) if data else None
