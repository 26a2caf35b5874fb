"""Who solves and installs conda packages: py-rattler, or a conda, mamba or micromamba of the user's."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

from mlproj.environments.conda.tool import NAMES, RATTLER, Tool
from mlproj.foundation import env_vars, paths
from mlproj.foundation.errors import EnvironmentFailure


def are_there(manager: str) -> bool:
    """Whether any answers ``--env-manager`` *manager*; nothing is loaded or started for it."""
    return next(_choices(manager), None) is not None


def all_for(manager: str) -> list[Tool]:
    """Those that answer ``--env-manager`` *manager*, the preferred one first. Raises EnvironmentFailure when there is
    none."""
    found = [_loaded(one) for one in _choices(manager)]
    if found:
        return found
    asked = env_vars.CONDA.get()
    if asked and asked != "off":
        message, hint = (
            f"MLPROJ_CONDA is {asked}, which is not there",
            "set it to rattler, micromamba, mamba, conda or the path of one",
        )
    elif manager == RATTLER:
        message, hint = "py-rattler is not installed", "pip install 'mlproj[conda]'"
    else:
        message = "conda packages are installed by py-rattler or by a conda, mamba or micromamba, and none is here"
        hint = "pip install 'mlproj[conda]'; or --env-manager uv, which translates to Python packages"
    raise EnvironmentFailure(message, hint=hint, is_program_missing=True)


def _loaded(choice: tuple[str, str]) -> Tool:
    name, path = choice
    if name == RATTLER:
        from mlproj.environments.conda.rattler import Rattler

        return Rattler()
    from mlproj.environments.conda.executable import Executable

    return Executable(name, path)


def _choices(manager: str) -> Iterator[tuple[str, str]]:
    """Names and paths of programs; py-rattler has no path."""
    asked = env_vars.CONDA.get()
    rattler = [(RATTLER, "")] if find_spec("rattler") is not None else []
    if asked and asked != "off":
        program = None if asked == RATTLER else shutil.which(Path(asked).expanduser())
        return iter(rattler if asked == RATTLER else [(_kind_of(program), program)] if program else [])
    if manager == RATTLER:
        return iter(rattler)
    installed = next(_installed(), None)
    programs = [installed] if installed else []
    # Who asks for conda has one in mind; else what needs nothing installed comes first.
    return iter((*programs, *rattler) if manager == "conda" else (*rattler, *programs))


def _installed() -> Iterator[tuple[str, str]]:
    """Programs on this machine: where MLflow's variables say, where conda's own do, on PATH, where installers put
    them."""
    if home := _home_of_mlflow():
        named = os.environ.get("MLFLOW_CONDA_CREATE_ENV_CMD") or "conda"
        if program := shutil.which(home / "bin" / named):
            yield _kind_of(program), program
    for variable in ("MAMBA_EXE", "CONDA_EXE"):
        if program := shutil.which(os.environ.get(variable, "")):
            yield _kind_of(program), program
    for name in NAMES:
        if program := shutil.which(name):
            yield name, program
    for root in (
        *(Path.home() / name for name in ("miniforge3", "mambaforge", "miniconda3", "anaconda3")),
        Path("/opt/conda"),
    ):
        for name in NAMES:
            if program := shutil.which(root / "bin" / name):
                yield name, program


def _home_of_mlflow() -> Path | None:
    """``MLFLOW_CONDA_HOME``, unless it is the one that runs of ours are given, which has nothing in it."""
    home = os.environ.get("MLFLOW_CONDA_HOME")
    return Path(home) if home and Path(home) != paths.nested_conda() else None


def _kind_of(program: str) -> str:
    """Which of the three a program is, by its name; one with another name is taken for conda."""
    stem = Path(program).name
    return next((name for name in NAMES if stem.startswith(name)), "conda")
