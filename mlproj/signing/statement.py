"""The statement of a run: an in-toto Statement v1 whose predicate is SLSA provenance v1.

``subject`` are the run's artifacts, ``resolvedDependencies`` what it was made from (the commit, uncommitted changes,
the lock, inputs), ``byproducts`` its log and what it measured. Values that are secret are masked in the record, and so
they are here.
"""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from mlproj.foundation import paths, quantity
from mlproj.foundation.tree_digest import SNAPSHOT
from mlproj.run_folder import output_log
from mlproj.signing.envelope import InvalidEnvelope, strict_json
from mlproj.signing.evidence import Evidence, lock_of, output_path
from mlproj.tracking.base import Run
from mlproj.tracking.record import number

TYPE = "https://in-toto.io/Statement/v1"
PREDICATE = "https://slsa.dev/provenance/v1"
BUILD_TYPE = "urn:mlproj:run:v1"
_BUILDER = "pkg:pypi/mlproj"
_RESULT = "result"
COPY = "copy of the project"
"""What the statement calls the files of a project without Git history, of which the run kept a copy."""
_RECORD = {"tags": "tag ", "user": "user", "host": "host", "histories of metrics": "history of metric "}
"""What statements of earlier versions do not cover, and how the facts of it begin."""
_LASTING_TAGS = (
    *("mlflow.user", "mlflow.source.", "mlflow.project.", "mlflow.parentRunId"),
    *("mlproj.sandbox", "mlproj.notes", "mlproj.reproduces", "mlproj.reruns"),
)
_NOT_COVERED = (
    "name",
    "description",
    "tags other than " + ", ".join(_LASTING_TAGS),
    "aliases and later changes of models",
)

Document = dict[str, Any]


def build(run: Run, evidence: Evidence) -> bytes:
    """The statement of *run* as it is now: the same bytes for the same run."""
    document = {
        "_type": TYPE,
        "subject": list(_subjects(run, evidence)),
        "predicateType": PREDICATE,
        "predicate": {"buildDefinition": _definition(run, evidence), "runDetails": _details(run, evidence)},
    }
    return json.dumps(document, sort_keys=True, separators=(",", ":"), allow_nan=False).encode()


def _subjects(run: Run, evidence: Evidence) -> Iterator[Document]:
    """The artifacts, and outputs that were too large to keep; without any, what the run printed."""
    found = dict(evidence.artifacts)
    left = {output_path(output.path): output.sha256 for output in run.outputs if not output.kept and output.sha256}
    for path, digest in sorted({**left, **found}.items()):
        yield {"name": path, "digest": {"sha256": digest}} | ({} if path in found else {"annotations": {"kept": False}})
    if not found and not left and output_log.LOG in evidence.record:
        yield {"name": output_log.LOG, "digest": {"sha256": evidence.record[output_log.LOG]}}


def _definition(run: Run, evidence: Evidence) -> Document:
    source, environment = run.source or {}, run.environment or {}
    named = {key: source[key] for key in ("uri", "subdirectory", "requested") if source.get(key)}
    return {
        "buildType": BUILD_TYPE,
        "externalParameters": {"source": named, "entryPoint": run.entry_point, "parameters": dict(run.params)},
        "internalParameters": {
            "command": run.command,
            "environment": {key: environment.get(key) for key in ("kind", "manager", "python", "key")},
            "record": {
                "user": run.user,
                "host": run.host,
                "tags": {name: value for name, value in run.tags.items() if name.startswith(_LASTING_TAGS)},
                "histories": dict(evidence.histories),
            },
            "notCovered": list(_NOT_COVERED),
        },
        "resolvedDependencies": list(_dependencies(run, evidence)),
    }


def _dependencies(run: Run, evidence: Evidence) -> Iterator[Document]:
    source = run.source or {}
    if source.get("commit"):
        yield {"name": "source", "digest": {"gitCommit": source["commit"]}}
    elif source.get("digest"):
        kind, _, value = str(source["digest"]).partition(":")
        yield {"name": "source", "digest": {kind: value}}
    if source.get(SNAPSHOT):
        yield {"name": COPY, "digest": {"mlprojSnapshot": str(source[SNAPSHOT])}}
    for name in (paths.DEFINITION, paths.DIFF, lock_of(run) or ""):
        if name in evidence.record:
            yield {"name": name, "digest": {"sha256": evidence.record[name]}}
    for given in run.inputs:
        if given.get("sha256"):
            # A folder's hash is one of ours, over names and contents.
            kind = "mlprojTree" if given.get("folder") else "sha256"
            yield {
                "name": f"input {given.get('parameter')}",
                "uri": str(given.get("uri")),
                "digest": {kind: given["sha256"]},
            }


