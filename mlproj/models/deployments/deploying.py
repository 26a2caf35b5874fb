"""Makes, changes and removes deployments, and keeps their record true."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime, timezone

from mlproj.foundation.dataclass import dataclass, replace
from mlproj.foundation.errors import MlprojError, UsageError
from mlproj.foundation.progress import Progress
from mlproj.models import deployments
from mlproj.models.deployments import record
from mlproj.models.deployments.base import Running, State, Target, Wanted
from mlproj.models.deployments.record import Deployment
from mlproj.models.environment import EnvironmentOptions
from mlproj.models.image import making
from mlproj.models.opened import OpenedModel
from mlproj.package.image import Made
from mlproj.running.recording import user_name

_OURS = {
    "image": "what the image is called, with its registry (default: mlproj-NAME and the model's digest)",
    "base": "the image that it is made of, as mlproj models package --base",
}
"""The options that every target takes."""


@dataclass(frozen=True)
class Request:
    """What the user asks for: a deployment's ``name`` (None: the model's), its ``target``, and options."""

    name: str | None
    target: str
    options: Mapping[str, str]
    environment: EnvironmentOptions


def default_name(opened: OpenedModel) -> str:
    """A deployment's name made of the model's."""
    name = opened.version.name if opened.version else opened.name
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:42].strip("-") or "model"


def plan(opened: OpenedModel, request: Request) -> str:
    """What would be applied. Raises UsageError."""
    target, own = _chosen(request.target, request.options)
    name = record.check_name(request.name or default_name(opened))
    return target.plan(Wanted(name, request.options.get("image") or f"mlproj-{name}", "", own))


def deploy(opened: OpenedModel, request: Request, progress: Progress) -> Deployment:
    """Make the image of *opened* and run it. Raises UsageError when there is a deployment of this name."""
    target, own = _chosen(request.target, request.options)
    name = record.check_name(request.name or default_name(opened))
    with record.alone(name):
        if record.find(name) is not None:
            raise UsageError(
                f"there is a deployment {name} already",
                hint=f"mlproj models deployments update {name} MODEL replaces its model; --name chooses another name",
            )
        image = _image(opened, name, request.options, request.environment, progress)
        wanted = Wanted(name, image.name, image.id, own)
        running = target.create(wanted, progress)
        made = _made(opened, request, wanted, running)
        try:
            record.write(made)
        except BaseException:
            target.delete(running)  # nobody would find it again
            raise
    return made


def _made(opened: OpenedModel, request: Request, wanted: Wanted, running: Running) -> Deployment:
    model, version = _pinned(opened)
    now = _now()
    return Deployment(
        name=wanted.name,
        target=request.target,
        model=model,
        version=version,
        image=wanted.image,
        image_id=wanted.image_id,
        options=request.options,
        by=user_name(),
        created=now,
        updated=now,
        running=running,
    )


def update(
    opened: OpenedModel, name: str, options: Mapping[str, str], chosen: EnvironmentOptions, progress: Progress
) -> Deployment:
    """Let the deployment *name* serve *opened*; *options* are added to those that it has."""
    with record.alone(record.check_name(name)):
        known = record.get(name)
        merged = {**known.options, **options}
        target, own = _chosen(known.target, merged)
        image = _image(opened, name, merged, chosen, progress)
        running = target.update(known.running, Wanted(name, image.name, image.id, own), progress)
        model, version = _pinned(opened)
        changed = replace(
            known,
            model=model,
            version=version,
            image=image.name,
            image_id=image.id,
            options=merged,
            by=user_name(),
            updated=_now(),
            running=running,
        )
        record.write(changed)
    return changed


def delete(name: str) -> None:
    """Remove the deployment *name* and its record."""
    with record.alone(record.check_name(name)):
        known = record.get(name)
        deployments.target(known.target).delete(known.running)
        record.forget(name)


def state(deployment: Deployment) -> State:
    """How it is, asked of where it runs; ``unknown`` with the reason where that cannot be asked."""
    try:
        return deployments.target(deployment.target).state(deployment.running)
    except MlprojError as error:
        return State("unknown", detail=error.message)


def _chosen(name: str, options: Mapping[str, str]) -> tuple[Target, Mapping[str, str]]:
    """The target, and the options that are its own. Raises UsageError for one that nobody knows."""
    target = deployments.target(name)
    known = {**_OURS, **target.options}
    for option in options:
        if option not in known:
            listed = "\n".join(f"  {one}: {meaning}" for one, meaning in known.items())
            raise UsageError(f"{name} knows no option {option!r:.100}", hint=f"known are:\n{listed}")
    return target, {option: value for option, value in options.items() if option in target.options}


def _image(
    opened: OpenedModel, name: str, options: Mapping[str, str], chosen: EnvironmentOptions, progress: Progress
) -> Made:
    called = options.get("image") or f"mlproj-{name}:latest"
    return making.make(opened, chosen, called, options.get("base"), progress, force=True)


def _pinned(opened: OpenedModel) -> tuple[str, str | None]:
    return opened.address, str(opened.version.version) if opened.version else None


def _now() -> str:
    return datetime.now(timezone.utc).isoformat(timespec="seconds")
