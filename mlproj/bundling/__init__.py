"""Puts a project, or a run of one, into one file (``.mlproj``) that a colleague can run."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from mlproj import __version__, environments, inputs, paths, platforms, projects, runner, sources
from mlproj.bundle import writing
from mlproj.bundle.manifest import INPUTS, LOCKS, PROJECT, PYTHON, Manifest, Member
from mlproj.bundling import carried
from mlproj.bundling.carried import Carried
from mlproj.dataclass import dataclass, field
from mlproj.environments.base import Environment, Prepared
from mlproj.errors import EnvironmentFailure, ServiceError, UsageError
from mlproj.plan import RunRequest, environment_document, source_document
from mlproj.progress import Progress
from mlproj.projects.base import Command, EntryPoint, Project
from mlproj.redaction import MASK
from mlproj.reproduction.original import Original, check_inputs
from mlproj.reproduction.original import request as request_again
from mlproj.reproduction.original import source as source_again
from mlproj.sources.base import Checkout, Revision, Source
from mlproj.sources.replayed import Kept, ReplayedSource
from mlproj.tracking.record import number
from mlproj.tracking.system_metrics import PREFIX as LOAD


@dataclass(frozen=True)
class Wanted:
    """What is to be packaged: a project (``request``), or a run that was recorded (``original``).

    With ``offline`` the packages for ``others`` (platforms in conda's words) come along besides those for this machine, and with
    ``python`` the Python, where its folder can be moved.
    """

    request: RunRequest
    original: Original | None = None
    offline: bool = False
    others: tuple[str, ...] = ()
    python: bool = True


@dataclass(frozen=True)
class Made:
    """A package that was written. ``notes`` say what is not in it."""

    file: Path
    manifest: Manifest
    size: int
    notes: tuple[str, ...] = ()


@dataclass
class _Content:
    members: dict[str, Member] = field(default_factory=dict)
    places: dict[str, Path] = field(default_factory=dict)

    def add_file(self, name: str, place: Path) -> str:
        self.members[name], self.places[name] = writing.member_of(place), place
        return name

    def add_folder(self, folder: Path, below: str) -> None:
        for name, (member, place) in writing.members_of(folder, below).items():
            self.members[name], self.places[name] = member, place


def wanted_run(original: Original, **options: Any) -> Wanted:
    """What packages the run *original* with its parameters, inputs and lock. Raises UsageError."""
    hidden = {name: "" for name, value in original.plan["params"].items() if MASK in str(value)}
    return Wanted(request_again(original, hidden, exact=True), original, **options)


def make(wanted: Wanted, target: Path, progress: Progress) -> Made:
    """Write the package *target*. Its environment is made on the way, so that it is known to be one that can be.

    Raises UsageError, InvalidProject, SourceError, EnvironmentFailure and ServiceError; *target* is then as it was.
    """
    with ExitStack() as resources:
        revision, checkout = fetched(wanted, progress, resources)
        project, point = entry_point(wanted, checkout)
        request = runner.environment_request(wanted.request, revision, checkout, project, point)
        environment = environments.resolve(request, progress)
        _check(wanted, environment)
        prepared = environment.prepare(progress)
        staging = resources.enter_context(paths.temporary_folder(paths.cache() / "work", "package."))
        content = _Content()
        try:
            with progress.step("collecting the project's files"):
                content.add_folder(checkout.root, PROJECT)
        except ValueError as error:
            raise UsageError(f"a file has a name that no package can hold: {error}", hint="rename it") from error
        except OSError as error:
            raise ServiceError(f"{error.filename} cannot be read: {error.strerror}") from error
        locks = _add_lock(content, prepared)
        brought = (
            carried.of(environment, request, prepared, staging, progress, others=wanted.others, python=wanted.python)
            if wanted.offline
            else Carried()
        )
        _add_carried(content, locks, brought)
        manifest = Manifest(
            mlproj=__version__,
            source=_source(revision),
            subdirectory=_subdirectory(checkout),
            members=content.members,
            environment=_environment(environment, prepared),
            locks=locks,
            offline=brought.packages,
            python=brought.python,
            **_of_run(wanted, point, checkout, content),
        )
        writing.write(target, manifest, content.places)
    return Made(target, manifest, target.stat().st_size, (*brought.notes, *([revision.diff_note] if revision.diff_note else [])))


def fetched(wanted: Wanted, progress: Progress, resources: ExitStack) -> tuple[Revision, Checkout]:
    """The project's files in a folder of their own: those of the revision, and not what else lies in a folder of the user's."""
    request = wanted.request
    source: Source = source_again(wanted.original) if wanted.original else sources.open(request.uri)
    with progress.step(f"fetching {request.uri}"):
        revision = source.pin(request.version, offline=request.offline)
        if revision.kind == "folder" and revision.commit and not revision.diff_note:
            source = ReplayedSource(Kept("the folder", source_document(revision), revision.diff))
            revision = source.pin(None, offline=request.offline)
        checkout = source.fetch(revision, isolated=True)
    resources.callback(checkout.release)
    return revision, checkout


def entry_point(wanted: Wanted, checkout: Checkout) -> tuple[Project, EntryPoint]:
    """The project, and the entry point that its environment is decided for. Raises InvalidProject, UsageError."""
    project = projects.load(checkout.project_dir, root=checkout.root)
    points, asked = project.entry_points, wanted.request.entry_point
    if asked:
        return project, projects.resolve_entry_point(project, asked)
    return project, points.get("main") or next(iter(points.values()), EntryPoint("main", ""))


def _check(wanted: Wanted, environment: Environment) -> None:
    kind = environment.description.kind
    if wanted.offline and kind not in ("python", "conda", "system"):
        what = {"container": "an image of a container", "renv": "packages of R"}.get(kind, kind)
        raise EnvironmentFailure(
            f"{what} cannot be put into a package yet", hint="leave --offline out: the package then names what it needs"
        )


def _add_lock(content: _Content, prepared: Prepared) -> dict[str, str]:
    if prepared.lock is None:
        return {}
    here = platforms.here()
    return {here: content.add_file(f"{LOCKS}/{here}/{prepared.lock.name}", prepared.lock)}


def _add_carried(content: _Content, locks: dict[str, str], brought: Carried) -> None:
    for name, place in brought.files.items():
        content.add_file(name, place)
    for platform, lock in brought.locks.items():
        locks[platform] = content.add_file(f"{LOCKS}/{platform}/{lock.name}", lock)
    if brought.interpreter is not None:
        content.add_folder(brought.interpreter, PYTHON)


def _source(revision: Revision) -> dict[str, Any]:
    # Where a folder was on the machine of whoever packaged it is nobody's business.
    hidden = {"uri": Path(revision.uri).name} if revision.uri.startswith("/") else {}
    document = {**source_document(revision), **hidden}
    return {name: value for name, value in document.items() if name not in ("requested", "diff_note")}


def _subdirectory(checkout: Checkout) -> str:
    below = checkout.project_dir.relative_to(checkout.root).as_posix()
    return "" if below == "." else below


def _environment(environment: Environment, prepared: Prepared) -> dict[str, Any]:
    kept = ("kind", "manager", "python", "as_of", "declared_by", "requirements")
    document = {name: value for name, value in environment_document(environment.description).items() if name in kept}
    image = prepared.record.get("image")
    return {**document, "lock": prepared.lock.name if prepared.lock else None, **({"image": image} if image else {})}


def _of_run(wanted: Wanted, point: EntryPoint, checkout: Checkout, content: _Content) -> dict[str, Any]:
    """What a package has of the run that it was made of, if it was; secret values are left out."""
    if wanted.original is None:
        return {}
    run = wanted.original.run
    command = _command(wanted, wanted.original, point, checkout)
    return {
        "run": {
            "run_id": run.run_id,
            "run_name": run.run_name,
            "status": run.status.value,
            "metrics": {name: number(value) for name, value in run.metrics.items() if not name.startswith(LOAD)},
        },
        "entry_point": point.name,
        "inputs": dict(_inputs(command, checkout, content)),
        "parameters": {name: str(value) for name, value in wanted.original.plan["params"].items() if MASK not in str(value)},
    }


def _command(wanted: Wanted, original: Original, point: EntryPoint, checkout: Checkout) -> Command:
    """The command of the run, whose inputs are as they were. Raises SourceError when one is not."""

    def fetch(uri: str) -> Path:
        return inputs.fetch(uri, offline=wanted.request.offline)

    cwd = wanted.request.cwd or checkout.project_dir
    command = projects.bind(point, wanted.request.parameters, project_dir=checkout.project_dir, cwd=cwd, fetch=fetch)
    check_inputs(original, command)
    return command


def _inputs(command: Command, checkout: Checkout, content: _Content) -> Iterator[tuple[str, str]]:
    """The files that parameters named, apart from those of the project itself, by parameter; each becomes a member."""
    outside = [given for given in command.inputs if not given.path.is_relative_to(checkout.root)]
    for number_, given in enumerate(outside):
        name = f"{INPUTS}/{number_}/{given.path.name}"
        if given.path.is_dir():
            content.add_folder(given.path, name)
        else:
            content.add_file(name, given.path)
        yield given.parameter, name