def _details(run: Run, evidence: Evidence) -> Document:
    result = {
        "status": run.status.value,
        "exitCode": run.exit_code,
        "metrics": {key: number(value) for key, value in run.metrics.items()},
    }
    content = json.dumps(result, sort_keys=True).encode()
    records = [
        {"name": name, "digest": {"sha256": evidence.record[name]}}
        for name in (paths.PLAN, output_log.LOG)
        if name in evidence.record
    ]
    return {
        "builder": {"id": _BUILDER},
        "metadata": {
            "invocationId": run.run_id,
            "startedOn": _moment(run.start_time),
            "finishedOn": _moment(run.end_time),
        },
        "byproducts": [
            *records,
            {"name": _RESULT, "mediaType": "application/json", "content": b64encode(content).decode()},
        ],
    }


def _moment(milliseconds: int | None) -> str | None:
    found = quantity.utc(milliseconds)
    return found.isoformat(timespec="milliseconds").replace("+00:00", "Z") if found else None


def facts(payload: bytes) -> dict[str, str]:
    """Everything that the statement *payload* says, by what it is about. Raises InvalidEnvelope for one that is not
    of our making."""
    document = strict_json(payload)
    if document.get("_type") != TYPE:
        raise InvalidEnvelope(f"it is a statement of the type {document.get('_type')!r:.100}, expected {TYPE}")
    if document.get("predicateType") != PREDICATE:
        raise InvalidEnvelope(f"its predicate is {document.get('predicateType')!r:.100}, expected {PREDICATE}")
    predicate = _mapping(document.get("predicate"))
    definition, details = _mapping(predicate.get("buildDefinition")), _mapping(predicate.get("runDetails"))
    if definition.get("buildType") != BUILD_TYPE:
        raise InvalidEnvelope(f"it is about {definition.get('buildType')!r:.100}, and not about a run of mlproj")
    return dict(_facts_of(document, definition, details))


def artifacts_of(facts_signed: Mapping[str, str]) -> list[str]:
    """The artifacts that *facts_signed* are about."""
    return [what.removeprefix("artifact ") for what in facts_signed if what.startswith("artifact ")]


def _facts_of(document: Document, definition: Document, details: Document) -> Iterator[tuple[str, str]]:
    yield "run", str(_mapping(details.get("metadata")).get("invocationId"))
    for one in _list(document.get("subject")):
        yield f"artifact {one.get('name')}", _digest(one)
    for one in [*_list(definition.get("resolvedDependencies")), *_list(details.get("byproducts"))]:
        if one.get("name") == _RESULT:
            yield from _result(one)
        else:
            yield str(one.get("name")), _digest(one)
    external, internal = _mapping(definition.get("externalParameters")), _mapping(definition.get("internalParameters"))
    yield "entry point", str(external.get("entryPoint"))
    yield "command", str(internal.get("command"))
    for kind, values in (("source", "source"), ("parameter", "parameters")):
        yield from ((f"{kind} {name}", str(value)) for name, value in _mapping(external.get(values)).items())
    yield from ((f"environment {name}", str(value)) for name, value in _mapping(internal.get("environment")).items())
    yield from ((name, str(_mapping(details.get("metadata")).get(name))) for name in ("startedOn", "finishedOn"))
    if "record" in internal:
        yield from _recorded(_mapping(internal["record"]))


def _recorded(record: Document) -> Iterator[tuple[str, str]]:
    yield from ((name, str(record.get(name))) for name in ("user", "host"))
    yield from ((f"tag {name}", str(value)) for name, value in _mapping(record.get("tags")).items())
    yield from (
        (f"history of metric {name}", f"sha256:{value}") for name, value in _mapping(record.get("histories")).items()
    )


def not_covered(facts_signed: Mapping[str, str]) -> list[str]:
    """What *facts_signed*, if a statement of an earlier version has them, does not cover."""
    return [] if "user" in facts_signed else list(_RECORD)


def is_of(what: str, kinds: Sequence[str]) -> bool:
    """Whether the fact *what* is of one of *kinds*."""
    return any(what.startswith(_RECORD[kind]) for kind in kinds)


def _result(descriptor: Document) -> Iterator[tuple[str, str]]:
    try:
        result = strict_json(b64decode(str(descriptor.get("content")), validate=True))
    except ValueError:
        raise InvalidEnvelope("what it says of the result cannot be read") from None
    yield "status", str(result.get("status"))
    yield "exit code", str(result.get("exitCode"))
    yield from ((f"metric {name}", str(value)) for name, value in _mapping(result.get("metrics")).items())


def _digest(descriptor: Document) -> str:
    digest = _mapping(descriptor.get("digest"))
    return " ".join(f"{kind}:{value}" for kind, value in sorted(digest.items()))


def _mapping(value: Any) -> Document:
    if not isinstance(value, dict):
        raise InvalidEnvelope("a part of it is missing")
    return value


def _list(value: Any) -> list[Document]:
    if not isinstance(value, list) or not all(isinstance(one, dict) for one in value):
        raise InvalidEnvelope("a part of it is missing")
    return value
