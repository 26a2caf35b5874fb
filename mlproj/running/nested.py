"""What a program finds that starts other projects itself, through ``mlflow.run``.

MLflow would make a conda environment for each of them, with a conda that is not there. Inside a run the environment has
been made already, so MLflow is given a conda that agrees to everything and changes nothing: a nested project runs in
the environment of the run that starts it. MLflow looks for conda in ``MLFLOW_CONDA_HOME`` and calls ``conda --help``,
``conda env list --json`` and ``conda env create``, then sources ``etc/profile.d/conda.sh`` and calls ``conda activate``
(seen alike in MLflow 1.8 to 3.17).
"""

from __future__ import annotations

from pathlib import Path

from mlproj.foundation import paths

_CONDA = """#!/bin/sh
# The environment is that of the run; see the documentation of mlproj.
case "$*" in
  *--json*) echo '{"envs": []}' ;;
esac
"""
_ACTIVATION = "conda() { :; }\n"


def conda_home() -> Path:
    """The folder for ``MLFLOW_CONDA_HOME``, made when missing."""
    home = paths.nested_conda()
    for name, content, mode in (
        ("bin/conda", _CONDA, 0o755),
        ("bin/activate", _ACTIVATION, 0o755),
        ("etc/profile.d/conda.sh", _ACTIVATION, 0o644),
    ):
        file = home / name
        if not file.exists():
            paths.write_atomic(file, content)
            file.chmod(mode)
    return home
