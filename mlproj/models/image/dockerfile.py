"""Writes the image of a model down, for a builder elsewhere: a Dockerfile and everything that it copies."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path

from mlproj.environments.base import INSIDE, MATERIAL, Packable, Packed
from mlproj.foundation import paths
from mlproj.foundation.dataclass import dataclass
from mlproj.foundation.errors import EnvironmentFailure, ServiceError, UsageError
from mlproj.foundation.progress import Progress
from mlproj.models import environment
from mlproj.models.environment import EnvironmentOptions
from mlproj.models.image import facts, instructions, place, server_files
from mlproj.models.image.serving_environment import ServingEnvironment
from mlproj.models.opened import OpenedModel

_PYTHON = f"{INSIDE}/bin/python"
# Of what an environment is packed of, what tells nothing of this machine and of who may ask its package indexes.
_KEPT = re.compile(r"pylock\.toml|source\d+")
_UV = """\
set -eu
cd {material}
if [ ! -x ./uv ]; then
  python3 -m pip install --quiet --no-cache-dir --target uv-installed uv=={version}
  ln -s uv-installed/bin/uv uv
fi
"""
_TEXT = """\
# Serves {title}; written by mlproj {mlproj}.
# Build it with: docker build --tag NAME .   (--build-arg UV_DEFAULT_INDEX=https://… for an index of your own)
ARG BASE={base}

FROM $BASE AS environment
ARG UV_DEFAULT_INDEX
ARG UV_INDEX
ARG PIP_INDEX_URL
ARG SSL_CERT_FILE
COPY environment/ {material}/
RUN sh {material}/make.sh

FROM $BASE
COPY --from=environment {inside}/ {inside}/
COPY server/ {server}/
COPY model.json {facts}
COPY model/ {model}/
{variables}{labels}
{lines}
WORKDIR /tmp
ENTRYPOINT {program}
CMD []
"""


@dataclass(frozen=True)
class Written:
    """A ``folder`` that a builder makes the image of, with the name of the ``base`` image."""

    folder: Path
    base: str

    @property
    def file(self) -> Path:
        """The Dockerfile."""
        return self.folder / "Dockerfile"

    def document(self) -> dict[str, str]:
        """Plain data."""
        return {"folder": str(self.folder), "base": self.base}


def write(
    opened: OpenedModel, options: EnvironmentOptions, folder: Path, base: str | None, progress: Progress
) -> Written:
    """Write *folder*, which may not be there. Raises UsageError, InvalidProject, EnvironmentFailure, ServiceError."""
    if folder.exists() and any(folder.iterdir()):
        raise UsageError(f"{folder} is there already, and not empty", hint="name a new folder")
    inner = environment.decide(opened, options, progress)
    _check(inner.description.kind, inner.description.python)
    packable: Packable = inner  # type: ignore[assignment]  # of this kind all are
    packed = ServingEnvironment(packable)
    chosen = base or packed.fitting_image
    try:
        with paths.temporary_folder(folder.absolute().parent, f".{folder.name}.") as staging:
            _write_environment(packed, staging / "environment", progress)
            (staging / "server").mkdir()
            server_files.put(staging / "server", _minor(str(inner.description.python)))
            shutil.copytree(opened.folder, staging / "model", symlinks=True)
            (staging / "model.json").write_text(facts.text(opened), "utf-8")
            (staging / "Dockerfile").write_text(_dockerfile(opened, chosen), "utf-8")
            staging.chmod(0o755)
            staging.replace(folder)
    except OSError as error:
        raise ServiceError(f"{error.filename} cannot be written: {error.strerror}") from error
    return Written(folder, chosen)


def _check(kind: str, python: str | None) -> None:
    hint = "mlproj models package --image makes an image of it"
    if kind != "python":
        what = "packages of conda" if kind == "conda" else f"an environment of the kind {kind}"
        raise EnvironmentFailure(f"{what} cannot be written down as a Dockerfile", hint=hint)
    if _minor(str(python)) < server_files.OLDEST:
        raise EnvironmentFailure(f"the model needs Python {python}, on which the server does not run", hint=hint)


def _minor(python: str) -> tuple[int, int]:
    first, second = python.split(".")[:2]
    return int(first), int(second)


def _write_environment(kept: ServingEnvironment, folder: Path, progress: Progress) -> None:
    folder.mkdir()
    packed = kept.pack(folder, progress)
    lock = (folder / "pylock.toml").read_text("utf-8")
    if used := [place for place in packed.readable if str(place) in lock]:
        raise EnvironmentFailure(
            f"packages come from {used[0]}, a folder of this machine",
            hint="mlproj models package --image makes an image of it",
        )
    for entry in folder.iterdir():
        if not _KEPT.fullmatch(entry.name):
            shutil.rmtree(entry) if entry.is_dir() else entry.unlink()
    (folder / "settings").write_text("export HOME=/root UV_NO_CONFIG=1\n", "utf-8")
    (folder / "make.sh").write_text(_script(packed), "utf-8")


def _script(packed: Packed) -> str:
    return _UV.format(material=MATERIAL, version=metadata.version("uv")) + packed.script


def _dockerfile(opened: OpenedModel, base: str) -> str:
    return _TEXT.format(
        title=" ".join(opened.name.split()),
        mlproj=metadata.version("mlproj"),
        base=base,
        material=MATERIAL,
        inside=INSIDE,
        server=place.SERVER,
        facts=place.FACTS,
        model=place.MODEL,
        variables=_variables({"VIRTUAL_ENV": INSIDE, **instructions.VARIABLES}),
        labels="\n".join(f'LABEL {name}="{value}"' for name, value in instructions.LABELS.items()),
        lines="\n".join(instructions.lines(_PYTHON)),
        program=json.dumps(instructions.program(_PYTHON)),
    )


def _variables(named: Mapping[str, str]) -> str:
    pairs = " ".join(f"{name}={value}" for name, value in named.items())
    return f"ENV PATH={INSIDE}/bin:$PATH {pairs}\n"
