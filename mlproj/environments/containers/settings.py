"""What ``docker_env`` and the command line ask of a container, in the engines' words."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mlproj.environments.base import Request
from mlproj.foundation import presence
from mlproj.foundation.dataclass import dataclass, field
from mlproj.foundation.errors import EnvironmentFailure, InvalidProject, Place, UsageError

WORKDIR = "/mlflow/projects/code"
"""Where the project's folder is in the container, as with MLflow."""

_IMAGE = re.compile(
    r"[A-Za-z0-9][\w.\-]*(?::\d+)?(?:/[\w.\-]+)*(?::[\w][\w.\-]{0,127})?(?:@sha256:[0-9a-f]{64})?|sha256:[0-9a-f]{64}",
    re.ASCII,
)
_HERE = re.compile(r"\$\(pwd\)|\$\{PWD\}|\$PWD\b|%cd%", re.IGNORECASE)
_VARIABLE = re.compile(r"\$(?:\{(\w+)\}|(\w+))", re.ASCII)
_NAMED = re.compile(r"[A-Za-z0-9][\w.\-]*", re.ASCII)


@dataclass(frozen=True)
class Build:
    """An image to be built: absolute paths of the context's folder and of the Dockerfile, build arguments, and a
    stage."""

    context: Path
    dockerfile: Path
    args: Mapping[str, str] = field(default_factory=dict)
    target: str | None = None


@dataclass(frozen=True)
class Settings:
    """A container as the project and the user want it.

    ``image`` is None where one is built. ``volumes`` are as the engines write them, with absolute folders;
    ``variables`` the environment. ``arguments`` are the user's own options of the command line, each name with its
    dashes; they come last and win. ``is_copied``: the project's folder is copied into an image of its own instead of
    being mounted. ``begin`` is what the shell does before the command. ``is_sandbox``: the command is not trusted;
    ``withheld`` are the names of variables that it is not given. ``skips_entry_point``: the image's ENTRYPOINT is not
    started, as it would not start the command.
    """

    image: str | None
    build: Build | None = None
    volumes: tuple[str, ...] = ()
    variables: Mapping[str, str] = field(default_factory=dict)
    arguments: tuple[str, ...] = ()
    gpus: str | None = None
    shm_size: str | None = None
    user: str | None = None
    platform: str | None = None
    pull: str = "missing"
    is_copied: bool = False
    begin: str = ""
    is_sandbox: bool = False
    withheld: tuple[str, ...] = ()
    skips_entry_point: bool = False

    @property
    def entry_point(self) -> str | None:
        """The program that the user's own options put into the place of the image's ENTRYPOINT; empty for none."""
        return self._option("--entrypoint")

    @property
    def network(self) -> str | None:
        """The network that the user's own options ask for."""
        return self._option("--network", "--net")

    @property
    def chooses_user(self) -> bool:
        """Whether the user's own options say whose the container's processes are."""
        return any(word.partition("=")[0] in ("--user", "-u", "--userns") for word in self.arguments)

    def _option(self, *names: str) -> str | None:
        """The value of the last of the user's own options with one of these *names*."""
        found = None
        for index, word in enumerate(self.arguments):
            name, equals, value = word.partition("=")
            if name in names:
                found = value if equals else next(iter(self.arguments[index + 1 : index + 2]), None)
        return found


def read(options: Mapping[str, Any], request: Request, place: Place | None) -> Settings:
    """The settings of a ``docker_env`` whose form was checked. Variables of this process and folders are looked up.

    Raises InvalidProject, UsageError for the command line, EnvironmentFailure for a variable that is not set here.
    """
    build = _build(options, request, place)
    image = None if build else checked_image(str(options.get("image")), place)
    return Settings(
        image=image,
        build=build,
        volumes=tuple(_volume(str(item), request.project_dir, place) for item in options.get("volumes") or ()),
        variables=_variables(options.get("environment") or (), place),
        arguments=arguments(request.docker_args),
        gpus=_gpus(options.get("gpus")),
        shm_size=_text(options.get("shm_size")),
        user=_text(options.get("user")),
        platform=_text(options.get("platform")),
        pull=str(options.get("pull") or "missing"),
        is_copied=request.build_image,
    )


def checked_image(name: str, place: Place | None = None) -> str:
    """*name* when it can be an image's. Raises InvalidProject, UsageError where no file named it."""
    if _IMAGE.fullmatch(name):
        return name
    message, hint = (
        f"{name!r} cannot be the name of an image",
        "expected for example python:3.11 or registry.example/team/image:tag",
    )
    raise InvalidProject(message, place=place, hint=hint) if place else UsageError(message, hint=hint)


