"""pixi.toml, and pixi's part of a pyproject.toml: in conda's terms, and translated."""

from __future__ import annotations

from pathlib import Path

import pytest

from mlproj.environments.base import Declaration, Request
from mlproj.environments.conda import requested
from mlproj.environments.declarations import declaration, detection
from mlproj.environments.declarations.requirements import Requirements
from mlproj.foundation import platforms
from mlproj.foundation.errors import InvalidProject

PIXI = """
[workspace]
name = "it"
channels = ["conda-forge", {channel = "pytorch", priority = 1}]
platforms = ["linux-64"]
[dependencies]
python = "3.11.*"
numpy = ">=1.20, <2"
torch = {version = "2.*", channel = "pytorch", build = "*cpu*"}
[pypi-dependencies]
mlflow = "*"
scikit-learn = {version = ">=1.2", extras = ["tests"]}
mine = {path = "lib", editable = true}
private = {version = "==1.0", index = "https://host/simple"}
tool = {git = "https://host/tool.git", rev = "abc"}
[pypi-options]
extra-index-urls = ["https://other/simple"]
[target.TARGET.dependencies]
scipy = "*"
[target.win.dependencies]
pywin = "*"
[feature.train.dependencies]
pandas = "*"
[feature.docs.dependencies]
sphinx = "*"
[environments]
default = ["train"]
docs = {features = ["docs"]}
[activation.env]
MODE = "fast"
"""


def written(folder: Path, text: str = PIXI, name: str = "pixi.toml") -> Path:
    (folder / "lib").mkdir(exist_ok=True)
    (folder / name).write_text(text.replace("TARGET", platforms.here()))
    return folder / name


def translated(path: Path) -> Requirements:
    return declaration.read(Declaration("conda_env", path), Request(path.parent, path.parent))


def test_it_decides_where_no_lock_of_it_is(tmp_path: Path) -> None:
    written(tmp_path)
    found = detection.detect(Request(tmp_path, tmp_path))
    assert (found.kind, found.file) == ("conda_env", tmp_path / "pixi.toml")
    (tmp_path / "pixi.lock").touch()
    assert detection.detect(Request(tmp_path, tmp_path)).file == tmp_path / "pixi.lock"


def test_conda_is_asked_for_what_the_default_environment_needs(tmp_path: Path) -> None:
    found = requested.read(written(tmp_path))

    assert [one.rpartition("/")[2] for one in found.channels] == ["conda-forge", "pytorch"]
    torch = next(one for one in found.specs if "torch" in one)
    assert torch.endswith("pytorch::torch 2.* *cpu*")
    assert [one for one in found.specs if one != torch] == ["python 3.11.*", "numpy >=1.20,<2", "scipy", "pandas"]
    assert found.python == "3.11.*"
    assert found.pip.packages == (
        "mlflow",
        "scikit-learn[tests]>=1.2",
        "private==1.0",
        "tool @ git+https://host/tool.git@abc",
    )
    assert found.pip.editables == (str(tmp_path / "lib"),)
    assert found.pip.options == ("--extra-index-url", "https://other/simple")
    assert found.pip.variables == {"MODE": "fast"}
    assert found.pip.notes == ("of pixi's environments only 'default' is made, not docs",)


def test_a_package_of_an_index_of_its_own_comes_from_nowhere_else(tmp_path: Path) -> None:
    found = translated(written(tmp_path))

    (entry,) = found.sources["private"]
    assert found.settings["index"] == [{"name": entry["index"], "url": "https://host/simple", "explicit": True}]


def test_without_conda_it_is_translated(tmp_path: Path) -> None:
    found = translated(written(tmp_path))

    assert found.python == "3.11"
    assert {"numpy<2,>=1.20", "torch==2.*", "scipy", "pandas", "mlflow"} <= set(found.packages)


