"""Locks and declarations of other tools: their versions, with their hashes, are what is installed."""

from __future__ import annotations

import hashlib
import json
import sys
from pathlib import Path

import pytest

from mlproj.environments.base import Declaration, Request
from mlproj.environments.conda import requested
from mlproj.environments.declarations import declaration, detection
from mlproj.environments.declarations.requirements import Requirements
from mlproj.environments.python import environment
from mlproj.foundation import platforms
from mlproj.foundation.errors import EnvironmentFailure, MlprojError
from mlproj.foundation.progress import Silent
from tests.package_index import Index, Release

HERE = f"{sys.version_info[0]}.{sys.version_info[1]}"
APPLE = [Release("apple", "1.0", requires=["seed"]), Release("apple", "2.0", requires=["seed"])]
SEED = [Release("seed", "1.0"), Release("seed", "2.0")]


def digest(release: Release) -> str:
    return "sha256:" + hashlib.sha256(release.wheel()).hexdigest()


def found(folder: Path, **files: str) -> tuple[Declaration, Request]:
    for name, text in files.items():
        (folder / name.replace("__", ".")).write_text(text)
    (folder / ".python-version").write_text(HERE)
    request = Request(folder, folder)
    return detection.detect(request), request


def read(folder: Path, **files: str) -> Requirements:
    return declaration.read(*found(folder, **files))


def packages(folder: Path, **files: str) -> dict[str, str]:
    decided, request = found(folder, **files)
    return dict(environment.create(request, decided, Silent()).prepare(Silent()).packages)


POETRY = (
    "[tool.poetry]\npackage-mode = false\n[tool.poetry.dependencies]\napple ="
    ' "*"\n[tool.poetry.group.dev.dependencies]\ndev = "*"\n'
)
PROJECT = '[project]\nname = "it"\nversion = "1"\ndependencies = ["apple"]\n'


def poetry_lock(apple: Release, seed: Release, hashed: Release | None = None) -> str:
    of_apple = digest(hashed or apple)
    return f"""
[[package]]
name = "apple"
version = "{apple.version}"
files = [{{file = "{apple.filename}", hash = "{of_apple}"}}]
[[package]]
name = "seed"
version = "{seed.version}"
files = [{{file = "{seed.filename}", hash = "{digest(seed)}"}}]
[[package]]
name = "dev"
version = "1"
files = []
"""


def pipfile_lock(apple: Release, seed: Release) -> str:
    default = {
        one.name: {"version": f"=={one.version}", "hashes": [digest(one)], "index": "pypi"} for one in (apple, seed)
    }
    return json.dumps(
        {"_meta": {"sources": [], "requires": {"python_version": HERE}}, "default": default, "develop": {"dev": {}}}
    )


@pytest.mark.parametrize("kind", ["poetry", "poetry of old", "pdm", "pipenv"])
def test_the_versions_of_another_tool_s_lock_are_installed(index: Index, tmp_path: Path, kind: str) -> None:
    index.add(*APPLE, *SEED)
    lock = poetry_lock(APPLE[0], SEED[0])
    old = "".join(line + "\n" for line in lock.splitlines() if not line.startswith("files"))
    old += "\n".join(
        ["[metadata.files]", *(f'{one.name} = [{{file = "x", hash = "{digest(one)}"}}]' for one in (APPLE[0], SEED[0]))]
    )
    files = {
        "poetry": {"poetry__lock": lock, "pyproject__toml": POETRY},
        "poetry of old": {"poetry__lock": old, "pyproject__toml": POETRY},
        "pdm": {"pdm__lock": lock, "pyproject__toml": PROJECT},
        "pipenv": {"Pipfile__lock": pipfile_lock(APPLE[0], SEED[0]), "Pipfile": ""},
    }[kind]
    installed = packages(tmp_path, **files)
    assert {name: installed.get(name) for name in ("apple", "seed", "dev")} == {
        "apple": "1.0",
        "seed": "1.0",
        "dev": None,
    }


def test_another_file_than_the_lock_s_is_refused(index: Index, tmp_path: Path) -> None:
    index.add(*APPLE, *SEED)
    with pytest.raises(EnvironmentFailure, match="no file of apple 1.0 that fits has a hash"):
        packages(tmp_path, poetry__lock=poetry_lock(APPLE[0], SEED[0], hashed=APPLE[1]), pyproject__toml=POETRY)


