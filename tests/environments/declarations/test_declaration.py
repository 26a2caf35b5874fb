from __future__ import annotations

from pathlib import Path

import pytest

from mlproj.environments.base import Declaration, Request
from mlproj.environments.declarations import declaration, script_metadata
from mlproj.environments.declarations.requirements import Requirements
from mlproj.foundation.errors import InvalidProject


def read(kind: str, file: Path | None, folder: Path) -> Requirements:
    return declaration.read(Declaration(kind, file), Request(folder, folder))


def test_nothing_declared_asks_for_nothing(tmp_path: Path) -> None:
    assert read("none", None, tmp_path) == Requirements()


def test_imports_are_read_from_the_code(tmp_path: Path) -> None:
    (tmp_path / "train.py").write_text("import yaml")

    assert read("imports", None, tmp_path).packages == ("pyyaml",)


def test_a_missing_file_is_an_error(tmp_path: Path) -> None:
    for kind in ("conda_env", "python_env", "requirements", "pyproject", "script"):
        with pytest.raises(InvalidProject, match="does not exist"):
            read(kind, tmp_path / "gone.yaml", tmp_path)


def test_a_requirements_file_named_as_an_environment_is_read_as_one(tmp_path: Path) -> None:
    (tmp_path / "requirements.txt").write_text("numpy")

    found = read("conda_env", tmp_path / "requirements.txt", tmp_path)

    assert found.packages == ("numpy",)
    assert "is a requirements file" in str(found.warnings[0])


def test_a_uv_lock_brings_its_python_and_its_project(tmp_path: Path) -> None:
    (tmp_path / "uv.lock").write_text('version = 1\nrequires-python = ">=3.10"\n')
    (tmp_path / "pyproject.toml").write_text('[project]\nname = "x"\n[build-system]\nrequires = ["hatchling"]\n')

    found = read("uv_lock", tmp_path / "uv.lock", tmp_path)

    assert (found.lock_file, found.python) == (tmp_path / "uv.lock", ">=3.10")
    assert found.editables == (str(tmp_path),)
    assert found.files == (tmp_path / "uv.lock", tmp_path / "pyproject.toml")


def test_a_pylock_is_installed_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "pylock.toml").write_text('lock-version = "1.0"\nrequires-python = ">=3.11"\n')

    found = read("pylock", tmp_path / "pylock.toml", tmp_path)

    assert (found.lock_file, found.python, found.editables) == (tmp_path / "pylock.toml", ">=3.11", ())


def test_a_python_version_file_fills_in_where_nothing_names_one(tmp_path: Path) -> None:
    (tmp_path / "requirements.txt").write_text("numpy")
    (tmp_path / ".python-version").write_text("3.8.10\n")

    found = read("requirements", tmp_path / "requirements.txt", tmp_path)

    assert (found.python, found.python_reason) == ("3.8.10", ".python-version names it")
    assert tmp_path / ".python-version" in found.files


def test_a_name_in_a_python_version_file_names_no_version(tmp_path: Path) -> None:
    (tmp_path / "requirements.txt").write_text("numpy")
    (tmp_path / ".python-version").write_text("my-environment\n")

    assert read("requirements", tmp_path / "requirements.txt", tmp_path).python is None


SCRIPT = """#!/usr/bin/env python3
# /// script
# requires-python = ">=3.11"
# dependencies = [
#   "requests<3",
#   "rich",
# ]
# ///
import requests
"""


def test_a_script_s_metadata_is_read(tmp_path: Path) -> None:
    (tmp_path / "train.py").write_text(SCRIPT)

    found = read("script", tmp_path / "train.py", tmp_path)

    assert (found.python, found.packages) == (">=3.11", ("requests<3", "rich"))


@pytest.mark.parametrize(
    "text",
    [
        "import numpy",
        "# /// script\n# dependencies = []\n",
        "# /// other\n# a = 1\n# ///\n",
        "#/// script\n# ///\n",
        "# /// script\ncode\n# ///\n",
    ],
)
def test_what_is_no_block_of_pep_723_is_none(tmp_path: Path, text: str) -> None:
    (tmp_path / "train.py").write_text(text)

    assert not script_metadata.has_block(tmp_path / "train.py")


def test_the_block_ends_with_the_last_line_that_may_end_it() -> None:
    block = script_metadata.find("# /// script\n# a = '''\n# ///\n# '''\n#\n# ///\n# said after\n", "x.py")

    assert block is not None
    assert block.toml == "a = '''\n///\n'''\n"


@pytest.mark.parametrize(
    ("text", "message", "line"),
    [
        ("# /// script\n# ///\n\n# /// script\n# ///\n", "a second block", 4),
        ("import x\n# /// script\n# dependencies = [\n# ///\n", "this is no TOML", 3),
        ("# /// script\n# dependencies = 'numpy'\n# ///\n", "must be a list of texts", 2),
        ("# /// script\n# dependencies = ['numpy=1']\n# ///\n", "one '=' is conda's spelling", 2),
        ("# /// script\n# requires-python = 3\n# ///\n", "must be a text", 2),
    ],
)
def test_mistakes_in_a_block_have_their_place_in_the_script(tmp_path: Path, text: str, message: str, line: int) -> None:
    (tmp_path / "train.py").write_text(text)
    assert script_metadata.has_block(tmp_path / "train.py")

    with pytest.raises(InvalidProject) as caught:
        read("script", tmp_path / "train.py", tmp_path)

    assert message in caught.value.message
    assert caught.value.place is not None
    assert caught.value.place.line == line