def test_pixis_part_of_a_pyproject_comes_with_the_dependencies_of_the_project(tmp_path: Path) -> None:
    text = (
        '[project]\nname = "x"\nrequires-python = ">=3.9, <3.12"\ndependencies = ["six"]\n'
        '[tool.pixi.workspace]\nchannels = ["bioconda"]\n[tool.pixi.dependencies]\nr-base = "*"\n'
        '[tool.pixi.pypi-dependencies]\nx = {path = ".", editable = true}\n'
    )
    path = written(tmp_path, text, "pyproject.toml")

    decided = detection.detect(Request(tmp_path, tmp_path))
    found = requested.read(path)

    assert (decided.kind, decided.file) == ("conda_env", path)
    assert requested.is_native(decided)
    assert (found.specs, found.pip.packages, found.pip.editables) == (
        ("python >=3.9,<3.12", "r-base"),
        ("six",),
        (str(tmp_path),),
    )
    assert found.channels[0].endswith("bioconda")


def test_a_pyproject_that_only_configures_pixi_is_read_as_ever(tmp_path: Path) -> None:
    path = written(tmp_path, '[project]\nname = "x"\n[tool.pixi.workspace]\nchannels = []\n', "pyproject.toml")

    assert detection.detect(Request(tmp_path, tmp_path)).kind == "pyproject"
    assert not requested.is_native(Declaration("conda_env", path))


@pytest.mark.parametrize(
    "text",
    [
        "[workspace]\nchannels = ['conda-forge']\n[tasks]\na = 'b'\n",
        "[dependencies]\n",
        "[feature.docs.dependencies]\nsphinx = '*'\n[environments]\ndocs = ['docs']\n",
    ],
)
def test_a_pixi_toml_that_names_no_package_leaves_the_decision_to_other_files(tmp_path: Path, text: str) -> None:
    written(tmp_path, text)
    (tmp_path / "pyproject.toml").write_text('[project]\nname = "x"\nversion = "1"\ndependencies = ["six"]\n')

    assert detection.detect(Request(tmp_path, tmp_path)).kind == "pyproject"


@pytest.mark.parametrize(
    ("version", "spec"),
    [("~=3.10", "python ~=3.10"), ("==3.11.*", "python ==3.11.*"), ("!=3.9.0,>=3.8", "python !=3.9.0,>=3.8")],
)
def test_conda_s_python_is_the_one_that_the_project_requires(tmp_path: Path, version: str, spec: str) -> None:
    path = written(
        tmp_path,
        f'[project]\nname = "x"\nrequires-python = "{version}"\n[tool.pixi.pypi-dependencies]\nsix = "*"\n',
        "pyproject.toml",
    )

    assert requested.read(path).specs == (spec,)


def test_an_index_that_uv_knows_without_a_name_gets_one(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        '[project]\nname = "x"\n[[tool.uv.index]]\nurl = "https://host/simple"\n[tool.pixi.pypi-dependencies]\n'
        'private = {version = "*", index = "https://host/simple"}\n',
        "pyproject.toml",
    )

    pip = requested.read(path).pip
    bound = pip.settings["index"][-1]
    assert (bound["url"], bound["explicit"]) == ("https://host/simple", True)
    assert pip.sources["private"] == [{"index": bound["name"]}]


@pytest.mark.parametrize(
    ("text", "line", "told"),
    [
        ("[workspace]\nchannels = [1]\n", 2, "a channel must be"),
        ("[workspace]\nchannels = 1\n", 2, "'channels' must be a list"),
        ("[workspace]\nchannels = ['http://[x']\n", 2, "is no channel"),
        ("[pypi-options]\nextra-index-urls = 'https://h/simple'\n", 2, "'extra-index-urls' must be a list"),
        ("[dependencies]\nnumpy = {git = 'https://h/x'}\n", 2, "none of a channel"),
        ("[pypi-dependencies]\nnumpy = 1\n", 2, "must have a version or a table"),
        ("[pypi-dependencies]\nmine = {path = 'nowhere'}\n", 2, "nothing is at 'nowhere'"),
    ],
)
def test_mistakes_are_told_with_their_place(tmp_path: Path, text: str, line: int, told: str) -> None:
    with pytest.raises(InvalidProject, match=told) as caught:
        requested.read(written(tmp_path, text))
    assert caught.value.place is not None and caught.value.place.line == line
