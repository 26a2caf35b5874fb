"""``--sandbox`` before the run: whether one can be made, and what it does not keep the command from."""

from __future__ import annotations

import os
import shlex
from collections.abc import Collection
from pathlib import Path

from mlproj import environments
from mlproj.backends import bubblewrap
from mlproj.environments.base import Description, Request
from mlproj.foundation import env_vars, paths
from mlproj.foundation.errors import UsageError
from mlproj.foundation.redaction import redact
from mlproj.projects.base import Command, Input
from mlproj.running.isolation.base import Sandbox
from mlproj.running.isolation.hiding import hidden_places, shown_by, shown_folder
from mlproj.sources.base import Checkout


def check(backend: str) -> None:
    """Raises UsageError when a sandbox is asked for where there is none."""
    if backend != "local":
        raise UsageError(f"--sandbox confines what runs on this machine, and --backend {backend} runs it elsewhere")


def check_here(wanted: Request, checkout: Checkout, command: Command, given: Collection[str]) -> None:
    """Raises UsageError when the project's folder, or what a parameter names, holds what a sandbox is to hide,
    ServiceError when none can be made here. *given* are the names of the parameters that the user gave a value."""
    if environments.uses_container(wanted):
        _check_mounted(checkout)
    else:
        bubblewrap.check()
    hidden = hidden_places(None)
    if shown := shown_by(shown_folder(checkout, hidden), hidden):
        raise UsageError(
            f"--sandbox hides {shown}, and the project's folder {checkout.project_dir} holds it",
            hint="move the project to another folder",
        )
    for named in command.inputs:
        if shown := shown_by(named.path, hidden):
            raise UsageError(
                f"--sandbox hides {shown}, and parameter {named.parameter} names {named.path}",
                hint="name the files in it",
            )
        _check_chosen(named, checkout, is_given=named.parameter in given, shown=shown_folder(checkout, hidden))


def _check_chosen(named: Input, checkout: Checkout, *, is_given: bool, shown: Path) -> None:
    """Raises UsageError when the project, by a default or by a link in its folder, chooses a file outside of what is
    *shown* of it."""
    real = Path(os.path.realpath(named.path))
    is_theirs = not is_given or named.path.is_relative_to(checkout.project_dir)
    places = (shown, paths.downloads(), paths.bundles())
    if is_theirs and not any(real.is_relative_to(os.path.realpath(place)) for place in places):
        who = f"the project makes parameter {named.parameter} lead to {real}"
        message = f"--sandbox hides what you did not name, and {who}"
        raise UsageError(message, hint=f"if the program may read it: -P {named.parameter}={shlex.quote(str(real))}")


def _check_mounted(checkout: Checkout) -> None:
    """A container sees the project's folder whole. Raises UsageError when records are in it."""
    project_dir = Path(os.path.realpath(checkout.project_dir))
    for place in hidden_places(env_vars.TRACKING_URI.get()):
        if place.is_relative_to(project_dir):
            hint = "set MLPROJ_HOME, MLPROJ_CACHE and MLPROJ_TRACKING_URI to places elsewhere"
            raise UsageError(
                f"--sandbox hides {place}, and the project's folder, which the container sees, holds it", hint=hint
            )


def describe(environment: Description, command: Command) -> Sandbox:
    """The sandbox of *command*: of bubblewrap, or of the engine of the container that it runs in."""
    inputs = [f"{given.path} is visible, because parameter {given.parameter} names it" for given in command.inputs]
    if environment.not_confined is not None:
        return Sandbox(environment.manager, tuple(redact(line) for line in (*environment.not_confined, *inputs)))
    built = (
        []
        if environment.kind == "system"
        else ["building the environment is not confined: it has the network and your files"]
    )
    cards = ["graphics cards are visible"] if bubblewrap.cards() else []
    lines = (
        *built,
        "the kernel is this machine's; memory, processors and disk are not limited",
        "files outside of home, such as /etc, can be read",
        *cards,
        *inputs,
    )
    return Sandbox("bubblewrap", tuple(redact(line) for line in lines))
