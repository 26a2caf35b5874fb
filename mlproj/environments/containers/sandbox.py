"""``--sandbox`` in a container: what is refused for it, what the engine is told, and what it does not keep a command
from.

The container has no network at all: in one of the engine's, also in an internal one, it would reach what listens on
this machine. The way to the run's own tracking server is a door that the container's shell opens before the command
(see :class:`~.base.Door`).
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from mlproj.environments.base import Door, Request
from mlproj.environments.containers import settings
from mlproj.environments.containers.engine import Engine
from mlproj.environments.containers.settings import Settings
from mlproj.foundation.dataclass import replace
from mlproj.foundation.errors import Place, UsageError
from mlproj.foundation.redaction import holds_secret

HOME = "/tmp"  # noqa: S108  # of the container, where the image's own cannot be written
DOOR = "/run/mlproj.sock"
"""Where the door's socket is in the container."""

# Options of the user's that open nothing; of the hundred others many do.
_HARMLESS = (
    *(
        "blkio-weight",
        "cpu-period",
        "cpu-quota",
        "cpu-shares",
        "cpus",
        "cpuset-cpus",
        "cpuset-mems",
        "entrypoint",
        "gpus",
        "hostname",
        "memory",
    ),
    *(
        "memory-reservation",
        "memory-swap",
        "memory-swappiness",
        "oom-score-adj",
        "pids-limit",
        "platform",
        "shm-size",
        "stop-signal",
    ),
    *("stop-timeout", "ulimit", "c", "h", "m"),
)
_CONFINED = ("--cap-drop=ALL", "--security-opt=no-new-privileges")
# Programs are built and started there, too, which the engines do not allow by themselves.
_VOLATILE = ("--tmpfs=/tmp:exec", "--tmpfs=/var/tmp:exec", "--tmpfs=/run")
_TRUSTED = "leave out --sandbox, if you trust the project"
_OPEN = """\
import array, socket
doors = []
for port in {ports}:
    for family, host in ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")):
        try:
            door = socket.socket(family)
            door.bind((host, port))
            door.listen(128)
            doors.append(door)
        except OSError:
            pass
with socket.socket(socket.AF_UNIX) as way:
    way.connect("{path}")
    way.sendmsg([b"!"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [door.fileno() for door in doors]))])
"""


def read(options: Mapping[str, Any], request: Request, place: Place | None) -> Settings:
    """As :func:`settings.read`, without the variables of this process that look secret. Raises UsageError for what
    would open a sandbox."""
    items = [str(item) for item in options.get("environment") or () if isinstance(item, str) and "=" not in item]
    withheld = tuple(name for name in items if holds_secret(name, os.environ.get(name, "")))
    kept = [item for item in options.get("environment") or () if item not in withheld]
    return checked(
        replace(settings.read({**options, "environment": kept}, request, place), withheld=withheld), request, place
    )


def checked(wanted: Settings, request: Request, place: Place | None = None) -> Settings:
    """*wanted* for a command that is not trusted. Raises UsageError for what would open a sandbox."""
    for name in request.docker_args:
        if name not in _HARMLESS:
            hint = f"of the engine's options it takes only {', '.join(_HARMLESS)}"
            raise UsageError(f"--sandbox does not go with -A {name}", hint=hint)
    if wanted.user not in (None, "caller"):
        raise UsageError(
            f"--sandbox runs the command as you, and docker_env wants user: {wanted.user}", place=place, hint=_TRUSTED
        )
    if wanted.build and not _is_in(wanted.build.context, request.project_dir):
        message = (
            "--sandbox shows nothing outside of the project's folder, and its image is built from"
            f" {wanted.build.context}"
        )
        raise UsageError(message, place=place, hint=_TRUSTED)
    volumes = tuple(_volume(volume, request.project_dir, place) for volume in wanted.volumes)
    return replace(wanted, volumes=volumes, is_sandbox=True)


def options(wanted: Settings) -> Iterator[str]:
    """What the engine is told besides. The files of an image with a copy of the project's are the container's own, and
    stay writable."""
    yield from _CONFINED
    yield from _VOLATILE
    if not wanted.is_copied:
        yield "--read-only"


def opening(door: Door) -> str:
    """What the container's shell does to open *door*, if there is a Python 3 that can. A port that the program cannot
    have is left."""
    code = shlex.quote(_OPEN.format(ports=list(door.ports), path=DOOR))
    return (
        f"(for python in python3 python; do command -v $python && $python -I -S -c {code} && break; done) >/dev/null"
        " 2>&1\n"
    )


def not_confined(wanted: Settings, engine: Engine, *, is_made: bool) -> tuple[str, ...]:
    """What the command is not kept from, a line each; *is_made* tells whether its image is made here."""
    made = ["making the image is not confined: it has the network"] if is_made else []
    rights = (
        [] if engine.is_rootless else [f"{engine.name} runs as root here: a way out of the container leads to root"]
    )
    has_cards = wanted.gpus or any(word.startswith("--gpus") for word in wanted.arguments)
    cards = ["graphics cards are visible"] if has_cards else []
    limits = "the kernel is this machine's; memory, processors and disk are limited only by what -A says"
    return (*made, limits, *rights, *cards)


def _volume(volume: str, project_dir: Path, place: Place | None) -> str:
    """*volume* with the folder that it really is."""
    source, colon, rest = volume.partition(":")
    if not colon:
        return volume
    if not source.startswith("/"):
        message = f"--sandbox shows nothing that others use, and docker_env mounts the engine's volume {source}"
        raise UsageError(message, place=place, hint=_TRUSTED)
    real = Path(os.path.realpath(source))
    if not _is_in(real, project_dir):
        message = f"--sandbox shows nothing outside of the project's folder, and docker_env mounts {source}"
        raise UsageError(
            message, place=place, hint="copy what is needed into the project, or name it by a path parameter"
        )
    return f"{real}:{rest}"


def _is_in(path: Path, folder: Path) -> bool:
    return path.is_relative_to(os.path.realpath(folder))