def test_a_pipfile_alone_is_read(tmp_path: Path) -> None:
    (tmp_path / "lib").mkdir()
    text = f"""
[[source]]
name = "pypi"
url = "https://pypi.org/simple"
[[source]]
name = "mine"
url = "https://example.org/simple"
[requires]
python_version = "{HERE}"
[packages]
numpy = "*"
pandas = {{version = ">=1", extras = ["excel"], sys_platform = "== 'linux'"}}
fruit = {{git = "https://example.org/fruit.git", ref = "main"}}
lib = {{path = "./lib", editable = true}}
inner = {{version = "==1", index = "mine"}}
[dev-packages]
black = "*"
"""
    got = read(tmp_path, Pipfile=text)
    assert got.packages == (
        "numpy",
        'pandas[excel]>=1; sys_platform == "linux"',
        "fruit @ git+https://example.org/fruit.git@main",
        "inner==1",
    )
    assert got.editables == (str(tmp_path / "lib"),)
    assert got.sources == {"inner": [{"index": "mine"}]}
    assert got.python == HERE


def test_the_commit_that_was_locked_is_taken(tmp_path: Path) -> None:
    commit = "c0ffee" * 6 + "c0ff"
    project = POETRY.replace('apple = "*"', 'apple = {git = "https://example.org/apple.git", branch = "main"}')
    lock = (
        f'[[package]]\nname = "apple"\nversion = "1"\n[package.source]\ntype = "git"\nresolved_reference = "{commit}"\n'
    )
    assert read(tmp_path, poetry__lock=lock, pyproject__toml=project).packages == (
        f"apple @ git+https://example.org/apple.git@{commit}",
    )


def test_a_setup_cfg_alone_is_read_and_not_built(tmp_path: Path) -> None:
    got = read(tmp_path, setup__cfg="[metadata]\nname = it\n[options]\ninstall_requires =\n  apple\n")
    assert (got.packages, got.editables) == (("apple",), ())
    assert "setup.cfg alone" in got.notes[0]


CONDA_LOCK = f"""
version: 1
metadata: {{}}
package:
- name: zlib
  manager: conda
  platform: {platforms.here()}
  url: https://h/c/{platforms.here()}/zlib-1-0.conda
  hash: {{md5: ab, sha256: cd}}
- {{name: zlib, manager: conda, platform: win-64, url: 'https://h/c/win-64/zlib-1-0.conda', hash: {{md5: ab}}}}
- name: apple
  version: '1.0'
  manager: pip
  platform: {platforms.here()}
  url: https://h/apple.whl
  hash: {{sha256: ef}}
"""
PIXI_LOCK = f"""
version: 6
environments:
  default:
    channels: [{{url: 'https://h/c/'}}]
    packages:
      {platforms.here()}:
      - conda: https://h/c/{platforms.here()}/zlib-1-0.conda
      - pypi: https://h/apple.whl
packages:
- conda: https://h/c/{platforms.here()}/zlib-1-0.conda
  sha256: cd
- pypi: https://h/apple.whl
  name: apple
  version: '1.0'
  sha256: ef
"""


@pytest.mark.parametrize(("name", "text"), [("conda-lock.yml", CONDA_LOCK), ("pixi.lock", PIXI_LOCK)])
def test_locks_of_conda_packages_are_installed_as_they_are(tmp_path: Path, name: str, text: str) -> None:
    decided, request = found(tmp_path, **{name.replace(".", "__"): text})
    assert (decided.kind, decided.file) == ("conda_env", tmp_path / name)
    got = requested.read(tmp_path / name)
    assert got.explicit == (f"https://h/c/{platforms.here()}/zlib-1-0.conda#sha256:cd",)
    assert got.pip.packages == ("apple==1.0 --hash=sha256:ef",)
    with pytest.raises(EnvironmentFailure, match="lists conda's packages"):
        declaration.read(decided, request)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("Pipfile.lock", "{"),
        ("Pipfile.lock", "[]"),
        ("pixi.lock", "[]"),
        ("conda-lock.yml", "package: []"),
        ("poetry.lock", "[metadata]\n"),
    ],
)
def test_a_lock_that_cannot_be_read_is_an_error_of_the_project(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / "pyproject.toml").write_text(POETRY)
    (tmp_path / name).write_text(text)
    kind = next(kind for known, kind in detection._OF_OTHERS if known == name)
    with pytest.raises(MlprojError) as caught:
        requested.read(tmp_path / name) if kind == "conda_env" else declaration.read(
            Declaration(kind, tmp_path / name), Request(tmp_path, tmp_path)
        )
    assert caught.value.exit_code == 65


def test_a_lock_that_is_not_read_is_named(tmp_path: Path) -> None:
    decided, _request = found(tmp_path, requirements__txt="apple\n", poetry__lock="", pyproject__toml=POETRY)
    assert decided.kind == "requirements"
    assert decided.reason.endswith("has a requirements.txt; poetry.lock beside it is not read")
