from __future__ import annotations

from pathlib import Path

import pytest

from mlproj.environments.base import Declaration, Request
from mlproj.environments.declarations.detection import detect
from mlproj.foundation.errors import InvalidProject

PROJECT = '[project]\nname = "x"\nversion = "1"\n'


def put(folder: Path, *names: str, text: str = "") -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)


def found(request: Request) -> tuple[str, str | None]:
    declaration = detect(request)
    assert declaration.reason
    assert "\n" not in declaration.reason
    return declaration.kind, declaration.file.name if declaration.file else None


def test_what_mlproject_names_comes_first(tmp_path: Path) -> None:
    put(tmp_path, "uv.lock", "conda.yaml", "mine.yaml")
    request = Request(tmp_path, tmp_path, declared=Declaration("conda_env", tmp_path / "mine.yaml"))

    assert found(request) == ("conda_env", "mine.yaml")
    assert detect(request).reason == "MLproject names mine.yaml"


def test_a_reason_that_is_already_told_is_kept(tmp_path: Path) -> None:
    declared = Declaration("docker_env", reason="MLproject:3 asks for a container", options={"image": "x"})

    assert detect(Request(tmp_path, tmp_path, declared=declared)) == declared


def test_a_script_that_names_its_own_packages_comes_before_the_folder(tmp_path: Path) -> None:
    put(tmp_path, "requirements.txt")
    put(tmp_path, "train.py", text="# /// script\n# dependencies = []\n# ///\n")
    put(tmp_path, "other.py", text="print()\n")

    assert found(Request(tmp_path, tmp_path, script=tmp_path / "train.py")) == ("script", "train.py")
    assert found(Request(tmp_path, tmp_path, script=tmp_path / "other.py")) == ("requirements", "requirements.txt")


@pytest.mark.parametrize(
    ("names", "kind", "file"),
    [
        (["uv.lock", "pyproject.toml", "pylock.toml", "python_env.yaml"], "uv_lock", "uv.lock"),
        (["pylock.toml", "python_env.yaml"], "pylock", "pylock.toml"),
        (["uv.lock", "requirements.txt"], "requirements", "requirements.txt"),
        (["python_env.yaml", "conda.yaml"], "python_env", "python_env.yaml"),
        (["conda.yaml", "environment.yml", "requirements.txt"], "conda_env", "conda.yaml"),
        (["environment.yml", "requirements.txt"], "conda_env", "environment.yml"),
        (["environment.yaml"], "conda_env", "environment.yaml"),
        (["requirements.txt", "pyproject.toml"], "requirements", "requirements.txt"),
        (
            ["requirements-dev.txt", "requirements-train.txt", "requirements_test.txt", "pyproject.toml"],
            "requirements",
            "requirements-train.txt",
        ),
        (["requirements-dev.txt", "pyproject.toml"], "pyproject", "pyproject.toml"),
        (["requirements/base.txt", "requirements/dev.txt"], "requirements", "base.txt"),
        (["pyproject.toml", "setup.py"], "pyproject", "pyproject.toml"),
        (["setup.py", "setup.cfg"], "setup", "setup.py"),
    ],
)
def test_the_most_specific_file_decides(tmp_path: Path, names: list[str], kind: str, file: str) -> None:
    put(tmp_path, *names)
    if "pyproject.toml" in names:
        put(tmp_path, "pyproject.toml", text=PROJECT)

    assert found(Request(tmp_path, tmp_path)) == (kind, file)


def test_files_that_only_configure_tools_declare_nothing(tmp_path: Path) -> None:
    put(tmp_path, "uv.lock")
    put(tmp_path, "pyproject.toml", text="[tool.ruff]\nline-length = 100\n")
    put(tmp_path, "setup.cfg", text="[flake8]\nignore = E501\n")

    assert found(Request(tmp_path, tmp_path)) == ("none", None)


@pytest.mark.parametrize("name", ["env.yml", "environment-cpu.yaml", "conda_env.yml", "conda-environment.yaml"])
def test_a_conda_file_under_another_name_decides_where_nothing_else_does(tmp_path: Path, name: str) -> None:
    put(tmp_path, name, "environment-dev.yml", text="name: x\ndependencies:\n- numpy\n")
    put(tmp_path, "conda-build.yml", "environment-a.yml", text="name: no list of packages\n")

    assert found(Request(tmp_path, tmp_path)) == ("conda_env", name)
    assert "no file of a usual name" in detect(Request(tmp_path, tmp_path)).reason
    put(tmp_path, "requirements.txt")
    assert found(Request(tmp_path, tmp_path)) == ("requirements", "requirements.txt")


@pytest.mark.parametrize(
    "text",
    [
        "dependencies:\n  - name: postgresql\n    version: 1\n",
        "dependencies:\n  foo: 1.0\n",
        "dependencies:\n- {role: web}\n",
        "dependencies:\n# none\n",
    ],
)
def test_what_other_tools_call_dependencies_is_not_for_conda(tmp_path: Path, text: str) -> None:
    put(tmp_path, "env.yaml", text=text)

    assert found(Request(tmp_path, tmp_path)) == ("none", None)


