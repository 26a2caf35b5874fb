"""A container as an environment: described from what the project declares, prepared by having its image."""

from __future__ import annotations

import os

from mlproj.environments.base import Declaration, Description, Environment, Prepared, Request
from mlproj.environments.containers import address, engine, entry_point, image, sandbox, settings
from mlproj.environments.containers.container import Containers
from mlproj.environments.containers.engine import Engine
from mlproj.environments.containers.notes import notes
from mlproj.environments.containers.settings import Settings
from mlproj.foundation.dataclass import replace
from mlproj.foundation.errors import EnvironmentFailure
from mlproj.foundation.locked import Locked
from mlproj.foundation.progress import Progress


def create(request: Request, declaration: Declaration, progress: Progress) -> Environment:
    """The container that ``docker_env`` declares. An engine is looked for; nothing is pulled or built.

    Raises InvalidProject, UsageError, EnvironmentFailure, and ServiceError when no engine answers.
    """
    del progress
    read = sandbox.read if request.sandbox else settings.read
    wanted = read(declaration.options, request, declaration.place)
    found = engine.find()
    if request.locked is not None:
        wanted = _as_recorded(wanted, request.locked, found)
    return ContainerEnvironment(request, declaration, wanted, found)


class ContainerEnvironment:
    """A decided container."""

    def __init__(self, request: Request, declaration: Declaration, wanted: Settings, found: Engine) -> None:
        self._request = request
        self._wanted = wanted
        self._engine = found
        self._route = address.route(found, wanted.network, sandbox=wanted.is_sandbox)
        self.description = Description(
            kind="container",
            manager=found.name,
            declaration=declaration,
            requirements=(_shown(wanted, request),),
            image=_shown(wanted, request),
            notes=notes(wanted, found, self._route),
            not_confined=sandbox.not_confined(wanted, found, is_made=wanted.build is not None)
            if wanted.is_sandbox
            else None,
        )

    def is_ready(self) -> bool:
        """Whether the image is here."""
        wanted = self._wanted
        return (
            wanted.image is not None and wanted.pull != "always" and image.find(self._engine, wanted.image) is not None
        )

    def prepare(self, progress: Progress, *, rebuild: bool = False) -> Prepared:
        """Pull or build the image, or find it. Raises EnvironmentFailure."""
        found, reused = image.obtain(
            self._engine, self._wanted, progress, rebuild=rebuild, offline=self._request.offline
        )
        base, wanted = found, entry_point.decide(self._engine, found, self._wanted, progress, anew=rebuild)
        if self._wanted.is_copied:
            found = image.with_files(self._engine, found, self._request.project_dir, progress)
        return Prepared(
            lock=image.keep_lock(self._engine, found, self._request.locked),
            reused=reused,
            container_runtime=Containers(self._engine, found, wanted, self._route),
            record={
                "image": {
                    "name": base.name,
                    "id": found.id,
                    "digest": base.digest,
                    "engine": self._engine.name,
                    **entry_point.record(base, wanted),
                }
            },
        )


def _as_recorded(wanted: Settings, locked: Locked, found: Engine) -> Settings:
    """*wanted* with the very image of *locked*: by its digest, or by its id where no registry has it. Raises
    EnvironmentFailure."""
    name, digest, identity = (str(locked.image.get(part) or "") for part in ("name", "digest", "id"))
    if not digest and not (identity and image.find(found, identity)):
        message = (
            f"the image of {locked.of} ({name}, {identity[:19]}) is not with {found.name} here, and came from no"
            " registry"
        )
        raise EnvironmentFailure(
            message, hint="where it is: docker save, then docker load; or mlproj run builds it anew"
        )
    return replace(wanted, image=digest or identity, build=None, pull="missing")


def _shown(wanted: Settings, request: Request) -> str:
    if wanted.image is not None:
        return wanted.image
    assert wanted.build is not None
    return os.path.relpath(wanted.build.dockerfile, request.project_dir)