def arguments(given: Mapping[str, str | bool]) -> tuple[str, ...]:
    """The user's ``-A NAME=VALUE`` and ``-A NAME`` as words of the engine's command line. Raises UsageError."""
    words: list[str] = []
    for name, value in given.items():
        if not re.fullmatch(r"[A-Za-z][\w\-]*", name, re.ASCII):
            raise UsageError(
                f"--docker-args {name!r} is no option of an engine",
                hint="write -A NAME=VALUE or -A NAME, without dashes",
            )
        if value is False:
            continue
        dashes = "-" if len(name) == 1 else "--"
        words += (
            [f"{dashes}{name}"]
            if value is True
            else [f"-{name}", str(value)]
            if len(name) == 1
            else [f"--{name}={value}"]
        )
    return tuple(words)


def _build(options: Mapping[str, Any], request: Request, place: Place | None) -> Build | None:
    asked = options.get("build") or ({"dockerfile": options["dockerfile"]} if options.get("dockerfile") else None)
    if not asked:
        return None
    asked = {"context": asked} if isinstance(asked, str) else asked
    context = _inside(str(asked.get("context") or "."), request.project_dir, request.root, place)
    named = asked.get("dockerfile") or options.get("dockerfile")
    # As docker compose has it, the Dockerfile is looked for from the context; where only it is named, from MLproject.
    base = context if asked.get("context") else request.project_dir
    dockerfile = _inside(str(named), base, request.root, place) if named else context / "Dockerfile"
    for path, is_there, what in (
        (context, presence.is_folder(context), "folder"),
        (dockerfile, presence.is_file(dockerfile), "file"),
    ):
        if not is_there:
            raise InvalidProject(
                f"the image is to be built from {path.name!r}, and there is no such {what}", place=place
            )
    given = asked.get("args") or {}
    args = given.items() if isinstance(given, dict) else (_pair(one, place) for one in given)
    return Build(context, dockerfile, {str(name): _scalar(value) for name, value in args}, _text(asked.get("target")))


def _inside(written: str, base: Path, root: Path, place: Place | None) -> Path:
    path = Path(os.path.realpath(base / written))
    if not path.is_relative_to(os.path.realpath(root)):
        raise InvalidProject(
            f"{written!r} is outside of the project's source",
            place=place,
            hint="an image is built from the project's files",
        )
    return path


def _pair(item: Any, place: Place | None) -> tuple[str, str]:
    name, equals, value = str(item).partition("=")
    return name, value if equals else _from_here(name, place)


# What every run gives its command, so that nothing is missing where it is not set here.
_OF_THE_RUN = frozenset(f"MLFLOW_TRACKING_{name}" for name in ("URI", "TOKEN", "USERNAME", "PASSWORD"))


def _variables(items: Any, place: Place | None) -> dict[str, str]:
    found: dict[str, str] = {}
    for item in items:
        if isinstance(item, list):
            found[item[0]] = _scalar(item[1])
        elif item not in _OF_THE_RUN or item in os.environ:
            name, value = _pair(item, place)
            found[name] = value
    return found


def _from_here(name: str, place: Place | None) -> str:
    value = os.environ.get(name)
    if value is None:
        message = f"the container is to get the variable {name} from here, where it is not set"
        raise EnvironmentFailure(message, hint=f"set it: export {name}=…", place=place)
    return value


def _scalar(value: Any) -> str:
    if value is None:
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _volume(written: str, project_dir: Path, place: Place | None) -> str:
    """A volume with an absolute folder of this machine. A name without a slash is a volume of the engine's, unless the
    project has a folder of that name."""
    source, colon, rest = _HERE.sub(lambda _: str(project_dir), written).partition(":")
    if not colon:
        return written  # a folder of the container that the engine keeps until its end
    if not rest.startswith("/"):
        hint = "write /folder/here:/folder/in/container, or ./folder:/folder/in/container"
        raise InvalidProject(
            f"the volume {written!r} names no absolute folder in the container", place=place, hint=hint
        )
    source = _VARIABLE.sub(lambda match: _from_here(match[1] or match[2], place), source)
    if source.startswith("~"):
        source = str(Path(source).expanduser())
    if _NAMED.fullmatch(source) and not presence.is_folder(project_dir / source):
        return f"{source}:{rest}"
    return f"{os.path.normpath(project_dir / source)}:{rest}"


def _gpus(value: Any) -> str | None:
    if value in (None, False, 0):
        return None
    return "all" if value is True else str(value)


def _text(value: Any) -> str | None:
    return None if value is None else str(value)
