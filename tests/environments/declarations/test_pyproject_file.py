from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.specifiers import SpecifierSet

from mlproj.environments.base import Declaration, Request
from mlproj.environments.declarations import declaration, detection, poetry_version
from mlproj.environments.declarations.requirements import Requirements
from mlproj.foundation.errors import InvalidProject


def read(folder: Path, text: str, name: str = "pyproject.toml", kind: str = "pyproject") -> Requirements:
    (folder / name).write_text(text)
    return declaration.read(Declaration(kind, folder / name), Request(folder, folder))


def test_a_project_s_dependencies_and_python_are_read(tmp_path: Path) -> None:
    found = read(
        tmp_path,
        '[project]\nname = "x"\nrequires-python = ">=3.9"\ndependencies = ["numpy>=1,<2",'
        ' "pandas"]\n[dependency-groups]\ndev = ["a"]\n',
    )

    assert (found.python, found.python_reason) == (">=3.9", "requires-python in pyproject.toml")
    assert found.packages == ("numpy<2,>=1", "pandas")
    assert found.editables == ()


def test_a_project_with_a_build_system_is_installed_in_place(tmp_path: Path) -> None:
    found = read(tmp_path, '[project]\nname = "x"\ndependencies = []\n[build-system]\nrequires = ["hatchling"]\n')

    assert found.editables == (str(tmp_path),)


