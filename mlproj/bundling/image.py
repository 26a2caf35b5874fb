"""Puts a project, or a run of one, into an image that ``docker run`` runs: its environment, its files, and a launcher on top."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from mlproj import __version__, environments, paths, runner
from mlproj.bundling import Wanted, entry_point, entry_points, fetched, image_layer, launcher, launcher_file
from mlproj.dataclass import dataclass, replace
from mlproj.environments.base import Declaration, Environment, Prepared, Request
from mlproj.environments.containers import engine as engines
from mlproj.environments.containers import image as images
from mlproj.environments.containers import stacking
from mlproj.environments.containers.container import Containers
from mlproj.environments.containers.engine import Engine
from mlproj.environments.containers.image import Image
from mlproj.environments.containers.settings import Settings
from mlproj.environments.containers.stacking import Top
from mlproj.errors import EnvironmentFailure, ServiceError, UsageError
from mlproj.progress import Progress
from mlproj.projects.base import Project
from mlproj.projects.file_system import exists
from mlproj.redaction import MASK, mask_url
from mlproj.reproduction.original import Original
from mlproj.sources.base import Revision

_FIRST_DAY = 315532800  # 1980-01-01, where a revision has no date; some programs know none before
_NOT_OF_CACHE = {"mlproj.image": ""}
"""Takes back the label of the image below, by which ``mlproj env prune`` finds what it may remove."""


@dataclass(frozen=True)
class Made:
    """An image that was made. ``layers`` has the size in bytes of each layer that is not the base image's, bottom first, and ``reused``
    tells of the environment's whether it was there. ``base`` is the name, id and digest of the image below. ``notes`` say what is not
    in it."""

    name: str
    id: str
    engine: str
    layers: Mapping[str, int]
    reused: bool
    base: Mapping[str, Any]
    files: int
    digest: str
    notes: tuple[str, ...] = ()


def make(wanted: Wanted, name: str, base: str | None, progress: Progress, *, force: bool = False) -> Made:
    """Make the image *name*, of *base* where the project names none and it is not to be chosen; *force* replaces one of that name.

    Raises UsageError, InvalidProject, SourceError, EnvironmentFailure and ServiceError; the images are then as they were, but for that
    of the environment.
    """
    _check_free(name, force)
    with ExitStack() as resources:
        revision, checkout = fetched(wanted, progress, resources)
        project, point = entry_point(wanted, checkout)
        request = runner.environment_request(wanted.request, revision, checkout, project, point)
        environment = _environment(request, base, progress)
        prepared = environment.prepare(progress)
        assert isinstance(prepared.enclosure, Containers)
        engine, below, settings = prepared.enclosure.parts
        python = _python(engine, below)
        staging = resources.enter_context(paths.temporary_folder(paths.cache() / "work", "package."))
        kept, notes = _kept(wanted.original, checkout.project_dir)
        data = _data(project, wanted, kept, settings)
        moment = int(revision.commit_date.timestamp()) if revision.commit_date else _FIRST_DAY
        try:
            with progress.step("collecting the project's files"):
                layer = image_layer.write(staging / "layer.tar", checkout.project_dir, data, moment)
        except OSError as error:
            raise ServiceError(f"{error.filename} cannot be read: {error.strerror}") from error
        program = (python, "-X", "utf8", "-IS", f"{image_layer.FOLDER}/{launcher_file.NAME}")
        labels = {**_labels(project, revision, prepared), "mlproj.digest": layer.sha256, **_NOT_OF_CACHE}
        top = Top(layer.archive, program, f"{image_layer.FOLDER}/{launcher.FILES}", settings.variables, labels, moment)
        made = stacking.put(engine, below, top, name, progress)
    found = _base(prepared)
    notes = (*notes, *_not_in_it(request), *([revision.diff_note] if revision.diff_note else []))
    return Made(name, made.id, engine.name, _sizes(engine, found, below, made), prepared.reused, found, layer.files, layer.sha256, notes)


def _check_free(name: str, force: bool) -> None:
    found = engines.find()
    if not force and images.find(found, name) is not None:
        raise UsageError(f"{found.name} has an image {name} already", hint="--force replaces it")


def _environment(request: Request, base: str | None, progress: Progress) -> Environment:
    """What the image is made of, in a container in any case. Raises UsageError where *base* is missing, or too much."""
    request = replace(request, build_image=False, docker_args={}, manager="auto" if request.manager == "local" else request.manager)
    declared = environments.declared(request).kind
    if declared == "docker_env":
        if base:
            raise UsageError("the project has docker_env, which names the image that it needs", hint="leave --base out")
        return environments.resolve(replace(request, declared=_everywhere(request.declared)), progress)
    base = base or request.in_container or ""
    if not base and (declared == "none" or (request.locked is not None and request.locked.kind == "system")):
        raise UsageError("the project declares no environment, so it has to be said what its image is made of", hint="--base=python:3.11")
    return environments.resolve(replace(request, in_container=base), progress)


def _everywhere(declared: Declaration | None) -> Declaration | None:
    """``docker_env`` without what it takes from the machine that it runs on."""
    if declared is None:
        return None
    own = [item for item in declared.options.get("environment") or () if not _is_from_here(item)]
    return replace(declared, options={**declared.options, "environment": own, "volumes": []})


def _is_from_here(variable: Any) -> bool:
    return isinstance(variable, str) and "=" not in variable


def _not_in_it(request: Request) -> Iterator[str]:
    """What ``docker_env`` asks for and only ``docker run`` can give."""
    options = request.declared.options if request.declared else {}
    for variable in filter(_is_from_here, options.get("environment") or ()):
        yield f"docker_env takes the variable {variable} from where it runs: docker run -e {variable}"
    for volume in options.get("volumes") or ():
        yield f"docker_env's volume {volume} is given to docker run with -v"
    for name in ("gpus", "shm_size"):
        if options.get(name):
            yield f"docker_env's {name} is given to docker run with --{name.replace('_', '-')}"


def _python(engine: Engine, below: Image) -> str:
    found = stacking.python_of(engine, below)
    if found is None:
        raise EnvironmentFailure(
            f"the image {below.name} has no Python 3.6 or newer, which the launcher of a packaged image needs",
            hint="take an image that has one, or add it to the Dockerfile",
        )
    return found


def _kept(original: Original | None, project_dir: Path) -> tuple[dict[str, str], tuple[str, ...]]:
    """The values of the run that is packaged, but for those that mean nothing elsewhere, and what is to be known of these."""
    if original is None:
        return {}, ()
    params = {name: str(value) for name, value in original.plan["params"].items()}
    here = {str(given["parameter"]): str(given["uri"]) for given in original.plan.get("inputs") or ()}
    secret = [name for name, value in params.items() if MASK in value]
    elsewhere = [name for name, value in here.items() if "://" not in value and not _is_in(value, project_dir)]
    notes = [f"the value of {name} is secret and not in the image: docker run … -P {name}=…" for name in secret]
    notes += [f"{name} was {here[name]}, which is not in the image: docker run -v …, and -P {name}=…" for name in elsewhere]
    return {name: value for name, value in params.items() if name not in {*secret, *elsewhere}}, tuple(notes)


def _is_in(value: str, project_dir: Path) -> bool:
    return not Path(value).is_absolute() and exists(project_dir / value)


def _data(project: Project, wanted: Wanted, kept: Mapping[str, str], settings: Settings) -> dict[str, Any]:
    """What the launcher goes by."""
    return {
        "schema": 1,
        "project": project.name,
        "description": project.description,
        "file": project.file.name if project.file else None,
        "entry_point": wanted.request.entry_point,
        "parameters": kept,
        "begin": settings.begin,
        "entry_points": [entry_points.document(point) for point in project.entry_points.values()],
    }


def _labels(project: Project, revision: Revision, prepared: Prepared) -> dict[str, str]:
    """The annotations of OCI's image-spec; an empty one takes back what the image below says of itself."""
    base = _base(prepared)
    is_local = revision.uri.startswith(("/", "file:"))  # where it was on this machine is nobody's business
    told = {
        "title": project.name,
        "description": project.description,
        "revision": f"{revision.commit}-dirty" if revision.commit and revision.dirty else revision.commit,
        "version": revision.tag,
        "source": None if is_local else mask_url(revision.uri),
        "created": revision.commit_date.isoformat() if revision.commit_date else None,
        "base.name": base["name"],
        "base.digest": str(base["digest"] or "").rpartition("@")[2],
    }
    return {**{f"org.opencontainers.image.{name}": str(value or "") for name, value in told.items()}, "mlproj.version": __version__}


def _base(prepared: Prepared) -> Mapping[str, Any]:
    """The image that nothing was added to yet."""
    told = prepared.record["image"]
    found: Mapping[str, Any] = told.get("base") or {name: told[name] for name in ("name", "id", "digest")}
    return found


def _sizes(engine: Engine, base: Mapping[str, Any], below: Image, made: Image) -> dict[str, int]:
    first, second, third = (stacking.size(engine, identity) for identity in (str(base["id"]), below.id, made.id))
    own = {"environment": second - first} if below.id != base["id"] else {}
    return {**own, "project": third - second}
