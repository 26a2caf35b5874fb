"""A container as an environment: described from what the project declares, prepared by having its image."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence

from mlproj.environments.base import Declaration, Description, Environment, Prepared, Request
from mlproj.environments.containers import address, engine, image, settings
from mlproj.environments.containers.container import Containers
from mlproj.environments.containers.engine import Engine
from mlproj.environments.containers.settings import Settings
from mlproj.progress import Progress
from mlproj.redaction import redact


def create(request: Request, declaration: Declaration, progress: Progress) -> Environment:
    """The container that ``docker_env`` declares. An engine is looked for; nothing is pulled or built.

    Raises InvalidProject, UsageError, EnvironmentFailure, and ServiceError when no engine answers.
    """
    del progress
    wanted = settings.read(declaration.options, request, declaration.place)
    found = engine.find()
    return ContainerEnvironment(request, declaration, wanted, found)


class ContainerEnvironment:
    """A decided container."""

    def __init__(self, request: Request, declaration: Declaration, wanted: Settings, found: Engine) -> None:
        self._request = request
        self._wanted = wanted
        self._engine = found
        self._route = address.route(found, wanted.network)
        self.description = Description(
            kind="container",
            manager=found.name,
            declaration=declaration,
            requirements=(_shown(wanted, request),),
            notes=tuple(_notes(wanted, found, self._route)),
        )

    def is_ready(self) -> bool:
        """Whether the image is here."""
        wanted = self._wanted
        return wanted.image is not None and wanted.pull != "always" and image.find(self._engine, wanted.image) is not None

    def prepare(self, progress: Progress, *, rebuild: bool = False) -> Prepared:
        """Pull or build the image, or find it. Raises EnvironmentFailure."""
        found, reused = image.obtain(self._engine, self._wanted, progress, rebuild=rebuild, offline=self._request.offline)
        base = found
        if self._wanted.is_copied:
            found = image.with_files(self._engine, found, self._request.project_dir, progress)
        return Prepared(
            lock=image.keep_lock(self._engine, found),
            reused=reused,
            enclosure=Containers(self._engine, found, self._wanted, self._route),
            record={"image": {"name": base.name, "id": found.id, "digest": base.digest, "engine": self._engine.name}},
        )


def _shown(wanted: Settings, request: Request) -> str:
    if wanted.image is not None:
        return wanted.image
    assert wanted.build is not None
    return os.path.relpath(wanted.build.dockerfile, request.project_dir)


def _masked(words: Sequence[str]) -> Iterator[str]:
    """Options without the values of variables and secrets."""
    before = ""
    for word in words:
        name, equals, value = word.partition("=")
        if before == "-e":
            yield name
        elif name in ("--env", "--build-arg", "--secret") and equals:
            yield f"{name}={value.partition('=')[0]}"
        else:
            yield redact(word)
        before = word


def _notes(wanted: Settings, found: Engine, route: address.Route) -> list[str]:
    notes = [f"{found.name} {found.version}{' without root' if found.is_rootless else ''} runs the container"]
    if route.trouble:
        notes.append(route.trouble)
    if wanted.arguments:
        notes.append(f"{found.name} is given {' '.join(_masked(wanted.arguments))}")
    if wanted.is_copied:
        notes.append("the project's files are copied into an image (--build-image): what the program changes among them is not kept")
    return notes
