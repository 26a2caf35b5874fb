"""What ``--sandbox`` leaves of the machine for one run, and what it cannot take away."""

from __future__ import annotations

import os
import pwd
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from mlproj import nested, paths
from mlproj.backends import bubblewrap
from mlproj.backends.bubblewrap import Bounds
from mlproj.environments.base import Description, Prepared
from mlproj.errors import UsageError
from mlproj.plan import Plan, RunRequest
from mlproj.projects.base import Command
from mlproj.redaction import looks_secret, mask_url
from mlproj.sources.base import Checkout

if TYPE_CHECKING:
    from mlproj.recording import Recording

_HOMES = ("/home", "/root", "/Users")  # another user's is readable for root
_GUARDED = ("-wal", "-shm", "-journal", ".tokens.json")  # beside a store's file


def check(request: RunRequest) -> None:
    """Raises UsageError when *request* asks for a sandbox where there is none, ServiceError when none can be made here."""
    if request.backend != "local":
        raise UsageError(f"--sandbox confines what runs on this machine, and --backend {request.backend} runs it elsewhere")
    bubblewrap.check()


def check_places(checkout: Checkout, command: Command) -> None:
    """Raises UsageError when the project's folder, or what a parameter names, holds what a sandbox is to hide."""
    hidden = _hidden(None)
    if shown := _shown_by(_folder(checkout, hidden), hidden):
        raise UsageError(
            f"--sandbox hides {shown}, and the project's folder {checkout.project_dir} holds it", hint="move the project to another folder"
        )
    for given in command.inputs:
        if shown := _shown_by(given.path, hidden):
            raise UsageError(f"--sandbox hides {shown}, and parameter {given.parameter} names {given.path}", hint="name the files in it")


def check_environment(description: Description) -> None:
    """Raises UsageError for a container, which has confines of its own."""
    if description.kind == "container":
        message = "--sandbox confines programs of this machine, and the project runs in a container"
        hint = "-A network=none runs it without network; it sees none of your home but what docker_env mounts"
        raise UsageError(message, hint=hint)


def bounds(plan: Plan, recording: Recording, prepared: Prepared, environ: Mapping[str, str]) -> Bounds:
    """What the program of *plan* sees."""
    hidden = _hidden(recording.uri)
    checkout = _folder(plan.checkout, hidden)
    files = [recording.run_dir / name for name in ("metrics.log", "params.log", "tags.log")]
    return Bounds(
        writable=(checkout, *files, recording.artifacts),
        readable=(
            recording.run_dir,
            *(given.path for given in plan.command.inputs),
            *_git_objects(checkout),
            *_interpreters(prepared, environ),
            nested.conda_home(),
        ),
        hidden=tuple(hidden),
    )


def environ(variables: Mapping[str, str]) -> dict[str, str]:
    """*variables* of ours that a confined program may see: none that look secret, none that name hidden places."""
    kept = {name: value for name, value in variables.items() if not looks_secret(name) and mask_url(value) == value}
    for name in ("TMPDIR", "TMP", "TEMP", "XDG_RUNTIME_DIR"):
        kept.pop(name, None)
    return kept


def not_confined(plan: Plan) -> tuple[str, ...]:
    """What the sandbox does not keep the program from, a line each, for people."""
    described = plan.environment.description
    built = [] if described.kind == "system" else ["building the environment is not confined: it has the network and your files"]
    cards = ["graphics cards are visible"] if bubblewrap.cards() else []
    inputs = [f"{given.path} is visible, because parameter {given.parameter} names it" for given in plan.command.inputs]
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
    real, ours = Path(os.path.realpath(folder)), {Path(os.path.realpath(place)) for place in (paths.home(), paths.cache())}
    return next((place for place in hidden if place.is_relative_to(real) and (place not in ours or place == real)), None)


def _git_objects(checkout: Path) -> list[Path]:
    """Where a checkout of ours has its objects: in the mirror, which is in the cache."""
    try:
        return [Path(line) for line in (checkout / ".git/objects/info/alternates").read_text("utf-8").splitlines() if line.startswith("/")]
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
