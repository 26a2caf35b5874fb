"""An image of another one with a layer of files on top, and a program that it starts with."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path

from mlproj.environments.containers import image
from mlproj.environments.containers.container import engine_message
from mlproj.environments.containers.engine import Engine
from mlproj.environments.containers.image import Image
from mlproj.foundation.dataclass import dataclass
from mlproj.foundation.errors import EnvironmentFailure, ServiceError
from mlproj.foundation.progress import Progress

_NAME = re.compile(r"[A-Za-z_][\w.\-]*", re.ASCII)
_FIND_PYTHON = """\
for name in python3 python /usr/local/bin/python3 /usr/bin/python3; do
  python=$(command -v $name) || continue
 "$python" -IS -c 'import sys; sys.exit(sys.version_info < OLDEST)' && echo "$python" && exit
done
exit 1"""


@dataclass(frozen=True)
class Top:
    """What is put on top: the file ``archive`` (a tar whose names are the image's), the program with its first
    arguments, where it starts, and variables and labels. ``moment``, in seconds since 1970, stands for every time that
    the engine would write down. ``below`` are archives in the same folder, each a layer under that of ``archive``;
    ``instructions`` are further lines of the Dockerfile."""

    archive: Path
    program: tuple[str, ...]
    workdir: str
    variables: Mapping[str, str]
    labels: Mapping[str, str]
    moment: int
    below: tuple[Path, ...] = ()
    instructions: tuple[str, ...] = ()


def add_layer(engine: Engine, base: Image, top: Top, name: str, progress: Progress) -> Image:
    """The image *name*, made anew of *base*. Raises ServiceError, EnvironmentFailure for variables that no image can
    have."""
    before = engine.inspect("image", name)
    (top.archive.parent / "Dockerfile").write_text(_dockerfile(base, top), "utf-8")
    with progress.step(f"making the image {name}"):
        done = engine.run(
            "build", "--tag", name, *_options(engine, top), str(top.archive.parent), env=_variables(engine)
        )
    if done.returncode:
        raise ServiceError(
            f"{engine.name} cannot make the image {name}: {engine_message(done.error_text or done.text)}"
        )
    made = image.find(engine, name)
    if made is None:
        raise image.lost(engine, f"made {name}")
    if before is not None:
        forget(engine, str(before["Id"]))
    return made


def python_of(engine: Engine, base: Image, oldest: tuple[int, int] = (3, 6)) -> str | None:
    """The path of a Python in *base* that is of the version *oldest* or newer, None where it has none. Raises
    ServiceError when *base* cannot be started."""
    options = ("--rm", "--network", "none", "--log-driver", "none", "--entrypoint", "sh")
    done = engine.run("run", *options, base.id, "-c", _FIND_PYTHON.replace("OLDEST", str(oldest)))
    if done.returncode not in (0, 1):  # the engine's own
        raise ServiceError(f"{engine.name} cannot start the image {base.name}: {engine_message(done.error_text)}")
    return next(iter(done.text.splitlines()), None)


def size(engine: Engine, identity: str) -> int:
    """How large an image is with all of its layers, in bytes; 0 for one that is not there."""
    return int((engine.inspect("image", identity) or {}).get("Size") or 0)


def _options(engine: Engine, top: Top) -> list[str]:
    """Each engine's ways to put no time of its own into an image, and to leave nothing behind."""
    if engine.name == "podman":
        # OCI's own form of an image has no health check.
        form = ["--format", "docker"] if any(one.startswith("HEALTHCHECK") for one in top.instructions) else []
        return [*form, "--timestamp", str(top.moment), "--layers=false", "--force-rm"]
    if engine.name == "nerdctl" or engine.has_buildkit:
        return ["--build-arg", f"SOURCE_DATE_EPOCH={top.moment}"]
    return ["--force-rm"]  # docker's older builder writes the time down, and takes what it made of the same before


def _variables(engine: Engine) -> dict[str, str]:
    return {"DOCKER_BUILDKIT": "1" if engine.has_buildkit else "0"} if engine.name == "docker" else {}


def _dockerfile(base: Image, top: Top) -> str:
    for name, value in top.variables.items():
        if not _NAME.fullmatch(name) or not value.isprintable():
            message = f"the variable {name!r} has a name or control characters in its value that no image can have"
            raise EnvironmentFailure(message, hint="give it to docker run with -e")
    lines = [f"FROM {base.id}", *(f"ADD {archive.name} /" for archive in (*top.below, top.archive))]
    lines += [f"LABEL {_pairs(top.labels)}", *([f"ENV {_pairs(top.variables)}"] if top.variables else [])]
    lines += top.instructions
    return "\n".join([*lines, f"WORKDIR {top.workdir}", f"ENTRYPOINT {json.dumps(top.program)}", "CMD []", ""])


def _pairs(values: Mapping[str, str]) -> str:
    return " ".join(f"{name}={_quoted(value)}" for name, value in values.items())


def _quoted(value: str) -> str:
    """*value* as a Dockerfile has it, where variables are looked up also within quotes."""
    escaped = "".join(
        f"\\{character}" if character in '\\"$' else character for character in value if character.isprintable()
    )
    return f'"{escaped}"'


def forget(engine: Engine, identity: str) -> None:
    """Remove the image that lost its name to a new one, where that was its only name; it stays while somebody uses
    it."""
    found = engine.inspect("image", identity)
    if found is not None and not found.get("RepoTags"):
        engine.run("image", "rm", identity)