@pytest.mark.parametrize(
    "item", ["python=3.9  # the newest", "conda-forge::numpy >=1", "'scipy'", "pip:\n  - six", "torch[build=cpu*]"]
)
def test_any_of_conda_s_packages_tells_its_file(tmp_path: Path, item: str) -> None:
    put(tmp_path, "env.yaml", text=f"dependencies:\n\n  # first\n  - {item}\n")

    assert found(Request(tmp_path, tmp_path)) == ("conda_env", "env.yaml")


def test_a_setup_cfg_with_options_declares_a_package(tmp_path: Path) -> None:
    put(tmp_path, "setup.cfg", text="[options]\ninstall_requires = numpy\n")

    assert found(Request(tmp_path, tmp_path)) == ("setup", "setup.cfg")


def test_the_project_folder_comes_before_the_repository_s_root(tmp_path: Path) -> None:
    put(tmp_path, "python_env.yaml", "sub/requirements.txt", "empty/x")

    assert found(Request(tmp_path / "sub", tmp_path)) == ("requirements", "requirements.txt")
    assert found(Request(tmp_path / "empty", tmp_path)) == ("python_env", "python_env.yaml")
    assert detect(Request(tmp_path / "empty", tmp_path)).reason == "the repository's root has a python_env.yaml"


@pytest.mark.parametrize(
    "command",
    [
        "Rscript fit.R {alpha}",
        "  R -f fit.R",
        "cd analysis && Rscript fit.R",
        "LANG=C Rscript -e 'f()'",
        "Rscript prepare.R && sh x.sh",
    ],
)
def test_a_program_in_r_has_the_packages_of_its_lock_before_those_of_python(tmp_path: Path, command: str) -> None:
    put(tmp_path, "renv.lock", "requirements.txt", "sub/requirements.txt", "sub/fit.R")

    assert found(Request(tmp_path, tmp_path, command=command)) == ("renv_lock", "renv.lock")
    assert (
        detect(Request(tmp_path / "sub", tmp_path, command=command)).reason == "the repository's root has a renv.lock"
    )
    assert found(Request(tmp_path / "sub", tmp_path, script=tmp_path / "sub" / "fit.R")) == ("renv_lock", "renv.lock")


@pytest.mark.parametrize(
    "command", ["", "python a.py", "Rscript a.R && python a.py", "echo R x", "make Rscript", "Rscripts x", "./R x"]
)
def test_other_programs_do_not_take_a_lock_of_r(tmp_path: Path, command: str) -> None:
    put(tmp_path, "renv.lock", "requirements.txt")

    assert found(Request(tmp_path, tmp_path, command=command)) == ("requirements", "requirements.txt")


def test_what_mlproject_names_comes_before_a_lock_of_r(tmp_path: Path) -> None:
    put(tmp_path, "renv.lock", "conda.yaml")
    declared = Declaration("conda_env", tmp_path / "conda.yaml")

    assert found(Request(tmp_path, tmp_path, declared=declared, command="Rscript fit.R")) == ("conda_env", "conda.yaml")


def test_without_any_file_the_imports_are_the_last_resort(tmp_path: Path) -> None:
    put(tmp_path, "train.py", text="import os\nimport numpy\n")

    assert found(Request(tmp_path, tmp_path)) == ("imports", None)
    assert found(Request(tmp_path, tmp_path, infer=False)) == ("none", None)


@pytest.mark.parametrize("text", ["import os, json", "try:\n    import numpy\nexcept ImportError:\n    numpy = None"])
def test_code_that_needs_nothing_has_no_environment(tmp_path: Path, text: str) -> None:
    put(tmp_path, "train.py", text=text)

    assert found(Request(tmp_path, tmp_path)) == ("none", None)


def test_a_shell_script_infers_nothing(tmp_path: Path) -> None:
    put(tmp_path, "helper.py", text="import numpy")
    put(tmp_path, "run.sh")

    assert found(Request(tmp_path, tmp_path, script=tmp_path / "run.sh")) == ("none", None)


def test_a_broken_pyproject_is_an_error_with_its_place(tmp_path: Path) -> None:
    put(tmp_path, "pyproject.toml", text='[project]\nname = "x\n')

    with pytest.raises(InvalidProject) as caught:
        detect(Request(tmp_path, tmp_path))

    assert caught.value.place is not None
    assert caught.value.place.line == 2


@pytest.mark.parametrize(
    ("names", "text", "kind"),
    [
        (("requirements.txt",), "[tool.black\n", "requirements"),
        (("requirements.txt",), "[project\n", "requirements"),
        (("conda.yaml",), "[tool.black]\nline-length = \n", "conda_env"),
        ((), "[tool.black]\nline-length = \n", "none"),
    ],
)
def test_a_broken_pyproject_that_does_not_decide_is_told_beside_what_does(
    tmp_path: Path, names: tuple[str, ...], text: str, kind: str
) -> None:
    put(tmp_path, *names)
    put(tmp_path, "pyproject.toml", text=text)

    found = detect(Request(tmp_path, tmp_path))

    assert found.kind == kind
    (finding,) = found.findings
    assert finding.is_error and "this is no TOML" in str(finding)
