from __future__ import annotations

from pathlib import Path

import pytest

from mlproj import tracking
from mlproj.foundation import paths
from mlproj.foundation.progress import Silent
from mlproj.models import environment
from mlproj.models.environment import EnvironmentOptions
from mlproj.models.opened import open_model
from mlproj.tracking.base import NewRun, Status
from tests.models.folder import model

PYTHON_ENV = "python: '3.11'\nbuild_dependencies: [pip]\ndependencies: ['-r requirements.txt']\n"
CONDA = "channels: [conda-forge]\ndependencies:\n- python=3.11\n- pip\n- pip:\n  - tiny==1\nname: mlflow-env\n"


def requested(folder: Path, **options: str) -> environment.Request:
    with open_model(str(folder), Silent()) as opened:
        return environment.request_of(opened, EnvironmentOptions(**options))  # type: ignore[arg-type]


def declared(folder: Path) -> str | None:
    found = requested(folder).declared
    return f"{found.kind} {found.file.name}" if found and found.file else None


def test_the_files_are_asked_in_mlflows_order(tmp_path: Path) -> None:
    folder = model(tmp_path)
    assert declared(folder) == "requirements requirements.txt"
    (folder / "conda.yaml").write_text(CONDA)
    assert declared(folder) == "conda_env conda.yaml"
    (folder / "python_env.yaml").write_text(PYTHON_ENV)
    assert declared(folder) == "python_env python_env.yaml"


def test_a_file_that_leads_out_of_the_model_declares_nothing(tmp_path: Path) -> None:
    (tmp_path / "conda.yaml").write_text(CONDA)
    text = "flavors:\n  python_function: {loader_module: mlflow.sklearn, env: ../conda.yaml}\n"
    assert declared(model(tmp_path / "m", text=text, requirements=None)) is None


def test_packages_are_those_of_the_day_the_model_was_saved(tmp_path: Path) -> None:
    request = requested(model(tmp_path))
    assert request.time_travel
    assert f"{request.commit_date:%Y-%m-%d}" == "2024-05-06"


def test_the_lock_of_the_run_decides_where_it_is_known(tmp_path: Path) -> None:
    store = tracking.open()
    document = {"kind": "python", "manager": "uv", "python": "3.11.9", "lock": "pylock.toml", "as_of": None}
    run = store.create_run(NewRun(run_name="trained", status=Status.FINISHED, environment=document))
    store.close()
    lock = paths.run_dir(run.run_id) / "pylock.toml"
    lock.parent.mkdir(parents=True, exist_ok=True)
    lock.write_text("lock-version = '1.0'\n")
    folder = model(tmp_path, run_id=run.run_id)

    found = requested(folder).locked
    assert found
    assert (found.lock, found.python) == (lock, "3.11.9")
    assert requested(folder, as_of="2024-01-01").locked is None
    assert requested(folder, manager="local").locked is None


@pytest.mark.parametrize(
    ("requirements", "packages", "left_out"),
    [
        ("mlflow==2.9.2\nscikit-learn==1.5.0\n", ("scikit-learn==1.5.0", "numpy", "pandas"), True),
        ("mlflow-skinny[x]>=2\nnumpy==1.26.4\npandas==2.2.2\n", ("numpy==1.26.4", "pandas==2.2.2"), True),
        ("mlflow\nNumPy==1.26.4\n", ("NumPy==1.26.4", "pandas"), True),
        ("mlflowish==1\n", ("mlflowish==1",), False),
    ],
)
def test_mlflow_is_left_out_where_mlproj_loads_the_model_itself(
    tmp_path: Path, requirements: str, packages: tuple[str, ...], left_out: bool
) -> None:
    from mlproj.environments.declarations.requirements import Requirements

    lines = tuple(requirements.split())
    with open_model(str(model(tmp_path, requirements=requirements)), Silent()) as opened:
        assert environment.needs_no_mlflow(opened)
        found = environment._without_mlflow(Requirements(packages=lines), opened)
    assert found.packages == packages
    assert any("MLflow is left out" in note for note in found.notes) is left_out
