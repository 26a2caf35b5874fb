"""Puts a model and its environment into one file (``.mlproj``), from which another machine serves it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from mlproj import __version__
from mlproj.environments.base import Environment, Prepared
from mlproj.foundation.dataclass import dataclass, replace
from mlproj.foundation.errors import EnvironmentFailure
from mlproj.foundation.progress import Progress
from mlproj.models import environment
from mlproj.models.environment import EnvironmentOptions
from mlproj.models.image import facts
from mlproj.models.opened import OpenedModel
from mlproj.package import Made, add_environment, bundled_dependencies, environment_part
from mlproj.package.bundled_files import BundledDependencies
from mlproj.package.content import Content
from mlproj.package.format import writing
from mlproj.package.format.manifest import PROJECT, Manifest
from mlproj.sources import workspace

_KINDS = ("python", "conda", "system")


@dataclass(frozen=True)
class PackageOptions:
    """With ``offline`` the packages of the environment come along for this machine and for ``others`` (platforms in
    conda's words), and with ``python`` the Python, where its folder can be moved."""

    offline: bool = False
    others: Sequence[str] = ()
    python: bool = True


def make(
    opened: OpenedModel, options: EnvironmentOptions, wanted: PackageOptions, target: Path, progress: Progress
) -> Made:
    """Write the package *target*. Its environment is made on the way, so that it is known to be one that can be.

    Raises UsageError, InvalidProject, EnvironmentFailure and ServiceError; *target* is then as it was.
    """
    decided = environment.decide(opened, options, progress)
    if decided.description.kind not in _KINDS:
        raise EnvironmentFailure(
            f"an environment of the kind {decided.description.kind} cannot be put into the package of a model"
        )
    prepared = decided.prepare(progress)
    staging, release = workspace.new()
    try:
        brought = _brought(opened, options, wanted, decided, prepared, staging, progress)
        content = Content(staging)
        locks = add_environment(content, prepared, brought)
        with progress.step("collecting the model's files"):
            content.add_folder(opened.folder, PROJECT)
        manifest = _manifest(opened, content, brought, environment_part(decided, prepared), locks)
        with progress.step(f"writing {target.name}"):
            digest = writing.write(target, manifest, content.places)
    finally:
        release()
    return Made(target, digest, manifest, target.stat().st_size, brought.notes)


def _brought(
    opened: OpenedModel,
    options: EnvironmentOptions,
    wanted: PackageOptions,
    decided: Environment,
    prepared: Prepared,
    staging: Path,
    progress: Progress,
) -> BundledDependencies:
    if not wanted.offline:
        return BundledDependencies()
    if prepared.lock is None:
        return BundledDependencies(
            notes=("the model has no environment of its own: nothing was added for machines without network",)
        )
    request = replace(environment.request_of(opened, options), manager=options.manager)
    return bundled_dependencies.collect(
        decided, request, prepared, staging, progress, others=wanted.others, python=wanted.python
    )


def _manifest(
    opened: OpenedModel,
    content: Content,
    brought: BundledDependencies,
    of_environment: dict[str, object],
    locks: dict[str, str],
) -> Manifest:
    address = facts.public_address(opened)
    version = str(opened.version.version) if opened.version else None
    known = {"name": opened.name, "address": address, "version": version}
    return Manifest(
        mlproj=__version__,
        source={"uri": address or opened.name, "kind": "model", "dirty": False},
        subdirectory="",
        members=content.members,
        folders=sorted(content.folders),
        environment=of_environment,
        locks=locks,
        offline=brought.packages,
        import_roots=brought.import_roots,
        python=brought.python,
        model={name: value for name, value in known.items() if value is not None},
    )
