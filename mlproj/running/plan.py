"""What a run will do, decided before anything outside the cache is touched."""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from mlproj.environments.base import Description, Environment, Request
from mlproj.foundation.dataclass import dataclass, field
from mlproj.foundation.errors import Notice
from mlproj.foundation.locked import Locked
from mlproj.foundation.redaction import MASK, looks_secret, redact
from mlproj.projects.base import Command, EntryPoint, Project
from mlproj.projects.script import missing_scripts
from mlproj.running.isolation.base import Isolation, Sandbox
from mlproj.sources.base import Checkout, Revision

STAND_IN = ("auto", "always", "off")
"""Whether a run's own tracking server answers addresses that its project names; see :class:`RunRequest`."""


@dataclass(frozen=True)
class RunRequest:
    """Everything that the user asked for, checked for form only.

    ``parameters`` win over those of ``parameters_file``. ``timeout`` and ``grace`` are seconds. ``output_limit`` is the
    largest output in bytes that is copied as an artifact. ``cwd`` is where the user stands: relative values of ``path``
    parameters mean files there first (None: in the project only; a relative one is a place in the checkout).
    ``variables`` are set for the command, those that are None unset. ``echo`` says where the command's output is shown
    while it runs: on our own ``streams``, all of it on ``stderr`` (stdout then holds one document), or ``nowhere``.
    ``system_metrics`` says whether the load of the machine and of the run is recorded; None leaves it to
    ``MLPROJ_SYSTEM_METRICS``. With ``inject_run_id`` the program gets the run's id in ``MLFLOW_RUN_ID``, and its
    experiment's. ``docker_args`` are options for the container engine, True for those without a value; with
    ``build_image`` the project's files are copied into an image instead of being mounted. ``in_container`` runs a
    project that declares no container in one of this image (empty: one that fits its Python). ``sandbox`` says whether
    the command is confined. ``relax`` names packages whose pins may give way. ``stand_in`` says whether the run's own
    tracking server answers addresses of this machine that the project names and nobody serves: ``auto`` for the run's
    processes, ``always`` for every client where the system does not tell whose it is, ``off``. ``locked`` is the
    environment of an earlier run, which is made again.
    """

    uri: str
    version: str | None = None
    entry_point: str | None = None
    parameters: Mapping[str, Any] = field(default_factory=dict)
    parameters_file: Path | None = None
    experiment_name: str | None = None
    experiment_id: str | None = None
    run_name: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    env_manager: str = "auto"
    as_of: str = "auto"
    infer: bool = True
    offline: bool = False
    isolated: bool = False
    rebuild: bool = False
    backend: str = "local"
    timeout: float | None = None
    grace: float = 10.0
    output_limit: int | None = None
    parent_run_id: str | None = None
    cwd: Path | None = field(default_factory=Path.cwd)
    variables: Mapping[str, str | None] = field(default_factory=dict)
    echo: str = "streams"
    system_metrics: bool | None = None
    inject_run_id: bool = False
    docker_args: Mapping[str, str | bool] = field(default_factory=dict)
    build_image: bool = False
    in_container: str | None = None
    sandbox: bool = False
    stand_in: str = "auto"
    locked: Locked | None = None
    plan_only: bool = False
    relax: tuple[str, ...] = ()


@dataclass(frozen=True)
class Proposal:
    """What is about to be run, as far as it is known before any code of the project, or of its packages, can be
    executed.

    Deciding an environment may already build packages, and so run code of theirs; ``environment`` is what it is decided
    from.
    """

    request: RunRequest
    revision: Revision
    project: Project
    entry_point: EntryPoint
    command: Command
    environment: Request


