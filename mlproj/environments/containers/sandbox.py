"""``--sandbox`` in a container: what is refused for it, the engine's options, and what it does not keep a command
from.

The container has no network at all: in one of the engine's, also in an internal one, it would reach what listens on
this machine. The run's own tracking server is reached through a socket that the container's shell opens before the
command (see :class:`~mlproj.environments.base.ServerSocket`).
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from mlproj.environments.base import Request, ServerSocket
from mlproj.environments.containers import settings
from mlproj.environments.containers.engine import Engine
from mlproj.environments.containers.settings import Settings
from mlproj.foundation.dataclass import replace
from mlproj.foundation.errors import Place, UsageError
from mlproj.foundation.redaction import holds_secret

HOME = "/tmp"  # noqa: S108  # of the container, where the image's own cannot be written
SOCKET_PLACE = "/run/mlproj.sock"
"""Where the :class:`~mlproj.environments.base.ServerSocket` is in the container."""

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
listeners = []
for port in {ports}:
    for family, host in ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")):
        try:
            listener = socket.socket(family)
            listener.bind((host, port))
            listener.listen(128)
            listeners.append(listener)
        except OSError:
            pass
with socket.socket(socket.AF_UNIX) as way:
    way.connect("{path}")
    way.sendmsg([b"!"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [one.fileno() for one in listeners]))])
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
    """The engine's options for it. The files of an image with a copy of the project's are the container's own, and
    stay writable."""
    yield from _CONFINED
    yield from _VOLATILE
    if not wanted.is_copied:
        yield "--read-only"


def opening(server_socket: ServerSocket) -> str:
    """The shell text that opens *server_socket* in the container, if there is a Python 3. A port that cannot be opened
    there is skipped."""
    code = shlex.quote(_OPEN.format(ports=list(server_socket.ports), path=SOCKET_PLACE))
    return (
        f"(for python in python3 python; do command -v $python && $python -I -S -c {code} && break; done) >/dev/null"
        " 2>&1\n"
    )


def not_confined(wanted: Settings, engine: Engine, *, is_made: bool) -> tuple[str, ...]:
    """What the command is not kept from, a line each; *is_made* tells whether its image is made here."""
    made = ["making the image is not confined: it has the network"] if is_made else []
    rights = (
        [] if engine.is_rootless else [f"{engine.name} runs as root here: a program that escapes the container is root"]
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
