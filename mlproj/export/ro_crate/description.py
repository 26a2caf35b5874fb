"""What a crate says of itself: the run, what it was run from and with, and what came of it.

Terms are those of the profiles named in :mod:`mlproj.export.ro_crate`. Persons are only named: nobody's identifier is
guessed.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mlproj.export.ro_crate import software, values
from mlproj.export.ro_crate.content import Contents, Left, Piece
from mlproj.export.ro_crate.definition import Definition
from mlproj.export.ro_crate.entity import (
    METADATA,
    Entity,
    Graph,
    content_id,
    file_id,
    local_id,
    moment,
    reference,
    references,
)
from mlproj.export.ro_crate.licence import Terms
from mlproj.foundation import paths
from mlproj.foundation.redaction import redact
from mlproj.tracking.base import Run, Status

_RO_CRATE = "https://w3id.org/ro/crate/1.1"
_PROCESS = ("https://w3id.org/ro/wfrun/process/0.5", "Process Run Crate", "0.5")
_WORKFLOW = ("https://w3id.org/ro/wfrun/workflow/0.5", "Workflow Run Crate", "0.5")
_DEFINED = ("https://w3id.org/workflowhub/workflow-ro-crate/1.0", "Workflow RO-Crate", "1.0")
_ABOUT = {
    paths.PLAN: "What was decided before the run: source, command, parameters, environment",
    paths.DIFF: "What made the project's files differ from the commit, as a Git patch",
    "output.log": "What the run printed",
    paths.STATEMENT: "A signed statement about the run (in-toto, DSSE)",
}


def describe(run: Run, definition: Definition, contents: Contents, terms: Terms | None) -> Graph:
    """The metadata of a crate with these *contents*."""
    graph = Graph()
    program = contents.of_record(definition.file)
    profiles = (_PROCESS, _WORKFLOW, _DEFINED) if program else (_PROCESS,)
    _add_root(graph, run, profiles, terms)
    files = [_add_piece(graph, piece) for piece in contents.artifacts]
    absent = [_add_left(graph, left, run) for left in contents.left]
    given = values.add_inputs(graph, run, definition)
    tool = software.add_tool(graph, run, definition, program, terms)
    action = _add_action(graph, run, tool, given, [*files, *absent, *values.add_metrics(graph, run)])
    record = [_add_record(graph, piece, action) for piece in contents.record if piece is not program]
    _add_orchestration(graph, run, definition, action)
    parts = [
        *([tool] if program else []),
        *record,
        *files,
        *absent,
        *given,
        *([{"@id": terms.id}] if terms and terms.file else []),
    ]
    graph.add(
        "./",
        "Dataset",
        hasPart=references(part for part in parts if {"File", "Dataset"} & set(_types(part))),
        mentions=[reference(action), {"@id": "#orchestration"}],
        mainEntity=reference(tool),
    )
    return graph


def _types(entity: Entity) -> list[str]:
    found = entity.get("@type", "File")
    return [found] if isinstance(found, str) else found


def _add_root(graph: Graph, run: Run, profiles: Sequence[tuple[str, str, str]], terms: Terms | None) -> None:
    conforms = [{"@id": _RO_CRATE}, *([{"@id": _DEFINED[0]}] if _DEFINED in profiles else [])]
    graph.add(METADATA, "CreativeWork", conformsTo=conforms, about={"@id": "./"})
    licence = _add_licence(graph, terms)
    graph.add(
        "./",
        "Dataset",
        name=f"Run {run.run_name}",
        description=(
            f"A run of {_what(run)}, recorded by mlproj: its definition, parameters, environment, log, results and"
            " files."
        ),
        datePublished=moment(run.end_time or run.start_time),
        license=reference(licence),
        conformsTo=[{"@id": id} for id, _name, _version in profiles],
        identifier=run.run_id,
    )
    for id, name, version in profiles:
        graph.add(id, "CreativeWork", name=name, version=version)


def _add_licence(graph: Graph, terms: Terms | None) -> Entity:
    if terms is None:
        text = "The project states no licence; whoever wants to use it has to ask its authors."
        return graph.add("#no-licence", "CreativeWork", name="No licence stated", description=text)
    if terms.file:
        return graph.add(
            terms.id,
            ["File", "CreativeWork"],
            **{**_content(terms.file), "name": terms.name, "encodingFormat": "text/plain"},
        )
    return graph.add(terms.id, "CreativeWork", name=terms.name, identifier=terms.id)


def _what(run: Run) -> str:
    source = run.source or {}
    entry = f"the entry point {run.entry_point} of " if run.entry_point else ""
    name = str(run.tags.get("mlflow.source.name") or source.get("uri") or "a program")
    return redact(entry + (name.rstrip("/").rpartition("/")[2] if source.get("kind") == "folder" else name))


def _add_action(graph: Graph, run: Run, tool: Entity, given: Sequence[Entity], made: Sequence[Entity]) -> Entity:
    succeeded = run.status is Status.FINISHED
    ended = "" if run.exit_code is None else f"\n(exit code {run.exit_code})"
    person = graph.add(local_id("person", run.user), "Person", name=run.user) if run.user else None
    image = software.add_image(graph, run)
    return graph.add(
        local_id("run", run.run_id),
        "CreateAction",
        name=f"Run {run.run_name} of {_what(run)}",
        description=redact(run.command or f"A program that logged to experiment {run.experiment_name}") + ended,
        instrument=reference(tool),
        agent=reference(person) if person else None,
        startTime=moment(run.start_time),
        endTime=moment(run.end_time),
        actionStatus=f"http://schema.org/{'Completed' if succeeded else 'Failed'}ActionStatus",
        error=None if succeeded else redact(run.status_reason or run.status.value.lower()),
        object=references(given),
        result=references(made),
        containerImage=reference(image) if image else None,
    )


def _add_orchestration(graph: Graph, run: Run, definition: Definition, action: Entity) -> None:
    mlproj = graph.add(
        "#mlproj",
        "SoftwareApplication",
        name="mlproj",
        description="Runs machine-learning projects and records what happens",
        softwareVersion=definition.recorded_by,
    )
    graph.add(
        "#orchestration",
        "OrganizeAction",
        name=f"Orchestration of {run.run_name} by mlproj",
        instrument=reference(mlproj),
        agent=action.get("agent"),
        startTime=moment(run.start_time),
        endTime=moment(run.end_time),
        result=reference(action),
    )


def _add_record(graph: Graph, piece: Piece, action: Entity) -> Entity:
    about = _ABOUT.get(piece.name, "The environment of the run: exactly what was installed")
    return graph.add(file_id(piece.path), "File", **_content(piece), description=about, about=reference(action))


def _add_piece(graph: Graph, piece: Piece) -> Entity:
    return graph.add(file_id(piece.path), "File", **_content(piece))


def _add_left(graph: Graph, left: Left, run: Run) -> Entity:
    """A file that is not in the crate: named by its content where that is known, else only said to have been."""
    is_known = left.sha256 is not None
    return graph.add(
        content_id(left.sha256, left.path) if left.sha256 else local_id("absent", left.path),
        "File" if is_known else "CreativeWork",
        name=left.path,
        description=f"Not in this crate: {left.reason}",
        sha256=left.sha256,
        contentSize=None if left.size is None else str(left.size),
        encodingFormat=values.encoding(left.path) if is_known else None,
        sdDatePublished=moment(run.end_time) if is_known else None,
    )


def _content(piece: Piece) -> dict[str, Any]:
    return {
        "name": piece.name,
        "sha256": piece.sha256,
        "contentSize": str(piece.size),
        "encodingFormat": values.encoding(piece.name),
    }
