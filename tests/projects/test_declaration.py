"""The environment that MLproject names, and MLflow's default files."""

from __future__ import annotations

from pathlib import Path

import pytest

from mlproj import projects
from mlproj.foundation.errors import InvalidProject
from tests.projects.building import project


def refusal(directory: Path, text: str) -> InvalidProject:
    with pytest.raises(InvalidProject) as caught:
        project(directory, text)
    return caught.value


@pytest.mark.parametrize(
    ("present", "expected"),
    [((), None), (("conda.yaml",), "conda_env"), (("conda.yaml", "python_env.yaml"), "python_env")],
)
@pytest.mark.parametrize("text", [None, "name: x\n"])
def test_default_files_are_those_of_mlflow(
    tmp_path: Path, present: tuple[str, ...], expected: str | None, text: str | None
) -> None:
    for name in present:
        (tmp_path / name).write_text("x: 1\n")

    found = (projects.load(tmp_path) if text is None else project(tmp_path, text)).environment

    assert (found.kind if found else None) == expected
    assert found is None or found.by_default


@pytest.mark.parametrize("kind", ["python_env", "conda_env"])
def test_a_named_file_is_found_with_its_place(tmp_path: Path, kind: str) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "shared.yaml").write_text("x: 1\n")

    found = project(tmp_path / "sub", f"{kind}: ../shared.yaml\n").environment

    assert found is not None
    assert (found.kind, found.file, found.by_default) == (kind, tmp_path / "shared.yaml", False)
    assert str(found.place).endswith(f"MLproject:1:{len(kind) + 3}")


def test_a_file_outside_of_the_source_is_refused(tmp_path: Path) -> None:
    (tmp_path / "conda.yaml").write_text("x: 1\n")
    source = tmp_path / "source"
    (source / "sub").mkdir(parents=True)
    (source / "conda.yaml").write_text("x: 1\n")
    (source / "link.yaml").symlink_to(tmp_path / "conda.yaml")
    for named in ("../../conda.yaml", str(tmp_path / "conda.yaml"), "../link.yaml"):
        (source / "sub" / "MLproject").write_text(f"conda_env: {named}\n")
        with pytest.raises(InvalidProject, match=r"MLproject:1:12: .* outside of the project's source"):
            projects.load(source / "sub", root=source)
    (source / "sub" / "MLproject").write_text("conda_env: ../conda.yaml\n")
    assert projects.load(source / "sub", root=source).environment is not None


def test_a_missing_file_is_an_error_with_what_was_probably_meant(tmp_path: Path) -> None:
    (tmp_path / "envs").mkdir()
    (tmp_path / "envs" / "conda.yml").write_text("x: 1\n")

    error = refusal(tmp_path, "name: x\nconda_env: envs/conda.yaml\n")

    assert str(error).endswith("MLproject:2:12: the environment file 'envs/conda.yaml' does not exist")
    assert error.hint == "did you mean 'envs/conda.yml'?"
    assert "add 'zzz.yaml'" in str(refusal(tmp_path, "python_env: zzz.yaml\n").hint)


@pytest.mark.parametrize("value", ["[a]", "1", "{a: b}", "'\\0'", '"a\\0b"', "x" * 5000, "."])
def test_what_is_no_file_name_is_an_error(tmp_path: Path, value: str) -> None:
    assert str(refusal(tmp_path, f"conda_env: {value}\n").place).endswith("MLproject:1:12")


@pytest.mark.parametrize(
    ("first", "second"), [("conda_env: a", "docker_env: {image: x}"), ("python_env: a", "conda_env:")]
)
def test_two_environments_are_an_error_with_both_places(tmp_path: Path, first: str, second: str) -> None:
    error = refusal(tmp_path, f"{first}\nname: x\n{second}\n")

    assert str(error.place).endswith("MLproject:3:1")
    assert "MLproject:1:1" in error.message
    assert error.message.startswith(f"{second.split(':')[0]!r} is a second environment")
    assert error.hint == "keep one of them: MLflow takes no project with two, either"


def test_docker_options_are_kept_as_they_are(tmp_path: Path) -> None:
    text = (
        'docker_env:\n  image: python:3.11\n  volumes: ["$(pwd):/data"]\n  environment: [[A, b], [N, 1], COPIED,'
        ' "K=v"]\n'
    )

    found = project(tmp_path, text).environment

    assert found is not None
    assert found.kind == "docker_env"
    assert found.options["volumes"] == ["$(pwd):/data"]
    assert found.options["environment"] == [["A", "b"], ["N", 1], "COPIED", "K=v"]


@pytest.mark.parametrize(
    ("options", "place", "said"),
    [
        ("{volumes: [a]}", "1:13", "names no image"),
        ("{image: 3}", "1:21", "the image is the number 3"),
        ("python", "1:13", "'docker_env' is the text 'python', expected a mapping"),
        ("{image: x, volumes: a}", "1:33", "'volumes' is the text 'a', expected a list"),
        ("{image: x, volumes: [1]}", "1:34", "a volume is the number 1"),
        ("{image: x, environment: {A: b}}", "1:37", "'environment' is a mapping, expected a list"),
        ("{image: x, environment: [[A]]}", "1:38", "a variable is a list, expected a name or a pair"),
        ("{image: x, environment: [[A, [b]]]}", "1:38", "a variable is a list"),
        ("{image: x, environment: [B, 5]}", "1:41", "a variable is the number 5"),
        ("{image: x, environment: [=v]}", "1:38", "a variable is the text '=v'"),
        ("{dockerfile: [a]}", "1:26", "the dockerfile is a list"),
        ("{build: 3}", "1:21", "'build' is the number 3, expected a mapping"),
        ("{build: {context: [a]}}", "1:31", "'context' of the build is a list"),
        ("{build: {args: 3}}", "1:28", "'args' is the number 3"),
        ("{build: {args: {A: [1]}}}", "1:28", "an argument of the build has no plain name and value"),
        ("{build: {args: [-x=1]}}", "1:28", "an argument of the build has no plain name and value"),
    ],
)
def test_wrong_docker_options_are_errors_with_their_place(tmp_path: Path, options: str, place: str, said: str) -> None:
    error = refusal(tmp_path, f"docker_env: {options}\n")

    assert str(error.place).endswith(f"MLproject:{place}")
    assert said in error.message


def test_an_unknown_docker_option_is_a_warning(tmp_path: Path) -> None:
    assert "did you mean 'volumes'?" in str(project(tmp_path, "docker_env: {image: x, volume: []}\n").warnings[0])
