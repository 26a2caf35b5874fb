"""Makes the image of a model: of a base, its environment, then the server, then its files."""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from mlproj import __version__
from mlproj.environments.base import INSIDE, Environment, Packable, Prepared
from mlproj.environments.containers import engine as engines
from mlproj.environments.containers import image as images
from mlproj.environments.containers import image_layering, packing
from mlproj.environments.containers.container import Containers
from mlproj.environments.containers.engine import Engine
from mlproj.environments.containers.image import Image
from mlproj.environments.containers.image_layering import Top
from mlproj.environments.containers.settings import Settings
from mlproj.environments.system import SystemEnvironment
from mlproj.foundation import paths
from mlproj.foundation.dataclass import replace
from mlproj.foundation.errors import EnvironmentFailure, ServiceError, UsageError
from mlproj.foundation.progress import Progress
from mlproj.foundation.redaction import redact
from mlproj.models import environment
from mlproj.models.environment import EnvironmentOptions
from mlproj.models.image import facts, instructions, place, server_files, server_python
from mlproj.models.image.serving_environment import ServingEnvironment
from mlproj.models.opened import OpenedModel
from mlproj.package import image_layer
from mlproj.package.image import Made
from mlproj.package.image_layer import Layer

_LINES_SHOWN = 20  # last lines of what failed
FIRST_DAY = 315532800
"""1980-01-01, in seconds since 1970, for what has no date; some programs know none before."""


def make(
    opened: OpenedModel, options: EnvironmentOptions, name: str, base: str | None, progress: Progress, *, force: bool
) -> Made:
    """Make the image *name* of *base* (None: one that fits the environment); *force* replaces one of that name.

    Raises UsageError, InvalidProject, EnvironmentFailure and ServiceError; the images are then as they were, but for
    that of the environment.
    """
    found = engines.find()
    if not force and images.find(found, name) is not None:
        raise UsageError(f"{found.name} has an image {name} already", hint="--force replaces it")
    prepared = in_image(opened, options, base, progress).prepare(progress)
    assert isinstance(prepared.container_runtime, Containers)
    engine, below, settings = prepared.container_runtime.parts
    with ExitStack() as stack:
        staging = stack.enter_context(paths.temporary_folder(paths.cache() / "work", "model-image."))
        with progress.step("collecting the model's and the server's files"):
            python, server = _server(engine, below, _minor(prepared.python), staging, progress)
            layer = model_layer(staging / "model.tar", opened)
        top = _top(opened, settings, python, server, layer, _base(prepared))
        made = _published(engine, image_layering.add_layer(engine, below, top, _draft(layer), progress), name, progress)
        sizes = _sizes(engine, _base(prepared), below, made, opened)
    return Made(name, made.id, engine.name, sizes, prepared.reused, _base(prepared), layer.files, layer.sha256)


def _draft(layer: Layer) -> str:
    """The name of an image until it is known to work."""
    return f"mlproj-model-draft:{layer.sha256[:12]}-{os.getpid()}"


def _published(engine: Engine, draft: Image, name: str, progress: Progress) -> Image:
    """*draft* under its *name*, once a container of it has loaded the model. Raises EnvironmentFailure."""
    before = images.find(engine, name)
    try:
        with progress.step("loading the model in the image"):
            done = engine.run("run", "--rm", "--network", "none", "--log-driver", "none", draft.id, "check")
        if done.returncode:
            raise _broken(done.error_text)
        engine.run("tag", draft.id, name)
    finally:
        engine.run("image", "rm", draft.name)
    made = images.find(engine, name)
    if made is None:
        raise images.lost(engine, f"made {name}")
    if before is not None and before.id != made.id:
        image_layering.forget(engine, before.id)
    return made


def _broken(output: str) -> EnvironmentFailure:
    lines = [line for line in output.splitlines() if line.strip()]
    last = [f"  {redact(line)}" for line in lines[-_LINES_SHOWN:]]
    return EnvironmentFailure(
        "\n".join(["the model does not load in its image:", *last]),
        hint="a library of the system may be missing there: --base IMAGE names one that has it",
    )


def in_image(opened: OpenedModel, options: EnvironmentOptions, base: str | None, progress: Progress) -> Environment:
    """The environment of *opened* in an image of *base*, decided and not made. Raises UsageError, ServiceError."""
    inner = environment.decide(opened, options, progress)
    request = replace(environment.request_of(opened, options), in_container=base)
    if isinstance(inner, SystemEnvironment):
        if base is None:
            raise UsageError(
                "the model names no environment, so the image to build on has to be named",
                hint="--base IMAGE, one with what the model imports",
            )
        return packing.pack(inner, request)
    packable: Packable = inner  # type: ignore[assignment]  # what mlproj.environments makes is one
    return packing.pack(ServingEnvironment(packable), request)