def test_poetry_s_table_is_read(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    text = """
[tool.poetry]
package-mode = false
[tool.poetry.dependencies]
python = "^3.8"
numpy = "~1.20"
pandas = {version = "^1.2.3", extras = ["excel"], markers = "sys_platform == 'linux'"}
torch = [{version = "1.7", python = "3.8"}]
scipy = "*"
a = {git = "https://example.org/a.git", tag = "v1"}
mine = {path = "./mine"}
zip = {url = "https://example.org/a.zip"}
rare = {version = "1", optional = true}
[tool.poetry.group.dev.dependencies]
black = "*"
[build-system]
requires = ["poetry-core"]
"""

    found = read(tmp_path, text)

    assert found.python == "<4,>=3.8"
    assert found.packages == (
        "numpy<1.21,>=1.20",
        'pandas[excel]<2,>=1.2.3; sys_platform == "linux"',
        "torch==1.7",
        "scipy",
        "a @ git+https://example.org/a.git@v1",
        str(tmp_path / "mine"),
        "zip @ https://example.org/a.zip",
    )
    assert found.editables == ()


@pytest.mark.parametrize(
    ("poetry", "pep440"),
    [
        ("^1.2.3", ">=1.2.3,<2"), ("^0.2.3", ">=0.2.3,<0.3"), ("^0.0.3", ">=0.0.3,<0.0.4"), ("^0.0", ">=0.0,<0.1"),
        ("^0", ">=0,<1"), ("~1.2.3", ">=1.2.3,<1.3"), ("~1.2", ">=1.2,<1.3"), ("~1", ">=1,<2"), ("*", ""),
        ("1.2.*", "==1.2.*"), ("1.2.3", "==1.2.3"), (">=1.2, <1.5", ">=1.2,<1.5"), (">=1.2 <1.5", ">=1.2,<1.5"),
        ("=1.2", "==1.2"), ("~=1.2", "~=1.2"), ("^2.7 || ^3.6", ">=3.6,<4"),
    ],
)  # fmt: skip
def test_poetry_s_carets_and_tildes_become_pep_440(poetry: str, pep440: str) -> None:
    assert poetry_version.specifier(poetry) == pep440


@given(st.integers(0, 3), st.integers(0, 30), st.integers(0, 30))
def test_a_caret_admits_its_own_version(major: int, minor: int, patch: int) -> None:
    version = f"{major}.{minor}.{patch}"

    assert version in SpecifierSet(poetry_version.specifier(f"^{version}"))


@pytest.mark.parametrize(
    ("text", "message", "line"),
    [
        ('[project]\nname = "x"\ndependencies = "numpy"', "must be a list of texts", 3),
        ('[project]\nname = "x"\ndependencies = ["numpy=1"]', "one '=' is conda's spelling", 3),
        ('[project]\nrequires-python = 3.9\nname = "x"', "'requires-python' must be a text", 2),
        ('[project]\nrequires-python = "new"\nname = "x"', "'new' is no Python version", 2),
        ('[tool.poetry.dependencies]\nnumpy = "^one"', "'^one' is no version constraint", 2),
        ("[tool.poetry.dependencies]\nnumpy = 1", "must be a version or a table", 2),
        ("[project\n", "this is no TOML", 1),
    ],
)
def test_mistakes_have_a_place(tmp_path: Path, text: str, message: str, line: int) -> None:
    with pytest.raises(InvalidProject) as caught:
        read(tmp_path, text)

    assert message in caught.value.message
    assert caught.value.place is not None
    assert caught.value.place.line == line


def test_setup_py_is_read_and_not_run(tmp_path: Path) -> None:
    text = (
        "import sys\nsys.exit('ran')\nNEEDS = ['numpy>=1', 'pandas']\nsetup(name='x', install_requires=NEEDS,"
        " python_requires='>=3.7')\n"
    )

    found = read(tmp_path, text, "setup.py", "setup")

    assert found.packages == ("numpy>=1", "pandas")
    assert found.python == ">=3.7"
    assert found.editables == (str(tmp_path),)
    assert found.files == (tmp_path / "setup.py",)


@pytest.mark.parametrize(
    "text", ["setup(install_requires=open('r.txt').read().split())", "setup(**read())", "print 'two'", "x = 1"]
)
def test_a_setup_py_that_computes_is_left_to_its_build(tmp_path: Path, text: str) -> None:
    found = read(tmp_path, text, "setup.py", "setup")

    assert (found.packages, found.editables) == ((), (str(tmp_path),))


HATCH = """
[project]
name = "x"
dependencies = ["numpy"]
optional-dependencies = {plot = ["seaborn"]}
[build-system]
build-backend = "hatchling.build"
[tool.hatch.envs.default]
python = "3.10"
dependencies = ["mlflow", "mylib @ {root:uri}/lib"]
extra-dependencies = ["pandas"]
features = ["plot"]
"""


def test_hatchs_default_environment_is_added_to_the_projects_dependencies(tmp_path: Path) -> None:
    (tmp_path / "lib").mkdir()

    found = read(tmp_path, HATCH)

    lib = f"mylib @ {(tmp_path / 'lib').as_uri()}"
    assert found.packages == ("mlflow", lib, "pandas", "seaborn", "numpy")
    assert (found.python, found.editables) == ("3.10", (str(tmp_path),))
    assert "Hatch's environment 'default' in pyproject.toml" in found.notes[0]


def test_a_project_that_hatch_leaves_out_is_not_installed_and_hatch_toml_comes_first(tmp_path: Path) -> None:
    (tmp_path / "hatch.toml").write_text("[envs.default]\nskip-install = true\ndependencies = ['torch']\n")

    found = read(tmp_path, HATCH)

    assert (found.packages, found.editables) == (("torch", "numpy"), ())
    assert any("Hatch's environment 'default' in hatch.toml says skip-install = true" in note for note in found.notes)
    assert tmp_path / "hatch.toml" in found.files


def test_a_pyproject_with_nothing_but_hatchs_environment_declares_it(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text("[tool.hatch.envs.default]\ndetached = true\ndependencies = ['six']\n")

    assert detection.detect(Request(tmp_path, tmp_path)).kind == "pyproject"


def test_setup_cfg_is_read(tmp_path: Path) -> None:
    found = read(
        tmp_path,
        "[metadata]\nname = x\n[options]\npython_requires = >=3.8\ninstall_requires =\n    numpy\n    # why\n   "
        " pandas>1\n",
        "setup.cfg",
        "setup",
    )

    assert (found.python, found.packages) == (">=3.8", ("numpy", "pandas>1"))


def test_a_broken_setup_cfg_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(InvalidProject, match=r"setup\.cfg"):
        read(tmp_path, "name = x\n", "setup.cfg", "setup")


def test_a_broken_setup_cfg_beside_a_setup_py_is_told_and_left_to_the_installer(tmp_path: Path) -> None:
    (tmp_path / "setup.cfg").write_text("name = x\n")

    found = read(tmp_path, 'from setuptools import setup\nsetup(install_requires=["six"])\n', "setup.py", "setup")

    assert (found.packages, found.editables) == (("six",), (str(tmp_path),))
    (warning,) = found.warnings
    assert warning.is_error and str(warning.place).endswith("setup.cfg:1") and "cannot be read" in warning.text


def test_python_s_warnings_about_a_setup_py_are_its_authors(tmp_path: Path) -> None:
    found = read(
        tmp_path,
        'import re\nfrom setuptools import setup\nx = "\\d"\nsetup(install_requires=["six"])\n',
        "setup.py",
        "setup",
    )

    assert found.packages == ("six",)
