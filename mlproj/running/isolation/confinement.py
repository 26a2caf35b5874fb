"""What ``--sandbox`` leaves of the machine for one run, and what it cannot take away."""

from __future__ import annotations

import os
import pwd
import shlex
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from mlproj import environments
from mlproj.backends import bubblewrap
from mlproj.backends.bubblewrap import Bounds
from mlproj.environments.base import Prepared, Request
from mlproj.foundation import env_vars, paths
from mlproj.foundation.errors import UsageError
from mlproj.foundation.redaction import holds_secret
from mlproj.projects.base import Command, Input
from mlproj.run_folder import log_file
from mlproj.running import nested
from mlproj.running.plan import Plan, RunRequest
from mlproj.sources.base import Checkout

if TYPE_CHECKING:
    from mlproj.running.recording import Recording

_HOMES = ("/home", "/root", "/Users")  # another user's is readable for root
_GUARDED = ("-wal", "-shm", "-journal", ".tokens.json")  # beside a store's file


def check(request: RunRequest) -> None:
    """Raises UsageError when *request* asks for a sandbox where there is none."""
    if request.backend != "local":
        raise UsageError(
            f"--sandbox confines what runs on this machine, and --backend {request.backend} runs it elsewhere"
        )


def check_here(wanted: Request, checkout: Checkout, command: Command, given: Collection[str]) -> None:
    """Raises UsageError when the project's folder, or what a parameter names, holds what a sandbox is to hide,
    ServiceError when none can be made here. *given* are the names of the parameters that the user gave a value."""
    if environments.is_enclosed(wanted):
        _check_mounted(checkout)
    else:
        bubblewrap.check()
    hidden = _hidden(None)
    if shown := _shown_by(_folder(checkout, hidden), hidden):
        raise UsageError(
            f"--sandbox hides {shown}, and the project's folder {checkout.project_dir} holds it",
            hint="move the project to another folder",
        )
    for named in command.inputs:
        if shown := _shown_by(named.path, hidden):
            raise UsageError(
                f"--sandbox hides {shown}, and parameter {named.parameter} names {named.path}",
                hint="name the files in it",
            )
        _check_chosen(named, checkout, is_given=named.parameter in given, shown=_folder(checkout, hidden))


def _check_chosen(named: Input, checkout: Checkout, *, is_given: bool, shown: Path) -> None:
    """Raises UsageError when the project, by a default or by a link in its folder, chooses a file outside of what is
    *shown* of it."""
    real = Path(os.path.realpath(named.path))
    is_theirs = not is_given or named.path.is_relative_to(checkout.project_dir)
    places = (shown, paths.downloads(), paths.bundles())
    if is_theirs and not any(real.is_relative_to(os.path.realpath(place)) for place in places):
        message = (
            f"--sandbox hides what you did not name, and it is the project that leads parameter {named.parameter} to"
            f" {real}"
        )
        raise UsageError(message, hint=f"if the program may read it: -P {named.parameter}={shlex.quote(str(real))}")


def _check_mounted(checkout: Checkout) -> None:
    """A container sees the project's folder whole. Raises UsageError when records are in it."""
    project_dir = Path(os.path.realpath(checkout.project_dir))
    for place in _hidden(env_vars.TRACKING_URI.get()):
        if place.is_relative_to(project_dir):
            hint = "set MLPROJ_HOME, MLPROJ_CACHE and MLPROJ_TRACKING_URI to places elsewhere"
            raise UsageError(
                f"--sandbox hides {place}, and the project's folder, which the container sees, holds it", hint=hint
            )


def bounds(plan: Plan, recording: Recording, prepared: Prepared, environ: Mapping[str, str]) -> Bounds:
    """What the program of *plan* sees."""
    hidden = _hidden(recording.uri)
    checkout = _folder(plan.checkout, hidden)
    return Bounds(
        writable=(checkout, *written(recording)),
        readable=(
            recording.run_dir,
            *(given.path for given in plan.command.inputs),
            *_git_objects(checkout),
            *_interpreters(prepared, environ),
            nested.conda_home(),
        ),
        hidden=tuple(hidden),
    )


