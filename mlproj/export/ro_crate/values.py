"""What went into a run and what was measured, as entities: parameters with their values, input files, metrics."""

from __future__ import annotations

import mimetypes
from collections.abc import Mapping, Sequence
from typing import Any

from mlproj.export.ro_crate.definition import Definition
from mlproj.export.ro_crate.entity import Entity, Graph, content_id, local_id, moment, reference
from mlproj.foundation.redaction import MASK, looks_secret, redact
from mlproj.projects.base import REQUIRED, Parameter
from mlproj.tracking.base import DatasetInput, Run
from mlproj.tracking.record import number

_TYPES = {"int": "Integer", "float": "Float", "bool": "Boolean"}
_BY_SUFFIX = mimetypes.MimeTypes()  # Python's own table: that of the machine would say something else elsewhere
_OURS = {"MLproject": "application/yaml", "output.log": "text/plain", "diff.patch": "text/x-diff"}
_SUFFIXES = {
    ".toml": "application/toml",
    ".yaml": "application/yaml",
    ".yml": "application/yaml",
    ".md": "text/markdown",
    ".jsonl": "application/jsonl",
}


def encoding(name: str) -> str:
    """The media type of a file by its name."""
    base = name.rpartition("/")[2]
    suffix = f".{base.rpartition('.')[2].lower()}"
    return _OURS.get(base) or _SUFFIXES.get(suffix) or _BY_SUFFIX.guess_type(base)[0] or "application/octet-stream"


def add_inputs(graph: Graph, run: Run, definition: Definition) -> list[Entity]:
    """The values of parameters and the files that the run was given, each beside the parameter that it is for."""
    files = {str(given.get("parameter")): given for given in run.inputs}
    added = []
    for name, value in sorted(run.params.items()):
        given = files.get(name)
        added.append(
            _add_file(graph, run, name, given) if given and given.get("sha256") else _add_value(graph, name, value)
        )
        if name in definition.parameters:
            _add_parameter(graph, definition.parameters[name], added[-1])
    return added + [_add_dataset(graph, dataset) for dataset in run.datasets]


def parameters(graph: Graph, definition: Definition, run: Run) -> Sequence[Entity]:
    """The slots for parameters that were filled by the run."""
    return [
        graph.add(local_id("parameter", name), "FormalParameter")
        for name in sorted(definition.parameters)
        if name in run.params
    ]


def add_metrics(graph: Graph, run: Run) -> list[Entity]:
    """The latest value of each metric."""
    points = {point.key: point for point in run.latest_metrics}
    return [
        graph.add(
            local_id("metric", key),
            "PropertyValue",
            name=key,
            value=number(value),
            observationDate=moment(points[key].timestamp) if key in points else None,
        )
        for key, value in sorted(run.metrics.items())
    ]


def _add_parameter(graph: Graph, parameter: Parameter, value: Entity) -> None:
    has_default = parameter.default is not REQUIRED and parameter.default is not None
    shown = MASK if looks_secret(parameter.name) else redact(str(parameter.default))
    kind = value["@type"] if value["@type"] in ("File", "Dataset") else _TYPES.get(parameter.type, "Text")
    graph.add(
        local_id("parameter", parameter.name),
        "FormalParameter",
        name=parameter.name,
        additionalType=kind,
        description=parameter.description,
        defaultValue=shown if has_default else None,
        valueRequired=not has_default and not parameter.optional,
        workExample=reference(value),
    )
    graph.add(value["@id"], value["@type"], exampleOfWork={"@id": local_id("parameter", parameter.name)})


def _add_value(graph: Graph, name: str, value: str) -> Entity:
    return graph.add(
        local_id("value", name), "PropertyValue", name=name, value=MASK if looks_secret(name) else redact(value)
    )


def _add_file(graph: Graph, run: Run, name: str, given: Mapping[str, Any]) -> Entity:
    """An input: not in the crate, but identified by its content. The hash of a folder is one of ours, over names and
    contents."""
    called = redact(str(given.get("uri")))
    size = None if given.get("size") is None else str(given["size"])
    about = {
        "name": called,
        "contentSize": size,
        "sdDatePublished": moment(run.start_time),
        "url": called if "://" in called else None,
    }
    if given.get("folder"):
        text = f"Not in this crate. SHA-256 over the sorted names and contents of its files: {given['sha256']}"
        return graph.add(f"{local_id('input', name)}/", "Dataset", description=text, **about)
    text = "Not in this crate: an input of the run"
    id = content_id(str(given["sha256"]), f"{name}={called}")
    return graph.add(id, "File", description=text, sha256=given["sha256"], encodingFormat=encoding(called), **about)


def _add_dataset(graph: Graph, dataset: DatasetInput) -> Entity:
    return graph.add(
        local_id("dataset", f"{dataset.name}-{dataset.digest}"),
        "CreativeWork",
        name=dataset.name,
        identifier=dataset.digest,
        description=f"A dataset that the program said it used, from {redact(dataset.source)[:2000]}",
    )
