from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from mlproj.environments.declarations.requirements import Requirements
from mlproj.environments.python import key
from mlproj.environments.python.interpreter import Interpreter
from tests.environments.conftest import utc

PYTHON = Interpreter("/usr/bin/python3.10", "PATH", "3.10.13", "cpython", "linux-x86_64", "glibc-2.36")
BASE: dict[str, Any] = {
    "requirements": Requirements(packages=("apple==1.0",)),
    "interpreter": PYTHON,
    "moment": utc("2022-01-01"),
    "manager": "uv",
    "index": {"UV_DEFAULT_INDEX": "https://one.example/simple"},
    "root": Path("/checkout/1"),
}


def _with(**changes: Any) -> str:
    return key.compute(**{**BASE, **changes})


@pytest.mark.parametrize(
    "change",
    [
        {"requirements": Requirements(packages=("apple==1.1",))},
        {"requirements": Requirements(packages=("apple==1.0",), constraints=("pear<2",))},
        {"requirements": Requirements(packages=("apple==1.0",), build_dependencies=("pip==20",))},
        {"requirements": Requirements(packages=("apple==1.0",), options=("--pre",))},
        {"interpreter": replace(PYTHON, version="3.10.14")},
        {"interpreter": replace(PYTHON, libc="musl-1.2")},
        {"moment": utc("2022-01-02")},
        {"moment": None},
        {"manager": "virtualenv"},
        {"index": {}},
    ],
)
def test_whatever_decides_what_is_installed_changes_the_key(change: dict[str, Any]) -> None:
    assert _with(**change) != _with()


def test_the_place_of_an_interpreter_or_of_a_checkout_does_not_change_the_key(tmp_path: Path) -> None:
    assert _with(interpreter=replace(PYTHON, path="/elsewhere/python")) == _with()
    keys = set()
    for name in ("first", "second"):
        folder = tmp_path / name / "package"
        folder.mkdir(parents=True)
        (folder / "setup.py").write_text("setup()")
        keys.add(
            _with(requirements=Requirements(packages=(str(folder),), editables=(str(folder),)), root=tmp_path / name)
        )
    assert len(keys) == 1


def test_a_local_package_counts_with_its_content_but_not_with_what_tools_leave_in_it(tmp_path: Path) -> None:
    (tmp_path / "package").mkdir()
    (tmp_path / "package" / "code.py").write_text("one")
    wanted = Requirements(packages=(tmp_path.as_uri(),))
    before = _with(requirements=wanted, root=tmp_path)
    for left in (".git/HEAD", "__pycache__/code.pyc", "package.egg-info/PKG-INFO", "build/lib/code.py"):
        (tmp_path / left).parent.mkdir(parents=True)
        (tmp_path / left).write_text("left")
    assert _with(requirements=wanted, root=tmp_path) == before
    (tmp_path / "package" / "code.py").write_text("two")
    assert _with(requirements=wanted, root=tmp_path) != before


def test_the_code_of_a_package_installed_in_place_does_not_count_but_its_metadata_does(tmp_path: Path) -> None:
    (tmp_path / "setup.py").write_text("setup()")
    wanted = Requirements(editables=(str(tmp_path),))
    before = _with(requirements=wanted, root=tmp_path)
    (tmp_path / "code.py").write_text("new")
    assert _with(requirements=wanted, root=tmp_path) == before
    (tmp_path / "setup.py").write_text("setup(install_requires=['apple'])")
    assert _with(requirements=wanted, root=tmp_path) != before


def test_a_changed_local_package_that_is_asked_for_with_extras_is_another_environment(tmp_path: Path) -> None:
    (tmp_path / "code.py").write_text("one")
    wanted = Requirements(packages=(f"{tmp_path.as_uri()}[extra]",))
    before = _with(requirements=wanted, root=tmp_path)
    (tmp_path / "code.py").write_text("two")
    assert _with(requirements=wanted, root=tmp_path) != before


@pytest.mark.parametrize(
    ("requirement", "path"),
    [
        ("/a/folder", "/a/folder"),
        ("/a/folder[extra]", "/a/folder"),
        ("file:///a%20b/c", "/a b/c"),
        ("file:///a%20b/c[extra,other]", "/a b/c"),
        ("file:///a/plum.whl --hash=sha256:ab", "/a/plum.whl"),
        ("/a/plum.whl --hash=sha256:ab", "/a/plum.whl"),
        ("file:///a[1]/b[extra] ; python_version > '3'", "/a[1]/b"),
        ("plum @ file:///a/b", "/a/b"),
        ("plum[extra] @ file:///a/b", "/a/b"),
        ("apple==1.0", None),
        ("plum @ https://example.org/plum.whl", None),
    ],
)
def test_requirements_that_are_folders_are_told_from_names(requirement: str, path: str | None) -> None:
    assert key.local_path(requirement) == (Path(path) if path else None)
