"""``--in-container``: an environment that was decided for this machine, made in an image and used there.

The image comes about as an environment does: once for each key, whole or not at all. A container of the chosen image
makes the environment at :data:`~mlproj.environments.base.INSIDE` by the script of the environment's own kind, and is
committed; so no layer holds what is only needed on the way, such as the credentials of a package index.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from mlproj.environments.base import INSIDE, MATERIAL, Environment, Packable, Packed, Prepared, Request
from mlproj.environments.containers import address, container, engine, entry_point, image, sandbox, settings
from mlproj.environments.containers.container import Containers
from mlproj.environments.containers.engine import Engine, hint_of_full_disk
from mlproj.environments.containers.image import Image
from mlproj.environments.containers.notes import notes
from mlproj.environments.containers.settings import Settings
from mlproj.environments.python import key
from mlproj.environments.system import SystemEnvironment
from mlproj.foundation import file_lock, paths
from mlproj.foundation.dataclass import dataclass, replace
from mlproj.foundation.errors import EnvironmentFailure, UsageError
from mlproj.foundation.progress import Progress
from mlproj.foundation.redaction import redact

_LAYOUT = 2
"""Raised when what an image is made of changes for the same environment."""
REPOSITORY = "mlproj-env"
"""The images' name; what their tags are says :func:`tag_of`."""

BUILDER = "mlproj-build-"
"""The beginning of the name of a container that makes an image; the image's tag follows."""

FACTS = "packed.json"
"""The file with the facts about an image; its modification time is that of the image's last use."""

_LINES_SHOWN = 20  # last lines of what failed
_COMPILERS = "; python:3.11 has compilers, where python:3.11-slim has none"


def pack(inner: Environment, request: Request) -> Environment:
    """*inner*, which was decided for this machine, in a container. An engine is looked for; nothing is pulled or built.

    Raises UsageError, and ServiceError when no engine answers.
    """
    chosen = settings.checked_image(request.in_container) if request.in_container else None
    if isinstance(inner, SystemEnvironment):
        if chosen is None:
            raise UsageError(
                "the project declares no environment, so --in-container needs an image",
                hint="write --in-container=python:3.11",
            )
        return PackedEnvironment(inner, None, chosen, request, engine.find())
    packable: Packable = inner  # type: ignore[assignment]  # what mlproj.environments makes is one
    return PackedEnvironment(inner, packable, chosen or packable.fitting_image, request, engine.find())


@dataclass(frozen=True)
class _Made:
    """An image with an environment in it, and the facts that are kept about it."""

    image: Image
    variables: dict[str, str]
    begin: str
    packages: dict[str, str]
    lock: Path
    base: dict[str, Any]


