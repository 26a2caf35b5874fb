"""What a command needs around it. ``environments.resolve`` decides; the result's ``prepare`` makes it so."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mlproj.foundation import env_vars
from mlproj.foundation.errors import EnvironmentFailure, MlprojError, UsageError

if TYPE_CHECKING:
    from mlproj.environments.base import Declaration, Environment, Request
    from mlproj.foundation.locked import Locked
    from mlproj.foundation.progress import Progress

# A kind's attribute is called as (request, declaration, progress) and returns an Environment.
KINDS = {
    "python": "mlproj.environments.python.environment:create",
    "conda": "mlproj.environments.conda.environment:create",
    "renv": "mlproj.environments.renv.environment:create",
    "container": "mlproj.environments.containers.environment:create",
    "system": "mlproj.environments.system:create",
}
MANAGERS = ("auto", "uv", "virtualenv", "conda", "rattler", "docker", "local")


def resolve(request: Request, progress: Progress) -> Environment:
    """The environment that *request* needs, decided and described; nothing is built yet.

    Raises :class:`UsageError` for an unknown manager or a wrong date, :class:`InvalidProject` for a declaration that
    contradicts its format, and :class:`EnvironmentFailure` when no environment can answer the request.
    """
    from mlproj.environments.progress_from_root import ProgressFromRoot

    if request.manager not in MANAGERS:
        raise UsageError(
            f"there is no environment manager called {request.manager!r}", hint=f"known: {', '.join(MANAGERS)}"
        )
    with ProgressFromRoot(progress, request.root).relayed() as shortened:
        declaration = declared(request)
        for finding in declaration.findings:
            shortened.warn(str(finding))
        if request.locked is None:
            kind = _kind(request.manager, declaration.kind)
        else:
            kind, declaration = _as_locked(request, request.locked, declaration)
        try:
            return _created(kind, request, declaration, shortened)
        except MlprojError as trouble:
            if not (request.plan_only and trouble.is_program_missing):
                raise
            from mlproj.environments.unavailable import UnavailableEnvironment

            return UnavailableEnvironment(kind, declaration, trouble)


def _created(kind: str, request: Request, declaration: Declaration, progress: Progress) -> Environment:
    from mlproj.foundation import plugins

    if request.in_container is not None:
        _check_in_container(request, kind)
    elif kind not in ("container", "conda", "renv"):
        _check_r(request)
    if request.relax and kind != "python":
        message = f"--relax is for the pins of Python packages, and the environment is of another kind ({kind})"
        raise UsageError(message)
    create = plugins.load("mlproj.environments", kind, KINDS)
    environment: Environment = create(request, declaration, progress)
    if request.in_container is None:
        return environment
    from mlproj.environments.containers import packing

    return packing.pack(environment, request)


def uses_container(request: Request) -> bool:
    """Whether what *request* leads to runs in a container. Raises InvalidProject."""
    return request.in_container is not None or (
        request.manager in ("auto", "docker") and declared(request).kind == "docker_env"
    )


def _check_in_container(request: Request, kind: str) -> None:
    """Raises UsageError where a container makes no sense."""
    if kind == "container":
        raise UsageError(
            "--in-container is for projects that declare no container, and this one has docker_env", hint="leave it out"
        )
    if request.manager == "local":
        raise UsageError(
            "--in-container and --env-manager local are both given; the current environment is not in a container"
        )


def declared(request: Request) -> Declaration:
    """Where the project says what it needs: a few looks at files, no code of the project is run. Raises
    InvalidProject."""
    from mlproj.environments.base import Declaration
    from mlproj.environments.declarations import detection

    if request.manager == "local":
        return request.declared or Declaration("none", reason="--env-manager local")
    return detection.detect(request)


def _check_r(request: Request) -> None:
    """R is nothing that a Python environment brings. Raises EnvironmentFailure when the command needs it and it is not
    here."""
    from mlproj.environments.declarations import detection

    if not detection.starts_r(request):
        return
    import shutil

    if shutil.which("Rscript") is None:
        raise EnvironmentFailure(
            f"{request.script.name if request.script else 'the command'} is a program in R, and Rscript is not on PATH",
            hint="install R (https://cran.r-project.org), or let it run in a container: --in-container=r-base",
            is_program_missing=True,
        )


def _check_conda(declared: str, manager: str) -> None:
    if declared != "conda_env":
        raise EnvironmentFailure(
            f"--env-manager {manager} is for projects with a conda.yaml, and this one has none",
            hint="leave it out; what the project declares is made by --env-manager uv",
        )


def _has_conda() -> bool:
    """Whether conda's packages can be had and are not turned off."""
    from mlproj.environments.conda import tool_choice

    asked = env_vars.CONDA.get()
    return asked != "off" and (asked is not None or tool_choice.are_there("auto"))


_KIND_OF_LOCK = {"pylock.toml": "python", "conda.lock.txt": "conda", "renv.lock": "renv"}


def _as_locked(request: Request, locked: Locked, declaration: Declaration) -> tuple[str, Declaration]:
    """The kind of environment that a lock is of, and what declares it: for R the lock itself.

    What was made in an image is locked by what it consists of, or by the image alone when it was taken as it is.
    """
    from mlproj.foundation.dataclass import replace

    kind = locked.kind
    if kind == "container" and locked.lock is not None:
        kind = _KIND_OF_LOCK.get(locked.lock.name, "container" if request.in_container is None else "system")
    if kind == "system":
        return kind, replace(declaration, reason=f"{locked.of} ran in it")
    return kind, replace(declaration, file=locked.lock) if kind == "renv" else declaration


def _kind(manager: str, declared: str) -> str:
    """Which kind of environment answers a declaration. Raises EnvironmentFailure for those this version cannot make."""
    if manager == "local" or (declared == "none" and manager in ("auto", "uv", "virtualenv")):
        return "system"
    if declared == "docker_env" and manager in ("auto", "docker"):
        return "container"
    if declared == "docker_env":
        raise EnvironmentFailure(
            f"the project declares a container (docker_env), which --env-manager {manager} does not make",
            hint=(
                "leave --env-manager out to run the container, or --env-manager local to run in the current environment"
            ),
        )
    if declared == "renv_lock":
        if manager == "auto":
            return "renv"
        raise EnvironmentFailure(
            f"the project's packages are R's (renv.lock), which --env-manager {manager} does not install",
            hint="leave --env-manager out, or --env-manager local runs with the packages that R has here",
        )
    if manager == "docker":
        raise EnvironmentFailure(
            "--env-manager docker is for projects with docker_env, and this one has none",
            hint="leave it out, or name an image in MLproject: docker_env: {image: …}",
        )
    if manager in ("conda", "rattler"):
        _check_conda(declared, manager)
        return "conda"
    if manager == "auto" and declared == "conda_env" and _has_conda():
        return "conda"
    return "python"
