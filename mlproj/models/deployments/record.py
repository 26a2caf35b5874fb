"""What is deployed, as files: one per deployment in ``MLPROJ_HOME``, changed under a lock."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from mlproj.foundation import file_lock, paths
from mlproj.foundation.dataclass import dataclass, field
from mlproj.foundation.errors import ServiceError, UsageError, did_you_mean
from mlproj.models.deployments.base import Running

_NAME = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,40}[a-z0-9])?")  # as Kubernetes, SageMaker and Docker take it
_SCHEMA = 1


@dataclass(frozen=True)
class Deployment:
    """A deployment: its ``target``; the model's pinned ``address`` and ``version``; the ``image`` that runs, by name
    and id; the target's ``options``; ``by`` whom it was made and last changed, and when (UTC, ISO 8601); what runs."""

    name: str
    target: str
    model: str
    version: str | None
    image: str
    image_id: str
    options: Mapping[str, str]
    by: str
    created: str
    updated: str
    running: Running = field(default_factory=lambda: Running(None))

    def document(self) -> dict[str, Any]:
        """Plain data."""
        fields = {name: value for name, value in vars(self).items() if name != "running"}
        return {
            **fields,
            "options": dict(self.options),
            "url": self.running.url,
            "handle": dict(self.running.handle),
        }


def folder() -> Path:
    """Where the records are."""
    return paths.home() / "deployments"


def check_name(name: str) -> str:
    """*name*. Raises UsageError for one that not every target takes."""
    if not _NAME.fullmatch(name):
        raise UsageError(
            f"{name!r:.100} cannot be the name of a deployment",
            hint="write small letters, digits and '-', 42 at most, such as churn-model: --name NAME",
        )
    return name


@contextmanager
def alone(name: str) -> Iterator[None]:
    """Keep others from changing the deployment *name* meanwhile; a second one waits. Raises ServiceError."""
    folder().mkdir(parents=True, exist_ok=True)
    try:
        with file_lock.locked(folder() / f".{name}.lock"):
            yield
    except OSError as error:
        raise ServiceError(f"{folder()} cannot be written: {error.strerror}") from error


def known() -> list[Deployment]:
    """All of them, by name."""
    files = sorted(folder().glob("*.json")) if folder().is_dir() else []
    return [_read(file) for file in files]


def find(name: str) -> Deployment | None:
    """The deployment *name*, None where there is none."""
    file = folder() / f"{check_name(name)}.json"
    return _read(file) if file.is_file() else None


def get(name: str) -> Deployment:
    """The deployment *name*. Raises UsageError where there is none."""
    found = find(name)
    if found is None:
        guess = did_you_mean(name, [one.name for one in known()])
        hint = f"did you mean {guess!r}?" if guess else "mlproj models deployments list shows what there is"
        raise UsageError(f"there is no deployment {name}", hint=hint)
    return found


def write(deployment: Deployment) -> None:
    """Record it. Raises OSError."""
    text = json.dumps({"schema": _SCHEMA, **deployment.document()}, indent=1, sort_keys=True) + "\n"
    paths.write_atomic(folder() / f"{deployment.name}.json", text)


def forget(name: str) -> None:
    """Drop the record of what is deleted."""
    (folder() / f"{name}.json").unlink(missing_ok=True)


def _read(file: Path) -> Deployment:
    try:
        fields = json.loads(file.read_bytes())
        if fields.pop("schema") != _SCHEMA:
            raise ValueError("it is of a newer mlproj")
        running = Running(fields.pop("url"), fields.pop("handle"))
        return Deployment(**fields, running=running)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ServiceError(f"{file}, the record of a deployment, cannot be read: {error}") from error
