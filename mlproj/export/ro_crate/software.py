"""What was run and what it ran in, as entities: the project's definition, its language and packages, the image of a
container."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any
from urllib.parse import quote

from mlproj.export.ro_crate import values
from mlproj.export.ro_crate.content import Piece
from mlproj.export.ro_crate.definition import Definition
from mlproj.export.ro_crate.entity import Entity, Graph, file_id, local_id, reference, references
from mlproj.export.ro_crate.licence import Terms
from mlproj.foundation.errors import UsageError
from mlproj.foundation.redaction import mask_url, redact
from mlproj.run_folder import record
from mlproj.tracking.base import Run
from mlproj.tracking.comparison import lock_name, locked_packages

_TERMS = "https://w3id.org/ro/terms/workflow-run#"


def add_tool(graph: Graph, run: Run, definition: Definition, program: Piece | None, terms: Terms | None) -> Entity:
    """What the run was a run of: the project's definition, the file *program*; else a program of which only the name is
    known."""
    source = run.source or {}
    address = _address(source)
    name = (
        definition.project
        or redact(str(run.tags.get("mlflow.source.name") or run.run_name)).rstrip("/").rpartition("/")[2]
    )
    needs = references(_packages(graph, run))
    version = source.get("commit") or source.get("digest")
    if program is None:
        return graph.add(
            "#program",
            "SoftwareApplication",
            name=name,
            url=address,
            softwareVersion=version,
            softwareRequirements=needs,
        )
    language = graph.add(
        "#MLproject",
        "ComputerLanguage",
        name="MLproject",
        description="MLflow's format of projects: entry points with typed parameters, and an environment",
        url="https://mlflow.org/docs/latest/ml/projects/",
    )
    return graph.add(
        file_id(program.path),
        ["File", "SoftwareSourceCode", "ComputationalWorkflow"],
        name=name,
        description=f"Entry point {run.entry_point}; {_state(source)}",
        programmingLanguage=reference(language),
        codeRepository=address,
        url=address,
        version=version,
        license={"@id": terms.id} if terms else None,
        input=references(values.parameters(graph, definition, run)),
        softwareRequirements=needs,
        sha256=program.sha256,
        contentSize=str(program.size),
        encodingFormat=values.encoding(program.name),
    )


def add_image(graph: Graph, run: Run) -> Entity | None:
    """The image of the container that the run was in, None for a run in none."""
    image = (run.environment or {}).get("image")
    if not isinstance(image, dict) or not image.get("name"):
        return None
    name, _, digest = str(image.get("digest") or image["name"]).partition("@")
    registry, _, rest = name.partition("/")
    is_registry = bool(rest) and ("." in registry or ":" in registry or registry == "localhost")
    path = rest if is_registry else name
    tag = str(image["name"]).partition("@")[0].rpartition("/")[2].partition(":")[2]
    return graph.add(
        local_id("image", str(image["name"])),
        "ContainerImage",
        additionalType={"@id": f"{_TERMS}DockerImage"},
        name=path.partition(":")[0],
        registry=registry if is_registry else "docker.io",
        tag=tag,
        sha256=digest.removeprefix("sha256:"),
        identifier=image.get("id"),
    )


def _state(source: Mapping[str, Any]) -> str:
    if not source.get("commit"):
        return "not under version control" if source.get("kind") == "folder" else "an archive"
    changed = "with uncommitted changes, see run/diff.patch" if source.get("dirty") else "as committed"
    below = f", in {source['subdirectory']}" if source.get("subdirectory") else ""
    return f"{changed}{below}"


def _address(source: Mapping[str, Any]) -> str | None:
    """Where others find the source; a path of this machine is none."""
    uri = mask_url(str(source.get("uri") or ""))
    is_remote = "://" in uri or (source.get("kind") == "git" and "@" in uri)
    return uri if is_remote and not uri.startswith("file:") else None


def _packages(graph: Graph, run: Run) -> Iterator[Entity]:
    """Python and what the lock of the run lists."""
    python = (run.environment or {}).get("python")
    if python:
        yield graph.add(
            "#python", "SoftwareApplication", name="Python", softwareVersion=str(python), url="https://www.python.org/"
        )
    name = lock_name(run)
    lock = record.read(run.run_id, run.artifact_uri, name) if name else None
    packages: dict[str, str] = {}
    with suppress(UsageError):  # a lock that makes no sense is in the crate as it is
        packages = locked_packages(run, lock)
    for package, version in sorted(packages.items()):
        id = (
            f"pkg:pypi/{quote(package)}@{quote(version)}"
            if name and name.endswith(".toml")
            else local_id("package", package)
        )
        yield graph.add(id, "SoftwareApplication", name=package, softwareVersion=version)