def written(recording: Recording) -> list[Path]:
    """Where a confined program writes besides the project's folder."""
    return [*(recording.run_dir / name for name in log_file.FILES), recording.artifacts]


def environ(variables: Mapping[str, str]) -> dict[str, str]:
    """*variables* of ours that a confined program may see: none that look secret, none that name hidden places."""
    kept = {name: value for name, value in variables.items() if not holds_secret(name, value)}
    for name in ("TMPDIR", "TMP", "TEMP", "XDG_RUNTIME_DIR"):
        kept.pop(name, None)
    return kept


def confined_by(plan: Plan) -> str:
    """What makes the sandbox: bubblewrap, or the engine of the container that the command runs in."""
    described = plan.environment.description
    return described.manager if described.not_confined is not None else "bubblewrap"


def not_confined(plan: Plan) -> tuple[str, ...]:
    """What the sandbox does not keep the program from, a line each, for people."""
    described = plan.environment.description
    inputs = [f"{given.path} is visible, because parameter {given.parameter} names it" for given in plan.command.inputs]
    if described.not_confined is not None:
        return (*described.not_confined, *inputs)
    built = (
        []
        if described.kind == "system"
        else ["building the environment is not confined: it has the network and your files"]
    )
    cards = ["graphics cards are visible"] if bubblewrap.cards() else []
    return (
        *built,
        "the kernel is this machine's; memory, processors and disk are not limited",
        "files outside of home, such as /etc, can be read",
        *cards,
        *inputs,
    )


def _hidden(store: str | None) -> list[Path]:
    """Homes of people, ours for runs and tokens, the cache (others' code), and a store's file that lies elsewhere."""
    places = {*map(Path, _HOMES), Path(os.path.expanduser("~")), paths.home(), paths.cache()}  # noqa: PTH111  # that of Path may raise
    with suppress(KeyError):  # a number without an account, as in containers
        places.add(Path(pwd.getpwuid(os.getuid()).pw_dir))
    real = {Path(os.path.realpath(place)) for place in places if place.exists()}
    if store and store.startswith("sqlite:///"):
        file = store.removeprefix("sqlite:///")
        real.update(Path(os.path.realpath(file + end)) for end in ("", *_GUARDED) if Path(file + end).exists())
    return sorted(place for place in real if place != Path("/"))


def _folder(checkout: Checkout, hidden: Sequence[Path]) -> Path:
    """What is shown of a checkout: all of it, or the project's folder when the repository is a person's whole home."""
    return checkout.project_dir if _shown_by(checkout.root, hidden) else checkout.root


def _shown_by(folder: Path, hidden: Sequence[Path]) -> Path | None:
    """The hidden place that showing *folder* would show; our own ones may lie in a project, and stay hidden there."""
    real, ours = (
        Path(os.path.realpath(folder)),
        {Path(os.path.realpath(place)) for place in (paths.home(), paths.cache())},
    )
    return next(
        (place for place in hidden if place.is_relative_to(real) and (place not in ours or place == real)), None
    )


def _git_objects(checkout: Path) -> list[Path]:
    """Where a checkout of ours has its objects: in the mirror, which is in the cache."""
    try:
        return [
            Path(line)
            for line in (checkout / ".git/objects/info/alternates").read_text("utf-8").splitlines()
            if line.startswith("/")
        ]
    except (OSError, ValueError):
        return []


def _interpreters(prepared: Prepared, environ: Mapping[str, str]) -> list[Path]:
    """The environment with the Python it is made from; without one, the Pythons that the command finds on its path."""
    import shutil

    folders = [*(folder.parent.parent for folder in prepared.path), *prepared.readable]
    names = ("python", "python3", "Rscript")
    found = [Path(program) for name in names if (program := shutil.which(name, path=environ.get("PATH")))]
    active = [Path(environ[name]) for name in ("VIRTUAL_ENV", "CONDA_PREFIX") if environ.get(name)]
    pythons = [*found, *(folder / "bin" / "python" for folder in active if (folder / "bin" / "python").exists())]
    return [*folders, *active, *(place for python in pythons for place in (python, *bubblewrap.interpreter(python)))]
