"""Puts a project, or a run of one, into an image that ``docker run`` runs: its environment, its files, and a launcher
on top."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from mlproj import environments, projects
from mlproj.environments.base import Declaration, Environment, Prepared, Request
from mlproj.environments.containers import engine as engines
from mlproj.environments.containers import image as images
from mlproj.environments.containers import image_layering
from mlproj.environments.containers.container import Containers
from mlproj.environments.containers.engine import Engine
from mlproj.environments.containers.image import Image
from mlproj.environments.containers.image_layering import Top
from mlproj.environments.containers.settings import WORKDIR
from mlproj.foundation import paths
from mlproj.foundation.dataclass import dataclass, replace
from mlproj.foundation.errors import EnvironmentFailure, ServiceError, UsageError
from mlproj.foundation.progress import Progress
from mlproj.package import PackageRequest, asked_for, image_content, image_layer, launcher_file, pinned
from mlproj.package.image_layer import Layer

_FIRST_DAY = 315532800  # 1980-01-01, where a revision has no date; some programs know none before


@dataclass(frozen=True)
class Made:
    """An image that was made. ``layers`` has the size in bytes of each layer that is not the base image's, bottom
    first, and ``reused`` tells of the environment's whether it was there. ``base`` is the name, id and digest of the
    image below. ``notes`` say what is not in it."""

    name: str
    id: str
    engine: str
    layers: Mapping[str, int]
    reused: bool
    base: Mapping[str, Any]
    files: int
    digest: str
    notes: tuple[str, ...] = ()


def make(wanted: PackageRequest, name: str, base: str | None, progress: Progress, *, force: bool = False) -> Made:
    """Make the image *name*, of *base* where the project names none and it is not to be chosen; *force* replaces one of
    that name.

    Raises UsageError, InvalidProject, SourceError, EnvironmentFailure and ServiceError; the images are then as they
    were, but for that of the environment.
    """
    _check_free(name, force)
    with ExitStack() as resources:
        revision, fetch = pinned(wanted, progress, resources)
        checkout = fetch()
        request = asked_for(wanted, revision, checkout)[1]
        prepared = _environment(request, base, progress).prepare(progress)
        assert isinstance(prepared.container_runtime, Containers)
        engine, below, settings = prepared.container_runtime.parts
        program = (_python(engine, below), "-X", "utf8", "-IS", f"{image_layer.FOLDER}/{launcher_file.NAME}")
        fresh = fetch()  # what making the environment left behind is not to get into the image
        kept = image_content.kept(wanted, checkout.given, fresh.project_dir)
        project = projects.load(fresh.project_dir, root=fresh.root)
        moment = int(revision.commit_date.timestamp()) if revision.commit_date else _FIRST_DAY
        staging = resources.enter_context(paths.temporary_folder(paths.cache() / "work", "package."))
        with progress.step("collecting the project's files"):
            layer = _layer(staging, fresh.project_dir, image_content.data(project, kept, settings.begin), moment)
        labels = image_content.labels(project, revision, _base(prepared), layer.sha256)
        chosen = {name: value for name, value in wanted.request.variables.items() if value is not None}
        variables = {**settings.variables, **chosen}
        made = image_layering.add_layer(
            engine, below, Top(layer.archive, program, WORKDIR, variables, labels, moment), name, progress
        )
    notes = (
        *revision.notes,
        *fresh.given.notes,
        *fetch.notes(),
        *kept.notes,
        *image_content.not_in_it(request.declared),
    )
    sizes = _sizes(engine, _base(prepared), below, made)
    return Made(name, made.id, engine.name, sizes, prepared.reused, _base(prepared), layer.files, layer.sha256, notes)


def _layer(staging: Path, project_dir: Path, data: Mapping[str, Any], moment: int) -> Layer:
    try:
        return image_layer.write(staging / "layer.tar", project_dir, data, moment)
    except OSError as error:
        raise ServiceError(f"{error.filename} cannot be read: {error.strerror}") from error


def _check_free(name: str, force: bool) -> None:
    found = engines.find()
    if not force and images.find(found, name) is not None:
        raise UsageError(f"{found.name} has an image {name} already", hint="--force replaces it")


def _environment(request: Request, base: str | None, progress: Progress) -> Environment:
    """What the image is made of, in a container in any case. Raises UsageError where *base* is missing, or too much."""
    request = replace(
        request, build_image=False, docker_args={}, manager="auto" if request.manager == "local" else request.manager
    )
    declared = environments.declared(request).kind
    if declared == "docker_env":
        if base:
            raise UsageError("the project has docker_env, which names the image that it needs", hint="leave --base out")
        return environments.resolve(replace(request, declared=_everywhere(request.declared)), progress)
    base = base or request.in_container or ""
    if not base and (declared == "none" or (request.locked is not None and request.locked.kind == "system")):
        raise UsageError(
            "the project declares no environment, so the image to build on has to be named",
            hint="--base=python:3.11",
        )
    return environments.resolve(replace(request, in_container=base), progress)


def _everywhere(declared: Declaration | None) -> Declaration | None:
    """``docker_env`` without what it takes from the machine that it runs on."""
    if declared is None:
        return None
    own = [item for item in declared.options.get("environment") or () if not image_content.is_from_here(item)]
    return replace(declared, options={**declared.options, "environment": own, "volumes": []})


def _python(engine: Engine, below: Image) -> str:
    found = image_layering.python_of(engine, below)
    if found is None:
        raise EnvironmentFailure(
            f"the image {below.name} has no Python 3.6 or newer, which the launcher of a packaged image needs",
            hint="take an image that has one, or add it to the Dockerfile",
        )
    return found


def _base(prepared: Prepared) -> Mapping[str, Any]:
    """The image that nothing was added to yet."""
    image_record = prepared.record["image"]
    found: Mapping[str, Any] = image_record.get("base") or {
        name: image_record[name] for name in ("name", "id", "digest")
    }
    return found


def _sizes(engine: Engine, base: Mapping[str, Any], below: Image, made: Image) -> dict[str, int]:
    first, second, third = (image_layering.size(engine, identity) for identity in (str(base["id"]), below.id, made.id))
    own = {"environment": second - first} if below.id != base["id"] else {}
    return {**own, "project": third - second}