def model_layer(target: Path, opened: OpenedModel) -> Layer:
    """The layer with the model's files. Raises ServiceError."""
    try:
        texts = {place.FACTS: facts.text(opened).encode()}
        return image_layer.of_folders(target, {place.MODEL: opened.folder}, texts, moment_of(opened))
    except OSError as error:
        raise ServiceError(f"{error.filename} cannot be read: {error.strerror}") from error


def moment_of(opened: OpenedModel) -> int:
    """When the model was saved, in seconds since 1970."""
    return int(opened.file.created.timestamp()) if opened.file.created else FIRST_DAY


def _minor(python: str | None) -> tuple[int, int] | None:
    numbers = (python or "").split(".")
    return (int(numbers[0]), int(numbers[1])) if len(numbers) > 1 else None


def _server(
    engine: Engine, below: Image, minor: tuple[int, int] | None, staging: Path, progress: Progress
) -> tuple[str, Layer]:
    """The Python that the server runs on in the image, whose environment has the version *minor*, and its layer.

    Raises ServiceError, EnvironmentFailure.
    """
    python = image_layering.python_of(engine, below, server_files.OLDEST)
    folders = {}
    if python is None:
        folders[place.PYTHON], python = server_python.copy(staging, below.name, progress)
        version: tuple[int, int] | None = server_python.VERSION
    else:
        version = minor if python.startswith(f"{INSIDE}/") else _version(engine, below, python)
    server = staging / "server"
    server.mkdir()
    server_files.put(server, version)
    layer = image_layer.of_folders(staging / "server.tar", {place.SERVER: server, **folders}, {}, FIRST_DAY)
    return python, layer


def _version(engine: Engine, below: Image, python: str) -> tuple[int, int] | None:
    options = ("--rm", "--network", "none", "--log-driver", "none", "--entrypoint", python)
    done = engine.run("run", *options, below.id, "-IS", "-c", "import sys; print(*sys.version_info[:2])")
    numbers = done.text.split()
    return (int(numbers[0]), int(numbers[1])) if len(numbers) == 2 else None


def _top(
    opened: OpenedModel, settings: Settings, python: str, server: Layer, layer: Layer, base: Mapping[str, Any]
) -> Top:
    return Top(
        layer.archive,
        instructions.program(python, settings.begin),
        "/tmp",  # noqa: S108  # a container's own
        {**settings.variables, **instructions.VARIABLES},
        labels(opened, base, layer.sha256),
        moment_of(opened),
        below=(server.archive,),
        instructions=instructions.lines(python),
    )


def labels(opened: OpenedModel, base: Mapping[str, Any], digest: str) -> dict[str, str]:
    """The annotations of OCI's image-spec, and ours; an empty one takes back what the image below says of itself."""
    created = opened.file.created
    facts_shown = {
        "title": opened.name,
        "description": "",
        "source": facts.public_address(opened),
        "version": opened.version.version if opened.version else None,
        "revision": "",
        "created": created.isoformat() if created else None,
        "base.name": base["name"],
        "base.digest": str(base["digest"] or "").rpartition("@")[2],
    }
    annotations = {f"org.opencontainers.image.{name}": str(value or "") for name, value in facts_shown.items()}
    own = {"mlproj.version": __version__, "mlproj.digest": digest, "mlproj.model": facts.public_address(opened) or ""}
    return {
        **annotations,
        **instructions.LABELS,
        **own,
        "mlproj.image": "",
    }  # by that label `mlproj env prune` finds what it may remove


def _base(prepared: Prepared) -> Mapping[str, Any]:
    """The image that nothing was added to yet."""
    record = prepared.record["image"]
    found: Mapping[str, Any] = record.get("base") or {name: record[name] for name in ("name", "id", "digest")}
    return found


def _sizes(engine: Engine, base: Mapping[str, Any], below: Image, made: Image, opened: OpenedModel) -> dict[str, int]:
    first, second, third = (image_layering.size(engine, identity) for identity in (str(base["id"]), below.id, made.id))
    own = {"environment": second - first} if below.id != base["id"] else {}
    own_files = sum(file.stat().st_size for file in opened.folder.rglob("*") if file.is_file())
    return {**own, "server": third - second - own_files, "model": own_files}
