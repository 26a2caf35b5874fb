from __future__ import annotations

from pathlib import Path

import pytest

from mlproj.environments.base import Declaration, Description
from mlproj.running import missing_module

_TRACE = "Traceback (most recent call last):\n  File 'train.py', line 1\nModuleNotFoundError: No module named '{}'\n"
TRACE = _TRACE.format("sklearn")


def _described(kind: str, file: str | None) -> Description:
    return Description(
        "system" if kind == "none" else "python", "uv", Declaration(kind, Path("/p", file) if file else None)
    )


@pytest.mark.parametrize(
    ("kind", "file", "advice"),
    [
        ("conda_env", "conda.yaml", "add `scikit-learn` below `dependencies:` in conda.yaml"),
        ("requirements", "requirements.txt", "add the line `scikit-learn` to requirements.txt"),
        ("imports", None, "declare `scikit-learn` in a requirements.txt"),
        ("none", None, "pip install scikit-learn"),
    ],
)
def test_the_package_and_the_place_to_add_it_are_named(
    kind: str, file: str | None, advice: str, tmp_path: Path
) -> None:
    said = missing_module.explain(TRACE, _described(kind, file), tmp_path)
    assert said is not None and advice in said
    assert said.endswith(" (the project's fault)")


def test_the_environment_that_the_user_chose_is_no_fault_of_the_project(tmp_path: Path) -> None:
    chosen = Description("system", "local", Declaration("none", reason="--env-manager local"))

    assert str(missing_module.explain(TRACE, chosen, tmp_path)).endswith("has it (this machine's fault)")


def test_what_an_image_lacks_is_to_be_installed_in_it(tmp_path: Path) -> None:
    said = missing_module.explain(TRACE, Description("container", "docker", Declaration("docker_env")), tmp_path)
    assert said is not None and "RUN pip install scikit-learn" in said


def test_a_module_of_the_project_is_no_package(tmp_path: Path) -> None:
    (tmp_path / "sklearn").mkdir()
    said = missing_module.explain(TRACE, _described("requirements", "requirements.txt"), tmp_path)
    assert said is not None and "in the project's folder" in said


@pytest.mark.parametrize("folder", ["build/lib", "venv/lib", "python/site-packages"])
def test_an_environment_in_the_project_is_none_of_its_folders(tmp_path: Path, folder: str) -> None:
    (tmp_path / folder / "sklearn").mkdir(parents=True)
    (tmp_path / folder / "sklearn" / "__init__.py").touch()
    if folder.startswith("venv"):
        (tmp_path / "venv" / "pyvenv.cfg").touch()

    said = missing_module.explain(TRACE, _described("requirements", "requirements.txt"), tmp_path)
    assert said is not None and "add the line `scikit-learn`" in said


def test_a_module_in_a_folder_of_the_project_is_no_package(tmp_path: Path) -> None:
    for hidden in (".venv/lib", "src"):
        (tmp_path / hidden).mkdir(parents=True)
        (tmp_path / hidden / "cleaning.py").touch()

    assert missing_module.explain(_TRACE.format("cleaning"), _described("conda_env", "conda.yaml"), tmp_path) == (
        "the module 'cleaning' is in the project's folder src, but not where Python looks; PYTHONPATH=src finds it"
        " (the project's fault)"
    )


@pytest.mark.parametrize(
    ("kind", "advice"),
    [("renv_lock", "renv::install('mlflow')"), ("none", "install.packages('mlflow')")],
)
def test_a_package_that_r_lacks_is_named_with_or_without_a_lock(kind: str, advice: str, tmp_path: Path) -> None:
    said = missing_module.explain(
        "Error in library(mlflow) : there is no package called ‘mlflow’\nExecution halted\n",
        _described(kind, None),
        tmp_path,
    )

    assert said is not None and advice in said
    assert said.endswith(" (the project's fault)")


def test_a_module_that_an_installed_package_lacks_asks_for_another_version_of_it(tmp_path: Path) -> None:
    said = missing_module.explain(
        _TRACE.format("griffe.docstrings"), _described("requirements", "requirements.txt"), tmp_path
    )
    assert said == (
        "the version of griffe that is installed has no module griffe.docstrings: pin the one that it was written for"
        " (the project's fault)"
    )


def test_a_module_below_a_name_that_packages_share_is_a_package(tmp_path: Path) -> None:
    said = missing_module.explain(
        _TRACE.format("google.cloud.storage"), _described("requirements", "requirements.txt"), tmp_path
    )
    assert said is not None and "add the line `google-cloud-storage` to requirements.txt" in said


def test_other_failures_are_left_alone(tmp_path: Path) -> None:
    assert missing_module.explain("ValueError: 3\n", _described("none", None), tmp_path) is None
