"""The environment that a model is loaded in: what the run that made it had, else what its files ask for, as of its
date."""

from __future__ import annotations

import re
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from mlproj import environments
from mlproj.environments.base import Declaration, Environment, Prepared, Request
from mlproj.foundation import presence
from mlproj.foundation.dataclass import dataclass, replace
from mlproj.foundation.progress import Progress
from mlproj.models.opened import OpenedModel
from mlproj.models.scorer import NATIVE_LOADERS
from mlproj.reproduction import original

if TYPE_CHECKING:
    from mlproj.environments.declarations.requirements import Requirements
    from mlproj.foundation.locked import Locked
    from mlproj.tracking.base import Run

_MLFLOW = re.compile(r"mlflow(?:-skinny)?(?:\[[^]]*\])?\s*(?:[=<>!~;@ ]|$)", re.IGNORECASE)
_LOCKABLE = ("python", "conda")


@dataclass(frozen=True)
class EnvironmentOptions:
    """How the user wants a model's environment decided; the fields are those of
    :class:`~mlproj.environments.base.Request`. ``with_mlflow`` keeps MLflow in it where the model can be loaded
    without."""

    manager: str = "auto"
    as_of: str = "auto"
    offline: bool = False
    with_mlflow: bool = False
    plan_only: bool = False


def decide(opened: OpenedModel, options: EnvironmentOptions, progress: Progress) -> Environment:
    """The environment of *opened*, decided and not built. Raises InvalidProject, UsageError, EnvironmentFailure."""
    request = request_of(opened, options)
    declaration = environments.declared(request)
    if request.locked or declaration.kind not in ("python_env", "requirements") or options.manager == "local":
        return environments.resolve(request, progress)
    from mlproj.environments.declarations.declaration import read
    from mlproj.environments.python.environment import for_requirements

    requirements = read(declaration, request)
    if not options.with_mlflow and needs_no_mlflow(opened):
        requirements = _without_mlflow(requirements, opened)
    return for_requirements(request, declaration, requirements, progress)


def request_of(opened: OpenedModel, options: EnvironmentOptions) -> Request:
    """What the environment of *opened* is decided from."""
    is_free = options.manager == "local" or options.as_of != "auto"
    locked = None if is_free else opened.locked or _locked(opened.run)
    return Request(
        project_dir=opened.folder,
        root=opened.folder,
        declared=_declared(opened),
        manager=options.manager,
        as_of=options.as_of,
        time_travel=opened.file.created is not None,
        commit_date=opened.file.created,
        dated_by="the model",
        infer=False,
        offline=options.offline,
        locked=locked,
        plan_only=options.plan_only,
    )


def needs_no_mlflow(opened: OpenedModel) -> bool:
    """Whether our own loader reads the model, so that MLflow need not be installed."""
    return opened.file.pyfunc.get("loader_module") in NATIVE_LOADERS


def _declared(opened: OpenedModel) -> Declaration | None:
    """The file that MLflow would make the environment of: ``python_env.yaml``, before 1.26 ``conda.yaml``."""
    for tool, kind in (("virtualenv", "python_env"), ("conda", "conda_env")):
        name = opened.file.environment_file(tool)
        file = opened.folder / name
        # What stands in MLmodel may be hostile; a file elsewhere is none of the model's.
        if Path(name).name == name and presence.is_file(file):
            return Declaration(kind, file, f"the model has a {name}")
    requirements = opened.folder / "requirements.txt"
    if presence.is_file(requirements):
        return Declaration("requirements", requirements, "the model has a requirements.txt")
    return None


def _locked(run: Run | None) -> Locked | None:
    """The environment of the run that made the model, where its lock is known."""
    if run is None:
        return None
    found = original.locked(original.Original(run, {}))
    return found if found.kind in _LOCKABLE and found.lock is not None else None


def _without_mlflow(requirements: Requirements, opened: OpenedModel) -> Requirements:
    """*requirements* without MLflow, and with what it would have brought that predicting needs: NumPy and pandas."""
    kept = tuple(package for package in requirements.packages if not _MLFLOW.match(package))
    if len(kept) == len(requirements.packages):
        return requirements
    names = {re.split(r"[^A-Za-z0-9._-]", package, maxsplit=1)[0].lower() for package in kept}
    brought = tuple(name for name in ("numpy", "pandas") if name not in names)
    loader = str(opened.file.pyfunc.get("loader_module", "")).removeprefix("mlflow.")
    note = f"MLflow is left out: mlproj loads {loader} models itself" + (
        f"; {' and '.join(brought)}, which MLflow brings along, are asked for instead" if brought else ""
    )
    return replace(requirements, packages=(*kept, *brought), notes=(*requirements.notes, note))


def interpreter(prepared: Prepared) -> Path:
    """The Python of a ready environment; of the current one the program ``python`` on PATH, else the one that runs
    mlproj."""
    for folder in prepared.path:
        for name in ("python", "python3"):
            if presence.is_file(folder / name):
                return folder / name
    found = shutil.which("python") or shutil.which("python3")
    return Path(found) if found and not prepared.path else Path(sys.executable)