@dataclass(frozen=True)
class Plan:
    """A request resolved: the revision, its files, the command with its values, the environment it needs, and where it
    is put.

    ``sandbox`` says what confines the command and what it is not kept from; None without one.
    """

    request: RunRequest
    revision: Revision
    checkout: Checkout
    project: Project
    entry_point: EntryPoint
    command: Command
    environment: Environment
    isolation: Isolation
    sandbox: Sandbox | None = None

    @property
    def warnings(self) -> tuple[Notice, ...]:
        """What the user may want to mend, from every step of the planning."""
        noted = map(Notice, (*self.revision.notes, *self.checkout.given.notes))
        return (
            *noted,
            *self.project.warnings,
            *self.command.warnings,
            *missing_scripts(self.entry_point, self.project.directory),
        )

    @property
    def reasons(self) -> tuple[str, ...]:
        """The choices that were made and why, a line each, in the order they were made."""
        chosen = self.request.entry_point is None and self.entry_point.name != "main"
        only = (
            (f"entry point: {self.entry_point.name}, because the project has no main and no other",) if chosen else ()
        )
        described = self.environment.description
        return (
            source_line(self.revision),
            *only,
            environment_line(described),
            *described.notes,
            *self._sandbox_lines(),
        )

    def _sandbox_lines(self) -> tuple[str, ...]:
        if self.sandbox is None:
            return ()
        first = (
            "sandbox: no network but the run's tracking server, nothing of your home, writing only to the project's"
            " folder and the run"
        )
        return (first, *(f"not confined: {line}" for line in self.sandbox.not_confined))

    def to_json(self) -> dict[str, Any]:
        """The plan as plain data: the ``plan`` of ``--dry-run --json`` and of ``plan.json`` in the run's folder."""
        return {
            "source": source_document(self.revision),
            "project": {
                "name": self.project.name,
                "file": str(self.project.file.relative_to(self.checkout.root)) if self.project.file else None,
                "directory": str(self.checkout.project_dir) if self.checkout.in_place else None,
            },
            "entry_point": self.entry_point.name,
            "params": shown_parameters(self.command),
            "defaults": list(self.command.defaults),
            "without_value": [
                name
                for name in self.entry_point.parameters
                if name not in {*self.command.parameters, *self.command.defaults}
            ],
            "inputs": input_documents(self.command),
            "command": shown_command(self.command),
            "environment": environment_document(self.environment.description),
            "environment_ready": self.environment.is_ready(),
            "backend": self.request.backend,
            "options": options_document(self.request),
            "sandbox": {"by": self.sandbox.by, "not_confined": list(self.sandbox.not_confined)}
            if self.sandbox
            else None,
            "reasons": [redact(line) for line in self.reasons],
            "warnings": [redact(str(warning)) for warning in self.warnings],
        }


def source_line(revision: Revision) -> str:
    """The revision in one line for people."""
    where = source_name(revision)
    if not revision.commit:
        return f"source: {where}"
    name = revision.tag or revision.branch
    date = f" of {revision.commit_date:%Y-%m-%d}" if revision.commit_date else ""
    has_default = revision.kind not in ("folder", "bundle")
    asked = (
        "; no version was asked for, so it is the default branch's newest"
        if has_default and not revision.requested
        else ""
    )
    dirty = ", with uncommitted changes" if revision.dirty else ""
    return f"source: {where} at {revision.commit[:12]}{f' ({name})' if name else ''}{date}{dirty}{asked}"


def environment_line(description: Description) -> str:
    """The environment in one line for people: what, why, as of when."""
    if description.kind == "system":
        return f"environment: the system's, because {description.declaration.reason}"
    if description.kind == "container" and description.key is None:
        return (
            f"environment: a container of {_image(description)}, run by {description.manager};"
            f" {description.declaration.reason}"
        )
    reason = description.python_reason.removeprefix(f"Python {description.python}: ")
    conda = "conda " if description.kind == "conda" else ""
    language = (
        f"Python {description.python}" if description.python else description.language or "packages without Python"
    )
    parts = [f"environment: {conda}{language}" + (f" ({reason})" if reason else "")]
    how = f"in a container of {_image(description)}, run by" if description.kind == "container" else "installed by"
    parts.append(f"{how} {description.manager}; {description.declaration.reason}")
    if description.as_of:
        parts.append(
            f"packages as of {description.as_of:%Y-%m-%d}"
            + (f" ({description.as_of_reason})" if description.as_of_reason else "")
        )
    return "; ".join(parts)


