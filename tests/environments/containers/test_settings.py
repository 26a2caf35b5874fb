"""What is asked of a container, in the engines' words; no engine is needed for that."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from mlproj.cli.run import _engine_options
from mlproj.environments.base import Request
from mlproj.environments.containers import settings
from mlproj.foundation.errors import EnvironmentFailure, InvalidProject, Place, UsageError

PLACE = Place("MLproject", 2, 1)


def read(folder: Path, options: dict[str, Any], **fields: Any) -> settings.Settings:
    return settings.read({"image": "x", **options}, Request(project_dir=folder, root=folder, **fields), PLACE)


@pytest.mark.parametrize(
    "name",
    [
        "python",
        "python:3.11",
        "a.b/c_d/e-f:latest",
        "localhost:5000/x",
        f"x@sha256:{'0' * 64}",
        f"r.io/x:1@sha256:{'a' * 64}",
        f"sha256:{'b' * 64}",
    ],
)
def test_names_of_images(name: str) -> None:
    assert settings.checked_image(name, PLACE) == name


@pytest.mark.parametrize(
    "name", ["", "-v", "--rm", "a b", "a\nb", "a;b", "$(x)", "x@sha256:1", "http://x", ":1", "a//b", "a:"]
)
def test_what_is_no_name_of_an_image(name: str) -> None:
    with pytest.raises(InvalidProject) as refused:
        settings.checked_image(name, PLACE)
    assert refused.value.place == PLACE
    with pytest.raises(UsageError):
        settings.checked_image(name)


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("/a:/b", "/a:/b"),
        ("/a:/b:ro,z", "/a:/b:ro,z"),
        ("./a:/b", "{here}/a:/b"),
        ("../a:/b", "{parent}/a:/b"),
        ("a/b:/c", "{here}/a/b:/c"),
        ("$(pwd):/b", "{here}:/b"),
        ("${PWD}/x:/b", "{here}/x:/b"),
        ("$PWD:/b", "{here}:/b"),
        ("%cd%/d:/b", "{here}/d:/b"),
        ("$PLACE/x:/b", "/place/x:/b"),
        ("${PLACE}:/b", "/place:/b"),
        ("~/x:/b", "{home}/x:/b"),
        ("named:/b", "named:/b"),
        ("there:/b", "{here}/there:/b"),
        ("/b", "/b"),
    ],
)
def test_volumes_as_people_write_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, written: str, meant: str
) -> None:
    monkeypatch.setenv("PLACE", "/place")
    (tmp_path / "there").mkdir()
    known = {"here": str(tmp_path), "parent": str(tmp_path.parent), "home": os.environ.get("HOME", str(Path.home()))}
    assert read(tmp_path, {"volumes": [written]}).volumes == (meant.format(**known),)


def test_the_engines_own_options(tmp_path: Path) -> None:
    given = _engine_options(["gpus=all", "t", "--ipc=host", "v=/a:/b", "env=A=B"])
    found = read(tmp_path, {}, docker_args={**given, "off": False})
    assert found.arguments == ("--gpus=all", "-t", "--ipc=host", "-v", "/a:/b", "--env=A=B")
    assert found.network is None and not found.chooses_user
    chosen = read(tmp_path, {}, docker_args={"network": "host", "u": "7"})
    assert chosen.network == "host" and chosen.chooses_user
    assert read(tmp_path, {}, docker_args={"net": "none"}).network == "none"
    for name in ("", "a b", "x;y", "1"):
        with pytest.raises(UsageError, match="is no option of an engine"):
            settings.arguments({name: True})
    with pytest.raises(UsageError, match="given twice"):
        _engine_options(["a=1", "a=2"])


def test_a_build_is_of_the_projects_own_files(tmp_path: Path) -> None:
    folder = tmp_path / "p"
    (folder / "sub").mkdir(parents=True)
    for name in ("Dockerfile", "sub/Dockerfile", "sub/Other"):
        (folder / name).write_text("FROM x\n")
    request = Request(project_dir=folder, root=folder)

    def built(**options: Any) -> tuple[Path, Path]:
        found = settings.read(options, request, PLACE).build
        assert found is not None
        return found.context.relative_to(folder), found.dockerfile.relative_to(folder)

    assert built(build=".") == (Path(), Path("Dockerfile")) == built(dockerfile="Dockerfile")
    assert built(build={"context": "sub"}) == built(build="sub") == (Path("sub"), Path("sub/Dockerfile"))
    assert built(build={"context": "sub", "dockerfile": "Other"}) == (Path("sub"), Path("sub/Other"))
    assert built(dockerfile="sub/Other") == (Path(), Path("sub/Other"))
    (folder / "link").symlink_to("/etc")
    for outside in ("..", "/", "link", "sub/../.."):
        with pytest.raises(InvalidProject, match="outside of the project's source"):
            settings.read({"build": outside}, request, PLACE)


def test_values_are_text(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HERE", "a=b")
    found = read(
        tmp_path,
        {"environment": [["A", 1], ["B", None], ["C", True], "D=", "HERE", ["E", 1.5]], "gpus": True, "shm_size": 64},
    )
    assert found.variables == {"A": "1", "B": "", "C": "true", "D": "", "HERE": "a=b", "E": "1.5"}
    assert (found.gpus, found.shm_size, read(tmp_path, {"gpus": False}).gpus) == ("all", "64", None)


def test_a_variable_that_every_run_sets_need_not_be_set_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("MLFLOW_TRACKING_URI", "OTHER"):
        monkeypatch.delenv(name, raising=False)

    assert read(tmp_path, {"environment": ["MLFLOW_TRACKING_URI"]}).variables == {}
    with pytest.raises(EnvironmentFailure, match="OTHER"):
        read(tmp_path, {"environment": ["MLFLOW_TRACKING_URI", "OTHER"]})