class PackedEnvironment:
    """An environment in a container of the image *base*; without a *packable* the image as it is."""

    def __init__(
        self, inner: Environment, packable: Packable | None, base: str, request: Request, found: Engine
    ) -> None:
        self._packable = packable
        self._base = Settings(
            image=base, is_copied=request.build_image, arguments=settings.arguments(request.docker_args)
        )
        if request.sandbox:
            self._base = sandbox.checked(self._base, request)
        self._request = request
        self._engine = found
        self._route = address.route(found, self._base.network, sandbox=request.sandbox)
        described = inner.description
        content = {
            "layout": _LAYOUT,
            "of": described.key,
            "image": base,
            "contents": packable.contents() if packable else [],
        }
        self.description = replace(
            described,
            kind="container",
            manager=found.name,
            key=key.digest(content) if packable else None,
            image=base,
            notes=(*described.notes, *notes(self._base, found, self._route)),
            not_confined=sandbox.not_confined(self._base, found, is_made=packable is not None)
            if request.sandbox
            else None,
        )
        self._folder = folder_of(str(self.description.key), found.name)

    def is_ready(self) -> bool:
        """Whether its image is made."""
        if self._packable is None:
            return image.find(self._engine, str(self._base.image)) is not None
        return self._find() is not None

    def prepare(self, progress: Progress, *, rebuild: bool = False) -> Prepared:
        """Make its image, or find it made. Raises EnvironmentFailure, ServiceError."""
        if self._packable is None:
            return self._as_it_is(progress, rebuild=rebuild)
        made, reused = self._obtain(self._packable, progress, rebuild=rebuild)
        used = self._used(made.image, progress)
        inside = replace(self._base, variables=made.variables, begin=made.begin)
        inside = entry_point.decide(self._engine, made.image, inside, progress, anew=rebuild)
        return Prepared(
            lock=made.lock,
            python=self.description.python,
            reused=reused,
            packages=made.packages,
            container_runtime=Containers(self._engine, used, inside, self._route),
            record={
                "image": {
                    "name": self._tag,
                    "id": used.id,
                    "digest": None,
                    "engine": self._engine.name,
                    "base": made.base,
                    **entry_point.record(made.image, inside),
                }
            },
        )

    def _as_it_is(self, progress: Progress, *, rebuild: bool) -> Prepared:
        found, reused = image.obtain(self._engine, self._base, progress, rebuild=rebuild, offline=self._request.offline)
        wanted = entry_point.decide(self._engine, found, self._base, progress, anew=rebuild)
        used = self._used(found, progress)
        return Prepared(
            lock=image.keep_lock(self._engine, used, self._request.locked),
            reused=reused,
            container_runtime=Containers(self._engine, used, wanted, self._route),
            record={
                "image": {
                    "name": found.name,
                    "id": used.id,
                    "digest": found.digest,
                    "engine": self._engine.name,
                    **entry_point.record(found, wanted),
                }
            },
        )

    def _used(self, found: Image, progress: Progress) -> Image:
        return (
            image.with_files(self._engine, found, self._request.project_dir, progress)
            if self._base.is_copied
            else found
        )

    @property
    def _tag(self) -> str:
        return f"{REPOSITORY}:{tag_of(str(self.description.key))}"

    def _find(self) -> _Made | None:
        try:
            facts = json.loads((self._folder / FACTS).read_bytes())
            found = image.find(self._engine, self._tag)
            if found is None or found.id != facts["id"] or not (self._folder / facts["lock"]).is_file():
                return None
            os.utime(self._folder / FACTS)
            lock = self._folder / facts["lock"]
            return _Made(found, dict(facts["variables"]), facts["begin"], dict(facts["packages"]), lock, facts["base"])
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def _obtain(self, packable: Packable, progress: Progress, *, rebuild: bool) -> tuple[_Made, bool]:
        """The image, and whether it was there already; a second process waits for the first one to make it."""
        found = None if rebuild else self._find()
        if found is not None:
            return found, True
        with alone(self._folder):
            found = None if rebuild else self._find()
            if found is not None:
                return found, True
            base, _ = image.obtain(self._engine, self._base, progress, rebuild=rebuild, offline=self._request.offline)
            with paths.temporary_folder(paths.cache() / "work", "image.") as staging:
                packed = packable.pack(staging, progress)
                with progress.step(
                    f"making the image {REPOSITORY}:{str(self.description.key)[:12]} of {self._base.image}"
                ):
                    made = self._make(packed, base, staging)
            self._keep(packed, made, base)
        found = self._find()
        if found is None:
            raise image.lost(self._engine, f"made {self._tag}")
        return found, False

    def _make(self, packed: Packed, base: Image, staging: Path) -> Image:
        (staging / "make.sh").write_text(f"set -eu\n{packed.script}", "utf-8")
        name = f"{BUILDER}{tag_of(str(self.description.key))}"
        container.remove(self._engine, name)  # of a build that was killed
        network = "none" if self._request.offline else "host"
        options = [
            "--name",
            name,
            "--user",
            "0:0",
            "--network",
            network,
            "--log-driver",
            "none",
            "--label",
            image.label(),
        ]
        options += ["--security-opt", "label=disable"] if self._engine.name == "podman" else []
        options += [*container.mount(staging, MATERIAL, "readonly"), "--workdir", "/", "--entrypoint", ""]
        options += [word for place in packed.readable for word in container.mount(place, str(place), "readonly")]
        before = image.find(self._engine, self._tag)
        try:
            self._do("create", *options, base.id, "sh", f"{MATERIAL}/make.sh")
            self._do("start", "--attach", name)
            user = ["--change", f"USER {base.user or 'root'}"]
            begins = ["--change", f"ENTRYPOINT {json.dumps(base.entry_point)}", "--change", 'CMD ["sh"]']
            changes = ["--change", f"ENV PATH={INSIDE}/bin:{base.path}", *begins, *user]
            self._do("commit", *changes, name, self._tag)
        finally:
            container.remove(self._engine, name)
        made = image.find(self._engine, self._tag)
        if made is None:
            raise image.lost(self._engine, f"made {self._tag}")
        if before is not None and before.id != made.id:
            self._engine.run("image", "rm", before.id)  # which stays while somebody uses it
        return made

    def _do(self, *words: str) -> None:
        done = self._engine.run(*words)
        if done.returncode:
            lines = [line for line in (*done.text.splitlines(), *done.error_text.splitlines()) if line.strip()][
                -_LINES_SHOWN:
            ]
            raise EnvironmentFailure(
                f"the environment cannot be made in the image {self._base.image}:\n"
                + "\n".join(f"  {redact(line)}" for line in lines),
                hint=hint_of_full_disk(self._engine, done.error_text)
                or f"--in-container=IMAGE names another{_COMPILERS if self.description.python else ''}",
            )

    def _keep(self, packed: Packed, made: Image, base: Image) -> None:
        name, text = packed.lock
        paths.write_atomic(self._folder / name, text)
        content = {
            "schema": 1,
            "id": made.id,
            "engine": self._engine.name,
            "lock": name,
            "variables": packed.variables,
            "begin": packed.begin,
            "packages": packed.packages,
            "base": {"name": base.name, "id": base.id, "digest": base.digest},
        }
        paths.write_atomic(self._folder / FACTS, json.dumps(content, indent=1) + "\n")


def tag_of(of: str) -> str:
    """The tag of the image with the key *of*. An engine may serve several caches, each with an image of its own."""
    return f"{of}-{key.digest({'cache': str(paths.cache())})[:8]}"


def key_of(tag: str) -> str:
    """The key in a tag."""
    return tag.partition("-")[0]


def folder_of(of: str, engine_name: str) -> Path:
    """The folder of the facts about the image with the key *of* in an engine."""
    return paths.cache() / "images" / f"{of}-{engine_name}"


@contextmanager
def alone(folder: Path, *, wait: bool = True) -> Iterator[bool]:
    """Hold the lock of an image's *folder*, which the kernel gives back when this process dies; False when another
    process has it."""
    lock = folder / ".lock"
    if wait:
        with file_lock.locked(lock):
            yield True
    else:
        with file_lock.try_locked(lock) as is_held:
            yield is_held
