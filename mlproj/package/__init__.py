"""Puts a project, or a run of one, into one file (``.mlproj``) that a colleague can run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from mlproj import __version__, environments, sources
from mlproj.environments.base import Environment, Prepared, Request
from mlproj.foundation import platforms
from mlproj.foundation.dataclass import dataclass, replace
from mlproj.foundation.errors import EnvironmentFailure
from mlproj.foundation.progress import Progress
from mlproj.package import bundled_dependencies, origin, recorded
from mlproj.package.bundled_files import BundledDependencies
from mlproj.package.content import REPOSITORY, Content
from mlproj.package.format import writing
from mlproj.package.format.manifest import DIFF, KINDS, LOCKS, PROJECT, PYTHON, Manifest
from mlproj.projects.base import EntryPoint
from mlproj.reproduction.original import Original, hidden
from mlproj.reproduction.original import request as request_again
from mlproj.reproduction.original import source as source_again
from mlproj.running.opened_project import OpenedProject
from mlproj.running.plan import RunRequest, environment_document, source_document
from mlproj.sources import workspace
from mlproj.sources.base import Checkout, Revision


@dataclass(frozen=True)
class PackageRequest:
    """What is to be packaged: a project (``request``), or a run that was recorded (``original``).

    With ``offline`` the packages for ``others`` (platforms in conda's words) come along besides those for this machine,
    and with ``python`` the Python, where its folder can be moved. Files that may hold secrets come along where
    ``include`` names them.
    """

    request: RunRequest
    original: Original | None = None
    offline: bool = False
    others: tuple[str, ...] = ()
    python: bool = True
    include: tuple[str, ...] = ()


@dataclass(frozen=True)
class Made:
    """A package that was written. ``digest`` is that of its manifest; ``notes`` say what is not in it."""

    file: Path
    digest: str
    manifest: Manifest
    size: int
    notes: tuple[str, ...] = ()


def wanted_run(original: Original, **options: Any) -> PackageRequest:
    """What packages the run *original* with its parameters, inputs and lock. Raises UsageError."""
    return PackageRequest(request_again(original, dict.fromkeys(hidden(original), ""), exact=True), original, **options)


def make(wanted: PackageRequest, target: Path, progress: Progress) -> Made:
    """Write the package *target*. Its environment is made on the way, so that it is known to be one that can be.

    Raises UsageError, InvalidProject, SourceError, EnvironmentFailure and ServiceError; *target* is then as it was.
    """
    with ExitStack() as resources:
        staging, release = workspace.new()
        resources.callback(release)
        revision, fetch = pinned(wanted, progress, resources)
        checkout = fetch()
        point, request = asked_for(wanted, revision, checkout)
        environment = environments.resolve(request, progress)
        _check(wanted, environment)
        prepared = environment.prepare(progress)
        brought = _brought(wanted, environment, request, prepared, fetch, staging, progress)
        content = Content(staging)
        locks = add_environment(content, prepared, brought)
        fresh = (
            checkout if prepared.lock is None else fetch()
        )  # making an environment may have left files in the other one
        about = {
            **_about_run(wanted, point, OpenedProject(wanted.request, revision, fresh), content),
            "environment": environment_part(environment, prepared),
            "locks": locks,
        }
        with progress.step("collecting the project's files"):
            content.add_folder(fresh.root, PROJECT, without=REPOSITORY)
            if revision.diff:
                content.add_bytes(DIFF, revision.diff)
        manifest = _manifest(revision, fresh, content, brought, about)
        with progress.step(f"writing {target.name}"):
            digest = writing.write(target, manifest, content.places)
    notes = (*revision.notes, *fresh.given.notes, *fetch.notes(), *brought.notes, *_left_out(manifest, request))
    return Made(target, digest, manifest, target.stat().st_size, notes)


def _manifest(
    revision: Revision, checkout: Checkout, content: Content, brought: BundledDependencies, about: Mapping[str, Any]
) -> Manifest:
    return Manifest(
        mlproj=__version__,
        source=_source(revision),
        subdirectory=_subdirectory(checkout),
        members=content.members,
        folders=sorted(content.folders),
        offline=brought.packages,
        import_roots=brought.import_roots,
        python=brought.python,
        **about,
    )


def pinned(wanted: PackageRequest, progress: Progress, resources: ExitStack) -> tuple[Revision, origin.Fetch]:
    """The revision, and what fetches its files. Raises SourceError, UsageError."""
    request = wanted.request
    source = source_again(wanted.original) if wanted.original else sources.open(request.uri)
    with progress.step(f"fetching {request.uri}"):
        return origin.pinned(source, request.version, resources, offline=request.offline, include=wanted.include)


def asked_for(wanted: PackageRequest, revision: Revision, checkout: Checkout) -> tuple[EntryPoint, Request]:
    """The entry point that the environment is for, and what that is decided from."""
    opened = OpenedProject(wanted.request, revision, checkout)
    project = opened.load()
    point = opened.any_entry_point(project)
    return point, opened.environment_request(project, point)


def _check(wanted: PackageRequest, environment: Environment) -> None:
    kind = environment.description.kind
    if kind not in KINDS or (wanted.offline and kind in ("container", "renv")):
        what = {"container": "an image of a container", "renv": "packages of R"}.get(
            kind, f"an environment of the kind {kind}"
        )
        hint = "leave --offline out: the package then names what it needs" if kind in KINDS else None
        raise EnvironmentFailure(f"{what} cannot be put into a package", hint=hint)


def _brought(
    wanted: PackageRequest,
    environment: Environment,
    request: Request,
    prepared: Prepared,
    fetch: origin.Fetch,
    staging: Path,
    progress: Progress,
) -> BundledDependencies:
    if not wanted.offline:
        return BundledDependencies()
    fresh = fetch()  # what making the environment left behind is not to get into wheels
    request = replace(request, root=fresh.root, project_dir=fresh.project_dir)
    return bundled_dependencies.collect(
        environment, request, prepared, staging, progress, others=wanted.others, python=wanted.python
    )


def add_environment(content: Content, prepared: Prepared, brought: BundledDependencies) -> dict[str, str]:
    """Put in what the environment consists of, and return the lock for each platform."""
    here = platforms.here()
    locks = {**({here: prepared.lock} if prepared.lock else {}), **brought.locks}
    for name, place in brought.files.items():
        content.add_file(name, place)
    if brought.interpreter is not None:
        content.add_folder(brought.interpreter, PYTHON)
    return {platform: content.add_file(f"{LOCKS}/{platform}/{lock.name}", lock) for platform, lock in locks.items()}


def _about_run(wanted: PackageRequest, point: EntryPoint, opened: OpenedProject, content: Content) -> dict[str, Any]:
    if wanted.original is not None:
        return recorded.of_run(wanted.original, opened, point, content)
    given = opened.checkout.given
    if given.entry_point == point.name:
        return recorded.of_given(given, content)
    return {"entry_point": point.name} if wanted.request.entry_point else {}


def _source(revision: Revision) -> dict[str, Any]:
    # Where a folder or file was on the machine of whoever packaged it is nobody's business.
    hidden = {"uri": _folder_name(revision.uri)} if revision.uri.startswith(("/", "file:")) else {}
    document = {**source_document(revision), **hidden}
    return {name: value for name, value in document.items() if name not in ("requested", "diff_note")}


def _subdirectory(checkout: Checkout) -> str:
    below = checkout.project_dir.relative_to(checkout.root).as_posix()
    return "" if below == "." else below


def environment_part(environment: Environment, prepared: Prepared) -> dict[str, Any]:
    """What a package says of the environment that it was made with."""
    kept = ("kind", "manager", "python", "as_of", "declared_by")
    document = {name: value for name, value in environment_document(environment.description).items() if name in kept}
    lock = prepared.lock.name if prepared.lock else None
    image = (
        prepared.record.get("image") if lock == "image.json" else None
    )  # else it can be made again of what the lock lists
    return {**document, "lock": lock, **({"image": image} if image else {})}


def _left_out(manifest: Manifest, request: Request) -> Iterator[str]:
    if request.in_container is not None:
        yield f"a container is no part of the package; to run it in one again: --in-container={request.in_container}"
    if manifest.secret:
        yield f"secret, and not in the package: {', '.join(manifest.secret)}; whoever runs it gives the value"


def _folder_name(uri: str) -> str:
    """The name of a folder here; what of it a manifest cannot have (control characters, no UTF-8) is an underscore."""
    return "".join(letter if letter.isprintable() else "_" for letter in Path(uri).name)
