from __future__ import annotations

from pathlib import Path

import pytest

from mlproj.environments.base import Declaration, Request
from mlproj.environments.declarations import declaration
from mlproj.environments.declarations.requirements import Requirements
from mlproj.foundation.errors import InvalidProject


def read(folder: Path, text: str) -> Requirements:
    (folder / "python_env.yaml").write_text(text)
    return declaration.read(Declaration("python_env", folder / "python_env.yaml"), Request(folder, folder))


def test_a_file_as_mlflow_writes_it(tmp_path: Path) -> None:
    (tmp_path / "requirements.txt").write_text("mlflow==2.9.2\nnumpy<2\n")

    found = read(
        tmp_path,
        "python: 3.10.12\nbuild_dependencies:\n- pip==23.3.1\n- setuptools==68.0.0\n- wheel\ndependencies:\n- -r"
        " requirements.txt\n",
    )

    assert (found.python, found.python_reason) == ("3.10.12", "python_env.yaml names it")
    assert found.build_dependencies == ("pip==23.3.1", "setuptools==68.0.0", "wheel")
    assert found.packages == ("mlflow==2.9.2", "numpy<2")
    assert found.files == (tmp_path / "python_env.yaml", tmp_path / "requirements.txt")


@pytest.mark.parametrize(
    ("written", "python"),
    [
        ("3.10", "3.10"),
        ("'3.10'", "3.10"),
        ("3.8.10", "3.8.10"),
        ("3", "==3.*"),
        ('">=3.9"', ">=3.9"),
        ("3.8.*", "3.8"),
        ("==3.8.10", "3.8.10"),
        ("python=3.8", "3.8"),
        ("'>=3.6, <3.9'", "<3.9,>=3.6"),
        ("", None),
    ],
)
def test_the_python_counts_as_it_is_written(tmp_path: Path, written: str, python: str | None) -> None:
    assert read(tmp_path, f"python: {written}\ndependencies: [numpy]\n").python == python


def test_a_conda_style_pip_mapping_is_tolerated(tmp_path: Path) -> None:
    found = read(tmp_path, "python: '3.9'\ndependencies:\n  - numpy\n  - pip:\n    - mlflow\n")

    assert found.packages == ("numpy", "mlflow")
    assert "'pip:' is conda's word" in found.notes[0]


def test_options_of_pip_are_kept(tmp_path: Path) -> None:
    found = read(tmp_path, "dependencies:\n  - --extra-index-url https://example.org/simple\n  - --pre\n  - numpy\n")

    assert found.options == ("--extra-index-url", "https://example.org/simple", "--pre")


def test_unknown_keys_are_warnings(tmp_path: Path) -> None:
    found = read(tmp_path, "pyton: 3.9\ndependencies: [numpy]\n")

    assert any("did you mean 'python'?" in str(warning) for warning in found.warnings)


@pytest.mark.parametrize(
    ("text", "message", "line"),
    [
        ("python: [3.9]", "'python' must be a version", 1),
        ("python: yes", "'python' must be a version", 1),
        ("python: latest", "'latest' is no Python version", 1),
        ("python: 3.9\ndependencies: numpy", "'dependencies' must be a list", 2),
        ("python: 3.9\ndependencies:\n- {a: b}", "must be a text", 3),
        ("python: 3.9\nbuild_dependencies:\n- 1", "must be a text", 3),
        ("python: 3.9\ndependencies:\n- -r gone.txt", "does not exist", 3),
        ("numpy", "expected a mapping", 1),
        ("python: 3.9\n\tdependencies: []", "", 2),
    ],
)
def test_mistakes_have_a_place(tmp_path: Path, text: str, message: str, line: int) -> None:
    with pytest.raises(InvalidProject) as caught:
        read(tmp_path, text)

    assert message in caught.value.message
    assert caught.value.place is not None
    assert caught.value.place.line == line