def _image(description: Description) -> str:
    return redact(description.image or "an image of its own")


def source_name(revision: Revision) -> str:
    """What names the project for people and in MLflow's tags. A folder's path says all; others need the part asked
    for."""
    return revision.uri + (f"#{revision.subdirectory}" if revision.subdirectory and revision.kind != "folder" else "")


def source_document(revision: Revision) -> dict[str, Any]:
    """``source`` of the record's contract (schema 1); ``commit_date`` is ISO 8601 in UTC."""
    return {
        "uri": revision.uri,
        "commit": revision.commit,
        "branch": revision.branch,
        "tag": revision.tag,
        "commit_date": _iso(revision.commit_date),
        "subdirectory": revision.subdirectory or None,
        "dirty": revision.dirty,
        "diff_note": revision.diff_note,
        "kind": revision.kind,
        "requested": revision.requested,
        "digest": revision.digest,
    }


def options_document(request: RunRequest) -> dict[str, Any]:
    """What the user asked for beyond source, parameters and environment, as far as it decides what the command does."""
    return {
        "in_container": request.in_container,
        "build_image": request.build_image,
        "docker_args": {
            name: redact(value) if isinstance(value, str) else value for name, value in request.docker_args.items()
        },
        "sandbox": request.sandbox,
        "stand_in": request.stand_in,
        "inject_run_id": request.inject_run_id,
        "infer": request.infer,
        "relax": list(request.relax),
        "cwd": str(request.cwd) if request.cwd else None,
        "timeout": request.timeout,
        "variables": {
            name: value and (MASK if looks_secret(name) else redact(value)) for name, value in request.variables.items()
        },
    }


def environment_document(description: Description) -> dict[str, Any]:
    """``environment`` of the record's contract (schema 1); ``lock`` is filled in when it has been built."""
    declaration = description.declaration
    secrets = {name: value for name, value in os.environ.items() if looks_secret(name)}  # once for all requirements
    return {
        "kind": description.kind,
        "manager": description.manager,
        "python": description.python,
        "language": description.language,
        "key": description.key,
        "as_of": _iso(description.as_of),
        "lock": None,
        "as_of_reason": description.as_of_reason or None,
        "python_reason": description.python_reason or None,
        "declared_by": declaration.kind,
        "file": declaration.file.name if declaration.file else None,
        "reason": declaration.reason,
        "requirements": [redact(requirement, secrets) for requirement in description.requirements],
        "notes": [redact(note) for note in description.notes],
    }


def shown_parameters(command: Command) -> dict[str, str]:
    """The values as they are shown and recorded: those of secret-looking parameters masked, credentials in URLs too."""
    return {name: MASK if looks_secret(name) else redact(value) for name, value in command.parameters.items()}


def shown_command(command: Command) -> str:
    """The command's text as it is shown and recorded, without the values of secret-looking parameters."""
    return redact(
        redact(command.text), {name: value for name, value in command.parameters.items() if looks_secret(name)}
    )


def input_documents(command: Command) -> list[dict[str, Any]]:
    """The files that parameters named, with their content hashes; sizes in bytes. ``folder`` is there, and true, for
    folders."""
    return [
        {"parameter": given.parameter, "uri": redact(given.uri), "sha256": given.sha256, "size": given.size}
        | ({"folder": True} if given.path.is_dir() else {})
        for given in command.inputs
    ]


def _iso(moment: datetime | None) -> str | None:
    return moment.astimezone(timezone.utc).isoformat().replace("+00:00", "Z") if moment else None
